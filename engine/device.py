"""Choose the device, configure Theano for it, and say what a run runs on."""

import ctypes
import importlib.util
import json
import os
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

from common.errors import RunError
from engine import theano_flags

PACKAGES = ("Theano", "fuel", "blocks", "numpy", "scipy", "h5py", "pygpu", "tqdm")


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


def which_blocks():
    """Return the version of Blocks, and what set-up noted about it."""
    import blocks

    note = Path(sys.prefix) / "blocks.json"
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        known = {}
    known.pop("from", None)  # a path of this machine
    known["version"] = blocks.__version__
    known["standin"] = "standin" in blocks.__version__
    return known


def versions():
    """Return the versions of Python and of the packages that matter."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package.lower()] = version(package)
        except PackageNotFoundError:
            continue
    return found


def archive_commit():
    """The archive's own commit, ending in + where files were changed; else None."""
    command = ["git", "-C", str(theano_flags.ROOT), "describe", "--always"]
    try:
        done = subprocess.run(
            [*command, "--abbrev=12", "--dirty=+"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode().strip()


def host():
    """Return what there is to know about this machine, Theano's BLAS included.

    Another BLAS, or another number of its threads, rounds differently.
    """
    import theano

    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    return {
        "name": socket.gethostname(),
        "system": platform.platform(),
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "blas": " ".join(re.findall(r"-l(\S+)", theano.config.blas.ldflags)),
        "threads": {name: os.environ[name] for name in threads if name in os.environ},
    }


def processor(path="/proc/cpuinfo"):
    """The processor's name, family and model.

    A virtual machine may give no name but the maker's, and times of two generations
    are not to be compared.
    """
    facts = {}
    try:
        with open(path) as file:
            for line in file:
                name, _, value = line.partition(":")
                facts.setdefault(name.strip(), value.strip())
    except OSError:
        pass
    found = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts and "model" in facts:
        found += f" (family {facts['cpu family']}, model {facts['model']})"
    return found


def notices(device, sample, blocks):
    """Return the lines that say in what this run is not the published one."""
    lines = []
    if sample:
        lines.append("Built-in sample data: the figures say nothing about the paper's.")
    if blocks["standin"]:
        lines.append("Blocks is this archive's stand-in, not the upstream library.")
    if device == "cpu":
        cores = len(os.sched_getaffinity(0))
        lines.append(f"No GPU: this runs on the CPU ({cores} cores).")
    return lines
