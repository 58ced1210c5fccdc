"""Running other programs: their environment, progress, a log, and a clean end."""

import contextlib
import os
import re
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

# What of the user's environment is left out. Of Python's and git's variables those
# count that neither change what a program means nor where it is found: how the
# network is reached, how output is written. pip's are pip.py's to choose.
LEFT_OUT = re.compile(
    "PYTHON(?!(DONTWRITEBYTECODE|FAULTHANDLER|HASHSEED|IOENCODING|MALLOC"
    "|PYCACHEPREFIX|UNBUFFERED|UTF8)$)"
    "|GIT_(?!ASKPASS|CONFIG_|CURL|HTTP|PROXY|SSH|SSL|TRACE)"
    "|VIRTUAL_ENV$|__PYVENV_LAUNCHER__$"
)

# What a program said of a failure, and what to do about it.
ADVICE = {
    "No space left|Disk quota": "Make room where it says, or in {tmp}, which TMPDIR "
    "can change.",
    "(?i)certificate|SSLError": "See to the certificates: PIP_CERT, REQUESTS_CA_BUNDLE "
    "or pip's `cert` names a file of them.",
    "DO NOT MATCH THE HASHES": "The package index gives other files than the pinned "
    "ones.",
    "(?i)connection|timed out|resolution:|resolve host|unreachable|HTTP error": "If it "
    "was the network, the same command tries again.",
    "not a trusted": "Name it in pip's `trusted-host`, or give an address of HTTPS.",
    "No matching distribution": "The package index in pip's settings lacks it; only "
    "x86-64 Linux has all the pinned packages ready made.",
}

_signals = Signals()
# File descriptors that children keep open (see environment.lock).
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
    print(text, end=end, file=sys.stderr, flush=True)


def variables():
    """The environment of what is started: the user's, less `LEFT_OUT`."""
    env = {k: v for k, v in os.environ.items() if not LEFT_OUT.match(k)}
    # Whatever a terminal's encoding lacks is written as a code.
    encoding = env.get("PYTHONIOENCODING", "").partition(":")[0]
    env["PYTHONIOENCODING"] = encoding + ":backslashreplace"
    # A user may have a number and no name; Theano and others want a home and a name.
    home = os.path.expanduser("~")
    env.setdefault("HOME", os.path.join(ROOT, ".cache") if home == "~" else home)
    env.setdefault("USER", str(os.getuid()))
    return env


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


def call(command, output=subprocess.PIPE, timeout=20, tick=None, **options):
    """Run `command`.

    Parameters
    ----------
    command : list of str
    output : file
        Where its output goes; by default it is returned.
    timeout : float or None
        Seconds after which the command is ended.
    tick : callable, optional
        Called a few times a second while the command runs.
    **options
        For ``subprocess.Popen``; default: `variables`, in the archive's folder.

    Returns
    -------
    status : int
        Exit status; 124 after a timeout, 127 if the program cannot be run.
    said : str
        Its output and errors.
    """
    started = time.time()
    # Not in the user's folder, where `python -m` would look for modules.
    usual = {"env": variables(), "cwd": str(ROOT), "pass_fds": held}
    options = {**usual, **options}
    try:
        process = _signals.start(
            command, stdout=output, stderr=subprocess.STDOUT, **options
        )
    except OSError as error:
        return 127, str(error)
    if process is None:
        raise Interrupted(_signals.received)
    while True:
        try:
            said = process.communicate(timeout=0.2)[0] or b""
            return process.returncode, said.decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            pass
        if _signals.received:
            _end(process)
            check()
        if timeout is not None and time.time() - started > timeout:
            _end(process)
            return 124, f"no answer in {timeout} s"
        if tick is not None:
            tick()


class Progress:
    """One line that says what goes on, and for how long; a context manager.

    On a terminal the line is kept up to date; elsewhere it is repeated now and then.

    Attributes
    ----------
    note : str
        What the last line says besides.
    """

    def __init__(self, text):
        self.text, self.started, self.note = text, time.time(), ""
        self.live = sys.stderr.isatty()
        self.said = self.started

    def __enter__(self):
        say("  " + self.text + " ...", end="" if self.live else "\n")
        return self

    def __exit__(self, kind, *error):
        if kind is None:
            start = "\r\x1b[K" if self.live else ""
            line = f"{start}  {self.text}: {self.elapsed():.1f} s"
            say(f"{line}, {self.note}" if self.note else line)
        elif self.live:
            say("")

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


def run(text, command, **options):
    """Run one step of the set-up, its output appended to the log.

    Parameters
    ----------
    text : str
        What the step does, for the progress line.
    command : list of str

    Raises
    ------
    RunError
        If the command fails: what it said, what to do about that, and the log.
    """
    with Progress(text) as progress, open(LOG, "a+b") as log:
        log.write(os.fsencode(f"\n$ {' '.join(command)}\n"))
        log.flush()
        start = log.tell()

        def lines():
            log.seek(start)
            text = log.read().decode(errors="replace")
            return [line.strip() for line in text.split("\n") if line.strip()]

        status, said = call(
            command,
            log,
            timeout=None,
            tick=lambda: progress.tick((lines() or [""])[-1]),
            **options,
        )
        if status:
            raise RunError(explain(f"{text} failed", status, [*lines(), said]))


def explain(what, status, lines):
    """The message of a failure: what was said, and what to do about that."""
    line, text = cause(lines)
    return (
        f"{what} (exit status {status}): {line:.300}. {text} All of its output is in "
        f"{LOG}"
    )


def cause(lines):
    """Of what a program said, the line that tells the cause, and advice about it."""
    place = os.environ.get("TMPDIR") or tempfile.gettempdir()
    for words, text in ADVICE.items():
        for line in lines:
            if re.search(words, line):
                return line, text.format(tmp=place)
    other = ("WARNING", "note:", "hint:")
    said = [line for line in lines if line and not line.startswith(other)]
    errors = [line for line in said if line.startswith("ERROR")]
    return (errors or said or ["it said nothing"])[-1].rstrip("."), ""
