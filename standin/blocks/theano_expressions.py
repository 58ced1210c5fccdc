"""Theano expressions that several parts need."""

from theano import tensor


def l2_norm(tensors):
    """Euclidean norm of several tensors taken as one vector."""
    # Stacked, so that single precision is added up in double, and rounded once.
    squares = [tensor.sqr(tensor.as_tensor_variable(t)).sum() for t in tensors]
    return tensor.sqrt(tensor.stack(squares).sum())
