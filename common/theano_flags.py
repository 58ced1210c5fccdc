"""Configure and import Theano; call this before anything imports it.

Theano reads its settings once, when it is imported, from the files named in
``THEANORC`` and then from ``THEANO_FLAGS``. What the user has set in either counts, in
this order, but for `OWN` and what set-up has found; ``~/.theanorc`` is for other
projects and is not read.
"""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from unittest import mock

from common import ROOT, compile_cache
from common.errors import RunError
from common.fuel_settings import keep_data_path

# What the user may not set: BLAS and compiler are set-up's, device and precision the
# options', and the rest changes what is computed, or is an error with our graphs.
OWN = re.compile(
    r"(?i)device|floatX|init_gpu_device|force_device|contexts|cxx|blas\..*|lib\.amdlibm"
    r"|compiledir(_format)?|cast_policy|int_division|warn_float64|compute_test_value.*"
    r"|numpy\..*|pickle_test_value"
)

# What of the user's settings counts in this process.
counted = {}


def configure(device="cpu", floatX=None):
    """Import Theano with the archive's settings and what counts of the user's.

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
        If an argument is none of these, Theano or the compiler that set-up found is
        missing, the user's settings cannot be read, or Theano's compile cache cannot
        be used; see :mod:`common.compile_cache`.
    """
    # Commas and quotes would make other flags of them, which can run any program.
    if not re.fullmatch("cpu|cuda[0-9]*", device):
        raise RunError(f"{device!r} is no device: use cpu, cuda or cudaN")
    if floatX not in (None, "float32", "float64"):
        raise RunError(f"{floatX!r} is no precision: use float32 or float64")
    if "theano" in sys.modules:
        raise RuntimeError("configure Theano before anything imports it")
    environment()
    keep_data_path()
    files = [str(ROOT / "theanorc"), str(Path(sys.prefix) / "theanorc")]
    ours = {**in_files(files), "device": device}
    if floatX is not None:
        ours["floatX"] = floatX
    ours["cxx"] = compiler(ours.get("cxx"))
    counted.update(users(ours))
    settings = {**ours, **counted}
    if "gcc.cxxflags" in counted:
        check_flags(ours["cxx"], counted["gcc.cxxflags"])
        both = ours.get("gcc.cxxflags", ""), counted["gcc.cxxflags"]
        settings["gcc.cxxflags"] = " ".join(both)
    wanted = counted.get("base_compiledir") or os.environ.get("REPRODUCE_COMPILEDIR")
    cache = os.path.abspath(os.path.expanduser(wanted or compile_cache.DEFAULT))
    if re.search(r"""[,"'\\#\s]""", cache):
        raise RunError(
            f"Theano's compile cache cannot be {cache!r}, whose name has a blank, a "
            "comma, a quote, a # or a backslash: set REPRODUCE_COMPILEDIR to another "
            "folder"
        )
    settings["base_compiledir"] = cache
    compile_cache.prepare(cache)
    start(
        {
            "THEANORC": os.devnull,
            "THEANO_FLAGS": ",".join(map(quoted, settings.items())),
        }
    )
    compile_cache.sign_all(cache)


def users(ours):
    """What counts of the user's settings; say what does not, where it differs."""
    settings = in_files(filter(None, os.environ.get("THEANORC", "").split(os.pathsep)))
    settings.update(in_flags(os.environ.get("THEANO_FLAGS", "")))
    left = {name: settings.pop(name) for name in list(settings) if OWN.fullmatch(name)}
    names = ", ".join(sorted(name for name in left if left[name] != ours.get(name)))
    if names:
        warn(f"of your settings of Theano, {names} cannot be used here")
    return settings


