"""Theano expressions that several parts need."""

from theano import tensor


def l2_norm(tensors, squared=False):
    """Euclidean norm, or its square, of several tensors taken as one vector."""
    # Stacked, so that single precision is added up in double, and rounded once.
    squares = [tensor.sqr(tensor.as_tensor_variable(t)).sum() for t in tensors]
    total = tensor.stack(squares).sum()
    return total if squared else tensor.sqrt(total)
