"""One group of runs beside another, after as many epochs as both have done."""

import math


class Comparison:
    """Two groups of runs of one kind, by the figure that the paper reports.

    Attributes
    ----------
    full : bool
        Whether all ran to their end, on both sides: else nothing is to be judged.
    epochs : int or None
        After how many they are compared: see :func:`common_epochs`.
    means, deviations : tuple of float
        Of the scores of both sides.
    lead : float
        By how much the mean of the first is lower, and thus better.
    """

    def __init__(self, ours, theirs):
        self.ours, self.theirs = self.sides = ours, theirs
        self.experiment = ours.experiment
        self.epochs = common_epochs(self.sides)
        self.full = self.epochs is None
        scores = [side.score(self.epochs) for side in self.sides]
        self.means, self.deviations = zip(*scores)
        self.lead = self.means[1] - self.means[0]

    @property
    def words(self):
        """``ahead by 0.050 bpc after 9 of 50 epochs``."""
        if math.isnan(self.lead):
            return "**not comparable**, for a run diverged"
        digits, unit = self.experiment.digits, self.experiment.unit
        size = f"{abs(self.lead):.{digits}f}"
        words = f"{'ahead' if self.lead > 0 else 'behind'} by {size} {unit}"
        if not float(size):
            words = f"level to {digits} digits"
        return words if self.full else f"{words} {self.ours.after(self.epochs)}"


def common_epochs(groups):
    """After how many epochs groups can be compared: None for the end of all, if full.

    Of runs that are not, the same number of epochs has to be compared.
    """
    if all(group.full for group in groups):
        return None
    return min(group.epochs for group in groups)
