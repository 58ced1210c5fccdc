"""Small helpers: lists, representations, shared variables."""

import contextlib
import sys

import numpy
import theano
from theano.compile import SharedVariable


def pack(arg):
    """A list of `arg`: lists and tuples stay what they hold, the rest is one item."""
    return list(arg) if isinstance(arg, (list, tuple)) else [arg]


def unpack(arg, singleton=False):
    """The only item of a list, or, unless it has to be a singleton, the list."""
    items = pack(arg)
    if singleton and len(items) != 1:
        raise ValueError(f"Expected a singleton, got {arg}")
    return items[0] if len(items) == 1 else items


def repr_attrs(instance, *attrs):
    """The usual ``<module.Class object at ...>`` followed by some attributes."""
    shown = ", ".join(f"{attr}={getattr(instance, attr)}" for attr in attrs)
    return f"{object.__repr__(instance)[:-1]}: {shown}>"


@contextlib.contextmanager
def change_recursion_limit(limit):
    """Raise Python's recursion limit within a ``with`` statement."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, before))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def shared_floatx(value, name=None, borrow=False, dtype=None, **kwargs):
    """A shared variable of type floatX, or `dtype`."""
    value = numpy.asarray(value, dtype=dtype or theano.config.floatX)
    return theano.shared(value, name=name, borrow=borrow, **kwargs)


def shared_floatx_zeros(shape, **kwargs):
    """A shared variable of zeros."""
    return shared_floatx(numpy.zeros(shape), **kwargs)


def shared_floatx_nans(shape, **kwargs):
    """A shared variable of NaN, so that nobody forgets to initialise it."""
    return shared_floatx(numpy.full(shape, numpy.nan), **kwargs)


def shared_floatx_zeros_matching(shared_variable, name):
    """Zeros in the shape and broadcast pattern of a shared variable."""
    shape = shared_variable.get_value(borrow=True, return_internal_type=True).shape
    pattern = shared_variable.broadcastable
    return shared_floatx_zeros(shape, name=name, broadcastable=pattern)


def shared_like(variable):
    """A shared variable of the type of `variable`, empty along its open axes."""
    value = numpy.zeros([int(wide) for wide in variable.broadcastable], variable.dtype)
    return theano.shared(
        value, name=variable.name, broadcastable=variable.broadcastable
    )


def is_shared_variable(variable):
    """Whether `variable` is a Theano shared variable."""
    return isinstance(variable, SharedVariable)


def is_graph_input(variable):
    """Whether `variable` is a value to be given: not computed, shared, constant."""
    return variable.owner is None and not isinstance(
        variable, (SharedVariable, theano.Constant)
    )
