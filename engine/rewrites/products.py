"""Sums and transposes, in forms that BLAS does fast."""

from theano import tensor
from theano.gof import local_optimizer
from theano.tensor import DimShuffle, Reshape
from theano.tensor.blas import Dot22, Gemm
from theano.tensor.elemwise import Sum
from theano.tensor.opt import MakeVector

from engine.rewrites.prefix import is_constant


@local_optimizer([Sum])
def sum_as_product(node):
    """Sum over all axes but the last, or over the last, by a product with ones.

    Theano's own loop takes one number at a time, and adds in double precision.
    """
    if not isinstance(node.op, Sum):
        return False
    (x,) = node.inputs
    single = x.dtype == node.outputs[0].dtype == "float32"
    if not single or x.ndim < 2 or any(x.broadcastable) or node.op.axis is None:
        return False
    *others, last = range(x.ndim)
    axes = sorted(node.op.axis)
    matrix = x.reshape((-1, x.shape[last]), ndim=2)
    if axes == others:
        return [tensor.dot(ones(matrix.shape[0]), matrix)]
    if axes == [last]:
        total = tensor.dot(matrix, ones(matrix.shape[1]))
        return [total.reshape(x.shape[:-1], ndim=last)]
    return False


@local_optimizer([Gemm])
def add_after_product(node):
    """z + x y as a product and a sum, where z has to stay.

    BLAS adds the product to what is there. Theano would copy all gates' input terms
    there first, one number at a time on one core.
    """
    if not isinstance(node.op, Gemm) or node.op.inplace:
        return False
    z, a, x, y, b = node.inputs
    if z.dtype != "float32" or not is_constant(a, 1) or not is_constant(b, 1):
        return False
    return [z + Dot22()(x, y)]


def ones(length):
    """A vector of ones in single precision."""
    return tensor.alloc(tensor.constant(1, dtype="float32"), length)


@local_optimizer([Reshape])
def transpose_last(node):
    """Reshape and then transpose, instead of transposing, which copies, first.

    The gradient of recurrent weights is a product with the states, (time, batch, d),
    which come shuffled to (d, time, batch) and reshaped to (d, time * batch).
    """
    if not isinstance(node.op, Reshape) or node.op.ndim != 2:
        return False
    shuffled = node.inputs[0].owner
    if not shuffled or not isinstance(shuffled.op, DimShuffle):
        return False
    if tuple(shuffled.op.new_order) != (2, 0, 1):
        return False
    # Only a reshape that keeps d as it is.
    shape = node.inputs[1].owner
    d = node.fgraph.shape_feature.get_shape(node.inputs[0], 0)
    if not shape or not isinstance(shape.op, MakeVector) or shape.inputs[0] is not d:
        return False
    (sequence,) = shuffled.inputs
    return [sequence.reshape((-1, sequence.shape[2]), ndim=2).T]
