"""Theano expressions that several parts need."""

from theano import tensor


def l2_norm(tensors, squared=False):
    """Euclidean norm, or its square, of several tensors taken as one vector."""
    total = sum(tensor.sqr(tensor.as_tensor_variable(t)).sum() for t in tensors)
    return total if squared else tensor.sqrt(total)
