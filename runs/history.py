"""What a run has done so far: the log, the position and the best epoch."""

import time
from contextlib import contextmanager

from common.errors import RunError


class History:
    """The part of the training state that is not an array.

    Parameters
    ----------
    rows : list of dict
        One object for each finished epoch, as in ``metrics.jsonl``.
    best : dict, optional
        The row with the lowest validation figure.
    updates : int
        Number of updates done, over all epochs.
    seconds : float
        Seconds of training in the epoch that is not finished.
    """

    def __init__(self, rows=(), best=None, updates=0, seconds=0.0):
        self.rows = list(rows)
        self.best = best
        self.updates = updates
        self.seconds = seconds
        self._since = None

    @classmethod
    def from_json(cls, value):
        """Return the history that :meth:`as_json` made a value of.

        Raises
        ------
        TypeError, ValueError, LookupError
            If it is none.
        """
        history, number, done = cls(**value), (int, float), 0
        # Epochs count from 1, updates grow, and the best epoch is one of the rows.
        for epoch, row in enumerate(history.rows, start=1):
            figures = all(isinstance(x, (*number, list)) for x in dict(row).values())
            if not (figures and row["epoch"] == epoch and row["updates"] > done):
                raise ValueError(f"epoch {epoch}")
            done = row["updates"]
        if history.best not in (history.rows or [None]):
            raise ValueError("the best epoch")
        whole = type(history.updates) is int and history.updates >= done
        if not (whole and isinstance(history.seconds, number)):
            raise ValueError("updates and time")
        return history

    @property
    def epoch(self):
        """Number of finished epochs; also the number, from 0, of the current one."""
        return len(self.rows)

    @property
    def batch(self):
        """Number of updates done in the current epoch."""
        return self.updates - (self.rows[-1]["updates"] if self.rows else 0)

    def ending(self, epochs, patience=None):
        """Why training has ended, or None while there is more to do.

        Parameters
        ----------
        epochs : int
            At most this many are done.
        patience : int, optional
            So many epochs in a row may bring no better validation figure.

        Returns
        -------
        {'epochs', 'patience'} or None
        """
        if self.epoch >= epochs:
            return "epochs"
        if patience and self.rows and self.epoch - self.best["epoch"] >= patience:
            return "patience"
        return None

    def as_json(self):
        return {
            "rows": self.rows,
            "best": self.best,
            "updates": self.updates,
            "seconds": self.seconds,
        }

    def start_clock(self):
        self._since = time.perf_counter()

    def stop_clock(self):
        """Add the time since the clock was started; it may be stopped already."""
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None

    @contextmanager
    def clock_stopped(self):
        """What is done in this block is not training time."""
        running = self._since is not None
        self.stop_clock()
        try:
            yield
        finally:
            if running:
                self.start_clock()

    def finish_epoch(self, metrics, by):
        """Append the epoch's row; say whether it is the best so far.

        Parameters
        ----------
        metrics : dict
            Figures of the epoch, without ``epoch``, ``updates`` and ``seconds``.
        by : str
            Which of them chooses the best epoch; lower is better.
        """
        row = {
            "epoch": self.epoch + 1,
            "updates": self.updates,
            "seconds": round(self.seconds, 3),
            **metrics,
        }
        self.rows.append(row)
        self.seconds = 0.0
        better = self.best is None or row[by] < self.best[by]
        if better:
            self.best = row
        return better


def of_a_run(path, content):
    """Return the history and the configuration that the state at `path` holds.

    Raises
    ------
    RunError
        If `content` is not that of a run.
    """
    try:
        return History.from_json(content["history"]), dict(content["configuration"])
    except (LookupError, TypeError, ValueError) as error:
        raise another_version(path, error) from error


def another_version(path, what):
    """The error about a state that is intact, and not such as this program saves."""
    return RunError(
        f"{path} was saved by another version of this program, or of Blocks ({what}): "
        "start again under another --tag"
    )
