"""Incoming weight vectors of norm one: W_i / ||W_i|| [WN; NP, sections 3.1, 3.3].

``W_i`` is the incoming weight vector of output unit i: ``W[:, i]`` of a matrix of
shape (inputs, outputs). Only matrices that carry a gamma are touched.
"""

from blocks.algorithms import StepRule
from blocks.roles import add_role
from theano import tensor

from bricks.roles import UNIT_NORM


def unit_norm(weights):
    """Divide each incoming weight vector by its norm, in a matrix (inputs, outputs)."""
    return weights / tensor.sqrt(tensor.sqr(weights).sum(axis=0, keepdims=True))


def normalise_value(weights):
    """Scale the incoming weight vectors of a shared variable to norm one, in place.

    The norms are computed in double precision, so that in single precision they are
    one up to rounding.
    """
    value = weights.get_value().astype("float64")
    value /= (value**2).sum(axis=0, keepdims=True) ** 0.5
    weights.set_value(value.astype(weights.dtype))


def hold_at_unit_norm(*matrices):
    """Have shared matrices without a gamma held at norm one, too."""
    for matrix in matrices:
        add_role(matrix, UNIT_NORM)
        normalise_value(matrix)


class UnitNorm(StepRule):
    """Keep incoming weight vectors at norm one.

    This is the last component of a :class:`~blocks.algorithms.CompositeRule`. It
    changes the step so that the updated matrix has unit norms. Thus the constraint
    is part of the one compiled update.

    Parameters
    ----------
    parameters : list of shared variables
        The matrices (inputs, outputs) to constrain; others are left alone.
    """

    def __init__(self, parameters):
        self.parameters = set(parameters)

    def compute_step(self, parameter, previous_step):
        if parameter not in self.parameters:
            return previous_step, []
        return parameter - unit_norm(parameter - previous_step), []
