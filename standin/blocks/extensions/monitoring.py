"""An extension that records the values of Theano variables."""

from blocks.extensions import SimpleExtension
from blocks.monitoring.evaluators import DatasetEvaluator


class DataStreamMonitoring(SimpleExtension):
    """Aggregate variables over one epoch of a stream, by default after each epoch.

    Parameters
    ----------
    variables : list of :class:`~theano.Variable`
        With names. They may have an aggregation scheme,
        :mod:`blocks.monitoring.aggregation`; the default is the mean over batches.
    data_stream : :class:`~fuel.streams.AbstractDataStream`
    prefix : str, optional
        With an underscore, before the variables' names in the log.
    """

    def __init__(self, variables, data_stream, prefix=None, **kwargs):
        kwargs.setdefault("after_epoch", True)
        kwargs.setdefault("before_first_epoch", True)
        super().__init__(**kwargs)
        self._evaluator = DatasetEvaluator(variables)
        self.data_stream = data_stream
        self.prefix = prefix

    def do(self, which_callback, *args):
        row = self.main_loop.log.current_row
        for name, value in self._evaluator.evaluate(self.data_stream).items():
            row["_".join(filter(None, [self.prefix, name]))] = value
