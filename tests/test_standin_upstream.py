"""Upstream's own tests on the installed `blocks`, where a clone of it is given."""

import os
import subprocess
import sys

import pytest

from common import ROOT

STANDIN = ROOT / "standin"
CLONE = "REPRODUCE_BLOCKS_CLONE"


def test_upstreams_tests():
    clone = os.environ.get(CLONE)
    if not clone:
        pytest.skip(f"{CLONE} names no clone of upstream Blocks")
    done = subprocess.run(
        [sys.executable, str(STANDIN / "upstream_tests.py"), clone],
        env={**os.environ, "THEANO_FLAGS": "mode=FAST_COMPILE"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed == 51, done.stdout


def test_what_is_left_out_has_its_reason():
    lines = (STANDIN / "excluded.txt").read_text().splitlines()
    names = [line for line in lines if line.startswith("tests/")]
    assert names
    for line in names:
        name, _, reason = line.partition(" ")
        assert reason.strip(), f"{name} is left out without a reason"
    readme = (STANDIN / "README.md").read_text()
    assert "excluded.txt" in readme and CLONE in readme
