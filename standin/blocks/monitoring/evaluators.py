"""Compile and run the aggregation of several variables."""

from collections import OrderedDict

import theano

from blocks.graph import ComputationGraph
from blocks.monitoring.aggregation import Mean, TakeLast


class AggregationBuffer:
    """The aggregators of some variables.

    A variable without an aggregation scheme is averaged over batches, unless it
    depends on no data: then its value at readout is taken.

    Parameters
    ----------
    variables : list of :class:`~theano.Variable`
        With different names, or it is a ValueError.
    use_take_last : bool
        Take the value on the last batch of variables that depend on no data.
    """

    def __init__(self, variables, use_take_last=False):
        names = [variable.name for variable in variables]
        if None in names:
            raise ValueError("monitored variables must have names")
        if len(set(names)) < len(names):
            raise ValueError(f"names of monitored variables must be unique: {names}")
        graph = ComputationGraph(variables)
        self.inputs = graph.inputs
        self.initialization_updates, self.accumulation_updates = [], []
        readout = []
        for variable in variables:
            scheme = getattr(variable.tag, "aggregation_scheme", None)
            if scheme is None and graph.has_inputs(variable):
                scheme = Mean(variable, 1.0)
            elif scheme is None and use_take_last:
                scheme = TakeLast(variable)
            elif scheme is None:
                readout.append(variable)
                continue
            aggregator = scheme.get_aggregator()
            self.initialization_updates.extend(aggregator.initialization_updates)
            self.accumulation_updates.extend(aggregator.accumulation_updates)
            readout.append(aggregator.readout_variable)
        self._names = names
        self._initialize = theano.function([], [], updates=self.initialization_updates)
        self._read_out = theano.function([], readout)
        self._initialized = False

    def initialize_aggregators(self):
        """Forget what has been accumulated."""
        self._initialize()
        self._initialized = True

    def get_aggregated_values(self):
        """The results by name; an error before :meth:`initialize_aggregators`."""
        if not self._initialized:
            raise Exception("initialize the aggregators before reading them out")
        return OrderedDict(zip(self._names, self._read_out()))


class DatasetEvaluator:
    """Aggregate variables, of different names, over a data set.

    The `updates`, a list of tuples, are made with each batch.
    """

    def __init__(self, variables, updates=None):
        self.buffer_ = AggregationBuffer(variables)
        updates = self.buffer_.accumulation_updates + list(updates or [])
        self._accumulate = None
        if updates:
            inputs = self.buffer_.inputs
            self._accumulate = theano.function(inputs, [], updates=updates)

    def initialize_aggregators(self):
        """Forget what has been accumulated."""
        self.buffer_.initialize_aggregators()

    def process_batch(self, batch):
        """Accumulate one batch; a KeyError if a source is missing."""
        names = [variable.name for variable in self.buffer_.inputs]
        missing = [str(name) for name in names if name not in batch]
        if missing:
            raise KeyError(f"Not all data sources to monitor are there: {missing}")
        if self._accumulate is not None:
            self._accumulate(*[batch[name] for name in names])

    def get_aggregated_values(self):
        """The results by name."""
        return self.buffer_.get_aggregated_values()

    def evaluate(self, data_stream):
        """The results over one epoch, which is not read if nothing depends on it."""
        self.initialize_aggregators()
        if self._accumulate is not None:
            for batch in data_stream.get_epoch_iterator(as_dict=True):
                self.process_batch(batch)
        return self.get_aggregated_values()
