"""Every test runs in float64 with one shared compile cache."""

import os
from pathlib import Path

import pytest

from training import theano_flags

theano_flags.configure("cpu", "float64")

SHARED = Path(
    os.environ.get("REPRODUCE_SHARED", Path(__file__).resolve().parents[2] / "shared")
)


@pytest.fixture(scope="session")
def shared_data():
    """The folder with the real corpora, which only developers and CI have."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"the real corpora are not at {folder}")
    return folder
