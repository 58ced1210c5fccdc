"""One slot of one run: go on with the experiment and note how far it got.

``run.py FILE NAME``: FILE is what ``./reproduce all`` has written, NAME the run's.
The rules of the Snakefile start this, here or in a container; standard library only.
Snakemake knows done and not done. A run may also be stopped, which is no failure, and
figures and report want to be made of what there is. So this always leaves
``slot.json`` in the run folder and exits with 0: ``state`` in it is

``finished``   nothing is left to do
``stopped``    by the end of the time or by a signal; the next slot goes on
``diverged``   the cost was lost; it would be lost in the same way again
``failed``     for a reason that may have been removed by the next time: it is in
               ``message`` and in the log
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

# This is started as a program.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from common import ROOT  # noqa: E402
from common.errors import RunError, report  # noqa: E402
from common.output import Forgiving, forgiving  # noqa: E402
from common.signals import Signals  # noqa: E402
from common.trust import private_folder, regular  # noqa: E402

SLOT, STATE, METRICS, FACTS = "slot.json", "state.npz", "metrics.jsonl", "run.json"
TIME_IS_OVER = 75  # as in training/interrupt.py
SHORTEST = 0.01  # minutes that are worth a start


def read(folder, name):
    """Read the words in a JSON object of a run folder; empty where there is none."""
    with contextlib.suppress(OSError, ValueError, RecursionError, RunError):
        with open(os.path.join(folder, name), opener=regular) as file:
            content = json.load(file)
            if isinstance(content, dict):
                return {k: v for k, v in content.items() if isinstance(v, str)}
    return {}


def epochs(folder):
    """Number of epochs in ``metrics.jsonl``."""
    with contextlib.suppress(OSError, RunError):
        with open(os.path.join(folder, METRICS), "rb", opener=regular) as file:
            return sum(1 for line in file if line.strip())
    return 0


def leave(folder, state, message, ending=".new", put=os.replace):
    """Write ``slot.json`` whole or not at all; `put` gives the new file its name."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, SLOT)
    new = path + ending
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    try:
        with open(new, "x", opener=regular) as file:
            json.dump({"state": state, "message": message}, file)
            file.write("\n")
        put(new, path)
    finally:
        # With any other file in it, a folder is no new run's.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)


def without_state(folder, wanted):
    """What to say of a run whose figures are here and whose state is not, or None.

    So are the runs in the archive's own repository.
    """
    done = epochs(folder)
    if not done or os.path.exists(os.path.join(folder, STATE)):
        return None
    known = read(folder, FACTS)
    ended = done >= wanted or known.get("ended_by") == "patience"
    if ended and known.get("status") == "finished":
        return "finished", "its figures are here already"
    return "failed", (
        f"{folder} has {done} epochs and no {STATE}: bring it (./reproduce state) or "
        "move the folder away to start again"
    )


def open_log(path):
    """Open the log; one that cannot be written is no reason to do without the run."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        log = open(path, "ab", buffering=0, opener=regular)
    except (OSError, RunError) as error:
        print(f"warning: there is no log: {error}", flush=True)
        log = open(os.devnull, "wb")
    return contextlib.closing(Forgiving(log))


def follow(process, name, log):
    """Hand lines on, under the run's name; return status and last error line."""
    last = [""]

    def errors():
        for line in process.stderr:
            log.write(line)
            # Before it there may be a progress bar.
            text = line.decode(errors="replace").strip().rpartition("\r")[2]
            last[0] = text or last[0]

    reader = threading.Thread(target=errors)
    reader.start()
    for line in process.stdout:
        log.write(line)
        print(f"[{name}]", line.decode(errors="replace").rstrip(), flush=True)
    reader.join()
    return process.wait(), last[0]


def carry_out(name, about, minutes, signals):
    """Run a slot; return state and message.

    Parameters
    ----------
    name : str
    about : dict
        ``folder``, ``log``, ``epochs`` and ``words``, the program and its options.
    minutes : float or None
        Length of the slot.
    signals : common.signals.Signals
        Hands them on to the experiment.
    """
    folder = about["folder"]
    nothing_to_do = without_state(folder, about["epochs"])
    if nothing_to_do:
        return nothing_to_do
    command = [sys.executable, *about["words"]]
    if minutes is not None:
        if minutes < SHORTEST:
            return "stopped", "its turn did not come"
        command += ["--stop-after", f"{minutes:.4f}"]
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    if not os.access(ROOT, os.W_OK):  # in an image
        compiled = os.path.join(tempfile.gettempdir(), f"theano-{os.getuid()}")
        if "REPRODUCE_COMPILEDIR" not in environment:
            environment["REPRODUCE_COMPILEDIR"] = private_folder(compiled)
    with open_log(about["log"]) as log:
        log.write(f"\n{time.strftime('%F %T')} $ {' '.join(command)}\n".encode())
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = signals.start(command, env=environment, **pipes)
        if process is None:
            return "stopped", "its turn did not come"
        status, error = follow(process, name, log)
    if status == 0:
        return "finished", ""
    if status == TIME_IS_OVER or signals.received:
        return "stopped", ""
    if read(folder, FACTS).get("status") == "diverged":
        return "diverged", error
    if status < 0:
        return "failed", f"it was killed by {signal.Signals(-status).name}"
    return "failed", error or f"exit status {status}, see {about['log']}"


def main(path, name):
    """Carry out one run of those that the file at `path` describes."""
    with open(path) as file:
        configured = json.load(file)
    about, minutes = configured["runs"][name], configured["minutes"]
    if configured["until"] is not None:
        minutes = (configured["until"] - time.time()) / 60
    with forgiving(), Signals(subprocess.Popen.send_signal) as signals:
        state, message = carry_out(name, about, minutes, signals)
        leave(about["folder"], state, message)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, RunError) as error:
        sys.exit(report("workflow/run.py", error))
