"""Start processes to measure, and have them take turns."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from common import ROOT
from common.errors import RunError

WARM_UP = 2  # untimed updates: memory is allocated, caches are cold
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment(threads, **more):
    """The environment of a measured process."""
    return {**os.environ, **in_threads(threads), **more}


def in_threads(threads):
    """The variables that say how many threads a program has."""
    return {name: str(threads) for name in VARIABLES}


def archive(*arguments):
    """The command of a model of the archive, given what the worker takes."""
    return [sys.executable, "-m", "benchmarks.worker", *map(str, arguments)]


def told(threads, *arguments):
    """What the worker says at once, and then ends."""
    process = Process(archive(*arguments), environment(threads))
    process.close()
    return process.facts


def pytorch(python, program, threads, *arguments):
    """The command of a model in PyTorch, ``torch_lstm`` or ``torch_draw``."""
    command = [python, ROOT / "benchmarks" / f"{program}.py", "--threads", threads]
    return [str(word) for word in (*command, *arguments)]


def ended(command, errors):
    """The error that a program has ended, with the last line that it wrote."""
    errors.seek(0)
    said = errors.read().strip().split("\n")[-1]
    return RunError(f"`{' '.join(command)}` ended: {said or 'no message'}")


class Process:
    """A program that speaks as :mod:`benchmarks.serve` does.

    Parameters
    ----------
    command : list of str
    env : dict

    Raises
    ------
    RunError
        If it cannot be started, or ends before it is told to; with the last line that
        it wrote.
    """

    def __init__(self, command, env):
        self.command = command
        self.errors = tempfile.TemporaryFile("w+")
        # A session of its own: Ctrl-C is for this program to handle.
        try:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(f"{command[0]}: {error.strerror}") from error
        try:
            self.facts = self._read()
        except BaseException:
            self.close()
            raise

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise ended(self.command, self.errors)
        return json.loads(line)

    def ask(self, updates, sizes):
        """Have it do updates; return what it measured."""
        request = json.dumps({"updates": updates, "sizes": sizes})
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what it said before it ended is the message
        return self._read()

    def close(self):
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            file.close()


def take_turns(processes, options, bar, measured, sizes):
    """Measure processes in turns.

    If it is interrupted, what has been measured by then counts.

    Parameters
    ----------
    processes : dict of str to Process
    options : argparse.Namespace
        With `rounds` and `updates`, how many in a turn.
    bar : tqdm
        Advanced after each turn.
    measured : dict
        To be filled in; see :func:`summary`.
    sizes : dict
        For the processes: length and batch size.
    """
    for process in processes.values():
        process.ask(WARM_UP, sizes)
    answers = {name: [] for name in processes}
    try:
        for _ in range(options.rounds):
            for name, process in processes.items():
                bar.set_postfix_str(name)
                answers[name].append(process.ask(options.updates, sizes))
                bar.update()
    finally:
        for name, given in answers.items():
            if given:
                measured[name] = {**processes[name].facts, **summary(given)}


def summary(answers):
    """Put the answers of one process together.

    Returns
    -------
    dict
        `median`, `lowest` and all `seconds` of an update, `processor_seconds`,
        `peak_bytes` of the process, `cost` of the last update.
    """
    seconds = [value for answer in answers for value in answer["seconds"]]
    processor = [value for answer in answers for value in answer["processor_seconds"]]
    return {
        "median": statistics.median(seconds),
        "lowest": min(seconds),
        "seconds": seconds,
        "processor_seconds": statistics.median(processor),
        "peak_bytes": answers[-1]["peak_bytes"],
        "cost": answers[-1]["cost"],
    }
