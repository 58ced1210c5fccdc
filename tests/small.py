"""The two experiments at their smallest, as programs to interrupt and to starve.

    python -m tests.small ptb|draw [options of the experiment]

All is the experiment's own, its command line included, but for the size, the data (a
few hundred symbols, a few images), DRAW's pictures, which are left out, and Theano's
mode, which needs no compiler.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy

ROOT = Path(__file__).resolve().parent.parent
EXPERIMENTS = ("ptb", "draw")
SIZE = {
    "ptb": "--model norm_prop --units 3 --length 5 --batch-size 8 --output-dropout 0.1",
    "draw": "--model baseline --glimpses 2 --units 3 --latent-dim 2 --batch-size 8",
}
SIDE = 8  # of the images, in pixels


def corpus():
    """Open a text of 5 symbols, 28 windows to train on."""
    from datasets.corpus import Corpus

    random = numpy.random.RandomState(7)
    splits = [random.randint(5, size=size) for size in (147, 50, 50)]
    return Corpus("tiny", list("abcde"), [s.astype("uint8") for s in splits], {})


def images():
    """Open blobs, 20 to train on."""
    from datasets.mnist import Images

    grid = numpy.indices((SIDE, SIDE)).reshape(2, -1)
    random = numpy.random.RandomState(7)

    def blobs(number):
        centre = random.uniform(2, 6, size=(number, 2, 1))
        return (((grid - centre) ** 2).sum(1) < 5).astype("uint8")

    sizes = {"train": 20, "valid": 5, "test": 5}
    return Images("blobs", {split: blobs(n) for split, n in sizes.items()})


def arguments(experiment, results, *more):
    """Return the command line of a small run."""
    size = SIZE[experiment].split()
    common = ["--sample", "--floatX", "float64", "--device", "cpu"]
    given = [*size, *common, "--results-dir", results, *more]
    return [str(argument) for argument in given]


def folder(experiment, results):
    model = SIZE[experiment].split()[1]
    return Path(results) / f"{experiment}-{model}-1"


def main(experiment, command_line):
    """Run in this process; return the exit status."""
    import draw_experiment
    import ptb_experiment
    from tests.modes import fast_compile

    program = {"ptb": ptb_experiment, "draw": draw_experiment}[experiment]
    # DRAW's pictures, which tests/test_draw_experiment.py looks at, take as long to
    # compile as all the rest.
    with contextlib.ExitStack() as stack:
        for target, value in (
            ("draw_experiment.SIDE", SIDE),
            ("datasets.mnist.open_images", lambda *where: images()),
            ("datasets.ptb.open_corpus", lambda *where: corpus()),
            ("experiments.drawing.best_epoch", lambda *arguments: None),
        ):
            stack.enter_context(patch(target, value))
        stack.enter_context(fast_compile())
        return program.main(command_line)


def start(experiment, results, *more, output=subprocess.PIPE, **variables):
    """Start a small run in a process of its own.

    `variables` are added to the environment.
    """
    command = [sys.executable, "-W", "ignore", "-m", "tests.small", experiment]
    return subprocess.Popen(
        [*command, *arguments(experiment, results, *more)],
        stdout=output,
        stderr=output,
        universal_newlines=True,
        cwd=str(ROOT),
        # An order of sets and dictionaries other than in any other process.
        env={**os.environ, "PYTHONHASHSEED": "random", **variables},
    )


def wait_for(process, text):
    """Read the output up to the line that starts with `text`; is there one?"""
    return any(line.startswith(text) for line in process.stdout)


def rows(path):
    """Read the log, without the seconds."""
    lines = (Path(path) / "metrics.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name != "seconds"}
        for line in lines
    ]


def outcome(path):
    """All that must be the same for the same seed: the log and every array."""
    from common.npz import read_npz
    from runs import state

    arrays = {**state.read(Path(path) / "state.npz")[0]}
    arrays.update(("best " + n, a) for n, a in read_npz(Path(path) / "best.npz"))
    return rows(path), {name: array.tobytes() for name, array in arrays.items()}


if __name__ == "__main__":
    from common import theano_flags

    theano_flags.configure("cpu", "float64")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
