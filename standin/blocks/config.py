"""The settings that the covered parts read."""

import os
from types import SimpleNamespace

config = SimpleNamespace(
    # Seeds the bricks that are given no seed of their own.
    default_seed=int(os.environ.get("BLOCKS_DEFAULT_SEED", 1)),
    # Python's limit while the main loop runs; Theano works on graphs recursively.
    recursion_limit=10000,
    # Upstream prints a profile with this; here it does nothing.
    profile=False,
)
