"""Roles of parameters, beside those that Blocks has, and parameters with a role."""

from blocks.roles import ParameterRole, WeightRole, add_role
from blocks.utils import shared_floatx_nans


class UnitNormRole(WeightRole):
    """A weight matrix with a gamma; its incoming weight vectors stay at norm one."""


class FixedRole(ParameterRole):
    """A parameter that gradient descent leaves alone, such as a statistic."""


UNIT_NORM = UnitNormRole()
FIXED = FixedRole()


def allocate(brick, name, shape, role):
    """Make a parameter of a brick; its initialisation gives it values."""
    parameter = shared_floatx_nans(shape, name=name)
    add_role(parameter, role)
    brick.parameters.append(parameter)
    return parameter
