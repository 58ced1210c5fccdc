"""Transposed weights that a scan multiplies by at every step."""

from theano.gof import local_optimizer
from theano.scan_module.scan_op import Scan
from theano.tensor import DimShuffle
from theano.tensor.extra_ops import cpu_contiguous


@local_optimizer([Scan])
def transpose_once(node):
    """Transpose a matrix in memory before the scan, and not in each of its products.

    Backwards a recurrence multiplies by the transposed weights. A view of them is
    what Theano hands to BLAS, which then rearranges all of them at every time step.
    """
    if not isinstance(node.op, Scan):
        return False
    inputs = list(node.inputs)
    fixed = node.op.outer_non_seqs(inputs)
    first = len(inputs) - len(fixed)
    for k, variable in enumerate(fixed, first):
        shuffle = variable.owner and variable.owner.op
        if isinstance(shuffle, DimShuffle) and tuple(shuffle.new_order) == (1, 0):
            inputs[k] = cpu_contiguous(variable)
    if inputs == node.inputs:
        return False
    return node.op(*inputs, return_list=True)
