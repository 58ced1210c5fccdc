"""Theano expressions that several parts need."""

from theano import tensor


def l2_norm(tensors, squared=False):
    """Euclidean norm of several tensors taken as one vector.

    Parameters
    ----------
    tensors : iterable of :class:`~theano.Variable`
    squared : bool
        Leave out the square root.

    Returns
    -------
    :class:`~theano.Variable`
        A scalar.
    """
    total = sum(tensor.sqr(tensor.as_tensor_variable(t)).sum() for t in tensors)
    return total if squared else tensor.sqrt(total)
