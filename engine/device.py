"""Choose the device, configure Theano for it, and say what a run runs on."""

import ctypes
import importlib.util
import sys

from common import theano_flags
from common.errors import RunError
from engine import card


def missing_for_cuda():
    """Say what keeps Theano from using a GPU, or return None."""
    if importlib.util.find_spec("pygpu") is None:
        return "pygpu is not installed; the image for GPUs has it"
    try:
        ctypes.CDLL("libcuda.so")
    except OSError:
        return "there is no NVIDIA driver (libcuda.so)"
    return None


def prepare(device, floatX, math="fast"):
    """Configure and import Theano.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cudaN``.
    floatX : str
    math : str
        ``fast``: compiled sooner (see :mod:`engine.compilation`) and, on CPUs, run
        faster (see :mod:`engine.rewrites`); ``strict``: Theano as released.

    Returns
    -------
    str
        ``cpu`` or the GPU's name.

    Raises
    ------
    RunError
        If a GPU was asked for and cannot be used; see also :mod:`common.theano_flags`.
    """
    lacking = missing_for_cuda() if device != "cpu" else None
    if device == "auto":
        device = "cpu" if lacking else "cuda"
    elif lacking:
        raise RunError(f"--device {device} cannot be used: {lacking}")
    with card.report_held_back() as failures:
        if "theano" not in sys.modules:
            theano_flags.configure(device, floatX)
        import theano
        import theano.gpuarray
    if theano.config.floatX != floatX:
        raise RunError(f"Theano is already running in {theano.config.floatX}")
    from engine import compilation, rewrites

    if math == "fast":
        compilation.compile_faster()
    elif rewrites.register.done:
        raise RunError("Theano is already running with fast maths")
    if device == "cpu":
        if math == "fast":
            rewrites.register()
        return "cpu"
    context = None
    if theano.gpuarray.pygpu_activated:
        context = theano.gpuarray.get_context(None)
        try:
            card.try_out(context)
        except Exception as error:  # pygpu has many
            failures.append(error)
    if failures or context is None:
        reasons = [card.cause(error) or str(error) for error in failures]
        raise RunError(
            f"--device {device} cannot be used: "
            f"{'; '.join(reasons) or 'Theano was started without it'}"
        )
    name = context.devname
    return name.decode() if isinstance(name, bytes) else name
