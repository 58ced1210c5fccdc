"""Compile without C code, where a test is about numbers and not about speed."""

from contextlib import contextmanager

from theano.compile import mode
from theano.configparser import change_flags


@contextmanager
def fast_compile():
    """Within this block functions run NumPy code and compile in a second.

    Theano keeps the first default mode that it makes, whatever the flag says later,
    so it is made to forget it.
    """
    try:
        with change_flags(mode="FAST_COMPILE"):
            mode.instantiated_default_mode = None
            yield
    finally:
        mode.instantiated_default_mode = None
