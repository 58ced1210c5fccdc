"""How the values of a variable on batches become one value.

A variable says so itself, by its tag ``aggregation_scheme``.
"""

import numpy
import theano
from theano import tensor
from theano.ifelse import ifelse

from blocks.utils import shared_like


class Aggregator:
    """What to compute for an aggregation.

    Attributes
    ----------
    aggregation_scheme : :class:`AggregationScheme`
    initialization_updates : list of tuples
        Before the first batch.
    accumulation_updates : list of tuples
        With each batch.
    readout_variable : :class:`~theano.Variable`
        The result.
    """

    def __init__(
        self,
        aggregation_scheme,
        initialization_updates=None,
        accumulation_updates=None,
        readout_variable=None,
    ):
        self.aggregation_scheme = aggregation_scheme
        self.initialization_updates = initialization_updates or []
        self.accumulation_updates = accumulation_updates or []
        self.readout_variable = readout_variable


class AggregationScheme:
    """Base class: how to aggregate a variable."""

    def __init__(self, variable):
        self.variable = variable

    def get_aggregator(self):
        """Make an :class:`Aggregator`, with new shared variables."""
        raise NotImplementedError


def _folded(variables, combine):
    """Fold the values of some variables over batches with a binary function.

    Returns the accumulators, and the updates for initialisation and accumulation.
    """
    started = theano.shared(numpy.int8(0), name="started")
    accumulators = [shared_like(variable) for variable in variables]
    updates = [
        (accumulator, ifelse(started, combine(accumulator, variable), variable))
        for accumulator, variable in zip(accumulators, variables)
    ]
    updates.append((started, tensor.constant(1, dtype="int8")))
    return accumulators, [(started, numpy.int8(0))], updates


class Mean(AggregationScheme):
    """The sum of a numerator over batches, divided by that of a denominator.

    Parameters
    ----------
    numerator : :class:`~theano.Variable`
    denominator : :class:`~theano.Variable` or number
        For example the sum over the examples of a batch and their number, for
        batches of different sizes.
    """

    def __init__(self, numerator, denominator):
        self.numerator = numerator
        self.denominator = denominator

    def get_aggregator(self):
        parts = [tensor.as_tensor_variable(self.numerator)]
        parts.append(tensor.as_tensor_variable(self.denominator))
        (numerator, denominator), initial, updates = _folded(parts, tensor.add)
        return Aggregator(self, initial, updates, numerator / denominator)


class Minimum(AggregationScheme):
    """The smallest value of each component."""

    combine = staticmethod(tensor.minimum)

    def get_aggregator(self):
        (extreme,), initial, updates = _folded([self.variable], self.combine)
        return Aggregator(self, initial, updates, extreme)


class Maximum(Minimum):
    """The largest value of each component."""

    combine = staticmethod(tensor.maximum)


class TakeLast(AggregationScheme):
    """The value on the last batch."""

    def get_aggregator(self):
        last = shared_like(self.variable)
        return Aggregator(self, [], [(last, self.variable)], last)


class DataIndependent(AggregationScheme):
    """For a variable that does not depend on data: its value at the end."""

    def get_aggregator(self):
        return Aggregator(self, readout_variable=self.variable)


def _with_scheme(scheme, variable):
    """A copy of a variable that has an aggregation scheme."""
    variable = variable.copy(name=variable.name)
    variable.tag.aggregation_scheme = scheme(variable)
    return variable


def mean(numerator, denominator=1.0):
    """A variable to be aggregated as :class:`Mean`.

    Parameters
    ----------
    numerator : :class:`~theano.Variable`
    denominator : :class:`~theano.Variable` or number

    Returns
    -------
    :class:`~theano.Variable`
        Their quotient on one batch, with the name of the numerator.
    """
    variable = numerator / denominator
    variable.tag.aggregation_scheme = Mean(numerator, denominator)
    variable.name = numerator.name
    return variable


def minimum(variable):
    """A variable to be aggregated as :class:`Minimum`."""
    return _with_scheme(Minimum, variable)


def maximum(variable):
    """A variable to be aggregated as :class:`Maximum`."""
    return _with_scheme(Maximum, variable)


def take_last(variable):
    """A variable to be aggregated as :class:`TakeLast`."""
    return _with_scheme(TakeLast, variable)
