"""Roles: what a Theano variable is for."""

import re


class VariableRole:
    """Base class of all roles; subclass it and make one instance."""

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))

    def __repr__(self):
        words = re.findall("[A-Z][a-z0-9]*", type(self).__name__)
        return "_".join(word for word in words if word != "Role").upper()


class InputRole(VariableRole):
    """Input of an application."""


class OutputRole(VariableRole):
    """Output of an application."""


class CostRole(VariableRole):
    """A scalar cost."""


class AuxiliaryRole(VariableRole):
    """Not needed for the outputs, but of interest, to monitor for example."""


class PersistentRole(VariableRole):
    """Belongs in a saved model."""


class ParameterRole(PersistentRole):
    """Changed by training."""


class WeightRole(ParameterRole):
    """Weights."""


class BiasRole(ParameterRole):
    """Biases."""


class InitialStateRole(ParameterRole):
    """Initial state of a recurrent brick."""


class AlgorithmStateRole(VariableRole):
    """State of a training algorithm."""


class AlgorithmHyperparameterRole(AlgorithmStateRole):
    """A setting of a training algorithm, the learning rate for example."""


class AlgorithmBufferRole(AlgorithmStateRole):
    """What a training algorithm accumulates, Adam's moments for example."""


INPUT = InputRole()
OUTPUT = OutputRole()
COST = CostRole()
AUXILIARY = AuxiliaryRole()
PERSISTENT = PersistentRole()
PARAMETER = ParameterRole()
WEIGHT = WeightRole()
BIAS = BiasRole()
INITIAL_STATE = InitialStateRole()
ALGORITHM_STATE = AlgorithmStateRole()
ALGORITHM_HYPERPARAMETER = AlgorithmHyperparameterRole()
ALGORITHM_BUFFER = AlgorithmBufferRole()


def add_role(var, role):
    """Give a variable a role.

    Nothing happens if it has that role, or a more specific one; more general ones,
    which the new role implies, are dropped.
    """
    roles = getattr(var.tag, "roles", [])
    if not has_roles(var, [role]):
        roles = [old for old in roles if not isinstance(role, type(old))] + [role]
    var.tag.roles = roles


def has_roles(var, roles, match_all=False):
    """Whether a variable has any, or all, of the roles or of their subroles."""
    present = getattr(var.tag, "roles", [])
    found = (any(isinstance(r, type(role)) for r in present) for role in roles)
    return all(found) if match_all else any(found)
