"""Small helpers: shared variables, dictionaries, lists."""

import contextlib
import sys
from collections import OrderedDict

import numpy
import theano
from theano import tensor
from theano.compile import SharedVariable


def pack(arg):
    """A list of `arg`: lists and tuples stay what they hold, the rest is one item."""
    return list(arg) if isinstance(arg, (list, tuple)) else [arg]


def unpack(arg, singleton=False):
    """The only item of a list, or with several items the list as it is.

    Raises
    ------
    ValueError
        If `singleton` and there is not exactly one item.
    """
    if isinstance(arg, (list, tuple)):
        if len(arg) == 1:
            return arg[0]
        if singleton:
            raise ValueError(f"Expected a singleton, got {arg}")
    return arg


def dict_subset(dict_, keys, pop=False, must_have=True):
    """The part of a dictionary under some keys, in the order of the keys.

    Parameters
    ----------
    dict_ : dict
    keys : iterable
    pop : bool
        Remove what is returned from `dict_`.
    must_have : bool
        Raise a KeyError for a key that is missing, instead of leaving it out.

    Returns
    -------
    OrderedDict
    """
    take = dict_.pop if pop else dict_.__getitem__
    return OrderedDict((key, take(key)) for key in keys if must_have or key in dict_)


def dict_union(*dicts, **kwargs):
    """One ordered dictionary of several that have no key in common.

    Raises
    ------
    ValueError
        If a key appears twice.
    """
    union = OrderedDict()
    for dict_ in dicts + (kwargs,):
        twice = set(union) & set(dict_)
        if twice:
            raise ValueError(f"dictionaries share the keys {sorted(map(str, twice))}")
        union.update(dict_)
    return union


def repr_attrs(instance, *attrs):
    """The usual ``<module.Class object at ...>`` followed by some attributes."""
    shown = ", ".join(f"{attr}={getattr(instance, attr)}" for attr in attrs)
    text = object.__repr__(instance)
    return f"{text[:-1]}: {shown}>" if attrs else text


@contextlib.contextmanager
def change_recursion_limit(limit):
    """Raise Python's recursion limit within a ``with`` statement; None: do not."""
    before = sys.getrecursionlimit()
    if limit is not None:
        sys.setrecursionlimit(max(limit, before))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def find_bricks(top_bricks, predicate):
    """All bricks at and below `top_bricks` for which a predicate holds.

    Parameters
    ----------
    top_bricks : list of :class:`~blocks.bricks.Brick`
    predicate : callable

    Returns
    -------
    list of :class:`~blocks.bricks.Brick`
        Breadth first, each once.
    """
    queue = list(top_bricks)
    for brick in queue:  # which grows while we walk
        queue.extend(child for child in brick.children if child not in queue)
    return [b for i, b in enumerate(queue) if predicate(b) and b not in queue[:i]]


def shared_floatx(value, name=None, borrow=False, dtype=None, **kwargs):
    """A shared variable of type floatX.

    Parameters
    ----------
    value : array_like
    name : str, optional
    borrow : bool
        As for :func:`theano.shared`.
    dtype : str, optional
        Instead of floatX.

    Returns
    -------
    :class:`~theano.tensor.TensorSharedVariable`
    """
    value = numpy.asarray(value, dtype=dtype or theano.config.floatX)
    return theano.shared(value, name=name, borrow=borrow, **kwargs)


def shared_floatx_zeros(shape, **kwargs):
    """A shared variable of zeros."""
    return shared_floatx(numpy.zeros(shape), **kwargs)


def shared_floatx_nans(shape, **kwargs):
    """A shared variable of NaN, so that nobody forgets to initialise it."""
    return shared_floatx(numpy.full(shape, numpy.nan), **kwargs)


def shared_floatx_zeros_matching(shared_variable, name=None, **kwargs):
    """Zeros in the shape and broadcast pattern of a shared variable."""
    shape = shared_variable.get_value(borrow=True, return_internal_type=True).shape
    pattern = getattr(shared_variable, "broadcastable", (False,) * len(shape))
    return shared_floatx_zeros(shape, name=name, broadcastable=pattern, **kwargs)


def shared_like(variable, name=None, **kwargs):
    """A shared variable of the type of `variable`, empty along its open axes."""
    variable = tensor.as_tensor_variable(variable)
    shape = [1 if wide else 0 for wide in variable.broadcastable]
    return theano.shared(
        numpy.zeros(shape, dtype=variable.dtype),
        name=name or variable.name,
        broadcastable=variable.broadcastable,
        **kwargs,
    )


def is_shared_variable(variable):
    """Whether `variable` is a Theano shared variable."""
    return isinstance(variable, SharedVariable)


def is_graph_input(variable):
    """Whether `variable` is a value to be given: not computed, shared, constant."""
    return not (
        variable.owner
        or is_shared_variable(variable)
        or isinstance(variable, theano.Constant)
    )


def check_theano_variable(variable, n_dim, dtype_prefix):
    """Check the number of dimensions and the kind of dtype of a variable.

    Parameters
    ----------
    variable : :class:`~theano.Variable` or convertible to one
    n_dim : int or None
    dtype_prefix : str or None
        For example ``float``.

    Raises
    ------
    ValueError
        If one of them differs.
    """
    variable = tensor.as_tensor_variable(variable)
    if n_dim is not None and variable.ndim != n_dim:
        raise ValueError(f"expected {n_dim} dimensions, got {variable.ndim}")
    if dtype_prefix is not None and not variable.dtype.startswith(dtype_prefix):
        raise ValueError(f"expected a {dtype_prefix} type, got {variable.dtype}")
