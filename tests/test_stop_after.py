"""``--stop-after``: slots of any length give what one run without a break gives."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest

import draw_experiment
import ptb_experiment
from tests.modes import fast_compile
from training import extensions
from training.interrupt import TIME_IS_OVER, Interrupted, Interrupts

ROOT = Path(__file__).resolve().parent.parent
TINY = "--sample --units 4 --epochs 2 --batches-per-epoch 4 --floatX float64"
EXPERIMENTS = {
    "ptb": (ptb_experiment, "--length 20 --batch-size 16"),
    "draw": (draw_experiment, "--glimpses 2 --latent-dim 2 --batch-size 64"),
}
# How many of the 8 updates are done at the end of each slot but the last: none, for
# the time was over in compilation; all of the first epoch, but no validation; and
# some of the second.
SLOTS = {"ptb": (0, 4, 5), "draw": (2, 5)}


def arguments(name, results):
    words = f"{TINY} {EXPERIMENTS[name][1]} --device cpu --results-dir {results}"
    return words.split()


def figures(results):
    """The figures of each epoch, the saved arrays, and how the run ended."""
    (run,) = results.iterdir()
    lines = (run / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        del row["seconds"]
    state = dict(numpy.load(str(run / "state.npz")))
    del state["record"]
    arrays = {name: array.tobytes() for name, array in state.items()}
    return rows, arrays, json.loads((run / "run.json").read_text())["status"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_slots_change_nothing(name, tmp_path, monkeypatch, capfd):
    program = EXPERIMENTS[name][0]
    check, compiled = extensions.Meter.check, extensions.Resume.do
    end = None

    def alarm(updates):
        if updates == end:
            os.kill(os.getpid(), signal.SIGALRM)

    def counted(meter):
        check(meter)
        alarm(meter.history.updates)

    def resumed(resume, *args):
        # While the main loop starts, and functions are compiled.
        alarm(0)
        compiled(resume, *args)

    monkeypatch.setattr(extensions.Meter, "check", counted)
    monkeypatch.setattr(extensions.Resume, "do", resumed)
    # Pictures take long.
    monkeypatch.setattr("experiments.drawing.best_epoch", lambda *args: None)
    with fast_compile():
        whole, slots = tmp_path / "whole", tmp_path / "slots"
        assert program.main(arguments(name, whole)) == 0
        words = [*arguments(name, slots), "--resume", "--stop-after", "60"]
        for end in SLOTS[name]:
            assert program.main(words) == TIME_IS_OVER
            said = capfd.readouterr()
            epochs = [1] if end > 4 else []
            assert f"Stopped after update {end}, in epoch {1 + len(epochs)}" in said.out
            assert "60 minutes of --stop-after are over" in said.out
            assert "--stop-after: stopping" in said.err
            if end:
                rows, _, status = figures(slots)
                assert ([row["epoch"] for row in rows], status) == (epochs, "stopped")
        end = None
        # Neither the time left nor its absence is part of what the run is.
        assert program.main(words[:-2]) == 0
    assert figures(slots) == figures(whole)
    assert figures(slots)[2] == "finished"
    capfd.readouterr()
    assert program.main(words) == 0
    said = capfd.readouterr().out
    assert "is finished: 2 epochs are done" in said and "Compiling" not in said


def start(*words):
    command = [sys.executable, str(ROOT / "ptb_experiment.py"), *words]
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def test_the_time_of_the_clock(tmp_path):
    """Nine seconds are over while it compiles or trains, which is not for long."""
    words = arguments("ptb", tmp_path)
    before = time.monotonic()
    done = start(*words, "--epochs", "100000", "--stop-after", "0.15")
    assert 9 <= time.monotonic() - before < 60
    assert done.returncode == TIME_IS_OVER, done.stdout
    assert "0.15 minutes of --stop-after are over" in done.stdout
    assert "Traceback" not in done.stdout
    (run,) = tmp_path.iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "stopped"


def test_at_once_where_work_can_be_dropped():
    with Interrupts(stop_after=0.2 / 60) as interrupts:
        before = time.monotonic()
        with pytest.raises(Interrupted), interrupts.at_once():
            time.sleep(30)
        assert 0.15 < time.monotonic() - before < 5
        assert interrupts.time_is_over
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_signal_from_outside_tells_the_status_and_does_not_kill():
    """docker stop in the moment in which the time is over: the state is still saved."""
    with Interrupts(stop_after=60) as interrupts, interrupts.deferred():
        os.kill(os.getpid(), signal.SIGALRM)
        assert interrupts.exit_status == TIME_IS_OVER
        interrupts._when -= 10
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGALRM)
        assert interrupts.exit_status == 143


def test_evaluation_has_no_slots(capfd):
    with pytest.raises(SystemExit) as caught:
        ptb_experiment.main("--evaluate results/x --stop-after 5".split())
    assert caught.value.code == 2
    assert "--stop-after is for training" in capfd.readouterr().err


def test_the_score_of_table_2_is_not_computed_twice(tmp_path, monkeypatch):
    words = [*arguments("ptb", tmp_path), "--regularise"]
    calls = []

    def score(brick, sequence):
        calls.append(len(sequence))
        return 2.0, 0.0

    monkeypatch.setattr("experiments.sequence.score", score)
    with fast_compile():
        assert ptb_experiment.main([*words, "--epochs", "1"]) == 0
        assert ptb_experiment.main([*words, "--epochs", "1", "--resume"]) == 0
        assert len(calls) == 1
        path = tmp_path / "ptb-norm_prop-1" / "evaluation.json"
        evaluation = json.loads(path.read_text())
        assert (evaluation["test_sequence_bpc"], evaluation["epoch"]) == (2.0, 1)
        # The score of another epoch is none of the best one.
        path.write_text(json.dumps({**evaluation, "epoch": 0}))
        assert ptb_experiment.main([*words, "--epochs", "1", "--resume"]) == 0
    assert len(calls) == 2 and json.loads(path.read_text())["epoch"] == 1
