"""Compile and run the aggregation of several variables."""

from collections import OrderedDict

import theano

from blocks.graph import ComputationGraph
from blocks.monitoring.aggregation import Mean


class DatasetEvaluator:
    """Aggregate variables over a data set.

    A variable without an aggregation scheme is averaged over batches, unless it
    depends on no data: then its value at the end is taken.

    Parameters
    ----------
    variables : list of :class:`~theano.Variable`
        With different names, or it is a ValueError.
    """

    def __init__(self, variables):
        self._names = [variable.name for variable in variables]
        if None in self._names:
            raise ValueError("monitored variables must have names")
        if len(set(self._names)) < len(self._names):
            raise ValueError(
                f"names of monitored variables must be unique: {self._names}"
            )
        graph = ComputationGraph(variables)
        initialization, accumulation, readout = [], [], []
        for variable in variables:
            scheme = getattr(variable.tag, "aggregation_scheme", None)
            if scheme is None and graph.has_inputs(variable):
                scheme = Mean(variable, 1.0)
            if scheme is None:
                readout.append(variable)
                continue
            aggregator = scheme.get_aggregator()
            initialization.extend(aggregator.initialization_updates)
            accumulation.extend(aggregator.accumulation_updates)
            readout.append(aggregator.readout_variable)
        self.inputs = graph.inputs
        self._initialize = theano.function([], [], updates=initialization)
        self._read_out = theano.function([], readout)
        self._accumulate = None
        if accumulation:
            self._accumulate = theano.function(self.inputs, [], updates=accumulation)

    def _process_batch(self, batch):
        names = [variable.name for variable in self.inputs]
        missing = [str(name) for name in names if name not in batch]
        if missing:
            raise KeyError(f"Not all data sources to monitor are there: {missing}")
        self._accumulate(*[batch[name] for name in names])

    def evaluate(self, data_stream):
        """The results by name over one epoch, unread if nothing depends on it."""
        self._initialize()
        if self._accumulate is not None:
            for batch in data_stream.get_epoch_iterator(as_dict=True):
                self._process_batch(batch)
        return OrderedDict(zip(self._names, self._read_out()))
