"""The code is formatted by black and passes ruff, with pyproject.toml's settings."""

import subprocess
import sys

import pytest

from common import ROOT


@pytest.mark.parametrize("command", ["black --check --quiet --diff", "ruff check"])
def test_style(command):
    # `reproduce` is named, for without an ending neither tool finds it.
    words = [sys.executable, "-m", *command.split(), ".", "reproduce"]
    done = subprocess.run(
        words, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout.decode()
