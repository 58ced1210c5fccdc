"""Statistics over the batch, for training, and over the population, for inference."""

from blocks.initialization import Constant
from blocks.roles import add_role
from blocks.utils import shared_floatx, shared_floatx_nans
from theano import tensor

from bricks.roles import FIXED


def batch_statistics(x, mask=None):
    """Mean and biased variance over the batch, the last axis but one.

    Parameters
    ----------
    x : :class:`~theano.Variable`
        Shape (..., batch, features).
    mask : :class:`~theano.Variable`, optional
        Shape (..., batch); what is masked by 0 is left out.

    Returns
    -------
    mean, variance : :class:`~theano.Variable`
        Shape (..., features) each.
    """
    if mask is None:
        mean = x.mean(axis=-2)
        deviations = tensor.sqr(x - tensor.shape_padaxis(mean, -2))
        return mean, deviations.mean(axis=-2)
    weights = tensor.shape_padright(mask)
    weights = weights / tensor.maximum(weights.sum(axis=-2, keepdims=True), 1)
    mean = (weights * x).sum(axis=-2)
    deviations = tensor.sqr(x - tensor.shape_padaxis(mean, -2))
    return mean, (weights * deviations).sum(axis=-2)


def time_steps(sequence, first_step):
    """Numbers of the time steps of a sequence (time, ...)."""
    return first_step + tensor.arange(sequence.shape[0])


class PopulationStatistics:
    """Statistics of each time step for inference, kept as a moving average.

    Parameters
    ----------
    length : int
        Number of time steps that have statistics of their own. Later steps use those
        of the last one.
    dim : int
        Number of features.
    name : str
        The variables are called `name` and ``_mean`` or ``_variance``.

    Attributes
    ----------
    rate : :class:`~theano.Variable`
        Of the moving average. With 1, 1/2, 1/3, ... over a sequence of batches
        the population statistics become the mean over those batches.
    """

    def __init__(self, length, dim, name):
        self.length = length
        self.mean = shared_floatx_nans((length, dim), name=name + "_mean")
        self.variance = shared_floatx_nans((length, dim), name=name + "_variance")
        self.variables = [self.mean, self.variance]
        for variable in self.variables:
            add_role(variable, FIXED)
        self.rate = shared_floatx(0.05, name=name + "_rate")

    def initialize(self, rng):
        Constant(0.0).initialize(self.mean, rng)
        Constant(1.0).initialize(self.variance, rng)

    def at(self, steps):
        """Mean and variance, (time, features), of the time `steps`, (time,)."""
        steps = tensor.minimum(steps, self.length - 1)
        return self.mean[steps], self.variance[steps]

    def updates(self, statistics, mask=None):
        """The moving average's update, given a batch's (mean, variance).

        Each is of shape (time, features). Where `mask`, (time, batch), leaves nothing
        of the batch, the step keeps the statistics that it has.
        """
        rate = self.rate
        if mask is not None:
            rate = (rate * mask.any(axis=1)[: self.length])[:, None]
        updates = []
        for variable, batch in zip(self.variables, statistics):
            batch = batch[: self.length]
            old = variable[: batch.shape[0]]
            new = tensor.set_subtensor(old, old + rate * (batch - old))
            updates.append((variable, tensor.cast(new, variable.dtype)))
        return updates
