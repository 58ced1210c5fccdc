"""Every test runs in float64 with one shared compile cache."""

import os
import signal
from pathlib import Path

# Threads only wait for each other with matrices as small as these, most of all
# where other processes want the cores; it has to be said before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell has background jobs ignore SIGINT, and the programs under test inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402

from common import theano_flags  # noqa: E402

theano_flags.configure("cpu", "float64")

from engine.compilation import compile_faster  # noqa: E402

compile_faster()

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


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory):
    """The folder of a finished small run of each experiment, of 3 epochs."""
    from tests import kill, small

    results = tmp_path_factory.mktemp("small")
    for experiment in small.EXPERIMENTS:
        kill.finish(experiment, results, "--epochs", 3, hashseed=1)
    return {e: small.folder(e, results) for e in small.EXPERIMENTS}
