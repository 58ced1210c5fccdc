"""The settings that the covered parts read."""

import os
from types import SimpleNamespace

config = SimpleNamespace(
    # Seeds the bricks that are given no seed of their own.
    default_seed=int(os.environ.get("BLOCKS_DEFAULT_SEED", 1)),
    recursion_limit=10000,
    profile=False,  # does nothing here
)
