"""Signals that are noted and handed on to the programs that do the work.

Standard library only, and for Pythons from 3.6 on: set-up uses it.
"""

import contextlib
import signal
import subprocess

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """A context in which `SIGNALS` are noted and handed on to programs.

    What is ignored stays ignored, as nohup and shells' ``&`` expect.

    Parameters
    ----------
    hand_on : callable, optional
        ``hand_on(process, number)`` tells a running program; default: none is told.

    Attributes
    ----------
    received : int or None
        The first signal that came.
    processes : list of subprocess.Popen
        The programs that were started.
    """

    def __init__(self, hand_on=None):
        self.hand_on = hand_on
        self.received, self.processes = None, []
        self._before = {}

    def __enter__(self):
        numbers = [n for n in SIGNALS if signal.getsignal(n) != signal.SIG_IGN]
        self._before = {n: signal.signal(n, self._note) for n in numbers}
        return self

    def __exit__(self, *error):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        self.received = self.received or number
        for process in self.processes if self.hand_on else ():
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    self.hand_on(process, number)

    def start(self, command, **options):
        """Start a program in a session of its own, where no terminal's signals come.

        Parameters
        ----------
        command : list of str
        **options
            For ``subprocess.Popen``.

        Returns
        -------
        subprocess.Popen or None
            None if a signal came before.
        """
        # Blocked from here on: none falls between the check and the start.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            if self.received:
                return None
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),
                **options,
            )
            self.processes.append(process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return process
