"""A model: a computation graph whose parameters can be read and set by name."""

import logging
from collections import OrderedDict

from blocks.filter import get_brick
from blocks.graph import ComputationGraph

logger = logging.getLogger(__name__)


class Model(ComputationGraph):
    """A computation graph made by bricks.

    Raises a ValueError if two top bricks, or two parameters, have the same name.
    """

    def __init__(self, outputs):
        super().__init__(outputs)
        bricks = [get_brick(v) for v in self.variables + self.scan_variables]
        bricks = list(OrderedDict.fromkeys(filter(None, bricks)))
        below = [child for brick in bricks for child in brick.children]
        self._top_bricks = [brick for brick in bricks if brick not in below]
        _by_name((brick.name, brick) for brick in self._top_bricks)
        self._parameter_dict = _by_name(
            (get_brick(p).get_hierarchical_name(p) if get_brick(p) else p.name, p)
            for p in self.parameters
        )

    def get_top_bricks(self):
        """The bricks of this graph that have no parent in it."""
        return list(self._top_bricks)

    def get_parameter_dict(self):
        """The parameters by their hierarchical names, ``/model/layer.W``."""
        return OrderedDict(self._parameter_dict)

    def get_parameter_values(self):
        """The values of the parameters by their hierarchical names."""
        parameters = self._parameter_dict.items()
        return OrderedDict((name, p.get_value()) for name, p in parameters)

    def set_parameter_values(self, parameter_values):
        """Set parameters by a dictionary of their hierarchical names.

        Names that are unknown, and parameters without a value, are logged as
        errors and left alone. Raises a ValueError if a shape differs.
        """
        parameters = self._parameter_dict
        for name in set(parameters).symmetric_difference(parameter_values):
            known = name in parameters
            logger.error("%s: %s", name, "no value" if known else "unknown parameter")
        for name, value in parameter_values.items():
            if name in parameters:
                shape = parameters[name].get_value(borrow=True).shape
                if shape != value.shape:
                    raise ValueError(f"{name} is of shape {shape}, not {value.shape}")
                parameters[name].set_value(value)


def _by_name(pairs):
    items = OrderedDict()
    for name, item in pairs:
        if name in items:
            raise ValueError(f"the name {name} appears more than once in the model")
        items[name] = item
    return items
