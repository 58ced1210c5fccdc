"""Build the GPU bundle and try it on a system that has nothing installed, and no GPU.

What cannot be tried here is what the GPU computes. Everything before that can: with a
driver that computes nothing (nothing_cuda.cpp) the graphs for device=cuda are made,
and their operations and kernels compiled, for the oldest and the newest card.
"""

import json
import os
import shutil
import subprocess
import sys
import time

from tell import expect, report

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = [
    "--updates=10",
    "--ptb=--units 24 --length 12 --batch-size 8",
    "--draw=--units 16 --glimpses 3 --latent-dim 5 --batch-size 20",
]
NOTHING = ("libcuda.so.1", "libcublas.so.12", "libcublasLt.so.12")
CARDS = {"50": "GTX 750", "90": "H100"}


def build(root, path):
    """Make the bundle of an image's files; return the seconds that took."""
    started = time.time()
    command = [
        sys.executable,
        os.path.join(os.path.dirname(os.path.dirname(HERE)), "docker", "gpu-bundle"),
        path,
        "--root",
        root,
    ]
    status = subprocess.call(command)
    if status:
        sys.exit(status)
    return time.time() - started


def report_in(output):
    """The JSON report among the lines of an output."""
    lines = output.splitlines()
    return json.loads("\n".join(lines[lines.index("{") : lines.index("}") + 1]))


def try_bundle(base, path, folder):
    """Run the bundle in several ways.

    Parameters
    ----------
    base : run.Image
        A Debian with nothing installed.
    path : str
        The bundle.
    folder : str
        An empty folder that anybody may write.
    """
    shutil.copy(path, os.path.join(folder, "gpu-check.run"))
    there = os.path.join(base.root, "bundle")
    os.makedirs(there, exist_ok=True)
    variables = ["PATH=/usr/bin:/bin", "NOTHING_CUDA_LOG=/bundle/kernels"]
    base.config = {
        "User": "1000:1000",
        "Entrypoint": ["/bin/sh", "/bundle/gpu-check.run", "--to", "/bundle/there"],
    }

    def run(*words, more=()):
        base.config["Env"] = variables + list(more)
        return base.start(words, [(folder, "/bundle", "")]).end()

    status, output, seconds = run()
    expect(status == 3, f"exit status {status}, not 3, without a GPU", output)
    expect("no GPU to check: no NVIDIA driver" in output, "does not say so", output)
    report(f"{os.path.basename(path)}: unpacked, says that there is no GPU", seconds)

    status, output, seconds = run("--device=cpu", *SMALL)
    expect(status == 0, "the CPU does not agree with itself", output)
    found = report_in(output)["experiments"]
    expect(sorted(found) == ["draw", "ptb"], "not both experiments", output)
    report("its rehearsal on the CPU", seconds)

    library = os.path.join(folder, "nothing.so")
    compiler = os.path.join(folder, "there/usr/bin/g++")
    source = os.path.join(HERE, "nothing_cuda.cpp")
    subprocess.check_call([compiler, "-shared", "-fPIC", "-w", source, "-o", library])
    os.mkdir(os.path.join(folder, "nothing"))
    for name in NOTHING:
        shutil.copy(library, os.path.join(folder, "nothing", name))
    for capability, card in CARDS.items():
        more = ["LD_LIBRARY_PATH=/bundle/nothing"]
        more.append(f"NOTHING_CUDA_CAPABILITY={capability}")
        status, output, seconds = run(*SMALL, more=more)
        expect(status == 1, f"exit status {status}, with nothing computed", output)
        for name, facts in report_in(output)["experiments"].items():
            expect("error" not in facts, f"{name} does not run", output)
            unseen = [p for p in ("float64", "float32") if not facts[p]["disagree"]]
            expect(not unseen, f"{name} passes unseen in {unseen}", output)
        with open(os.path.join(folder, "kernels")) as file:
            kernels = file.read().splitlines()
        os.remove(os.path.join(folder, "kernels"))
        expect(set(kernels) == {f".target sm_{capability}"}, f"{set(kernels)}", output)
        report(f"device=cuda compiled for a {card}: {len(kernels)} kernels", seconds)
