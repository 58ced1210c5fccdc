"""Extensions that change or watch training."""

import inspect

import numpy

from blocks.extensions import SimpleExtension


class SharedVariableModifier(SimpleExtension):
    """Set a shared variable, by default after each batch.

    Parameters
    ----------
    parameter : shared variable
    function : callable
        Called with the number of iterations done and, if it takes two arguments,
        the variable's value. Returns the new value.
    num_args : int, optional
    """

    def __init__(self, parameter, function, num_args=None, **kwargs):
        kwargs.setdefault("after_batch", True)
        super().__init__(**kwargs)
        self.parameter = parameter
        self.function = function
        self.num_args = num_args or len(inspect.signature(function).parameters)

    def do(self, which_callback, *args):
        arguments = self.main_loop.status["iterations_done"], self.parameter.get_value()
        value = self.function(*arguments[: self.num_args])
        self.parameter.set_value(numpy.asarray(value, dtype=self.parameter.dtype))


class TrackTheBest(SimpleExtension):
    """Note when a record of the log is the best so far, by default after epochs.

    The best value is in the status as ``best_<record>``. In the row where it was
    reached, `notification_name`, by default ``<record>_best_so_far``, is true.
    """

    def __init__(self, record_name, notification_name=None, choose_best=min, **kwargs):
        kwargs.setdefault("after_epoch", True)
        super().__init__(**kwargs)
        self.record_name = record_name
        self.notification_name = notification_name or f"{record_name}_best_so_far"
        self.best_name = f"best_{record_name}"
        self.choose_best = choose_best

    def do(self, which_callback, *args):
        row, status = self.main_loop.log.current_row, self.main_loop.status
        value, best = row.get(self.record_name), status.get(self.best_name)
        if value is not None and (
            best is None or (value != best and self.choose_best(value, best) == value)
        ):
            status[self.best_name] = value
            row[self.notification_name] = True
