"""Compile and run the aggregation of several variables."""

import logging
from collections import OrderedDict

import theano

from blocks.graph import ComputationGraph
from blocks.monitoring.aggregation import DataIndependent, Mean, TakeLast

logger = logging.getLogger(__name__)


class AggregationBuffer:
    """The aggregators of some variables.

    A variable without an aggregation scheme is averaged over batches, unless it
    depends on no data: then its value at readout is taken.

    Parameters
    ----------
    variables : list of :class:`~theano.Variable`
        With different names.
    use_take_last : bool
        Take the last value instead of the average.

    Attributes
    ----------
    inputs : list of :class:`~theano.Variable`
        The data needed.
    initialization_updates, accumulation_updates : list of tuples

    Raises
    ------
    ValueError
        If a variable has no name, or two have the same.
    """

    def __init__(self, variables, use_take_last=False):
        _check_names(variables)
        self.variables = variables
        self.variable_names = [variable.name for variable in variables]
        self.use_take_last = use_take_last
        self.initialization_updates = []
        self.accumulation_updates = []
        self.readout_variables = OrderedDict()
        self._initialized = False
        graph = ComputationGraph(variables)
        self.inputs = graph.inputs
        for variable in variables:
            scheme = getattr(variable.tag, "aggregation_scheme", None)
            if scheme is None:
                if not graph.has_inputs(variable):
                    scheme = DataIndependent(variable)
                elif use_take_last:
                    scheme = TakeLast(variable)
                else:
                    scheme = Mean(variable, 1.0)
            aggregator = scheme.get_aggregator()
            self.initialization_updates.extend(aggregator.initialization_updates)
            self.accumulation_updates.extend(aggregator.accumulation_updates)
            self.readout_variables[variable.name] = aggregator.readout_variable
        self._initialize = theano.function([], [], updates=self.initialization_updates)
        self._read_out = theano.function([], list(self.readout_variables.values()))

    def initialize_aggregators(self):
        """Forget what has been accumulated."""
        self._initialize()
        self._initialized = True

    def get_aggregated_values(self):
        """The results by name.

        Raises
        ------
        Exception
            If nothing was initialised.
        """
        if not self._initialized:
            raise Exception("initialize the aggregators before reading them out")
        return OrderedDict(zip(self.readout_variables, self._read_out()))


class DatasetEvaluator:
    """Aggregate variables over a data set.

    Parameters
    ----------
    variables : list of :class:`~theano.Variable`
        With different names.
    updates : list of tuples, optional
        Further updates with each batch.
    """

    def __init__(self, variables, updates=None):
        self.buffer_ = AggregationBuffer(variables)
        self.updates = list(updates or [])
        self.unique_inputs = self.buffer_.inputs
        updates = self.buffer_.accumulation_updates + self.updates
        self._accumulate = None
        if updates:
            self._accumulate = theano.function(self.unique_inputs, [], updates=updates)

    def initialize_aggregators(self):
        """Forget what has been accumulated."""
        self.buffer_.initialize_aggregators()

    def process_batch(self, batch):
        """Accumulate one batch, a dictionary from source names to arrays.

        Raises
        ------
        KeyError
            If a source is missing.
        """
        names = [variable.name for variable in self.unique_inputs]
        missing = [str(name) for name in names if name not in batch]
        if missing:
            raise KeyError(
                f"monitoring needs the sources {', '.join(missing)}, "
                f"which the data do not have"
            )
        if self._accumulate is not None:
            self._accumulate(*[batch[name] for name in names])

    def get_aggregated_values(self):
        """The results by name."""
        return self.buffer_.get_aggregated_values()

    def evaluate(self, data_stream):
        """Aggregate over one epoch of a data stream.

        Parameters
        ----------
        data_stream : :class:`~fuel.streams.AbstractDataStream`
            It is not read if no variable depends on data.

        Returns
        -------
        OrderedDict
            From the variables' names to arrays.
        """
        self.initialize_aggregators()
        if self._accumulate is None:
            logger.debug("no monitored variable depends on data")
        else:
            for batch in data_stream.get_epoch_iterator(as_dict=True):
                self.process_batch(batch)
        return self.get_aggregated_values()


def _check_names(variables):
    names = [variable.name for variable in variables]
    for name in names:
        if name is None:
            raise ValueError("variables to be monitored need names")
        if names.count(name) > 1:
            raise ValueError(f"two of the variables to be monitored are called {name}")
