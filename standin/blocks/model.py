"""A model: a computation graph whose parameters can be read and set by name."""

import logging
from collections import OrderedDict

from blocks.filter import get_brick
from blocks.graph import ComputationGraph

logger = logging.getLogger(__name__)


class Model(ComputationGraph):
    """A computation graph made by bricks.

    Parameters
    ----------
    outputs : (list of) :class:`~theano.Variable`

    Raises
    ------
    ValueError
        If two top bricks, or two parameters, have the same name.
    """

    def __init__(self, outputs):
        super().__init__(outputs)
        bricks = [get_brick(v) for v in self.variables + self.scan_variables]
        self._top_bricks = []
        for brick in filter(None, bricks):
            top = brick.get_unique_path()[0]
            if top not in self._top_bricks:
                self._top_bricks.append(top)
        _refuse_repeated(brick.name for brick in self._top_bricks)
        names = []
        for parameter in self.parameters:
            brick = get_brick(parameter)
            named_by = brick.get_hierarchical_name if brick else str
            names.append(named_by(parameter))
        _refuse_repeated(names)
        self._parameters_by_name = OrderedDict(zip(names, self.parameters))

    def check_sanity(self, algorithm):
        """Log an error where a model's and an algorithm's parameters differ."""
        theirs = set(getattr(algorithm, "parameters", self.parameters))
        ours = set(self.parameters)
        if ours - theirs:
            logger.error("the algorithm does not change %s", ours - theirs)
        if theirs - ours:
            logger.error("the algorithm changes %s too", theirs - ours)

    def get_top_bricks(self):
        """The bricks that have no parents, those of this graph only."""
        return list(self._top_bricks)

    def get_parameter_dict(self):
        """The parameters by their hierarchical names, ``/model/layer.W``."""
        return OrderedDict(self._parameters_by_name)

    def get_parameter_values(self):
        """The values of the parameters by their hierarchical names."""
        return OrderedDict(
            (name, parameter.get_value())
            for name, parameter in self._parameters_by_name.items()
        )

    def set_parameter_values(self, parameter_values):
        """Set parameters by their hierarchical names.

        Names that are unknown, and parameters without a value, are logged as
        errors and left alone.

        Parameters
        ----------
        parameter_values : dict
            From names to arrays.

        Raises
        ------
        ValueError
            If an array has another shape than its parameter.
        """
        parameters = self._parameters_by_name
        unknown = [name for name in parameter_values if name not in parameters]
        missing = [name for name in parameters if name not in parameter_values]
        if unknown:
            logger.error("no such parameters: %s", ", ".join(unknown))
        if missing:
            logger.error("no values for the parameters %s", ", ".join(missing))
        for name, value in parameter_values.items():
            if name in parameters:
                shape = parameters[name].get_value(borrow=True).shape
                if shape != value.shape:
                    raise ValueError(f"{name} is of shape {shape}, not {value.shape}")
                parameters[name].set_value(value)


def _refuse_repeated(names):
    seen = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the name {name} appears twice in the model")
        seen.add(name)
