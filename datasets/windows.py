"""Windows of a long sequence, as a Fuel data set."""

import numpy
from fuel.datasets import Dataset

from common.errors import RunError


class Windows(Dataset):
    """Windows of a sequence, cut out when they are asked for.

    The sequence is held once, at one byte per symbol; no window is stored.

    Parameters
    ----------
    symbols : ndarray
        ``uint8``, ``(time,)``.
    length : int
        Number of symbols in a window.

    Notes
    -----
    A request is the list (or array) of the windows' first positions. Batches are
    ``(length, batch)``, time first as in Blocks' recurrent bricks, and ``int32``:
    Theano's cross entropy takes no ``uint8`` targets.

    """

    provides_sources = ("symbols",)

    def __init__(self, symbols, length, **kwargs):
        if length < 1:
            raise ValueError(f"length is {length}: use 1 or more")
        if len(symbols) < length:
            raise RunError(
                f"{len(symbols)} symbols are too few for one window of {length}: use "
                "a smaller length"
            )
        kwargs.setdefault("axis_labels", {"symbols": ("time", "batch")})
        super().__init__(**kwargs)
        self.symbols = numpy.asarray(symbols)
        self.length = length

    @property
    def num_examples(self):
        """Number of windows that do not overlap, from the first symbol on."""
        return len(self.symbols) // self.length

    def get_data(self, state=None, request=None):
        """Cut out the windows that start at the positions in `request`."""
        starts = numpy.asarray(request, dtype="int64")
        positions = numpy.arange(self.length)[:, None] + starts
        return self.filter_sources((self.symbols[positions].astype("int32"),))
