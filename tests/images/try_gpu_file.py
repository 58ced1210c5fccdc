"""Build the GPU bundle and try it on a system that has nothing installed, and no GPU.

CUDA on the CPU (tests/cuda/library) is its driver and its cuBLAS, and has each kernel
compiled twice: by g++, which is what then runs, and by the bundle's own CUDA, for old
cards and new ones.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tell import expect, report

from tests.cuda import rig

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = [
    "--updates=10",
    "--ptb=--units 24 --length 12 --batch-size 8",
    "--draw=--units 16 --glimpses 3 --latent-dim 5 --batch-size 20",
]
# Cards, and for what NVIDIA's compiler makes their code.
CARDS = {
    "11.8": {"50": "sm_50", "90": "sm_90", "120": "sm_90"},
    "12.9": {"50": "sm_50", "90": "sm_90", "100": "sm_90", "120": "sm_90"},
}
CUDA = "there/opt/cuda/lib"


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


def try_bundle(base, path, folder, cuda):
    """Run the bundle in several ways.

    Parameters
    ----------
    base : run.Image
        A Debian with nothing installed.
    path : str
        The bundle.
    folder : str
        An empty folder that anybody may write.
    cuda : str
        The image's CUDA.
    """
    shutil.copy(path, os.path.join(folder, "gpu-check.run"))
    there = os.path.join(base.root, "bundle")
    os.makedirs(there, exist_ok=True)
    variables = ["PATH=/usr/bin:/bin"]
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

    settings = {
        "LOG": "/bundle/kernels",
        "CACHE": "/bundle/compiled-kernels",
        "CXX": "/bundle/there/usr/bin/g++",
        "NVRTC": put_in_between(folder, cuda),
        "TOOLKIT": cuda,
    }
    log = os.path.join(folder, "kernels")
    for capability, target in CARDS[cuda].items():
        settings["CAPABILITY"] = capability
        more = [f"{rig.PREFIX}{name}={value}" for name, value in settings.items()]
        status, output, seconds = run(
            *SMALL, more=[*more, "LD_LIBRARY_PATH=/bundle/cuda"]
        )
        expect(status == 0, f"exit status {status} of CUDA on the CPU", output)
        found = report_in(output)
        expect(found["gpu"].startswith("CUDA on the CPU"), "another GPU", output)
        expect(sorted(found["experiments"]) == ["draw", "ptb"], "not both", output)
        newer = f"newer than CUDA {cuda}" in found["gpu"]
        expect(newer == (int(capability) > 90 and cuda == "11.8"), "newer?", output)
        with open(log) as file:
            kernels = [line.split()[1] for line in file if line.startswith(".target")]
        os.remove(log)
        expect(set(kernels) == {target}, f"{set(kernels)}", output)
        report(
            f"a card of {int(capability) / 10} agrees with the CPU; CUDA {cuda} makes "
            f"its {len(kernels)} kernels for {target}",
            seconds,
        )


def put_in_between(folder, cuda):
    """Build CUDA on the CPU, with the bundle's compiler, and put it before its CUDA.

    Returns
    -------
    str
        Where NVIDIA's compiler is then.
    """
    made = Path(folder, "cuda")
    rig.build_library(made, os.path.join(folder, "there/usr/bin/g++"))
    if cuda == "11.8":
        for name in ("libcublas.so", "libcublasLt.so"):
            (made / f"{name}.12").rename(made / f"{name}.11")
    (compiler,) = Path(folder, CUDA).glob("libnvrtc.so.*")
    compiler.rename(compiler.with_name("nvidia.so"))
    compiler.symlink_to("/bundle/cuda/libcuda_on_cpu.so")
    return f"/bundle/{CUDA}/nvidia.so"
