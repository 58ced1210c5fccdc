"""Look at and change a computation graph."""

from collections import OrderedDict

import theano
from theano.gof.graph import inputs as graph_inputs
from theano.gof.graph import io_toposort
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.scan_module.scan_op import Scan

from blocks.config import config
from blocks.graph.annotations import Annotation, add_annotation
from blocks.roles import AUXILIARY, DROPOUT, PARAMETER, add_role, has_roles
from blocks.utils import is_graph_input, is_shared_variable, pack

__all__ = ["Annotation", "ComputationGraph", "add_annotation", "apply_dropout"]


class ComputationGraph:
    """The variables that some outputs are computed from.

    Parameters
    ----------
    outputs : (list of) :class:`~theano.Variable`

    Attributes
    ----------
    outputs, variables : list of :class:`~theano.Variable`
        The variables are in an order in which they can be computed, with the
        auxiliary variables of the bricks and calls on the way.
    scans : list of :class:`~theano.scan_module.scan_op.Scan`
    updates : OrderedDict
        The updates that the bricks and calls on the way ask for.
    """

    def __init__(self, outputs):
        self.outputs = pack(outputs)
        self.variables = []
        self.scans = []
        self.updates = OrderedDict()
        # Dictionaries keep the order and compare variables by identity.
        variables, annotations = OrderedDict(), OrderedDict()

        def visit(variable):
            if isinstance(variable, theano.Constant) or variable in variables:
                return
            variables[variable] = True
            for annotation in getattr(variable.tag, "annotations", []):
                if id(annotation) not in annotations:
                    annotations[id(annotation)] = annotation
                    self.updates.update(annotation.updates)
                    for auxiliary in annotation.auxiliary_variables:
                        visit(auxiliary)

        for node in io_toposort(graph_inputs(self.outputs), self.outputs):
            if isinstance(node.op, Scan):
                self.scans.append(node.op)
            for variable in node.inputs + node.outputs:
                visit(variable)
        for variable in self.outputs:
            visit(variable)
        self.variables = list(variables)

    def __iter__(self):
        return iter(self.variables)

    def _with_role(self, role):
        return [v for v in self.variables if has_roles(v, [role])]

    @property
    def inputs(self):
        """What has to be given to compute the graph."""
        return [v for v in self.variables if is_graph_input(v)]

    @property
    def intermediary_variables(self):
        """What is neither an input nor an output."""
        ends = self.inputs + self.outputs
        return [v for v in self.variables if v not in ends]

    @property
    def shared_variables(self):
        """The shared variables."""
        return [v for v in self.variables if is_shared_variable(v)]

    @property
    def parameters(self):
        """The shared variables with the role ``PARAMETER``."""
        return [v for v in self._with_role(PARAMETER) if is_shared_variable(v)]

    @property
    def auxiliary_variables(self):
        """The variables with the role ``AUXILIARY``."""
        return self._with_role(AUXILIARY)

    @property
    def scan_variables(self):
        """The variables inside the scans."""
        return [v for scan in self.scans for v in ComputationGraph(scan.outputs)]

    def dict_of_inputs(self):
        """The inputs by name."""
        return OrderedDict((v.name, v) for v in self.inputs)

    def has_inputs(self, variable):
        """Whether a variable of the graph depends on anything that is given."""
        return any(is_graph_input(v) for v in graph_inputs([variable]))

    def replace(self, replacements):
        """A copy of the graph in which some variables are replaced.

        A replacement may be an expression of the variable that it replaces.

        Parameters
        ----------
        replacements : dict
            From variables of this graph to what stands in their place.

        Returns
        -------
        :class:`ComputationGraph`
        """
        new = {}

        def put(old, rebuilt):
            if old in replacements:
                inside = {} if rebuilt is old else {old: rebuilt}
                rebuilt = theano.clone(replacements[old], inside)
            if rebuilt is not old:
                new[old] = rebuilt

        inputs = graph_inputs(self.outputs)
        for variable in inputs:
            put(variable, variable)
        for node in io_toposort(inputs, self.outputs):
            changed = any(v in new for v in node.inputs)
            outputs = node.outputs
            if changed:
                arguments = [new.get(v, v) for v in node.inputs]
                outputs = node.clone_with_new_inputs(arguments).outputs
            for old, rebuilt in zip(node.outputs, outputs):
                put(old, rebuilt)
        return ComputationGraph([new.get(v, v) for v in self.outputs])

    def get_theano_function(self, additional_updates=None, **kwargs):
        """Compile the inputs to the outputs, with the graph's updates.

        Parameters
        ----------
        additional_updates : dict, optional
        **kwargs
            For :func:`theano.function`.

        Returns
        -------
        callable
        """
        updates = OrderedDict(self.updates)
        updates.update(additional_updates or {})
        return theano.function(self.inputs, self.outputs, updates=updates, **kwargs)

    def get_snapshot(self, data):
        """The values of all variables for some data.

        Parameters
        ----------
        data : dict
            From the inputs, or their names, to values.

        Returns
        -------
        OrderedDict
            From variables to their values.
        """
        by_name = self.dict_of_inputs()
        given = {by_name.get(key, key): value for key, value in data.items()}
        wanted = [v for v in self.variables if v not in given]
        values = theano.function(list(given), wanted, on_unused_input="ignore")
        snapshot = OrderedDict(zip(wanted, values(*given.values())))
        snapshot.update(given)
        return snapshot


def apply_dropout(
    computation_graph, variables, drop_prob, rng=None, seed=None, custom_divisor=None
):
    """Dropout, scaled at training time.

    Parameters
    ----------
    computation_graph : :class:`ComputationGraph`
    variables : list of :class:`~theano.Variable`
        What dropout is applied to.
    drop_prob : float
        Probability of replacing a component by zero.
    rng : :class:`~theano.sandbox.rng_mrg.MRG_RandomStreams`, optional
    seed : int, optional
        Default: ``config.default_seed``.
    custom_divisor : float or None
        Instead of ``1 - drop_prob``.

    Returns
    -------
    :class:`ComputationGraph`
    """
    rng = rng or MRG_RandomStreams(config.default_seed if seed is None else seed)
    divisor = 1 - drop_prob if custom_divisor is None else custom_divisor
    replacements = OrderedDict()
    for variable in variables:
        mask = rng.binomial(variable.shape, p=1 - drop_prob, dtype=variable.dtype)
        dropped = variable * mask / theano.tensor.cast(divisor, variable.dtype)
        add_role(dropped, DROPOUT)
        dropped.tag.replacement_of = variable
        replacements[variable] = dropped
    return computation_graph.replace(replacements)
