"""`ptb_experiment.py` from the command line to the run folder, at a tiny size."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest

import ptb_experiment
from experiments import ptb_options
from experiments.generation import choose
from runs.facts import archive_commit
from tests import lstm_reference, small

ROOT = Path(__file__).resolve().parent.parent
TINY = (
    "--sample --units 4 --length 20 --batch-size 16 --batches-per-epoch 400 "
    "--epochs 2 --floatX float64 --device cpu"
).split()


def run(*arguments):
    """Run in this process; return the exit status."""
    return ptb_experiment.main([str(argument) for argument in arguments])


def start(*arguments):
    """Start a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "ptb_experiment.py"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        # An order of sets and dictionaries other than in this process.
        env={**os.environ, "PYTHONHASHSEED": "random"},
    )


def wait_for(process, text):
    """Read the process's output up to the line that starts with `text`."""
    for line in process.stdout:
        if line.startswith(text):
            return
    pytest.fail(f"no line {text!r}; the process said {process.stderr.read()}")


def rows(path):
    lines = (path / "metrics.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name != "seconds"}
        for line in lines
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with a finished run."""
    results = tmp_path_factory.mktemp("results")
    assert run(*TINY, "--results-dir", results) == 0
    return results


@pytest.fixture
def finished(results):
    return results / "ptb-norm_prop-1"


def test_the_run_folder(finished):
    facts = json.loads((finished / "run.json").read_text())
    assert facts["status"] == "finished"
    assert facts["seed"] == 1 and facts["device"] == "cpu"
    assert facts["data"]["sample"] is True and facts["data"]["checksums"]
    assert facts["configuration"]["model"] == "norm_prop"
    assert facts["versions"]["theano"] == "1.0.5"
    assert facts["blocks"]["version"] and facts["host"]["blas"]
    assert 1e8 < facts["peak_memory"] < 4e9  # bytes
    known = archive_commit()
    assert facts["archive"] == known and (known is None or len(known) >= 7)
    log = [json.loads(x) for x in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [(row["epoch"], row["updates"]) for row in log] == [(1, 400), (2, 800)]
    assert all(row["seconds"] > 0 for row in log)
    assert facts["best"] == min(log, key=lambda row: row["valid_bpc"])
    # 37 symbols: guessing costs 5.2 bits.
    assert log[1]["train_bpc"] < log[0]["train_bpc"] < 5.2
    assert (finished / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_other_readings():
    def built(*arguments):
        options = ptb_options.parse(["--units", "6", *arguments])
        return ptb_experiment.build_model(options, 7)

    def norms(matrix):
        return (matrix.get_value() ** 2).sum(axis=0)

    plain, bound = built("--model", "baseline"), built(
        "--model=baseline", "--unit-norms"
    )
    assert plain.unit_norm_parameters == []
    matrices = [bound.input_term.linear.W, bound.lstm.W_h]
    assert bound.unit_norm_parameters == matrices
    for matrix in matrices:
        numpy.testing.assert_allclose(norms(matrix), 1)
    assert norms(plain.input_term.linear.W).sum() == pytest.approx(7)

    assert built("--softmax-gamma", "none").readout.initial_gamma is None
    # W_h as a whole has orthonormal rows, which the unit norms of norm_prop undo.
    whole = built("--model", "baseline", "--recurrent-init", "whole").lstm.W_h
    W = whole.get_value()
    numpy.testing.assert_allclose(W.dot(W.T), numpy.eye(6), atol=1e-12)


def test_evaluate_agrees_with_the_log(finished, capsys):
    assert run("--evaluate", finished, "--device", "cpu") == 0
    said = capsys.readouterr().out
    scores = json.loads((finished / "evaluation.json").read_text())
    best = json.loads((finished / "run.json").read_text())["best"]
    assert scores["valid_bpc"] == pytest.approx(best["valid_bpc"], rel=1e-12)
    assert f"{scores['test_bpc']:.4f}" in said


def test_batch_norm_is_scored_with_three_kinds_of_statistics(tmp_path, capsys):
    """As the log has it, with the batch's own against NumPy, and the exact ones."""
    words = "--model batch_norm --output-dropout 0 --epochs 2"
    command = small.arguments("ptb", tmp_path, *words.split())
    assert small.main("ptb", command) == 0
    said = capsys.readouterr().out
    path = tmp_path / "ptb-batch_norm-1"
    scores = json.loads((path / "evaluation.json").read_text())
    best = json.loads((path / "run.json").read_text())["best"]
    moving, own = scores["moving_average"], scores["batch"]
    assert moving["valid_bpc"] == pytest.approx(best["valid_bpc"], rel=1e-12)

    arrays = dict(numpy.load(str(path / "best.npz")))
    p = {name.rpartition("/")[2]: array for name, array in arrays.items()}
    for name, own_name in (
        ("linear.W", "W_x"),
        ("norm.gamma", "gamma_x"),
        ("lstm.initial_state", "h0"),
        ("lstm.initial_cells", "c0"),
    ):
        p[own_name] = p[name]
    for name in ("W_h", "b", "gamma_h", "gamma_c", "beta_c"):
        p[name] = p[f"lstm.{name}"]
    bits = []
    windows = small.corpus().valid.reshape(10, 5)
    for batch in (windows[:8].T, windows[8:].T):
        inputs = numpy.eye(5)[batch[:-1]] @ p["encoding.W"]
        states, _ = lstm_reference.run("batch_norm", p, inputs)
        probabilities = numpy.exp(states @ p["readout.W"] + p["readout.b"])
        probabilities /= probabilities.sum(axis=-1, keepdims=True)
        wanted = numpy.take_along_axis(probabilities, batch[1:][..., None], axis=-1)
        bits.extend(-numpy.log2(wanted).ravel())
    assert own["valid_bpc"] == pytest.approx(numpy.mean(bits), rel=1e-9)

    figures = [scores["valid_bpc"], moving["valid_bpc"], own["valid_bpc"]]
    assert len({f"{figure:.4f}" for figure in figures}) == 3
    for figure, kind in zip(figures, ("exact", "a moving average", "the batch's own")):
        assert f"{figure:.4f} bpc in windows of 5, statistics: {kind}" in said
    # A finished run is not scored again.
    assert small.main("ptb", [*command, "--resume"]) == 0
    assert "statistics" not in capsys.readouterr().out


def test_generate(finished, capsys):
    command = ("--evaluate", finished, "--generate", 20, "--prime", "the ")
    texts = []
    for seed in (1, 1, 2):
        assert run(*command, "--seed", seed) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith("the ") and len(texts[0]) == 4 + 20 + 1
    assert (finished / "sample.txt").read_text() + "\n" == texts[-1]


def test_temperature():
    log_p = numpy.log([0.5, 0.3, 0.2])
    random = numpy.random.RandomState(0)
    assert choose(log_p, 0, random) == 0
    draws = [choose(log_p, 0.5, random) for _ in range(20000)]
    # p^2, normalised: 0.25, 0.09 and 0.04 over 0.38.
    expected = numpy.array([0.25, 0.09, 0.04]) / 0.38
    counts = numpy.bincount(draws, minlength=3) / 20000
    numpy.testing.assert_allclose(counts, expected, atol=0.015)


def test_a_finished_run_has_nothing_to_resume(finished, results, capsys):
    before = rows(finished)
    assert run(*TINY, "--results-dir", results, "--resume") == 0
    assert rows(finished) == before
    said = capsys.readouterr().out
    assert "is finished: 2 epochs are done" in said and "Compiling" not in said


@pytest.mark.parametrize(
    "more, reason",
    [
        ([], "continue that run with --resume"),
        (
            ["--resume", "--learning-rate", "0.1"],
            "--learning-rate (was 0.002, now 0.1)",
        ),
        (["--resume", "--length", "10"], "--length (was 20, now 10)"),
    ],
)
def test_a_run_that_is_there_is_not_overwritten(results, more, reason, capsys):
    assert run(*TINY, "--results-dir", results, *more) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, status, reason",
    [
        (["--evaluate", "nowhere"], 1, "nowhere/run.json"),
        (["--data-dir", "nowhere"], 1, "./reproduce data ptb"),
        ([*TINY, "--length", "400000"], 1, "use a smaller length"),
        ([*TINY, "--device", "cuda"], 1, "--device cuda cannot be used"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments, status, reason, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.device.missing_for_cuda", lambda: "no GPU here")
    if "--floatX" not in arguments:
        arguments = [*arguments, "--floatX", "float64"]
    assert run(*arguments) == status
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage, reason",
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-50]), "damaged"),
        (lambda path: path.unlink(), "has not finished an epoch"),
    ],
)
def test_a_damaged_best_epoch(finished, tmp_path, damage, reason, capsys):
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("run.json", "best.npz"):
        (copy / name).write_bytes((finished / name).read_bytes())
    damage(copy / "best.npz")
    assert run("--evaluate", copy, "--device", "cpu") == 1
    assert reason in capsys.readouterr().err


