"""What keeps a GPU from working, in one sentence: the cause, and what to do.

Nothing here imports Theano by itself: without a GPU none of it is needed.
"""

import contextlib
import logging
import re

# The name of what computes in place of a GPU in the archive's tests (tests/cuda).
ON_CPU = "CUDA on the CPU"

FAILED = "it has failed: see what nvidia-smi says"
# What the driver, libgpuarray and Theano say, and what that means. Braces stand for
# the groups of the expression.
CAUSES = (
    (
        r"preallocate (\d+) MB of GPU memory while only (\d+) MB",
        "{1} MB of its memory are free and {0} MB are wanted at the start: end the "
        "programs that hold the rest (nvidia-smi lists them) or choose another card "
        "with --device cudaN",
    ),
    (
        "invalid device ordinal",
        "there is no such card: nvidia-smi lists them, and the first is cuda0",
    ),
    (
        "unsupported toolchain|PTX JIT|driver version is insufficient"
        "|unsupported display driver",
        "the NVIDIA driver is older than this CUDA: install a newer driver",
    ),
    (
        "INVALID_OPTION|no kernel image",
        "CUDA's run-time compiler does not know this card, which is too new or too "
        "old for it: docs/GPU.md says which cards it is for",
    ),
    (
        r'Could not load "(lib\w+)',
        "{0}, a library of CUDA's, is missing: docs/GPU.md says which are needed",
    ),
    (
        "cuInit|no CUDA-capable device|are busy or unavailable",
        "the NVIDIA driver does not start or gives no card: see what nvidia-smi says",
    ),
    (
        "nvrtc|GpuKernel_init|Could not initialize elemwise support",
        "CUDA's run-time compiler refuses a kernel: try another version of CUDA, and "
        "please report it",
    ),
    (
        "out of memory|ALLOC_FAILED|Can't allocate|Cannot allocate",
        "its memory is full: end other programs that use it (nvidia-smi lists them) "
        "or make the run smaller, with --batch-size for instance",
    ),
    (r"\b(?:cu[A-Z]|cublas|gpuarray error)", FAILED),
)
# What an exception must have in it to be a GPU's.
OF_A_GPU = re.compile(
    r"GpuArrayException|GPU memory|gpuarray|\bGpu[A-Z]\w+|\bcu[A-Z]\w+[(:]|cublas"
)


def cause(error):
    """Say in words that follow a colon what has happened and what to do.

    Parameters
    ----------
    error : Exception
        Of Theano or pygpu.

    Returns
    -------
    str or None
        None if it is no GPU's.
    """
    text = f"{type(error).__name__}: {error}".replace("\\n", "\n")
    if not OF_A_GPU.search(text):
        return None
    # Theano appends where in the graph it was.
    own = text.partition("Apply node that caused")[0]
    for expression, meaning in CAUSES:
        found = re.search(expression, own)
        if found:
            return f"{meaning.format(*found.groups())} ({said(error)})"
    if isinstance(error, RuntimeError):  # of which not all operations say the cause
        return f"{FAILED} ({said(error)})"
    return None


def said(error):
    """The driver's own words, without those of Theano's around them."""
    words = [word for word in error.args if isinstance(word, (str, bytes))]
    text = words[-1] if words else str(error)
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    text = text.strip().split("\n")[0].rstrip(".")
    text = re.sub(r"^b'(.*)'$", r"\1", text)
    # The driver's call with its arguments, and twice what it gave.
    text = re.sub(r"^.*\b(cu\w+)\(.*\):", r"\1:", text)
    return re.sub(r": (.+?)\.?: \1$", r": \1", text)


@contextlib.contextmanager
def report_held_back():
    """Keep back Theano's report, a traceback, that a GPU does not start.

    Yields
    ------
    list of Exception
        What it would have reported.
    """
    errors = []

    def keep(record):
        if not record.exc_info:
            return True
        errors.append(record.exc_info[1])
        return False

    logger = logging.getLogger("theano.gpuarray")
    logger.addFilter(keep)
    try:
        yield errors
    finally:
        logger.removeFilter(keep)


def try_out(context):
    """Compile and start a kernel, so that what cannot be is known at the start.

    Theano has tried a product when it made the context.
    """
    from pygpu import gpuarray
    from theano.gpuarray.elemwise import GpuElemwise

    text = '#include "cluda.h"\nKERNEL void nothing(ga_size n) {}\n'
    kernel = gpuarray.GpuKernel(text, "nothing", ["uint64"], context=context)
    kernel(1, gs=(1,), ls=(1,))
    # Theano frees what it could not make, and the process ends there.
    GpuElemwise.c_cleanup_code_struct = lambda *about: "if (ge) GpuElemwise_free(ge);"
