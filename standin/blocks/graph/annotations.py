"""Annotations: what a variable of the graph belongs to."""

from collections import OrderedDict

from blocks.roles import AUXILIARY, add_role


def add_annotation(var, annotation):
    """Attach an annotation to a variable, once."""
    annotations = getattr(var.tag, "annotations", [])
    if not any(old is annotation for old in annotations):
        annotations = annotations + [annotation]
    var.tag.annotations = annotations


class Annotation:
    """Something that variables belong to: a brick, or one call of a brick.

    Attributes
    ----------
    auxiliary_variables : list of :class:`~theano.Variable`
        Variables that a graph has when it has a variable with this annotation.
    updates : OrderedDict
        Updates of shared variables that such a graph needs.
    """

    def __init__(self):
        self.auxiliary_variables = []
        self.updates = OrderedDict()

    def add_auxiliary_variable(self, variable, roles=None, name=None):
        """Make a variable, under a new name if there is one, an auxiliary one."""
        add_annotation(variable, self)
        for role in [AUXILIARY] + list(roles or []):
            add_role(variable, role)
        if name is not None:
            variable.name = variable.tag.name = name
        self.auxiliary_variables.append(variable)
