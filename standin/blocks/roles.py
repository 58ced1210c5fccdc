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


class DropoutRole(VariableRole):
    """A variable that dropout was applied to."""


class CollectedRole(VariableRole):
    """Part of a larger parameter vector."""


class PersistentRole(VariableRole):
    """Belongs in a saved model."""


class ParameterRole(PersistentRole):
    """Changed by training."""


class WeightRole(ParameterRole):
    """Weights."""


class BiasRole(ParameterRole):
    """Biases."""


class FilterRole(WeightRole):
    """Convolution filters."""


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
DROPOUT = DropoutRole()
COLLECTED = CollectedRole()
PERSISTENT = PersistentRole()
PARAMETER = ParameterRole()
WEIGHT = WeightRole()
BIAS = BiasRole()
FILTER = FilterRole()
INITIAL_STATE = InitialStateRole()
ALGORITHM_STATE = AlgorithmStateRole()
ALGORITHM_HYPERPARAMETER = AlgorithmHyperparameterRole()
ALGORITHM_BUFFER = AlgorithmBufferRole()


def add_role(var, role):
    """Give a variable a role.

    A role that the variable has already in a more specific form is not added, and
    the more general ones that the new role implies are dropped.

    Parameters
    ----------
    var : :class:`~theano.Variable`
    role : :class:`VariableRole`
    """
    roles = getattr(var.tag, "roles", [])
    if not has_roles(var, [role]):
        roles = [old for old in roles if not isinstance(role, type(old))] + [role]
    var.tag.roles = roles


def has_roles(var, roles, match_all=False):
    """Whether a variable has any, or all, of the roles or of their subroles.

    Parameters
    ----------
    var : :class:`~theano.Variable`
    roles : list of :class:`VariableRole`
    match_all : bool

    Returns
    -------
    bool
    """
    present = getattr(var.tag, "roles", [])
    found = (any(isinstance(r, type(role)) for r in present) for role in roles)
    return all(found) if match_all else any(found)
