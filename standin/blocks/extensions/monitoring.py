"""Extensions that record the values of Theano variables."""

from blocks.algorithms import UpdatesAlgorithm
from blocks.extensions import SimpleExtension, TrainingExtension
from blocks.monitoring.evaluators import AggregationBuffer, DatasetEvaluator


class MonitoringExtension(TrainingExtension):
    """Puts a prefix and a suffix around the names of variables in the log."""

    SEPARATOR = "_"

    def __init__(self, prefix=None, suffix=None, **kwargs):
        super().__init__(**kwargs)
        self.prefix = prefix
        self.suffix = suffix

    def record_name(self, variable):
        """The name of a variable's record in the log."""
        return self._record_name(variable.name)

    def _record_name(self, name):
        return self.SEPARATOR.join(filter(None, [self.prefix, name, self.suffix]))

    def add_records(self, log, record_tuples):
        """Put pairs of a name and a value into the current row."""
        for name, value in record_tuples:
            log.current_row[self._record_name(name)] = value


class DataStreamMonitoring(SimpleExtension, MonitoringExtension):
    """Aggregate variables over one epoch of a stream, by default after each epoch.

    Parameters
    ----------
    variables : list of :class:`~theano.Variable`
        With names. They may have an aggregation scheme,
        :mod:`blocks.monitoring.aggregation`; the default is the mean over batches.
    data_stream : :class:`~fuel.streams.AbstractDataStream`
    updates : list of tuples, optional
        Updates of shared variables with each batch.
    """

    def __init__(self, variables, data_stream, updates=None, **kwargs):
        kwargs.setdefault("after_epoch", True)
        kwargs.setdefault("before_first_epoch", True)
        super().__init__(**kwargs)
        self._evaluator = DatasetEvaluator(variables, updates)
        self.data_stream = data_stream

    def do(self, which_callback, *args):
        values = self._evaluator.evaluate(self.data_stream)
        self.add_records(self.main_loop.log, values.items())


class TrainingDataMonitoring(SimpleExtension, MonitoringExtension):
    """Aggregate variables over the training batches since the last record.

    The values are computed by the training algorithm's own function, with the
    parameters before each update. Variables that depend on no data give their value
    on the last batch.
    """

    def __init__(self, variables, **kwargs):
        super().__init__(**kwargs)
        self.add_condition(["before_training"])
        self._buffer = AggregationBuffer(variables, use_take_last=True)
        self._last_time_called = -1

    def do(self, which_callback, *args):
        log = self.main_loop.log
        if which_callback == "before_training":
            if not isinstance(self.main_loop.algorithm, UpdatesAlgorithm):
                raise ValueError("TrainingDataMonitoring needs an UpdatesAlgorithm")
            self.main_loop.algorithm.add_updates(self._buffer.accumulation_updates)
            self._buffer.initialize_aggregators()
        elif self._last_time_called != log.status["iterations_done"]:
            # Two triggers at once must not read the buffer twice.
            self._last_time_called = log.status["iterations_done"]
            self.add_records(log, self._buffer.get_aggregated_values().items())
            self._buffer.initialize_aggregators()
