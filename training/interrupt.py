"""Signals: stop after the current update, save, leave with 128 + the signal's number.

SIGINT (Ctrl-C) gives 130, SIGTERM 143, SIGHUP (the terminal has gone) 129. The end of
the time that ``--stop-after`` grants is a signal too, SIGALRM, and gives 75.

Blocks finishes the epoch on Ctrl-C, which may take hours, so its handlers are
replaced once its main loop has installed them
(:class:`training.extensions.TakeSignals`).
"""

import os
import signal
import time
from contextlib import contextmanager

from common.output import tell

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Exit status of a program whose time was over before its work was done: EX_TEMPFAIL,
# "try again later". Other programs give it seldom, shells never.
TIME_IS_OVER = 75
# A terminal and a parent process may both pass on one and the same Ctrl-C.
SAME_SIGNAL_SECONDS = 0.5


class Interrupted(KeyboardInterrupt):
    """Raised where work can be dropped at once; `args[0]` is the signal's number."""


class Interrupts:
    """What to do with a signal, and whether one has come.

    As a context manager it handles signals within the block.

    Parameters
    ----------
    stop_after : float, optional
        Minutes from the beginning of the block after which SIGALRM comes.

    Attributes
    ----------
    received : int or None
        The number of the signal that came first; another one replaces SIGALRM.
    """

    def __init__(self, stop_after=None):
        self.received = None
        self.stop_after = stop_after
        self._when = None
        self._at_once = True

    def __enter__(self):
        self._before = [signal.getsignal(number) for number in SIGNALS]
        self.install()
        if self.stop_after is not None:
            self._before_alarm = signal.signal(signal.SIGALRM, self._handle)
            signal.setitimer(signal.ITIMER_REAL, 60 * self.stop_after)
        return self

    def __exit__(self, *error):
        if self.stop_after is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before_alarm)
        for number, handler in zip(SIGNALS, self._before):
            signal.signal(number, handler)

    def install(self):
        for number in SIGNALS:
            # As nohup has it.
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            signal.signal(number, self._handle)

    @property
    def time_is_over(self):
        return self.received == signal.SIGALRM

    @property
    def exit_status(self):
        return TIME_IS_OVER if self.time_is_over else 128 + self.received

    def check(self):
        """Raise if a signal has come."""
        if self.received:
            raise Interrupted(self.received)

    def defer(self):
        """From now on a signal is only remembered."""
        self._at_once = False

    @contextmanager
    def at_once(self):
        """Within this block a signal raises :class:`Interrupted` where it strikes.

        Whatever other handlers have been installed, Blocks' for instance, are
        replaced.
        """
        self.install()
        before, self._at_once = self._at_once, True
        try:
            self.check()
            yield
        finally:
            self._at_once = before

    @contextmanager
    def deferred(self):
        """Within this block a signal is only remembered."""
        before, self._at_once = self._at_once, False
        try:
            yield
        finally:
            self._at_once = before

    def _handle(self, number, frame):
        now = time.monotonic()
        if self.received:
            if number == signal.SIGALRM:
                return
            if self.time_is_over:
                # --stop-after is saving already: only the exit status changes.
                self.received, self._when = number, now
            elif now - self._when > SAME_SIGNAL_SECONDS:
                # The second signal ends at once. No file is left half written, for
                # each gets its name when it is complete.
                os._exit(128 + number)
            return
        self.received, self._when = number, now
        # print() is not reentrant; a write is.
        text = "stopping" if self._at_once else "stopping after this update"
        name = "--stop-after" if self.time_is_over else signal.Signals(number).name
        tell(f"\n{name}: {text}\n".encode())
        if self._at_once:
            raise Interrupted(number)