def test_sigterm_in_training_and_resume_from_the_command_line(finished, tmp_path):
    command = [*TINY, "--results-dir", tmp_path]
    process = start(*command)
    wait_for(process, "An update takes")
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 143
    assert "Traceback" not in errors and "--resume" in output
    path = tmp_path / "ptb-norm_prop-1"
    assert json.loads((path / "run.json").read_text())["status"] == "stopped"
    assert (path / "state.npz").exists()
    # In this process, where sets and dictionaries have another order.
    assert run(*command, "--resume") == 0
    assert rows(path) == rows(finished)


def test_ctrl_c_while_compiling_stops_at_once(tmp_path):
    process = start(*TINY, "--results-dir", tmp_path)
    wait_for(process, "machine")
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert time.monotonic() - began < 5
    assert "Traceback" not in errors
    path = tmp_path / "ptb-norm_prop-1"
    assert json.loads((path / "run.json").read_text())["status"] == "stopped"
    assert not (path / "state.npz").exists()


def test_help_needs_no_theano():
    code = (
        "import sys, ptb_experiment\n"
        "try: ptb_experiment.main(['--help'])\n"
        "except SystemExit as end: sys.exit(end.code or 'theano' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=str(ROOT)
    )
    assert done.returncode == 0
    for word in (b"--gamma-x", b"--resume", b"--temperature", b"(default: 1000)"):
        assert word in done.stdout
