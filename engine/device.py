"""Choose the device, configure Theano for it, and say what a run runs on."""

import ctypes
import importlib.util
import sys

from common import theano_flags
from common.errors import RunError


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
        ``fast`` (see :mod:`engine.rewrites`, CPUs only) or ``strict``.

    Returns
    -------
    str
        ``cpu`` or the GPU's name.

    Raises
    ------
    RunError
        If a GPU was asked for and cannot be used, or Theano cannot be imported.
    """
    lacking = missing_for_cuda() if device != "cpu" else None
    if device == "auto":
        device = "cpu" if lacking else "cuda"
    elif lacking:
        raise RunError(f"--device {device} cannot be used: {lacking}")
    if "theano" not in sys.modules:
        theano_flags.configure(device, floatX)
    try:
        import theano
        import theano.gpuarray
    except ImportError as error:
        raise RunError(f"{error}: run `./reproduce setup` first") from error
    if theano.config.floatX != floatX:
        raise RunError(f"Theano is already running in {theano.config.floatX}")
    from engine.compilation import compile_faster

    compile_faster()
    if device == "cpu":
        from engine import rewrites

        if math == "fast":
            rewrites.register()
        elif rewrites.register.done:
            raise RunError("Theano is already running with fast maths")
        return "cpu"
    if not theano.gpuarray.pygpu_activated:
        raise RunError(
            f"--device {device} cannot be used: Theano's message above says why"
        )
    context = theano.gpuarray.get_context(None)
    return (
        context.devname.decode()
        if isinstance(context.devname, bytes)
        else (context.devname)
    )
