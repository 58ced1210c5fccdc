"""Making .venv-workflow, which has Snakemake for `./reproduce all`.

It is apart from .venv, for Snakemake wants newer packages than the stack of 2017.
"""

import os
import shutil

from common import ROOT
from common.errors import RunError
from install import environment, pip, steps

VENV = os.path.join(ROOT, ".venv-workflow")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "setup.json")
LISTS = [environment.BUILD, os.path.join(ROOT, "workflow", "requirements.txt")]


def _complete():
    python = os.path.realpath(environment.PYTHON)
    made = {"key": environment.key(*LISTS), "python": python}
    return os.path.exists(PYTHON) and environment.read(STAMP) == made, made


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
    if not _complete()[0]:
        try:
            with environment.lock():
                complete, made = _complete()
                if not complete:
                    _make()
                    environment.write(STAMP, made)
        except OSError as error:
            raise RunError(f"cannot make {VENV}: {error}") from None
    return PYTHON


def _make():
    steps.say("setting up Snakemake in .venv-workflow, 0.1 GB, once")
    if os.path.lexists(VENV):
        shutil.rmtree(VENV)
    command = [environment.PYTHON, "-m", "venv", "--without-pip", VENV]
    steps.run("making .venv-workflow", command)
    for path in LISTS:
        text = f"installing what {os.path.relpath(path, ROOT)} names"
        there = [*environment.PIP, "--python", PYTHON]
        pip.run(text, there, "install", *pip.LOCKED, "-r", path)
