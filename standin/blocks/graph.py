"""Look at a computation graph; annotations say what its variables belong to."""

from collections import OrderedDict

import theano
from theano.gof.graph import inputs as graph_inputs
from theano.gof.graph import io_toposort
from theano.scan_module.scan_op import Scan

from blocks.roles import AUXILIARY, PARAMETER, add_role, has_roles
from blocks.utils import is_graph_input, is_shared_variable, pack


def add_annotation(var, annotation):
    """Attach an annotation to a variable, once."""
    annotations = getattr(var.tag, "annotations", [])
    if not any(old is annotation for old in annotations):
        annotations = annotations + [annotation]
    var.tag.annotations = annotations


class Annotation:
    """Something that variables belong to: a brick, or one call of a brick.

    A graph with such a variable has the auxiliary variables and the updates too.
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


class ComputationGraph:
    """The variables that some outputs are computed from.

    Attributes
    ----------
    outputs, variables : list of :class:`~theano.Variable`
        The variables are in an order in which they can be computed, with the
        auxiliary variables of the bricks and calls on the way, without constants.
    scans : list of :class:`~theano.scan_module.scan_op.Scan`
    updates : OrderedDict
        The updates that the bricks and calls on the way ask for.
    """

    def __init__(self, outputs):
        self.outputs = pack(outputs)
        self.scans = []
        self.updates = OrderedDict()
        found, annotations = OrderedDict(), set()

        def visit(variable):
            if isinstance(variable, theano.Constant) or variable in found:
                return
            found[variable] = True
            for annotation in getattr(variable.tag, "annotations", []):
                if annotation not in annotations:
                    annotations.add(annotation)
                    self.updates.update(annotation.updates)
                    for auxiliary in annotation.auxiliary_variables:
                        visit(auxiliary)

        for node in io_toposort(graph_inputs(self.outputs), self.outputs):
            if isinstance(node.op, Scan):
                self.scans.append(node.op)
            for variable in node.inputs:
                visit(variable)
        for variable in self.outputs:
            visit(variable)
        self.variables = list(found)

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

    @property
    def auxiliary_variables(self):
        """The variables with the role ``AUXILIARY``."""
        return [v for v in self.variables if has_roles(v, [AUXILIARY])]

    @property
    def scan_variables(self):
        """The variables inside the scans."""
        return [v for scan in self.scans for v in ComputationGraph(scan.outputs)]

    def has_inputs(self, variable):
        """Whether a variable of the graph depends on anything that is given."""
        return any(is_graph_input(v) for v in graph_inputs([variable]))
