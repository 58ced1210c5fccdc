"""What strikes a run, in training or before, changes nothing of its outcome.

``python -m tests.kill --times 50`` kills more often than is done here.
"""

import json
import os
import pty
import random
import signal
import subprocess
import sys

import pytest

from tests import kill, small

KILLS = {"ptb": 3, "draw": 2}
EPOCHS = 25


@pytest.mark.parametrize("experiment", small.EXPERIMENTS)
def test_a_hard_life(experiment, tmp_path):
    """Ctrl-C, SIGTERM and SIGKILL; each time the run is continued."""
    whole = kill.finish(experiment, tmp_path / "whole", "--epochs", EPOCHS)
    path = small.folder(experiment, tmp_path / "hard")

    def start():
        return small.start(
            experiment, tmp_path / "hard", "--epochs", EPOCHS, *kill.ALWAYS
        )

    def stop(process, number):
        process.send_signal(number)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 128 + number, errors
        assert "Traceback" not in errors
        facts = json.loads((path / "run.json").read_text())
        assert facts["status"] == "stopped"
        return output

    process = start()
    assert small.wait_for(process, "Compiling")
    stop(process, signal.SIGINT)
    assert not (path / "state.npz").exists()
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start()
        assert small.wait_for(process, "epoch "), process.stderr.read()
        before = kill.saved(path)
        assert "--resume to go on" in stop(process, number)
        assert kill.saved(path) >= before >= 1
    moments = random.Random(1)
    for _ in range(KILLS[experiment]):
        where = kill.kill(experiment, tmp_path / "hard", EPOCHS, moments)
        assert where is not None, "it has come to its end"
    more = ("--epochs", EPOCHS, "--resume")
    assert kill.finish(experiment, tmp_path / "hard", *more) == whole


def test_the_terminal_is_closed(tmp_path):
    """Which takes the output away and sends SIGHUP: the run saves all the same."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup would have it ignored
    terminal, slave = pty.openpty()
    results = tmp_path / "closed"
    # So many epochs that it is still training when the signal comes.
    process = small.start("ptb", results, "--epochs", 100000, output=slave)
    os.close(slave)
    said = b""
    while b"\nepoch " not in said:
        said += os.read(terminal, 1024)
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=300) == 128 + signal.SIGHUP
    path = small.folder("ptb", results)
    facts = json.loads((path / "run.json").read_text())
    assert (facts["status"], facts["error"]) == ("stopped", None)
    epochs = ("--epochs", len(small.rows(path)) + 1)
    whole = kill.finish("ptb", tmp_path / "whole", *epochs)
    assert kill.finish("ptb", results, *epochs, "--resume") == whole


def test_the_reader_of_the_output_ends(tmp_path):
    """`| head`, a pager, tee on a full disk: training goes on to its end."""
    process = small.start("ptb", tmp_path, "--epochs", 3)
    assert small.wait_for(process, "Compiling")
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=300) == 0
    facts = json.loads((small.folder("ptb", tmp_path) / "run.json").read_text())
    assert (facts["status"], facts["best"]["epoch"] > 0) == ("finished", True)


PRODUCTS = """
import signal, sys, time
import numpy
from common import theano_flags
theano_flags.configure("cpu", "float32")
import theano
from theano import tensor

signals = []
signal.signal(signal.SIGALRM, lambda *about: signals.append(1))
x, w = tensor.fmatrices("x", "w")
product = theano.function([x, w], tensor.dot(x, w))
random = numpy.random.RandomState(1)
a, b = (random.randn(*shape).astype("float32") for shape in ((64, 1000), (1000, 4000)))
undisturbed = product(a, b)
signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
until = time.monotonic() + 2
while time.monotonic() < until:
    assert numpy.array_equal(product(a, b), undisturbed), "a signal changed a product"
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(signals))
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_signal_within_a_product(threads):
    """oneDNN's products are wrong, and the heap destroyed, if a handler runs in one."""
    process = subprocess.run(
        [sys.executable, "-c", PRODUCTS],
        env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert int(process.stdout) > 20
