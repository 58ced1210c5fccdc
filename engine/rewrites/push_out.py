"""Compile faster: take all sums of products out of a scan in one go."""

from theano import scalar, tensor
from theano.gof.graph import Constant, io_toposort
from theano.scan_module.scan_opt import PushOutScanOutput
from theano.scan_module.scan_utils import scan_args
from theano.tensor import Dot, Elemwise


class PushOutProducts(PushOutScanOutput):
    """The gradients of all weights of a recurrence, each as one product per sequence.

    Theano's own rewrite gives the same graph, but takes out one sum at a time and
    builds the scan anew after each. For DRAW that is most of the time of rewriting.
    """

    def process_node(self, fgraph, node):
        args = parsed(node)
        sums = self.sums_of_products(args)
        if not sums:
            return
        # Where the factors of all time steps are, or will be, outside.
        seqs = dict(zip(args.inner_in_seqs, args.outer_in_seqs))
        outputs = {v: k for k, v in enumerate(args.inner_out_nit_sot)}
        missing = []
        for product in sums.values():
            for factor in product.owner.inputs:
                if factor not in seqs and factor not in outputs:
                    outputs[factor] = len(args.inner_out_nit_sot) + len(missing)
                    missing.append(factor)
        if missing:
            node = self.add_nitsot_outputs(fgraph, node, args, missing)
            args = parsed(node)

        replacements = []
        for k, product in sums.items():
            left, right = (
                seqs[v] if v in seqs else args.outer_out_nit_sot[outputs[v]]
                for v in product.owner.inputs
            )
            shape = right.shape
            total = tensor.dot(
                tensor.flatten(left.dimshuffle(1, 0, 2), ndim=2),
                right.reshape((shape[0] * shape[1], shape[2])),
            )
            ((last, _),) = args.outer_out_sit_sot[k].clients
            first = args.outer_in_sit_sot[k][0]
            replacements.append((last.outputs[0], total + first))
        fgraph.replace_all(replacements, reason="push_out_products")

    def sums_of_products(self, args):
        """Find s = s + dot(a, b), of which only the last step's is used.

        Returns
        -------
        dict of int to variable
            For the number of the sum among the states, the product.
        """
        users = {}
        io_toposort(args.inner_inputs, args.inner_outputs, clients=users)
        fixed = set(args.inner_in_non_seqs)
        sums = {}
        states = zip(args.inner_in_sit_sot, args.inner_out_sit_sot)
        for k, (before, after) in enumerate(states):
            node = after.owner
            if not node or not isinstance(node.op, Elemwise) or len(node.inputs) != 2:
                continue
            if not isinstance(node.op.scalar_op, scalar.Add):
                continue
            rest = [v for v in node.inputs if v is not before]
            if len(rest) != 1 or not rest[0].owner or len(users[rest[0]]) != 1:
                continue
            (product,) = rest
            if not isinstance(product.owner.op, Dot):
                continue
            changing = [
                v.ndim == 2 and v not in fixed and not isinstance(v, Constant)
                for v in product.owner.inputs
            ]
            if all(changing) and self.inner_sitsot_only_last_step_used(after, args):
                sums[k] = product
        return sums


def parsed(node):
    """The inputs and outputs of a scan by their kinds."""
    op = node.op
    return scan_args(node.inputs, node.outputs, op.inputs, op.outputs, op.info)
