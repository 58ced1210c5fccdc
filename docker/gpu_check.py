#!/usr/bin/env python
"""Compare a GPU with the CPU on the published configurations; print a JSON report.

Both start from the same parameters and see the same batches of built-in data. What is
compared for each experiment: the gradients of the first update, and the loss over the
first updates; and what is measured: the time of an update and the memory.

In double precision the GPU has to give what the CPU gives. In single precision, as
published, no two devices do: norm_prop starts where rounding errors grow over the time
steps until nothing of the result is left (docs/GPU.md). There the GPU may be as far
from the CPU's result in double precision as the CPU in single precision is, times a
factor; what that leaves undecided is listed, and the gradients are compared for short
sequences, too.

One process for each device and precision, since Theano takes these when it is imported.

With --speed nothing is compared: each model of the two experiments is trained on the
device in single precision, for the time of an update and the memory.

Exit status: 0 if the GPU agrees with the CPU, 1 if it does not or something failed,
3 if there is no GPU, or no cuBLAS, that can be used.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import gpu_worker  # noqa: E402
import numpy  # noqa: E402
from entry import cuda  # noqa: E402
from gpu_compare import compare  # noqa: E402
from gpu_worker import CONFIGURATIONS, MODELS, PARSERS  # noqa: E402

from common import compile_cache, errors  # noqa: E402
from common.arguments import Parser, count  # noqa: E402
from common.errors import RunError  # noqa: E402
from runs import facts  # noqa: E402

PRECISIONS = ("float64", "float32")
NO_GPU = 3
FAILED = {"error": "a device failed: its message is above"}
# What is compared: in which precision, and whether on the CPU, for reference.
COMPARED = [(floatX, where) for floatX in PRECISIONS for where in (False, True)]
# Where `cpu` stands in for the GPU, to rehearse: it may use the faster mathematics.
MATH = {True: "strict", False: "fast"}


def parse(arguments=None):
    parser = Parser(prog="gpu_check.py", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--device",
        default="cuda",
        choices=["cuda", *(f"cuda{n}" for n in range(8)), "cpu"],
        metavar="{cuda,cudaN,cpu}",
        help="what is compared with the CPU; cpu rehearses without a GPU, comparing "
        "--math fast with strict",
    )
    parser.add_argument(
        "--experiment", choices=["ptb", "draw", "both"], default="both", help="which"
    )
    parser.add_argument(
        "--updates", type=count, default=50, help="updates whose loss is compared"
    )
    parser.add_argument(
        "--speed",
        action="store_true",
        help="compare nothing: seconds per update and memory of every model",
    )
    parser.add_argument(
        "--jobs",
        type=count,
        default=1,
        help="so many compile, or run on the CPU, side by side, which makes the CPU's "
        "times longer; on the GPU one at a time (1)",
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write the report there too, after each result",
    )
    for experiment in CONFIGURATIONS:
        parser.add_argument(
            f"--{experiment}",
            metavar="OPTIONS",
            default="",
            help=f"options of {experiment}_experiment.py, in one word, to change the "
            "published configuration",
        )
    # For the processes that this program starts.
    parser.add_argument("--worker", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--reference", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--floatX", choices=PRECISIONS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.experiments = [options.experiment]
    if options.experiment == "both":
        options.experiments = list(CONFIGURATIONS)
    return options


def read(path):
    with numpy.load(str(path), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return json.loads(str(arrays.pop("facts"))), arrays


def measure(options, folder, experiment, floatX, reference, model=""):
    """Run a worker; return its facts and arrays, or None if it failed."""
    device = "cpu" if reference else options.device
    path = Path(folder) / f"{experiment}{model}-{floatX}-{reference}.npz"
    name = f"{experiment} in {floatX} on {device}{' for reference' * reference}"
    words = getattr(options, experiment)
    if model:
        name, words = f"{model}: {name}", f"{words} --model {model}"
    say(f"{name} ...")
    command = [sys.executable, __file__, "--worker", str(path)]
    command += ["--experiment", experiment, "--device", device, "--floatX", floatX]
    command += ["--updates", str(options.updates)]
    command += [f"--{experiment}={words}"]
    command += ["--reference"] if reference else []
    command += ["--speed"] if model else []
    # The card's memory is taken as it is needed, so that it can be measured.
    flags = ["gpuarray.preallocate=0", os.environ.get("THEANO_FLAGS", "")]
    variables = dict(os.environ, THEANO_FLAGS=",".join(filter(None, flags)))
    if options.jobs > 1:  # in one folder they would wait for each other
        base = variables.get("REPRODUCE_COMPILEDIR") or compile_cache.DEFAULT
        variables["REPRODUCE_COMPILEDIR"] = str(Path(base) / path.stem)
    status = subprocess.call(command, env=variables, stdout=sys.stderr)
    if status:
        say(f"{name} failed (exit status {status})")
        return None
    facts, arrays = read(path)
    say(
        f"{name}: {facts['device']}, compiled in {facts['compiling_s']} s, an update "
        f"takes {facts['update_s']:.3f} s, memory in MB: {facts['memory_MB']}"
    )
    return facts, arrays


def say(text):
    print(text, file=sys.stderr, flush=True)


def cublas():
    """The version of cuBLAS, or None if there is none."""
    try:
        library = ctypes.CDLL("libcublas.so")
    except OSError:
        return None
    parts = []
    for part in range(3):
        value = ctypes.c_int()
        library.cublasGetProperty(part, ctypes.byref(value))
        parts.append(str(value.value))
    return ".".join(parts)


def check(options):
    """Compare; return the report."""
    report = {"device": options.device, "experiments": {}, "passed": True}
    usable, report["gpu"] = cuda()
    report["driver"] = gpu_worker.driver_version()
    report["cublas"] = cublas()
    report["cpu"] = f"{facts.processor()}, {len(os.sched_getaffinity(0))} cores"
    report["jobs"] = options.jobs
    if options.device == "cpu":
        report["rehearsal"] = "no GPU was used: fast and strict mathematics on the CPU"
    elif not usable:
        report.update(passed=False, error=f"no GPU to check: {report['gpu']}")
        return report
    elif report["cublas"] is None:
        report.update(passed=False, error="no cuBLAS: there is a GPU, and no libcublas")
        return report
    failed = set()
    parts = [
        (experiment, *part)
        for experiment in options.experiments
        for part in (COMPARED if not options.speed else alone(experiment))
    ]

    def one(part):
        if part[0] in failed and not options.speed:
            return None
        result = measure(options, folder, *part)
        failed.update([] if result else [part[0]])
        return result

    with tempfile.TemporaryDirectory() as folder, ThreadPool(options.jobs) as pool:
        results = pool.imap(one, parts)
        for experiment in options.experiments:
            words = getattr(options, experiment).split()
            if not options.speed:
                words = [*CONFIGURATIONS[experiment], *words]
            found = {"options": " ".join(words)}
            report["experiments"][experiment] = found
            for part in (speeds if options.speed else differences)(experiment, results):
                found.update(part)
                disagree = [found[p]["disagree"] for p in PRECISIONS if p in found]
                if "error" in found or any(disagree):
                    report["passed"] = False
                keep(report, options)
    return report


def differences(experiment, results):
    """Yield what an experiment's comparison gave, precision by precision."""
    arrays = {}
    for floatX in PRECISIONS:
        pair = [next(results), next(results)]
        if None in pair:
            yield FAILED
            continue
        (there, candidate), (here, arrays[floatX]) = pair
        rounding = arrays["float32"] if floatX == "float32" else None
        found = compare(candidate, arrays["float64"], rounding)
        yield {floatX: {**found, "checked": there, "reference": here}}


def alone(experiment):
    """What is measured without a reference: every model of an experiment."""
    return [("float32", False, model) for model in MODELS[experiment]]


def speeds(experiment, results):
    """Yield what was measured, model by model."""
    found = {}
    for *_, model in alone(experiment):
        result = next(results)
        if result is None:
            yield FAILED
            continue
        found[model] = result[0]
        yield {"speed": found}


def keep(report, options):
    """Write the report where the user wants it."""
    if options.report:
        Path(options.report).write_text(json.dumps(report, indent=2) + "\n")


def main(arguments=None):
    options = parse(arguments)
    if options.worker:
        (experiment,) = options.experiments
        words = getattr(options, experiment).split()
        try:
            gpu_worker.work(options, experiment, words, MATH[options.reference])
        except RunError as error:
            return errors.report("gpu_check.py", error)
        return 0
    # Before any time is spent.
    for experiment in options.experiments:
        PARSERS[experiment](
            [*CONFIGURATIONS[experiment], *getattr(options, experiment).split()]
        )
    report = check(options)
    print(json.dumps(report, indent=2), flush=True)
    keep(report, options)
    if "error" in report:
        say(f"gpu_check.py: {report['error']}")
        return NO_GPU
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
