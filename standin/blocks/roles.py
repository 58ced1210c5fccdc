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


def _role(name, parent=VariableRole):
    return type(name, (parent,), {"__module__": __name__})


InputRole = _role("InputRole")
OutputRole = _role("OutputRole")
ParameterRole = _role("ParameterRole")
WeightRole = _role("WeightRole", ParameterRole)
BiasRole = _role("BiasRole", ParameterRole)
InitialStateRole = _role("InitialStateRole", ParameterRole)
AlgorithmHyperparameterRole = _role("AlgorithmHyperparameterRole")
AlgorithmBufferRole = _role("AlgorithmBufferRole")

# Input and output of an application.
INPUT = InputRole()
OUTPUT = OutputRole()
# Changed by training.
PARAMETER = ParameterRole()
WEIGHT = WeightRole()
BIAS = BiasRole()
INITIAL_STATE = InitialStateRole()
# Settings of a training algorithm, and what it accumulates.
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


def has_roles(var, roles):
    """Whether a variable has any of the roles or of their subroles."""
    present = getattr(var.tag, "roles", [])
    return any(isinstance(has, type(role)) for role in roles for has in present)
