"""Running other programs: progress, a log, and a clean end when interrupted."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from common import ROOT
from common.errors import RunError
from common.signals import Signals

LOG = os.path.join(ROOT, ".cache", "setup.log")

_signals = Signals()
# File descriptors that children keep open (see environment._lock).
held = ()


class Interrupted(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived; no child process is left running."""

    def __init__(self, signum):
        super().__init__(signum)
        self.signum = signum


@contextlib.contextmanager
def signals_stop():
    """Within this context signals end the running child, then raise `Interrupted`.

    The signals are only noted, which `check` and `call` look at several times a
    second: an exception out of a handler could leave a child behind unseen.
    """
    with _signals:
        yield
        check()


def check():
    """Raise `Interrupted` if a signal has arrived."""
    if _signals.received:
        raise Interrupted(_signals.received)


def say(text, end="\n"):
    print(text, end=end, file=sys.stderr)
    sys.stderr.flush()


def flush():
    sys.stdout.flush()
    sys.stderr.flush()


def _end(process):
    """End a child and its children: first as Ctrl-C would, so that pip tidies up."""
    for signum, patience in [
        (signal.SIGINT, 3),
        (signal.SIGTERM, 2),
        (signal.SIGKILL, 5),
    ]:
        if not _group(process, signum):
            return
        until = time.time() + patience
        while time.time() < until:
            process.poll()
            if not _group(process, 0):
                return
            time.sleep(0.05)


def _group(process, signum):
    """Send a signal to a child and its children; return whether there were any."""
    try:
        os.killpg(process.pid, signum)
    except ProcessLookupError:
        return False
    return True


def call(command, output, timeout=None, tick=None, **options):
    """Run `command`, its output going to the open file `output`.

    Parameters
    ----------
    command : list of str
    output : file
    timeout : float, optional
        Seconds after which the command is ended.
    tick : callable, optional
        Called a few times a second while the command runs.

    Returns
    -------
    int
        Exit status; 124 after a timeout, 127 if the program cannot be run.
    """
    started = time.time()
    options.update(stdout=output, stderr=subprocess.STDOUT, pass_fds=held)
    try:
        process = _signals.start(command, **options)
    except OSError as error:
        output.write(str(error).encode())
        return 127
    if process is None:
        raise Interrupted(_signals.received)
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            pass
        if _signals.received:
            _end(process)
            check()
        if timeout is not None and time.time() - started > timeout:
            _end(process)
            return 124
        if tick is not None:
            tick()


def capture(command, timeout=20, **options):
    """Run `command` quietly; return its exit status and its output."""
    with tempfile.TemporaryFile() as output:
        status = call(command, output, timeout=timeout, **options)
        output.seek(0)
        return status, output.read().decode(errors="replace")


class Progress:
    """One line that says what goes on, and for how long.

    On a terminal the line is kept up to date; elsewhere it is repeated now and then.
    """

    def __init__(self, text):
        self.text, self.started = text, time.time()
        self.live = sys.stderr.isatty()
        self.said = self.started
        say("  " + text + " ...", end="" if self.live else "\n")

    def elapsed(self):
        return time.time() - self.started

    def tick(self, detail=""):
        if time.time() - self.said < (0.5 if self.live else 10):
            return
        self.said = time.time()
        line = f"  {self.text} ... {self.elapsed():.0f} s"
        if not self.live:
            say(f"{line}, {detail:.60}" if detail else line)
            return
        columns = shutil.get_terminal_size().columns
        say(f"\r\x1b[K{line}  {detail}"[: columns + 3], end="")

    def done(self, note=""):
        start = "\r\x1b[K" if self.live else ""
        line = f"{start}  {self.text}: {self.elapsed():.1f} s"
        say(f"{line}, {note}" if note else line)

    def failed(self):
        if self.live:
            say("")


def run(text, command, hint="", **options):
    """Run one step of the set-up, its output appended to the log.

    Parameters
    ----------
    text : str
        What the step does, for the progress line.
    command : list of str
    hint : str
        What to do about a failure, for the error message.

    Raises
    ------
    RunError
        If the command fails; the message names the log.
    """
    progress = Progress(text)
    with open(LOG, "ab") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        start = log.tell()
        try:
            status = call(
                command, log, tick=lambda: progress.tick(_last_line(start)), **options
            )
        except Interrupted:
            progress.failed()
            raise
    if status:
        progress.failed()
        last = _last_line(start)
        raise RunError(
            f"{text} failed (exit status {status}): {last or 'it said nothing'}. "
            f"{hint + ' ' if hint else ''}All of its output is in {LOG}"
        )
    progress.done()


def _last_line(start):
    """The last line of the log after position `start`."""
    with open(LOG, "rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(start, log.tell() - 2000))
        lines = log.read().decode(errors="replace").split("\n")
    lines = [line.strip() for line in lines]
    lines = [line for line in lines if line and not line.startswith("WARNING")]
    return lines[-1] if lines else ""
