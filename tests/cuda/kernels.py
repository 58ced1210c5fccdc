"""Products, and kernels with and without faults: what tests/test_cuda.py runs.

    python -m tests.cuda.kernels FUNCTION

Prints what has come out, or ends as a driver has it end.
"""

import itertools
import sys

import numpy

HALVES = """
#include "cluda.h"
KERNEL void add_up(GLOBAL_MEM float *from, ga_size n, GLOBAL_MEM float *to) {
    LOCAL_MEM float part[64];
    part[LID_0] = LID_0 < n ? from[LID_0] : 0;
    for (int step = 32; step; step /= 2) {
        %s
        if (LID_0 < step)
            part[LID_0] += part[LID_0 + step];
    }
    local_barrier();
    to[LID_0] = part[0];
}
"""
BEHIND = """
#include "cluda.h"
KERNEL void behind(GLOBAL_MEM float *to, ga_size n) { to[n + 1024 * LID_0] = 1; }
"""


def context():
    import pygpu

    # Each array in an allocation of its own.
    return pygpu.init("cuda0", max_cache_size=0)


def kernel(text, name, types, device):
    from pygpu import gpuarray

    return gpuarray.GpuKernel(text, name, types, context=device)


def add_up(barrier):
    """Sum 64 numbers by halves; without the barrier that is a race."""
    import pygpu

    device = context()
    numbers = numpy.arange(1, 65, dtype="float32")
    on_device = pygpu.asarray(numbers, context=device)
    result = pygpu.zeros((64,), "float32", context=device)
    types = [pygpu.gpuarray.GpuArray, "uint64", pygpu.gpuarray.GpuArray]
    launch = kernel(HALVES % barrier, "add_up", types, device)
    launch(on_device, 64, result, gs=(1,), ls=(64,))
    found = numpy.asarray(result)
    print("right" if (found == numbers.sum()).all() else "wrong")


def sum_with_barriers():
    add_up("local_barrier();")


def sum_without_barriers():
    add_up("")


def write_behind():
    """Write behind the end of an array."""
    import pygpu

    device = context()
    result = pygpu.zeros((1024,), "float32", context=device)
    types = [pygpu.gpuarray.GpuArray, "uint64"]
    launch = kernel(BEHIND, "behind", types, device)
    launch(result, 1024, gs=(1,), ls=(1,))
    numpy.asarray(result)
    print("unnoticed")


def touch_from_the_host():
    """Read device memory as if it were the host's."""
    import ctypes

    import pygpu

    result = pygpu.zeros((1024,), "float32", context=context())
    print(ctypes.cast(result.gpudata, ctypes.POINTER(ctypes.c_float))[0])


def name():
    """What a run notes as its device."""
    print(context().devname)


def products():
    """All transpositions of both precisions, beside NumPy's."""
    import pygpu
    from pygpu import blas

    device, random = context(), numpy.random.RandomState(1)
    worst = 0.0

    def put(array, transposed=False):
        # A transposed array in the device's memory is a view of another one.
        if transposed:
            return pygpu.asarray(array.T.copy(), context=device).transpose()
        return pygpu.asarray(array, context=device)

    for dtype, *ways in itertools.product(
        ("float64", "float32"), *[(False, True)] * 3, (0.0, -0.5)
    ):
        *transposed, beta = ways
        A, B, C = (
            random.randn(*shape).astype(dtype) for shape in ((3, 5), (5, 7), (3, 7))
        )
        x, y = B[:, 0].copy(), C[:, 0].copy()
        there = [put(a, t) for a, t in zip((A, B, C), transposed)]
        scale = 1e-14 if dtype == "float64" else 1e-5
        found = {
            "gemm": (blas.gemm(2.0, *there[:2], beta, there[2]), 2 * A @ B + beta * C),
            "gemv": (
                blas.gemv(2.0, there[0], put(x), beta, put(y)),
                2 * A @ x + beta * y,
            ),
            "ger": (blas.ger(2.0, put(y), put(x), there[0]), A + 2 * numpy.outer(y, x)),
            "dot": (blas.dot(put(x), put(2 * x)), 2 * x @ x),
        }
        for there, wanted in found.values():
            worst = max(worst, abs(numpy.asarray(there) - wanted).max() / scale)
    print("right" if worst < 1 else f"wrong: {worst}")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
