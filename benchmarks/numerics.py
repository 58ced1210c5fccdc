"""What fast maths changes in the numbers."""

import json
import os
import subprocess
import sys
import tempfile

import numpy

from benchmarks.processes import ended, environment
from benchmarks.speed import QUICK
from common import ROOT
from common.bars import bar

MODELS = {
    "ptb, baseline": ("ptb", "--model baseline"),
    "ptb, norm_prop": ("ptb", "--model norm_prop"),
    "draw, norm_prop": ("draw", "--model norm_prop"),
}
# Fast twice: the same seed must give the same numbers.
WAYS = {
    "double": "--floatX float64 --math strict",
    "strict": "--math strict",
    "fast": "--math fast",
    "again": "--math fast",
}
# Some hundred updates, on the built-in text, at the size of --preset small.
TRAINING = "--sample --device cpu --units 256 --epochs 1 --batches-per-epoch 300"
TRAINING_QUICK = "--sample --device cpu --units 4 --length 6 --epochs 1 --batch-size 4"
TRAINING_QUICK += " --batches-per-epoch 5"


def call(arguments, env):
    """Run a program to its end."""
    command = [sys.executable, *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        if subprocess.call(
            command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=errors
        ):
            raise ended(command, errors)


def flat(path):
    """All of the arrays in a file as one vector, in double precision."""
    with numpy.load(path) as arrays:
        return numpy.concatenate(
            [arrays[name].astype("float64").ravel() for name in sorted(arrays, key=int)]
        )


def gradients(model, options, env, folder, shown):
    """Relative distances of the first update's gradients, as vectors."""
    which, arguments = MODELS[model]
    sizes = QUICK[which] if options.quick else []
    vectors = {}
    for way, flags in WAYS.items():
        shown.set_postfix_str(f"{model}, {way}")
        path = os.path.join(folder, f"{way}.npz")
        words = [which, *arguments.split(), *flags.split(), *sizes]
        call(["-m", "benchmarks.worker", f"gradient={path}", *words], env)
        vectors[way] = flat(path)
        shown.update()

    def distance(one, other):
        difference = numpy.linalg.norm(vectors[one] - vectors[other])
        return float(difference / numpy.linalg.norm(vectors[other]))

    return {
        "fast_to_strict": distance("fast", "strict"),
        "fast_to_double": distance("fast", "double"),
        "strict_to_double": distance("strict", "double"),
        "same_twice": bool((vectors["fast"] == vectors["again"]).all()),
    }


def bits(math, options, env, folder):
    """Bits per character after some hundred updates of norm prop."""
    size = TRAINING_QUICK if options.quick else TRAINING
    words = [*size.split(), "--math", math, "--results-dir", folder, "--tag", math]
    call(["ptb_experiment.py", "--model", "norm_prop", *words], env)
    with open(os.path.join(folder, f"ptb-norm_prop-1-{math}", "metrics.jsonl")) as file:
        row = json.loads(file.readlines()[-1])
    names = ("updates", "seconds", "train_bpc", "valid_bpc")
    return {name: row[name] for name in names}


def numerics(options, measured):
    """Gradients, then training, with fast and with strict maths."""
    measured.update(gradients={}, training={})
    env = environment(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        number = len(MODELS) * len(WAYS) + 2
        with bar(number, "numerics", unit=" runs") as shown:
            for model in MODELS:
                measured["gradients"][model] = gradients(
                    model, options, env, folder, shown
                )
            for math in ("fast", "strict"):
                shown.set_postfix_str(f"training, {math}")
                measured["training"][math] = bits(math, options, env, folder)
                shown.update()