def start(variables):
    """Import Theano with these variables, which other programs do not inherit."""
    try:
        with mock.patch.dict(os.environ, variables):
            from theano.gof.cmodule import KeyData
    except ImportError as error:
        raise RunError(f"{error}: run `./reproduce setup` first") from error
    except Exception as error:
        if not counted:
            raise
        said = str(error).strip().split("\n")[0]
        names = ", ".join(sorted(counted))
        raise RunError(
            f"Theano does not start with your settings of {names} ({said}): put "
            "THEANO_FLAGS or THEANORC right"
        ) from error
    KeyData.save_pkl = compile_cache.save_pkl


def environment():
    """Put right what Theano and NumExpr, which Fuel imports, cannot do with."""
    for name in ("OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS"):
        value = os.environ.get(name)
        if value is None or re.fullmatch("[1-9][0-9]*", value):
            continue
        # OpenMP takes a list, of which the first number concerns us.
        first = re.match(r"\s*([1-9][0-9]*)\s*(,|$)", value)
        del os.environ[name]
        if first:
            os.environ[name] = first.group(1)
        elif value.strip():
            warn(f"{name} is {value!r} instead of a number, and is not used")
    # Threads without work look out for it for a millisecond, longer than from one
    # product to the next, and then sleep: to wake one takes 0.06 ms. OpenMP's own
    # 10 ms would keep the core from other programs.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    if os.path.expanduser("~") == "~":  # a user without a name
        os.environ["HOME"] = str(compile_cache.DEFAULT.parent)


def compiler(path):
    """The C++ compiler that set-up found; its tools are found beside it."""
    path = path or shutil.which("g++")
    if path is None or not os.access(path, os.X_OK):
        raise RunError(
            f"the C++ compiler {path or 'g++'}, which Theano needs, is missing: "
            "install it, or run `./reproduce setup` to look for another"
        )
    # Theano looks whether there is a g++ on PATH before it takes this one.
    if shutil.which("g++") is None:
        paths = [os.environ.get("PATH"), os.path.dirname(path)]
        os.environ["PATH"] = os.pathsep.join(filter(None, paths))
    return path


def check_flags(path, flags):
    """See that the compiler takes the user's flags."""
    command = [path, *flags.split(), "-fsyntax-only", "-x", "c++", os.devnull]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    said = done.stderr.strip().split("\n")[0] if done.returncode else ""
    if "-fopenmp" in flags.split():
        said = "openmp=True takes the place of -fopenmp"
    if said:
        raise RunError(f"gcc.cxxflags of your Theano settings cannot be used ({said})")


def in_files(paths):
    """The settings in files as ``~/.theanorc``; those in later ones win."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    for path in paths:
        try:
            with suppress(FileNotFoundError), open(os.path.expanduser(path)) as file:
                parser.read_file(file)
        except (OSError, ValueError, configparser.Error) as error:
            said = getattr(error, "strerror", None) or str(error).split("\n")[0]
            raise RunError(
                f"{path}, which THEANORC names, cannot be read ({said}): put it right, "
                "or unset THEANORC"
            ) from error
    return {
        option if section == "global" else f"{section}.{option}": value
        for section in parser.sections()
        for option, value in parser.items(section)
    }


def in_flags(text):
    """The settings in a text like that of ``THEANO_FLAGS``."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace, lexer.whitespace_split = ",", True
    try:
        pairs = [part.strip().partition("=") for part in lexer]
    except ValueError as error:
        raise RunError(
            f"THEANO_FLAGS cannot be read ({error}): put it right, or unset it"
        ) from error
    nothing = [name for name, equals, _ in pairs if name and not equals]
    if nothing:
        warn(f"THEANO_FLAGS gives {', '.join(nothing)} no value, and it is not used")
    return {name: value for name, equals, value in pairs if equals}


def recorded():
    """What of the user's settings counts, folders aside, as ``THEANO_FLAGS`` has it."""
    return ",".join(f"{k}={v}" for k, v in counted.items() if k != "base_compiledir")


def quoted(setting):
    """A setting as ``THEANO_FLAGS`` has it."""
    name, value = setting
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def warn(text):
    print(f"Warning: {text}", file=sys.stderr)
