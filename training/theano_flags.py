"""Configure Theano; call this before anything imports it.

Theano reads its settings once, when it is imported, from the files named in
``THEANORC`` and then from ``THEANO_FLAGS``.
"""

import os
import sys
from pathlib import Path

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
