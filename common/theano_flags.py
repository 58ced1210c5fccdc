"""Configure Theano; call this before anything imports it.

Theano reads its settings once, when it is imported, from the files named in
``THEANORC`` and then from ``THEANO_FLAGS``.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from common import ROOT
from common.errors import RunError
from common.files import megabytes
from common.fuel_settings import keep_data_path
from common.trust import check_own, own_folder

# What one experiment leaves in the compile cache is less than this.
CACHE_BYTES = 70e6

CACHE = ROOT / ".cache" / "theano"


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
        If an argument is none of these, or Theano's compile cache cannot be used;
        see :func:`check_cache`.
    """
    # Commas and quotes would make other flags of them, which can run any program.
    if not re.fullmatch("cpu|cuda[0-9]*", device):
        raise RunError(f"{device!r} is no device: use cpu, cuda or cudaN")
    if floatX not in (None, "float32", "float64"):
        raise RunError(f"{floatX!r} is no precision: use float32 or float64")
    if "theano" in sys.modules:
        raise RuntimeError("configure Theano before anything imports it")
    settings = [ROOT / "theanorc", Path(sys.prefix) / "theanorc"]
    os.environ.setdefault("THEANORC", os.pathsep.join(map(str, settings)))
    flags = [os.environ.get("THEANO_FLAGS", "")]
    if "base_compiledir" not in flags[0]:
        compiledir = os.environ.get("REPRODUCE_COMPILEDIR") or str(CACHE)
        if re.search(r"""[,"'\\#\s]""", compiledir):
            raise RunError(
                f"Theano's compile cache cannot be {compiledir!r}, whose name has a "
                "blank, a comma, a quote, a # or a backslash: set REPRODUCE_COMPILEDIR "
                "to another folder"
            )
        flags.append(f"base_compiledir={compiledir}")
    flags.append(f"device={device}")
    if floatX is not None:
        flags.append(f"floatX={floatX}")
    os.environ["THEANO_FLAGS"] = ",".join(flag for flag in flags if flag)
    # Theano wants a home, which a user without a name may lack.
    if os.path.expanduser("~") == "~":
        os.environ["HOME"] = str(CACHE.parent)
    # OpenMP takes a list of numbers, too, or nothing; Theano and numexpr do not.
    threads = os.environ.pop("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if re.fullmatch("[0-9]{1,4}", threads) and int(threads):
        os.environ["OMP_NUM_THREADS"] = threads
    check_cache()
    keep_data_path()


def check_temporary():
    """Write something to the folder in which the C++ compiler keeps its own files.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    folder = os.environ.get("TMPDIR") or "/tmp"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        raise RunError(
            f"the C++ compiler cannot write in {folder} ({error.strerror}): make room, "
            "or set TMPDIR to another folder"
        ) from error


def check_cache():
    """Write something to the folder of Theano's compile cache.

    Theano itself would end in a traceback, or wait for ever for a lock that it cannot
    write. It loads what it finds there, and so nobody else may have written it.

    Raises
    ------
    RunError
        If it cannot be written, it is not this user's own, or its disk is nearly full.
    """
    flags = os.environ.get("THEANO_FLAGS", "").split(",")
    settings = dict(flag.split("=", 1) for flag in flags if "=" in flag)
    if "base_compiledir" not in settings:
        return
    folder = Path(settings["base_compiledir"]).expanduser()
    reason = None
    try:
        # Who may write in the archive can write programs there.
        allowed = ROOT.stat().st_mode if folder == CACHE else 0
        own_folder(folder, allowed)
        if folder.stat().st_mode & 0o011:
            for compiled in folder.glob("compiledir_*"):
                check_own(compiled, allowed)
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
            "or set REPRODUCE_COMPILEDIR to a folder of your own"
        )
