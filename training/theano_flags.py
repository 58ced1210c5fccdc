"""Configure Theano; call this before anything imports it.

Theano reads its settings once, when it is imported, from the files named in
``THEANORC`` and then from ``THEANO_FLAGS``.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from training.errors import RunError
from training.files import megabytes

# What one experiment leaves in the compile cache is less than this.
CACHE_BYTES = 70e6

ROOT = Path(__file__).resolve().parent.parent


def configure(device="cpu", floatX=None):
    """Point Theano at the archive's settings.

    What the user has set in ``THEANORC`` or ``THEANO_FLAGS`` wins, except for the
    arguments of this function.

    Parameters
    ----------
    device : str
        ``cpu``, ``cuda`` or ``cudaN``.
    floatX : str, optional
        ``float32`` or ``float64``; default: as in ``theanorc``.

    Raises
    ------
    RuntimeError
        If Theano has been imported already, so that nothing would take effect.
    RunError
        If its compile cache cannot be written; see :func:`check_cache`.
    """
    if "theano" in sys.modules:
        raise RuntimeError("configure Theano before anything imports it")
    settings = [ROOT / "theanorc", Path(sys.prefix) / "theanorc"]
    os.environ.setdefault("THEANORC", os.pathsep.join(map(str, settings)))
    flags = [os.environ.get("THEANO_FLAGS", "")]
    if "base_compiledir" not in flags[0]:
        compiledir = os.environ.get("REPRODUCE_COMPILEDIR", ROOT / ".cache" / "theano")
        flags.append(f"base_compiledir={compiledir}")
    flags.append(f"device={device}")
    if floatX is not None:
        flags.append(f"floatX={floatX}")
    os.environ["THEANO_FLAGS"] = ",".join(flag for flag in flags if flag)
    check_cache()


def check_cache():
    """Write something to the folder of Theano's compile cache.

    Theano itself would end in a traceback, or wait for ever for a lock that it cannot
    write.

    Raises
    ------
    RunError
        If it cannot be written, or its disk is nearly full.
    """
    flags = os.environ.get("THEANO_FLAGS", "").split(",")
    settings = dict(flag.split("=", 1) for flag in flags if "=" in flag)
    if "base_compiledir" not in settings:
        return
    folder = Path(settings["base_compiledir"]).expanduser()
    reason = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(str(folder)).free
        if free < CACHE_BYTES:
            reason = f"{free / 1e6:.0f} MB are free, {megabytes(CACHE_BYTES)} needed"
        with tempfile.TemporaryFile(dir=str(folder)) as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror
    if reason:
        raise RunError(
            f"Theano's compile cache, {folder}, cannot be used ({reason}): make room "
            "or set REPRODUCE_COMPILEDIR to another folder"
        )
