"""Calling pip: what counts of the user's settings, and what does not.

Where packages come from counts, and how they get here. Where they go to, which
versions and in what form they are taken is this archive's to say: a target, a
constraint or a required hash of the user's would break what is pinned.
"""

import ast
import functools
import os

from common.errors import RunError
from install import steps

COUNTS = (
    "index-url extra-index-url find-links no-index trusted-host proxy cert client-cert "
    "timeout default-timeout retries cache-dir no-cache-dir keyring-provider "
    "use-feature use-deprecated"
).split()
# The later win, as with pip.
SECTIONS = ["global", "download", "install", ":env:"]
OWN = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
}
LOCKED = ["--require-hashes", "--no-build-isolation"]


@functools.lru_cache(None)
def settings(*pip):
    """Return those of the user's settings that count.

    Parameters
    ----------
    *pip : str
        The command that starts pip.

    Returns
    -------
    dict of str to str

    Raises
    ------
    RunError
        If pip cannot read its settings.
    """
    status, said = steps.call([*pip, "config", "list"], timeout=60)
    if status:
        raise RunError(steps.explain("reading pip's settings failed", status, [said]))
    listed = dict(line.split("=", 1) for line in said.splitlines() if "='" in line)
    names = [(s, n) for s in SECTIONS for n in COUNTS if f"{s}.{n}" in listed]
    return {n: ast.literal_eval(listed[f"{s}.{n}"]) for s, n in names}


def run(text, pip, *arguments, **more):
    """Have pip do one step of the set-up; see `steps.run`.

    Parameters
    ----------
    text : str
    pip : list of str
        The command that starts pip.
    *arguments : str
    **more : str
        Variables besides the user's.
    """
    env = {k: v for k, v in steps.variables().items() if not k.startswith("PIP_")}
    for name, value in settings(*pip).items():
        env["PIP_" + name.upper().replace("-", "_")] = value
    steps.run(text, [*pip, *arguments], env={**env, **OWN, **more})
