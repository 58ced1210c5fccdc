"""A run on upstream Blocks and the same run on the stand-in end with the same numbers.

Needs a clone of upstream at the pinned commit, which ``REPRODUCE_BLOCKS_CLONE`` names.
"""

import json
import os
import subprocess
import sys

import pytest

from common import ROOT
from runs.best import load_parameters

CLONE = os.environ.get("REPRODUCE_BLOCKS_CLONE")
RUN = (
    "--sample --model norm_prop --units 32 --length 50 --batch-size 16 --epochs 1 "
    "--batches-per-epoch 200 --device cpu"
)


def train(blocks, precision, folder):
    """Train for 200 updates on the `blocks` in a folder; return what is left."""
    command = [sys.executable, str(ROOT / "ptb_experiment.py"), *RUN.split()]
    command += ["--floatX", precision, "--results-dir", str(folder)]
    subprocess.run(
        command, env=dict(os.environ, PYTHONPATH=str(blocks)), check=True, timeout=900
    )
    (run,) = folder.iterdir()
    facts = json.loads((run / "run.json").read_text())
    row = json.loads((run / "metrics.jsonl").read_text())
    return facts["blocks"]["standin"], row, load_parameters(run / "best.npz")


@pytest.mark.skipif(
    not CLONE, reason="REPRODUCE_BLOCKS_CLONE names no clone of upstream Blocks"
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_200_updates(precision, tmp_path):
    ours = train(ROOT / "standin", precision, tmp_path / "standin")
    theirs = train(CLONE, precision, tmp_path / "upstream")
    assert (ours[0], theirs[0]) == (True, False)
    for name in ("train_bpc", "valid_bpc"):
        assert abs(ours[1][name] - theirs[1][name]) < 1e-4
    if precision == "float64":
        assert list(ours[2]) == list(theirs[2])
        for name, array in theirs[2].items():
            assert abs(ours[2][name] - array).max() < 1e-10, name
