"""Compile without C code, where a test is about numbers and not about speed."""

from contextlib import contextmanager

from theano import scalar, tensor
from theano.compile import mode
from theano.configparser import change_flags


@contextmanager
def fast_compile():
    """Within this block functions run NumPy code and compile in a second.

    Theano keeps the first default mode that it makes, whatever the flag says later,
    so it is made to forget it.
    """
    try:
        with change_flags(mode="FAST_COMPILE"), reproducible():
            mode.instantiated_default_mode = None
            yield
    finally:
        mode.instantiated_default_mode = None


@contextmanager
def reproducible():
    """Within this block exp and log are computed one number at a time.

    On CPUs with AVX-512 NumPy 1.19 rounds those of a column of a matrix one way or
    the other, by where in memory the result happens to lie, so that one run in ten
    would differ from the others. Theano's C code does not do this.
    """
    settings = [
        (op, name, getattr(op, name))
        for op in (scalar.exp, scalar.log, tensor.exp, tensor.log)
        for name in ("nfunc_spec", "nfunc")
        if hasattr(op, name)
    ]
    for op, name, _ in settings:
        setattr(op, name, None)
    try:
        yield
    finally:
        for op, name, value in settings:
            setattr(op, name, value)
