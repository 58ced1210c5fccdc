"""Train small models for a while; do memory, open files and disk stay flat?

    python -m tests.soak --minutes 30

Trains both experiments side by side on the built-in data, saving every few seconds,
and prints the slope of each figure per hour, fitted by least squares to the samples
of the second half. Ends with status 1 where one grows more than it may. The run
folder may grow by the log, a line for each epoch in `metrics.jsonl` and the same in
the two states.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {
    "ptb": "--units 16 --length 20 --batch-size 16",
    "draw": "--model baseline --glimpses 4 --units 16 --latent-dim 4 --batch-size 64",
}
COMMON = "--sample --device cpu --epochs 1000000 --save-every 0.1"
# What may be added in an hour: bytes of memory and, for each epoch, of disk; files.
MEMORY, DISK_PER_EPOCH, FILES = 10e6, 2000, 1


def sample(process, folder):
    """Return resident memory in bytes, open files, bytes in the run folder, epochs."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0]) * 1024
    files = len(os.listdir(f"/proc/{process.pid}/fd"))
    disk = epochs = 0
    for path in folder.iterdir():
        try:
            # What is being written or replaced comes and goes.
            if ".part" not in path.name and ".next" not in path.name:
                disk += path.stat().st_size
            if path.name == "metrics.jsonl":
                epochs = path.read_bytes().count(b"\n")
        except FileNotFoundError:
            continue
    return resident, files, disk, epochs


def slopes(samples):
    """Fit the second half of rows (seconds, figures...); return slopes per hour."""
    rows = numpy.array(samples[len(samples) // 2 :], "float64")
    return numpy.polyfit(rows[:, 0] / 3600, rows[:, 1:], 1)[0]


def start(experiment, results):
    command = [sys.executable, "-W", "ignore", f"{experiment}_experiment.py"]
    return subprocess.Popen(
        [
            *command,
            *PROGRAMS[experiment].split(),
            *COMMON.split(),
            "--results-dir",
            results,
        ],
        cwd=str(ROOT),
        stdout=open(os.path.join(results, experiment + ".log"), "w"),
        stderr=subprocess.DEVNULL,
    )


def watch(processes, folders, seconds, every):
    """Sample the processes until the time is over; return the rows of each."""
    rows = {name: [] for name in processes}
    began = time.monotonic()
    with tqdm(total=round(seconds), unit=" s", desc="training") as bar:
        while time.monotonic() - began < seconds:
            time.sleep(every)
            now = time.monotonic() - began
            for name, process in processes.items():
                if process.poll() is not None:
                    sys.exit(f"{name} ended by itself, status {process.returncode}")
                rows[name].append((now, *sample(process, folders[name])))
            bar.update(round(now) - bar.n)
    return rows


def verdict(name, rows):
    """Print what was found; return whether it is flat."""
    memory, files, disk, epochs = slopes(rows)
    flat = memory < MEMORY and files < FILES and disk < DISK_PER_EPOCH * epochs + 1
    print(
        f"{name}: {rows[-1][0] / 60:.0f} minutes, {rows[-1][4]} epochs. Per hour: "
        f"memory {memory / 1e6:+.2f} MB (of {rows[-1][1] / 1e6:.0f} MB), open files "
        f"{files:+.2f} (of {rows[-1][2]}), disk {disk / 1e3:+.1f} kB (of "
        f"{rows[-1][3] / 1e3:.0f} kB) for {epochs:.0f} epochs: "
        f"{'flat' if flat else 'NOT FLAT'}",
        flush=True,
    )
    return flat


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=5, help="seconds to a sample")
    options = parser.parse_args()
    results = tempfile.mkdtemp()
    processes = {name: start(name, results) for name in PROGRAMS}
    try:
        for name, process in processes.items():
            log = Path(results, f"{name}.log")
            while "Compiled" not in log.read_text() and process.poll() is None:
                time.sleep(1)
        folders = {name: next(Path(results).glob(f"{name}-*-1")) for name in processes}
        rows = watch(processes, folders, 60 * options.minutes, options.every)
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
            process.wait()
        shutil.rmtree(results)
    for name, process in processes.items():
        if process.returncode != 128 + signal.SIGTERM:
            sys.exit(f"{name} ended with status {process.returncode} after SIGTERM")
    return 0 if all([verdict(name, rows[name]) for name in rows]) else 1


if __name__ == "__main__":
    sys.exit(main())
