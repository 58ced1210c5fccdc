"""Look at a computation graph; annotations say what its variables belong to."""

from collections import OrderedDict

import theano
from theano.gof.graph import inputs as graph_inputs
from theano.gof.graph import io_toposort

from blocks.roles import PARAMETER, has_roles
from blocks.utils import is_graph_input, is_shared_variable, pack


def add_annotation(var, annotation):
    """Attach an annotation to a variable, once."""
    annotations = getattr(var.tag, "annotations", [])
    if not any(old is annotation for old in annotations):
        annotations = annotations + [annotation]
    var.tag.annotations = annotations


class Annotation:
    """Something that variables belong to: a brick, or one call of a brick.

    A graph with such a variable has the updates too.
    """

    def __init__(self):
        self.updates = OrderedDict()


class ComputationGraph:
    """The variables that some outputs are computed from.

    Attributes
    ----------
    outputs, variables : list of :class:`~theano.Variable`
        The variables are in an order in which they can be computed, without
        constants.
    updates : OrderedDict
        The updates that the bricks and calls on the way ask for.
    """

    def __init__(self, outputs):
        self.outputs = pack(outputs)
        nodes = io_toposort(graph_inputs(self.outputs), self.outputs)
        on_the_way = [variable for node in nodes for variable in node.inputs]
        self.variables = [
            variable
            for variable in OrderedDict.fromkeys(on_the_way + self.outputs)
            if not isinstance(variable, theano.Constant)
        ]
        self.updates = OrderedDict()
        for variable in self.variables:
            for annotation in getattr(variable.tag, "annotations", []):
                self.updates.update(annotation.updates)

    def __iter__(self):
        return iter(self.variables)

    @property
    def inputs(self):
        """What has to be given to compute the graph."""
        return [v for v in self.variables if is_graph_input(v)]

    @property
    def shared_variables(self):
        """The shared variables."""
        return [v for v in self.variables if is_shared_variable(v)]

    @property
    def parameters(self):
        """The shared variables with the role ``PARAMETER``."""
        return [v for v in self.shared_variables if has_roles(v, [PARAMETER])]

    def has_inputs(self, variable):
        """Whether a variable of the graph depends on anything that is given."""
        return any(is_graph_input(v) for v in graph_inputs([variable]))
