"""The settings that the covered parts read."""

import os


class Configuration:
    """Plain attributes; change them before the objects that read them are made.

    Attributes
    ----------
    default_seed : int
        Seeds the bricks that are given no seed of their own. The environment
        variable ``BLOCKS_DEFAULT_SEED`` sets it.
    recursion_limit : int
        Python's recursion limit while the main loop runs; Theano compiles deep
        graphs recursively.
    """

    def __init__(self):
        self.default_seed = int(os.environ.get("BLOCKS_DEFAULT_SEED", 1))
        self.recursion_limit = 10000


config = Configuration()
