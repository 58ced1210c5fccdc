"""Rewrites of Theano's graphs for speed on CPUs; the bricks know nothing of them.

Each gives what the graph gave before, up to rounding in single precision. Graphs in
double precision are left alone.
"""

import ctypes

from theano import config
from theano.compile import optdb
from theano.gof import LocalOptimizer
from theano.scan_module.scan_opt import scan_seqopt1
from theano.tensor.opt import in2out

from engine.rewrites.activations import fast_activations
from engine.rewrites.merged import merge_elementwise, split_as_slices
from engine.rewrites.prefix import prefix_gradient
from engine.rewrites.products import (
    add_after_product,
    sum_as_product,
    transpose_last,
)
from engine.rewrites.push_out import PushOutProducts
from engine.rewrites.transposed import transpose_once
from engine.rewrites.vectorised import vectorise

# At which point of Theano's own rewrites each has its turn.
POSITIONS = (
    (transpose_last, 1.62),  # scans are final; products are not BLAS calls yet
    (sum_as_product, 1.63),
    (transpose_once, 1.64),
    (prefix_gradient, 2.1),  # zeros are in their final form
    (fast_activations, 48.9),  # whatever knows tanh and sigmoid has run; not fusion
    (split_as_slices, 48.91),
    (merge_elementwise, 49.5),  # after fusion; before the choice of what is in place
    (add_after_product, 75.5),  # known: what is computed in place; and the sum is not
    (vectorise, 76),  # after the choice of what is computed in place
)


def register(leave_out=()):
    """Have every function that Theano compiles from now on rewritten.

    May be called again. Functions in mode ``FAST_COMPILE`` are not rewritten.

    Parameters
    ----------
    leave_out : iterable of str
        Names of rewrites, ``push_out_products``, ``copy_outputs`` or ``keep_memory``,
        to do without: for measurements.
    """
    if register.done:
        return
    for rewrite, position in POSITIONS:
        name = rewrite.__name__
        if isinstance(rewrite, LocalOptimizer):
            rewrite = in2out(rewrite, name=name)
        if name not in leave_out:
            optdb.register(name, rewrite, position, "fast_run")
    if "push_out_products" not in leave_out:
        # Before Theano's own, at 5 among the rewrites of scans.
        name, position = "push_out_products", 4.9
        scan_seqopt1.register(name, PushOutProducts(), position, "fast_run", "scan")
    if "copy_outputs" not in leave_out:
        # Each step's results are copied to where a scan collects them. Where a step may
        # write them there itself, Theano asks whether it has by comparing them number
        # by number, which takes longer than to copy them.
        config.scan.allow_output_prealloc = False
    if "keep_memory" not in leave_out:
        keep_memory()
    register.done = True


register.done = False


def keep_memory():
    """Have the C library keep large blocks when they are freed.

    An update allocates the same arrays as the one before. Given back to the system,
    each of their pages has to be cleared and mapped again.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        m_trim_threshold, m_mmap_threshold = -1, -3
        libc.mallopt(m_mmap_threshold, 2**30)
        libc.mallopt(m_trim_threshold, -1)  # never
