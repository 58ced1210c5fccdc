"""Making .venv-workflow, which has Snakemake for `./reproduce all`.

It is apart from .venv, for Snakemake wants newer packages than the stack of 2017.
"""

import hashlib
import os
import shutil

from common import ROOT
from common.errors import RunError
from install import steps
from install.environment import INSTALL, _lock, _read, _write, variables
from install.environment import PYTHON as OTHER

VENV = os.path.join(ROOT, ".venv-workflow")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "setup.json")
LISTS = [
    os.path.join(INSTALL, "build.txt"),
    os.path.join(ROOT, "workflow", "requirements.txt"),
]


def _complete():
    return os.path.exists(PYTHON) and _read(STAMP).get("key") == _key()


def _key():
    digest = hashlib.sha256(str(ROOT).encode() + os.path.realpath(OTHER).encode())
    for path in LISTS:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def ensure():
    """Install Snakemake where it is still to be installed; .venv must be there.

    Returns
    -------
    str
        The path of .venv-workflow's Python.

    Raises
    ------
    RunError, Interrupted
    """
    if not _complete():
        try:
            with _lock():
                if not _complete():
                    _make()
        except OSError as error:
            raise RunError(f"cannot make {VENV}: {error}") from None
    return PYTHON


def _make():
    steps.say("setting up Snakemake in .venv-workflow, 0.1 GB, once")
    if os.path.lexists(VENV):
        shutil.rmtree(VENV)
    env = variables()
    command = [OTHER, "-m", "venv", "--without-pip", VENV]
    steps.run("making .venv-workflow", command, env=env)
    pip = [OTHER, "-m", "pip", "--no-input", "--disable-pip-version-check"]
    pip += ["--python", PYTHON, "install", "--require-hashes", "--no-build-isolation"]
    for path in LISTS:
        steps.run(
            f"installing what {os.path.relpath(path, ROOT)} names",
            pip + ["-r", path],
            env=env,
            hint="If it was the network, the same command tries again.",
        )
    _write(STAMP, {"key": _key()})
