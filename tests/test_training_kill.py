"""SIGKILL at random moments, checkpoints being written all the time.

``KILLS=50 ./reproduce test tests/test_training_kill.py`` kills more often than CI does.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.test_training_loop import Loop, rows_on_disk

ROOT = Path(__file__).resolve().parent.parent
KILLS = int(os.environ.get("KILLS", 5))
EPOCHS = 40
CODE = f"""
import sys
sys.path.insert(0, sys.argv[2])
from training import theano_flags
theano_flags.configure("cpu", "float64")
from tests.test_training_loop import Loop
Loop(sys.argv[1], epochs={EPOCHS}, resume=True, minutes=1e-6).run()
"""


def start(path):
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(path), str(ROOT)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )


def test_kills_change_nothing(tmp_path):
    whole = Loop(tmp_path / "whole", epochs=EPOCHS).run()
    moments = random.Random(1)
    killed = 0
    for _ in range(KILLS):
        process = start(tmp_path / "run")
        for line in process.stdout:
            if line.startswith("Compiled"):
                break
        else:
            break  # it has nothing left to do
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process.communicate()
        killed += process.returncode == -9
    assert killed >= min(KILLS, 3)
    last = start(tmp_path / "run")
    _, errors = last.communicate(timeout=300)
    assert last.returncode == 0, errors
    if "Traceback" in errors:
        pytest.fail(errors)
    resumed = Loop(tmp_path / "run", epochs=EPOCHS, resume=True)
    assert resumed.result[1] == whole.result[1]
    saved = {name: array.tobytes() for name, array in resumed.folder.arrays.items()}
    assert saved == whole.result[0]
    assert rows_on_disk(tmp_path / "run") == resumed.history.rows
