"""What the numbers were measured on."""

import os
import time

from benchmarks.processes import told

PREFIXES = (
    "OPENBLAS_",
    "OMP_",
    "MKL_",
    "GOMP_",
    "THEANO",
    "REPRODUCE_CACHE",
    "REPRODUCE_ONEDNN",
)


def describe(options):
    """Return machine, versions, settings and environment, for the results."""
    return {
        **told(options.threads, "machine"),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(PREFIXES)
        },
        "threads": options.threads,
        "rounds": options.rounds,
        "updates": options.updates,
        "math": options.math,
        "quick": options.quick,
        "load_before": os.getloadavg()[0],
    }


def lines(machine):
    """Say it for people."""
    host, versions = machine["host"], machine["versions"]
    environment = " ".join(f"{k}={v}" for k, v in machine["environment"].items())
    text = [
        f"{host['cpu']}, {host['cores']} cores; {machine['threads']} threads; "
        f"Python {versions['python']}, Theano {versions['theano']}, Blocks "
        f"{machine['blocks']}; BLAS {host['blas']}; commit {machine['commit']}; "
        f"{machine['date']}",
        f"environment: {environment or 'nothing that matters'}",
    ]
    if machine["load_before"] > 0.5:
        load = f"{machine['load_before']:.1f}"
        text.append(f"This machine is busy (load {load}): the numbers say little.")
    return text
