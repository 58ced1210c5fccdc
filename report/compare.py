"""One group of runs beside another, after as many epochs as both have done."""

from report.groups import mean_deviation
from report.runs import UNIT

DIGITS = {"ptb": 3, "draw": 2}


class Comparison:
    """Two groups of runs of one kind, by the figure that the paper reports.

    Attributes
    ----------
    full : bool
        Whether all ran to their end, on both sides: else nothing is to be judged.
    scores : list of list of float
        At the end of each run if all are full, otherwise after as many epochs as all
        have done.
    epochs : int or None
        How many these are; None if all are full.
    means, deviations : list of float
        Of the scores of both sides.
    lead : float
        By how much the mean of the first is lower, and thus better.
    """

    def __init__(self, first, second):
        self.runs = first, second
        self.scores, self.epochs = scores(first, second)
        self.full = self.epochs is None
        self.means, self.deviations = zip(*map(mean_deviation, self.scores))
        self.lead = self.means[1] - self.means[0]

    @property
    def words(self):
        """``ahead by 0.050 bpc after 9 of 50 epochs``."""
        run = self.runs[0][0]
        if self.lead != self.lead:
            return "**not comparable**, for a run diverged"
        size = f"{abs(self.lead):.{DIGITS[run.experiment]}f}"
        word = "ahead" if self.lead > 0 else "behind"
        where = f"{word} by {size} {UNIT[run.experiment]}"
        if not float(size):
            where = f"level to {DIGITS[run.experiment]} digits"
        return where if self.full else f"{where} {after(run, self.epochs)}"


def after(run, epochs):
    """``after 9 of 50 epochs``, of those published if all else is as published."""
    published = not run.kind_changes and not run.sample
    of = f" of {run.published_epochs}" if published else ""
    plural = "s" if published or epochs > 1 else ""
    return f"after {epochs}{of} epoch{plural}"


def scores(*groups):
    """The scores of groups of runs, and after how many epochs, None for the end.

    The end is taken only if all runs are full: of runs that are not, the same number of
    epochs has to be compared.
    """
    runs = [run for group in groups for run in group]
    epochs = None if all(run.full for run in runs) else min(len(r.rows) for r in runs)
    return [[run.score(epochs) for run in group] for group in groups], epochs
