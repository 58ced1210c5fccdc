"""How the values of a variable on batches become one value.

A variable says so itself, by its tag ``aggregation_scheme``.
"""

import numpy
import theano
from theano import tensor
from theano.ifelse import ifelse

from blocks.utils import shared_like


class Aggregator:
    """What to compute before the first batch, with each batch, and at the end."""

    def __init__(self, scheme, initialization, accumulation, readout_variable):
        self.aggregation_scheme = scheme
        self.initialization_updates = initialization
        self.accumulation_updates = accumulation
        self.readout_variable = readout_variable


class Mean:
    """The sum of a numerator over batches, divided by that of a denominator.

    For batches of different sizes give the sum over the examples of a batch and
    their number.

    Parameters
    ----------
    numerator : :class:`~theano.Variable`
    denominator : :class:`~theano.Variable` or number
    """

    def __init__(self, numerator, denominator):
        self.numerator = numerator
        self.denominator = denominator

    def get_aggregator(self):
        started = theano.shared(numpy.int8(0), name="started")
        updates, sums = [(started, tensor.constant(1, dtype="int8"))], []
        for variable in (self.numerator, self.denominator):
            variable = tensor.as_tensor_variable(variable)
            total = shared_like(variable)  # its shape is that of the first value
            updates.append((total, ifelse(started, total + variable, variable)))
            sums.append(total)
        return Aggregator(self, [(started, numpy.int8(0))], updates, sums[0] / sums[1])


def mean(numerator, denominator=1.0):
    """The quotient of two variables, to be aggregated as :class:`Mean`."""
    variable = numerator / denominator
    variable.tag.aggregation_scheme = Mean(numerator, denominator)
    variable.name = numerator.name
    return variable
