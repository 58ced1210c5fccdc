"""Population statistics that are exact, for a final evaluation [BN, section 3].

In training they are a moving average, which lags behind the parameters. Here the
parameters stand still and the statistics become the mean of those of every batch.
"""

import numpy
import theano
from blocks.graph import ComputationGraph


def estimate(populations, bits, symbols, batches):
    """Set population statistics to the mean over batches of the training data.

    Parameters
    ----------
    populations : list of bricks.population.PopulationStatistics
    bits : :class:`~theano.Variable`
        The training cost, whose graph updates them.
    symbols : :class:`~theano.Variable`
        What `bits` are computed from, (time, batch).
    batches : iterable of ndarray
        Values of `symbols`.
    """
    variables = {variable for p in populations for variable in p.variables}
    updates = ComputationGraph(bits).updates
    update = theano.function(
        [symbols], updates=[(v, new) for v, new in updates.items() if v in variables]
    )
    rates = [population.rate.get_value() for population in populations]
    for number, batch in enumerate(batches, start=1):
        for population, rate in zip(populations, rates):
            # A moving average with rates 1, 1/2, 1/3, ... is the mean.
            population.rate.set_value(numpy.asarray(1.0 / number, rate.dtype))
        update(batch)
    for population, rate in zip(populations, rates):
        population.rate.set_value(rate)
