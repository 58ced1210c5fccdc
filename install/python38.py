"""Finding a Python 3.8 that can build and run Theano's extension modules."""

import glob
import json
import os
import shutil
import tempfile

from common.errors import RunError
from install import steps

# Run by each candidate. It answers for the installation behind a virtual environment,
# so that `.venv` never depends on another environment (or on an older `.venv`).
DESCRIBE = """
import glob, importlib, json, os, platform, sys, sysconfig
missing, folders = [], ["/usr/share/python-wheels"]  # the latter is Debian's
for name in ["venv", "ensurepip", "ssl", "zlib", "ctypes"]:
    try:
        module = importlib.import_module(name)
    except ImportError:
        missing.append(name)
    else:
        if name == "ensurepip":
            folder = os.path.dirname(module.__file__)
            folders.insert(0, os.path.join(folder, "_bundled"))
wheels = [w for f in folders for w in glob.glob(os.path.join(f, "pip-*.whl"))]
if not wheels and not missing:
    missing.append("ensurepip")
executable = sys.executable
if sys.prefix != sys.base_prefix:
    name = "python%d.%d" % sys.version_info[:2]
    executable = os.path.join(sys.base_prefix, "bin", name)
include = sysconfig.get_paths()["include"]
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "implementation": platform.python_implementation(),
    "bits": 64 if sys.maxsize > 2 ** 32 else 32,
    "executable": executable,
    "pip": (wheels or [""])[0],
    "missing": missing,
    "header": os.path.join(include, "Python.h"),
    "has_header": os.path.isfile(os.path.join(include, "Python.h")),
}))
"""


class Refused(Exception):
    """Why a candidate does not do."""


def examine(executable):
    """Look at the Python 3.8 behind `executable`.

    Returns
    -------
    executable, pip : str
        Its path, and that of the wheel of pip that comes with it.

    Raises
    ------
    Refused
        If it does not run (as a shim without its version), is another version, or
        lacks something that the set-up needs.
    """
    status, said = steps.call([executable, "-I", "-c", DESCRIBE])
    lines = said.split("\n")
    try:
        about = json.loads(lines[-1])
    except ValueError:
        about = None
    if status or not isinstance(about, dict):
        raise Refused(f"does not run: {lines[0] or f'exit status {status}'}")
    version = ".".join(map(str, about["version"]))
    if about["version"][:2] != [3, 8] or about["implementation"] != "CPython":
        raise Refused(f"is {about['implementation']} {version}, not CPython 3.8")
    if about["bits"] != 64:
        raise Refused("is a 32-bit build")
    if about["missing"]:
        raise Refused(
            f"lacks its module {about['missing'][0]} (Debian and Ubuntu: "
            "apt-get install python3.8-venv)"
        )
    if not about["has_header"]:
        raise Refused(
            f"lacks its C headers, {about['header']} (Debian and Ubuntu: "
            "apt-get install python3.8-dev)"
        )
    return about["executable"], about["pip"]


def pyenv_roots(environ):
    """Folders that may be a pyenv's root, the likeliest first."""
    roots = [environ.get("PYENV_ROOT"), os.path.join(environ["HOME"], ".pyenv")]
    for folder in environ.get("PATH", "").split(os.pathsep):
        if os.path.basename(folder.rstrip(os.sep)) == "shims":
            roots.append(os.path.dirname(folder.rstrip(os.sep)))
        pyenv = os.path.join(folder, "pyenv")
        if os.path.isfile(pyenv):
            # bin/pyenv is a link to libexec/pyenv; a system package may hold either.
            real = os.path.dirname(os.path.realpath(pyenv))
            roots += [os.path.dirname(folder), os.path.dirname(real)]
    return dict.fromkeys(filter(None, roots))


def candidates(environ):
    """Yield every executable that may be a Python 3.8, the likeliest first."""
    for folder in environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, "python3.8")
        if folder and os.access(path, os.X_OK):
            yield path
    for root in pyenv_roots(environ):
        versions = glob.glob(os.path.join(glob.escape(root), "versions", "3.8*"))
        for version in sorted(versions, key=_by_number, reverse=True):
            path = os.path.join(version, "bin", "python3.8")
            if os.access(path, os.X_OK):
                yield path
    yield from _by_uv(environ)


def find(environ=None):
    """Find a Python 3.8; return what `examine` says of it.

    Parameters
    ----------
    environ : dict of str to str
        By default `steps.variables`.

    Raises
    ------
    RunError
        If there is none, or the one asked for by ``REPRODUCE_PYTHON`` does not do.
    """
    environ = environ or steps.variables()
    wanted = environ.get("REPRODUCE_PYTHON")
    if wanted:
        try:
            return examine(shutil.which(wanted) or wanted)
        except Refused as reason:
            raise RunError(f"REPRODUCE_PYTHON names {wanted}, which {reason}") from None
    refused = []
    try:
        for path in candidates(environ):
            try:
                return examine(path)
            except Refused as reason:
                refused.append(f"{path} {reason}")
    except RunError as error:  # uv could not fetch one
        refused.append(str(error))
    raise RunError(
        "no usable Python 3.8 was found: install uv, which fetches one by itself, or "
        "run `pyenv install 3.8`, or set REPRODUCE_PYTHON to the path of one"
        + (f" (looked at: {'; '.join(refused)})" if refused else "")
    )


def _by_uv(environ):
    """Yield what uv knows; if that does not do, what uv fetches."""
    places = [os.path.join(environ["HOME"], p, "bin") for p in (".local", ".cargo")]
    uv = shutil.which("uv", path=os.pathsep.join([environ.get("PATH", ""), *places]))
    if uv is None:
        return
    find = [uv, "python", "find", "3.8"]
    # Elsewhere, lest uv take the .venv in the current folder for the answer.
    with tempfile.TemporaryDirectory() as folder:
        options = {"cwd": folder, "env": environ}
        status, said = steps.call(find, **options)
        if status:
            install = [uv, "python", "install", "3.8"]
            steps.run("fetching Python 3.8 with uv", install, **options)
            status, said = steps.call(find, **options)
    if status == 0 and said:
        yield said.split("\n")[-1]


def _by_number(version):
    """Sort key of a versions folder: 3.8.18 after 3.8.9."""
    parts = os.path.basename(version).split(".")
    return [int(part) if part.isdigit() else -1 for part in parts]
