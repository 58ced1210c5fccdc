"""Elementwise operations on arrays of one shape, as one operation.

Theano joins an elementwise operation with the one that follows it if no other uses its
result. The gates of an LSTM, each of which is used several times on the way back, it
leaves apart: ten passes over the same memory for each time step.
"""

import numpy
from theano import scalar
from theano.gof import local_optimizer, optimizer
from theano.tensor import Elemwise, NotScalarConstantError, Split
from theano.tensor import get_scalar_constant_value as constant

from engine.rewrites.vectorised import suits

# With more results than these, of which some are not kept, the loop does not gain.
MOST = 40


@local_optimizer([Split])
def split_as_slices(node):
    """Views of the parts of an array, instead of copies."""
    if not isinstance(node.op, Split):
        return False
    x, axis, sizes = node.inputs
    try:
        axis = int(constant(axis))
        sizes = [int(constant(sizes[k])) for k in range(node.op.len_splits)]
    except NotScalarConstantError:
        return False
    ends = numpy.cumsum(sizes)
    before = (slice(None),) * (axis % x.ndim)
    return [x[(*before, slice(end - size, end))] for end, size in zip(ends, sizes)]


@optimizer
def merge_elementwise(fgraph):
    """Put elementwise operations together that have an array of their shape in common.

    Not where a third operation has to come between them.
    """
    groups = Groups()
    for node in fgraph.toposort():
        groups.add(node)
    # Those that take results first, as in `vectorise`.
    pairs = []
    for nodes in reversed(groups.in_order()):
        if len(nodes) > 1:
            pairs += merged(nodes)
    fgraph.replace_all_validate(pairs, reason="merge_elementwise")


class Groups:
    """The groups that operations have been put into, elementwise or each alone.

    Attributes
    ----------
    nodes : dict of int to list of Apply
        By the number of the group.
    """

    def __init__(self):
        self.nodes = {}
        self.needs = {}  # the groups whose results a group takes
        self.of = {}  # of each node
        self.shaped = {}  # for a variable, the nodes on arrays of its shape

    def add(self, node):
        """Make a group of a node, all of whose arguments are known."""
        new = len(self.of)
        self.nodes[new] = [node]
        self.needs[new] = {self.of[v.owner] for v in node.inputs if v.owner}
        self.of[node] = new
        if not suits(node):
            return
        pattern = node.outputs[0].broadcastable
        for variable in (*node.inputs, *node.outputs):
            if variable.broadcastable == pattern:
                others = self.shaped.setdefault(variable, [])
                for other in others:
                    self.join(self.of[node], self.of[other])
                others.append(node)

    def join(self, one, other):
        """Make one group of two, if they are not and can be."""
        arrays = {
            variable
            for node in self.nodes[one] + self.nodes[other]
            for variable in (*node.inputs, *node.outputs)
        }
        if one == other or len(arrays) > MOST:
            return
        if self.between(one, other) or self.between(other, one):
            return
        for node in self.nodes[other]:
            self.of[node] = one
        self.nodes[one] += self.nodes.pop(other)
        self.needs[one] |= self.needs.pop(other)
        for needs in self.needs.values():
            if other in needs:
                needs.remove(other)
                needs.add(one)
        self.needs[one].discard(one)

    def between(self, late, early):
        """Whether a group needs another for a third one, which it needs."""
        waiting, seen = list(self.needs[late] - {early}), set()
        while waiting:
            one = waiting.pop()
            if one == early:
                return True
            if one not in seen:
                seen.add(one)
                waiting += self.needs[one]
        return False

    def in_order(self):
        """The nodes of each group, in an order in which they can be computed."""
        order, seen = [], set()
        position = {node: k for k, node in enumerate(self.of)}

        def visit(group):
            if group not in seen:
                seen.add(group)
                for needed in sorted(self.needs[group]):
                    visit(needed)
                order.append(sorted(self.nodes[group], key=position.get))

        for group in sorted(self.nodes):
            visit(group)
        return order


def merged(nodes):
    """One operation for several.

    Returns
    -------
    list of (variable, variable)
        What is used elsewhere of their results, and what takes its place.
    """
    own = set(nodes)
    made, given = {}, {}
    for node in nodes:
        for variable in node.inputs:
            if variable.owner not in own:
                kind = scalar.get_scalar_type(variable.dtype)
                given.setdefault(variable, kind())
        inputs = [made[v] if v in made else given[v] for v in node.inputs]
        made.update(zip(node.outputs, node.op.scalar_op(*inputs, return_list=True)))
    left = [v for v in made if any(client not in own for client, _ in v.clients)]
    op = scalar.Composite(list(given.values()), [made[v] for v in left])
    return list(zip(left, Elemwise(op)(*given, return_list=True)))
