"""The gradient of a sequence of which a scan takes the first steps: most often all."""

import numpy
from theano.gof import Apply, Op, local_optimizer
from theano.tensor import Alloc, NotScalarConstantError, get_scalar_constant_value
from theano.tensor.subtensor import IncSubtensor, get_idx_list


class PadWithZeros(Op):
    """Lengthen an array along its first axis; the array itself where it is complete.

    In most cases there is nothing to do. Theano would clear an array as large as all
    gates of all time steps, and copy what it has into it, twice.
    """

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x, length):
        return Apply(self, [x, length], [x.type()])

    def perform(self, node, inputs, outputs):
        x, length = inputs
        if len(x) < length:
            padded = numpy.zeros((int(length), *x.shape[1:]), dtype=x.dtype)
            padded[: len(x)] = x
            x = padded
        # A scan that went back in time leaves it backwards. Whatever takes it as one
        # matrix would copy it, each time anew.
        outputs[0][0] = numpy.ascontiguousarray(x)

    def infer_shape(self, node, shapes):
        return [(node.inputs[1], *shapes[0][1:])]


@local_optimizer([IncSubtensor])
def prefix_gradient(node):
    """Pad, instead of adding to the first steps of an array of zeros."""
    if not isinstance(node.op, IncSubtensor) or len(node.op.idx_list) != 1:
        return False
    zeros, x, *indices = node.inputs
    (index,) = get_idx_list([zeros, *indices], node.op.idx_list)
    if not zeros.owner or not isinstance(zeros.owner.op, Alloc):
        return False
    if x.type != node.outputs[0].type or not isinstance(index, slice):
        return False
    if not is_constant(zeros.owner.inputs[0], 0):
        return False
    whole = index.start is None or is_constant(index.start, 0)
    if not whole or not (index.step is None or is_constant(index.step, 1)):
        return False
    return [PadWithZeros()(x, zeros.owner.inputs[1])]


def is_constant(variable, value):
    """Whether `variable` is known to be `value`, everywhere."""
    try:
        return get_scalar_constant_value(variable) == value
    except NotScalarConstantError:
        return False
