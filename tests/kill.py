"""Kill small runs of the two experiments again and again, and compare what is left.

    python -m tests.kill --times 50

The state is saved after every update, so that many of the kills (SIGKILL, at random
moments) strike while a file is being written. Each time the run is continued with
``--resume``; no epoch that it has reported may be lost. What it ends with must be
what a run that nothing disturbed ends with, to the last bit.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from runs import state
from tests import small

ALWAYS = ("--resume", "--save-every", "1e-6")
# Of the kills, this part strikes before training has gone on: imports, compilation.
EARLY = 0.1


class Lost(AssertionError):
    """Something is gone that had been reported as saved."""


def reported(output):
    """Return the number of the last epoch that has a line in the output."""
    lines = [line for line in output.splitlines() if line.startswith("epoch ")]
    return int(lines[-1][len("epoch") :].split("/")[0]) if lines else 0


def saved(path):
    """Return the number of epochs in the resume state."""
    loaded = state.load(path / "state.npz", warn=print)
    return len(loaded[1]["history"]["rows"]) if loaded else 0


def being_written(path):
    return any(path.glob(".*.part")) or (path / "state.next.npz").exists()


def kill(experiment, results, epochs, moments):
    """Start or continue a run and kill it.

    Returns
    -------
    str or None
        Where the kill has struck: ``"compiling"``, ``"training"`` or ``"writing"``;
        None where the run came to its end first.
    """
    path = small.folder(experiment, results)
    process = small.start(experiment, results, "--epochs", epochs, *ALWAYS)
    early = moments.random() < EARLY
    if not early and not small.wait_for(process, "Compiled"):
        raise Lost(f"{experiment} did not start again: {process.stderr.read()}")
    time.sleep(moments.uniform(0, 2.0 if early else 0.5))
    process.kill()
    output, errors = process.communicate()
    if "Traceback" in errors:
        raise Lost(errors)
    if reported(output) > saved(path):
        raise Lost(
            f"epoch {reported(output)} had been reported; {saved(path)} is saved"
        )
    if process.returncode != -9:
        return None
    if early:
        return "compiling"
    return "writing" if being_written(path) else "training"


def finish(experiment, results, *more, hashseed="random"):
    """Run to the end; return its outcome."""
    variables = {"PYTHONHASHSEED": str(hashseed)}
    process = small.start(experiment, results, *more, **variables)
    output, errors = process.communicate()
    if process.returncode != 0 or "Traceback" in errors:
        raise Lost(f"{experiment} ended with {process.returncode}: {output}{errors}")
    return small.outcome(small.folder(experiment, results))


def try_out(experiment, results, times, moments, shown=lambda line: None):
    """Kill one run `times` times; return where the kills have struck, one by one."""
    epochs = 10 + 4 * times
    whole = finish(experiment, Path(results) / "whole", "--epochs", epochs)
    struck = []
    while len(struck) < times:
        where = kill(experiment, Path(results) / "killed", epochs, moments)
        if where is None:
            break
        struck.append(where)
        shown(f"{experiment}: kill {len(struck)} of {times}, {where}")
    killed = finish(
        experiment, Path(results) / "killed", "--epochs", epochs, "--resume"
    )
    if killed != whole:
        raise Lost(f"{experiment}: another outcome than that of an undisturbed run")
    return struck


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.kill",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--times", type=int, default=50, help="for each experiment")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument(
        "--experiment", choices=small.EXPERIMENTS, help="one of the two only"
    )
    options = parser.parse_args()
    chosen = [options.experiment] if options.experiment else small.EXPERIMENTS
    moments = random.Random(options.seed)
    for experiment in chosen:
        with tempfile.TemporaryDirectory() as results:
            struck = try_out(experiment, results, options.times, moments, shown)
        counts = ", ".join(f"{struck.count(w)} {w}" for w in sorted(set(struck)))
        print(
            f"{experiment}: {len(struck)} kills ({counts}); the outcome is that of an "
            "undisturbed run, to the last bit",
            flush=True,
        )
    return 0


def shown(line):
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
