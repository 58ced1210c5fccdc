"""What a run runs on: versions, Blocks, the archive's own commit, the machine."""

import json
import os
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

from common import ROOT, theano_flags

# Of a download, in which Git has put it (.gitattributes).
COMMIT = "$Format:%H$"
PACKAGES = ("Theano", "fuel", "blocks", "numpy", "scipy", "h5py", "pygpu", "tqdm")


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

    known = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            known[package.lower()] = version(package)
        except PackageNotFoundError:
            continue
    return known


def archive_commit():
    """The archive's own commit, ending in + where files were changed; else None."""
    # Named, so that no other repository counts, and whoever owns the files.
    own = [f"--git-dir={ROOT / '.git'}", f"--work-tree={ROOT}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *own, "describe", "--always", "--abbrev=12", "--dirty=+"],
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},  # it only looks
            cwd=str(ROOT),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return None if COMMIT.startswith("$") else COMMIT[:12]
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
        "theano_flags": theano_flags.recorded(),
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
                key, _, value = line.partition(":")
                facts.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts and "model" in facts:
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    return name
