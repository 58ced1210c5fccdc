"""Both experiments on the rig as programs: whole runs, stops, and faults of a card."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from common import ROOT
from engine.card import ON_CPU
from tests import small
from tests.cuda import rig

TRAIN = "--sample --device cuda --batches-per-epoch 12 --epochs 2 --save-every 1e-6"
SIZE = {
    "ptb": "--model norm_prop --units 17 --length 9 --batch-size 5 --output-dropout .1",
    "draw": "--model norm_prop --units 17 --glimpses 3 --latent-dim 7 --batch-size 500",
}
# Settings of the rig, options, and what the last line of the output says.
AT_THE_START = {
    "no card": ({"init": 100}, "", "driver does not start or gives no card"),
    "an old driver": ({"driver": 11070}, "", "driver is older than this CUDA"),
    "a new card": ({"capability": 120}, "", "does not know this card"),
    "no such number": ({}, "--device cuda1", "no such card"),
    "others hold the memory": (
        {"held_mb": 8000},
        "",
        "of its memory are free and 400 MB",
    ),
}
LATER = {
    "no memory": ({"mb": 1}, "--units 99 --batch-size 99", "its memory is full"),
    "a wrong kernel": ({"replace": "tanh=>cosh2"}, "", "compiler refuses a kernel"),
    "a lost card": ({"fail_after": 3000}, "", "it has failed"),
}


class Wrong(AssertionError):
    """Something is not as it has to be; the message has the program's output."""


def start(experiment, results, *words, flags="", **settings):
    """Start an experiment on the rig."""
    command = [sys.executable, "-W", "ignore", f"{experiment}_experiment.py"]
    return subprocess.Popen(
        [*command, *map(str, words), "--results-dir", str(results)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=str(ROOT),
        env=rig.variables(flags, **settings),
    )


def end(process, status=0):
    """Wait for a program; return its output."""
    output = process.communicate()[0]
    if process.returncode != status or "Traceback" in output:
        raise Wrong(f"exit status {process.returncode}, not {status}:\n{output}")
    return output


def train(experiment, results, *more, status=0, **settings):
    words = [*SIZE[experiment].split(), *TRAIN.split(), *more]
    return end(start(experiment, results, *words, **settings), status)


def folder(experiment, results):
    return Path(results) / f"{experiment}-norm_prop-1"


def whole(experiment, results):
    """Train, score and, on Penn Treebank, write; return the outcome of the run."""
    output = train(experiment, results)
    run = folder(experiment, results)
    facts = json.loads((run / "run.json").read_text())
    if not facts["status"] == "finished" or facts["device"] != ON_CPU:
        raise Wrong(f"{facts['status']} on {facts['device']}")
    if f"{ON_CPU}, for tests: there is no GPU" not in output:
        raise Wrong(f"does not say what it runs on:\n{output}")
    end(start(experiment, results, "--device", "cuda", "--evaluate", run))
    if experiment == "ptb":
        words = "--device cuda --generate 20 --evaluate".split()
        end(start(experiment, results, *words, run))
    elif not list(run.glob("*.png")):
        raise Wrong("there are no pictures")
    return small.outcome(run)


def stopped(experiment, results):
    """Stop in the middle by Ctrl-C and resume; return the outcome."""
    words = [*SIZE[experiment].split(), *TRAIN.split()]
    process = start(experiment, results, *words)
    if not small.wait_for(process, "epoch   1"):
        raise Wrong("it ended before its first epoch")
    process.send_signal(signal.SIGINT)
    end(process, status=128 + signal.SIGINT)
    train(experiment, results, "--resume")
    return small.outcome(folder(experiment, results))


def fault(experiment, results, settings, options, says):
    """See that a fault is one sentence; return whether a run was begun."""
    # Each array in an allocation of its own: memory is taken as it is needed.
    flags = "gpuarray.preallocate=-1" if "mb" in settings else ""
    output = train(
        experiment, results, *options.split(), status=1, flags=flags, **settings
    )
    lines = output.strip().splitlines()
    if says not in lines[-1] or not lines[-1].startswith(f"{experiment}_experiment.py"):
        raise Wrong(f"{says!r} is not in the last line:\n{output}")
    return folder(experiment, results).exists()
