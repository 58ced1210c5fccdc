"""`draw_experiment.py` from the command line to the run folder, at a tiny size."""

import json

import numpy
import pytest
from PIL import Image

import draw_experiment
from experiments import draw_options, pictures
from tests.modes import fast_compile

TINY = (
    "--sample --glimpses 2 --units 4 --latent-dim 2 --batch-size 64 "
    "--batches-per-epoch 4 --floatX float64 --device cpu"
).split()


@pytest.fixture(scope="module", autouse=True)
def python_only():
    """Without C code: nothing to compile, and fast enough at this size."""
    with fast_compile():
        yield


def run(*arguments):
    """Run in this process; return the exit status."""
    return draw_experiment.main([str(argument) for argument in arguments])


def rows(path):
    lines = (path / "metrics.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name != "seconds"}
        for line in lines
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run."""
    results = tmp_path_factory.mktemp("results")
    assert run(*TINY, "--epochs", 2, "--results-dir", results) == 0
    return results / "draw-norm_prop-1"


def test_the_run_folder(finished):
    facts = json.loads((finished / "run.json").read_text())
    assert facts["status"] == "finished"
    assert facts["configuration"]["learning_rate"] == 0.01
    log = rows(finished)
    assert [row["updates"] for row in log] == [4, 8]
    for row in log:
        for split in ("valid", "test"):
            kl = row[f"{split}_kl"]
            assert len(kl) == 2
            total = row[f"{split}_reconstruction"] + sum(kl)
            assert row[f"{split}_nll"] == pytest.approx(total, rel=1e-12)
    assert log[1]["train_nll"] < log[0]["train_nll"]
    assert log[1]["valid_nll"] < log[0]["valid_nll"] < 784 * numpy.log(2)
    names = {path.name for path in finished.iterdir()}
    assert {"best.npz", "plot.png", "samples.png", "reconstructions.png"} <= names
    animation = Image.open(str(finished / "unfolding.gif"))
    assert animation.n_frames == 3


def test_resume_is_exact(finished, tmp_path):
    arguments = [*TINY, "--results-dir", tmp_path]
    assert run(*arguments, "--epochs", 1) == 0
    assert run(*arguments, "--epochs", 2, "--resume") == 0
    again = tmp_path / "draw-norm_prop-1"
    assert rows(again) == rows(finished)
    expected, found = (
        dict(numpy.load(str(path / "state.npz"))) for path in (finished, again)
    )
    expected.pop("record")
    assert expected
    for name, value in expected.items():
        assert (found[name] == value).all(), name


def test_evaluation(finished, capsys):
    command = ["--evaluate", finished, "--noise-samples", 3, "--importance-samples", 4]
    assert run(*command, "--device", "cpu") == 0
    output = capsys.readouterr().out
    figures = json.loads((finished / "evaluation.json").read_text())
    log = rows(finished)
    best = min(log, key=lambda row: row["valid_nll"])
    for split in ("valid", "test"):
        # Noise sample 0 is that of the log.
        distance = abs(figures[f"{split}_nll"] - best[f"{split}_nll"])
        assert 0 < distance < 5 * figures[f"{split}_nll_error"]
        assert figures[f"{split}_importance_nll"] < figures[f"{split}_nll"]
        assert f"{figures[f'{split}_nll']:.3f} +- " in output


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ("--model baseline --gamma-x 1", "--gamma-x has no effect on baseline"),
        ("--model layer_norm --gamma-h 1", "--gamma-h has no effect on layer_norm"),
        ("--read-size 1", "must be from 2 up to 28, not 1"),
        ("--importance-samples 5", "is for --evaluate"),
        ("--model batch_norm", "invalid choice: 'batch_norm'"),
    ],
)
def test_wrong_options(arguments, reason, capsys):
    with pytest.raises(SystemExit) as caught:
        draw_options.parse(arguments.split())
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("model", draw_options.MODELS)
def test_published_settings(model):
    options = draw_options.parse(["--model", model])
    published = (1e-3, 1e-5) if model == "layer_norm" else (1e-2, 1e-3)
    assert (options.learning_rate, options.decay) == published
    sizes = options.glimpses, options.read_size, options.write_size
    assert sizes == (64, 2, 5)
    assert (options.units, options.latent_dim, options.batch_size) == (256, 100, 128)
    assert (options.epochs, options.clipping, options.forget_bias) == (200, 10, 1)


def test_grids_are_read_row_by_row():
    images = numpy.linspace(0, 1, 3)[:, None, None] * numpy.ones((3, 2, 4))
    sheet = pictures.grid(images, columns=2)
    assert sheet.shape == (5, 9)
    assert (sheet[:2, :4] == 0).all()
    assert (sheet[:2, 5:] == 128).all()
    assert (sheet[3:, :4] == 255).all()


def test_the_window_is_drawn_where_it_is(tmp_path):
    """Filters at rows 4 and 8, columns 10 and 14, of a black image."""
    images = numpy.zeros((1, 1, 20, 20))
    windows = [numpy.array([[value]]) for value in (6.0, 12.0, 4.0, 0.1)]
    pictures.save_unfolding(tmp_path / "a.gif", images, windows, 2, columns=1)
    frame = numpy.asarray(Image.open(str(tmp_path / "a.gif")).convert("RGB"))
    rows, columns = numpy.nonzero(frame[:, :, 1] > 100)
    assert (rows.min(), rows.max()) == (18, 34)
    assert (columns.min(), columns.max()) == (42, 58)


def test_a_window_far_outside_is_not_drawn(tmp_path):
    images = numpy.zeros((1, 1, 8, 8))
    windows = [numpy.array([[value]]) for value in (1e30, -1e30, 1e20, 1e20)]
    pictures.save_unfolding(tmp_path / "a.gif", images, windows, 5, columns=1)
