"""Extensions that change training."""

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
