#!/usr/bin/env python
"""Train Penn Treebank, in a file that `docker/gpu-bundle --train` has made.

    sh FILE train OPTIONS             ptb_experiment.py OPTIONS
    sh FILE train --lines LINES --logs DIR [OPTIONS]
                                      that for every line of LINES, side by side
    sh FILE state split RUN DIR       ./reproduce state split RUN DIR

LINES has the options of one run on each line; OPTIONS are added to all of them. What
the run of line N prints is in DIR/N.log. SIGTERM, SIGINT and SIGHUP are handed on to
all runs, which save and end. The exit status is the highest of the runs': 0 if all are
done, 75 where --stop-after ended one and none failed with a higher one.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from common import compile_cache  # noqa: E402
from common.arguments import Parser  # noqa: E402
from common.signals import Signals  # noqa: E402
from experiments import ptb_options  # noqa: E402
from runs import parcels  # noqa: E402

COMMAND = [sys.executable, str(ROOT / "ptb_experiment.py")]


def read_lines(path, words):
    """The options of each run; wrong ones end the program before any time is spent."""
    lines = [shlex.split(line, comments=True) for line in path.open()]
    runs = [[*line, *words] for line in lines if line]
    for options in runs:
        ptb_options.parse(options)
    return runs


def variables(number, together):
    """The environment of one of several runs: its compile cache and share of cores."""
    base = os.environ.get("REPRODUCE_COMPILEDIR") or compile_cache.DEFAULT
    threads = max(1, len(os.sched_getaffinity(0)) // together)
    own = {
        "OPENBLAS_NUM_THREADS": str(threads),
        "PYTHONUNBUFFERED": "1",
        **os.environ,
        # In one folder they would wait for each other.
        "REPRODUCE_COMPILEDIR": str(Path(base) / f"line-{number}"),
    }
    return own


def side_by_side(runs, logs):
    """Run all; return the exit status."""
    logs.mkdir(parents=True, exist_ok=True)
    with Signals(subprocess.Popen.send_signal) as signals:
        for number, options in enumerate(runs, 1):
            with open(logs / f"{number}.log", "a") as log:
                signals.start(
                    [*COMMAND, *options],
                    env=variables(number, len(runs)),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        for number, process in enumerate(signals.processes, 1):
            process.wait()
            print(f"line {number}: exit status {process.returncode}", flush=True)
        status = max((abs(p.returncode) for p in signals.processes), default=0)
    return status or (128 + signals.received if signals.received else 0)


def main(words):
    if words[:1] == ["state"]:
        return parcels.main(words[1:])
    words = words[1:]  # train
    if "--lines" not in words:
        os.execv(COMMAND[0], [*COMMAND, *words])
    parser = Parser(prog="sh FILE train")
    parser.add_argument("--lines", metavar="LINES", type=Path, required=True)
    parser.add_argument("--logs", metavar="DIR", type=Path, required=True)
    options, words = parser.parse_known_args(words)
    try:
        runs = read_lines(options.lines, words)
    except OSError as error:
        parser.error(f"{options.lines} cannot be read ({error.strerror})")
    if not runs:
        parser.error(f"{options.lines} has no runs")
    return side_by_side(runs, options.logs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
