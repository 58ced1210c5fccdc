"""Start-up of the experiments as they are run: compile time, memory of the whole."""

import os
import subprocess
import sys
import tempfile
import time

from benchmarks.processes import ended, environment
from benchmarks.speed import QUICK
from common import ROOT
from common.bars import bar

PROGRAMS = {
    "ptb": ["ptb_experiment.py", "--model", "norm_prop"],
    "draw": ["draw_experiment.py", "--model", "norm_prop"],
}
# One epoch of two updates, with validation, best parameters and state.
SHORT = "--sample --device cpu --epochs 1 --batches-per-epoch 2".split()


def run(program, arguments, env):
    """Run an experiment; time what it says of itself.

    Returns
    -------
    dict
        `compile_seconds`, that of training and of validation; `startup_seconds`,
        from the start of the program to the first update; `peak_bytes` of the whole
        run.
    """
    since = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(
        [sys.executable, "-u", *program, *SHORT, *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            marks = {}
            for line in process.stdout:
                for mark in ("Compiling:", "Compiled in"):
                    if line.startswith(mark):
                        marks[mark] = time.perf_counter() - since
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
        except BaseException:
            process.kill()
            raise
        if status or len(marks) < 2:
            raise ended(program, errors)
    return {
        "compile_seconds": marks["Compiled in"] - marks["Compiling:"],
        "startup_seconds": marks["Compiled in"],
        "peak_bytes": 1024 * usage.ru_maxrss,
    }


def startup(options, measured):
    """Both experiments with an empty and with a full cache of compiled code."""
    with bar(2 * len(PROGRAMS), "start-up", unit=" runs") as shown:
        for name, program in PROGRAMS.items():
            sizes = QUICK[name] if options.quick else []
            measured[name] = {}
            with tempfile.TemporaryDirectory() as folder:
                env = environment(options.threads, REPRODUCE_COMPILEDIR=folder)
                for cache in ("cold", "warm"):
                    shown.set_postfix_str(f"{name}, {cache} cache")
                    results = ["--results-dir", os.path.join(folder, cache)]
                    arguments = [*sizes, *results, "--math", options.math]
                    measured[name][cache] = run(program, arguments, env)
                    shown.update()
