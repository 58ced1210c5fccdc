"""What the experiments' graphs give on the rig, beside what they give on the CPU.

docker/gpu_check.py, which checks cards, does the work; here nothing is fast, and so all
models are compared, at a small size, where rounding has no time to grow.
"""

import argparse
import os
import sys
import tempfile
from unittest import mock

from common import ROOT
from tests.cuda import rig

sys.path[:0] = [str(ROOT / "docker")]

import gpu_check  # noqa: E402
import gpu_compare  # noqa: E402

# Sizes that differ from each other: a transposed matrix does not fit.
SIZE = {
    "ptb": "--units 17 --length 9 --batch-size 5",
    "draw": "--units 17 --glimpses 3 --latent-dim 7 --batch-size 5",
}
GRAPHS = {
    "norm_prop": "ptb --model norm_prop",
    "norm_prop, released": "ptb --model norm_prop --compensation released",
    "norm_prop, none": "ptb --model norm_prop --compensation none",
    "baseline": "ptb --model baseline",
    "weight_norm": "ptb --model weight_norm",
    "layer_norm": "ptb --model layer_norm",
    "batch_norm": "ptb --model batch_norm",
    "norm_prop, regularised": "ptb --model norm_prop --regularise",
    "DRAW, norm_prop": "draw --model norm_prop",
    "DRAW, baseline": "draw --model baseline",
    "DRAW, weight_norm": "draw --model weight_norm",
}
UPDATES = 4
# How far the rig may be from the CPU, of losses and gradients. In single precision more
# is allowed where rounding alone does more to the CPU's own: see gpu_compare.FACTOR.
LIMITS = {"float64": 1e-10, "float32": 1e-5}
# The order of blocks and threads, and what guards memory: with each precision others.
# A guard wants each array in an allocation of its own.
WITH = {
    "float64": {"order": "11", "guard": "after"},
    "float32": {"order": "reverse", "guard": "host"},
}
SEPARATE = "gpuarray.preallocate=-1"
# The CPU's graphs as they are written: not rewritten, and computed by NumPy.
PLAIN = "mode=FAST_COMPILE"


def measure(graph, floatX, reference, library=rig.LIBRARY, **settings):
    """Run a graph in a process of its own.

    Parameters
    ----------
    graph : str
        Of `GRAPHS`.
    floatX : str
    reference : bool
        Whether on the CPU and not on the rig.
    library : Path
        The folder of the library, or of another build of it.
    **settings
        Of the library.

    Returns
    -------
    dict of str to ndarray or None
        ``losses`` and the gradients by their names; None if the process failed.
    """
    experiment, _, words = GRAPHS[graph].partition(" ")
    options = argparse.Namespace(device="cuda", updates=UPDATES, jobs=1)
    setattr(options, experiment, f"{SIZE[experiment]} {words}")
    flags = PLAIN if reference else SEPARATE if "guard" in settings else ""
    variables = rig.variables(flags, library, **settings)
    with mock.patch.dict(os.environ, variables), tempfile.TemporaryDirectory() as made:
        found = gpu_check.measure(options, made, experiment, floatX, reference)
    return None if found is None else found[1]


def compare(graph, precisions=gpu_check.PRECISIONS, **settings):
    """Compare a graph on the rig with the CPU.

    Parameters
    ----------
    graph : str
    precisions : sequence of str
        ``float64`` first.
    **settings
        For `measure`; default: those of `WITH`.

    Yields
    ------
    floatX : str
    found : dict or None
        As of ``gpu_compare.compare``; None if a process failed.
    """
    cpu = {}
    for floatX in precisions:
        cpu[floatX] = measure(graph, floatX, True)
        there = measure(graph, floatX, False, **(settings or WITH[floatX]))
        if there is None or cpu[floatX] is None:
            yield floatX, None
            return
        rounding = cpu["float32"] if floatX == "float32" else None
        limit = LIMITS[floatX]
        yield floatX, gpu_compare.compare(
            there, cpu["float64"], rounding, gradient=limit, loss=limit
        )


def worst(found):
    """Loss and gradient that are furthest apart; the gradient's name."""
    apart = dict(found["apart"])
    losses = apart.pop("losses")
    name = max(apart, key=apart.get)
    return losses, apart[name], name
