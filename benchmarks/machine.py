"""What the numbers were measured on."""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.processes import ROOT
from training import device

PREFIXES = ("OPENBLAS_", "OMP_", "MKL_", "GOMP_", "THEANO", "REPRODUCE_ONEDNN")


def describe(options):
    """Return machine, versions, BLAS, settings and environment, for the results."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "host": device.host(),
        "versions": device.versions(),
        "blocks": device.which_blocks()["version"],
        "blas": settings(),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(PREFIXES)
        },
        "commit": commit(),
        "threads": options.threads,
        "rounds": options.rounds,
        "updates": options.updates,
        "math": options.math,
        "quick": options.quick,
        "load_before": os.getloadavg()[0],
    }


def settings():
    """The BLAS that set-up has chosen, without this machine's folders."""
    try:
        text = (Path(sys.prefix) / "theanorc").read_text()
    except OSError:
        return "Theano's own choice"
    words = [word for word in text.split() if word.startswith("-l")]
    return " ".join(words) or "none"


def commit():
    """The commit of this checkout, where it is one."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def lines(machine):
    """Say it for people."""
    host, versions = machine["host"], machine["versions"]
    environment = " ".join(f"{k}={v}" for k, v in machine["environment"].items())
    text = [
        f"{host['cpu']}, {host['cores']} cores; {machine['threads']} threads; "
        f"Python {versions['python']}, Theano {versions['theano']}, Blocks "
        f"{machine['blocks']}; BLAS {machine['blas']}; commit {machine['commit']}; "
        f"{machine['date']}",
        f"environment: {environment or 'nothing that matters'}",
    ]
    if machine["load_before"] > 0.5:
        load = f"{machine['load_before']:.1f}"
        text.append(f"This machine is busy (load {load}): the numbers say little.")
    return text
