"""Roles of parameters, beside those that Blocks has."""

from blocks.roles import ParameterRole, WeightRole


class UnitNormRole(WeightRole):
    """A weight matrix with a gamma; its incoming weight vectors stay at norm one."""


class FixedRole(ParameterRole):
    """A parameter that gradient descent leaves alone, such as a statistic."""


UNIT_NORM = UnitNormRole()
FIXED = FixedRole()
