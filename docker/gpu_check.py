#!/usr/bin/env python
"""Compare a GPU with the CPU on the published configurations; print a JSON report.

Both start from the same parameters and see the same batches of built-in data. What is
compared for each experiment: the gradients of the first update, the loss over the
first updates, the time of an update and the memory. One process for each device, since
Theano takes its device when it is imported.

Exit status: 0 if the GPU agrees with the CPU, 1 if it does not or something failed,
3 if there is no GPU, or no cuBLAS, that can be used.
"""

import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import numpy  # noqa: E402
from entry import cuda  # noqa: E402

from training import draw_options, errors, ptb_options  # noqa: E402
from training.errors import RunError  # noqa: E402
from training.options import Parser, count  # noqa: E402

# As published: the defaults of the two programs.
CONFIGURATIONS = {"ptb": ["--model", "norm_prop"], "draw": ["--model", "norm_prop"]}
PARSERS = {"ptb": ptb_options.parse, "draw": draw_options.parse}
VOCABULARY = 50  # of the Penn Treebank; the built-in text has fewer symbols
# How far the GPU may be from the CPU: gradients relative to the largest entry of the
# CPU's gradient of that parameter, and losses relative to the CPU's.
GRADIENT, LOSS = 1e-4, 5e-3
NO_GPU = 3
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
    parser.add_argument("--report", metavar="FILE", help="write the report there too")
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
    options = parser.parse_args(arguments)
    options.experiments = [options.experiment]
    if options.experiment == "both":
        options.experiments = list(CONFIGURATIONS)
    return options


# In a process of its own


def ptb(options):
    """Return the brick, its cost, the inputs' names and the stream."""
    from theano import tensor

    import ptb_experiment
    from datasets.ptb import open_sample, training_stream

    brick = ptb_experiment.build_model(options, VOCABULARY)
    symbols = tensor.imatrix("symbols")
    stream = training_stream(
        open_sample(), options.length, options.batch_size, options.seed
    )
    cost = brick.bits(symbols).mean() * numpy.float32(numpy.log(2.0))
    return brick, cost, [symbols], stream


def draw(options):
    """As `ptb`."""
    from theano import tensor

    import draw_experiment
    from datasets.mnist import image_stream, open_sample_digits
    from training.noise import WithNoise

    brick = draw_experiment.build_model(options)
    inputs = [tensor.matrix("features"), tensor.tensor3("noise")]
    images = image_stream(open_sample_digits().train, options.batch_size)
    stream = WithNoise(images, options.glimpses, options.latent_dim, options.seed)
    return brick, brick.cost(*inputs), inputs, stream


def batches(stream):
    """Full batches without end."""
    size = None
    while True:
        for batch in stream.get_epoch_iterator(as_dict=True):
            shapes = {name: array.shape for name, array in batch.items()}
            size = size or shapes
            if shapes == size:
                yield batch


def work(experiment, device, math, updates, words, path):
    """Train on one device; leave what there is to compare in the file `path`."""
    from training import device as devices

    options = PARSERS[experiment]([*CONFIGURATIONS[experiment], *words])
    name = devices.prepare(device, "float32", math)

    import theano

    from training import loop, schedule

    memory = Memory(device)
    brick, cost, inputs, stream = {"ptb": ptb, "draw": draw}[experiment](options)
    feed = batches(stream)
    first = next(feed)
    algorithm, adam = loop.descent(options, brick, cost)
    names = {variable: key for key, variable in brick.all_parameters.items()}

    started = time.time()
    gradients = theano.function(inputs, list(algorithm.gradients.values()))
    compiled = time.time() - started
    arrays = gradients(*(first[variable.name] for variable in inputs))
    found = {
        names[parameter]: numpy.asarray(array)
        for parameter, array in zip(algorithm.gradients, arrays)
    }
    del gradients, arrays

    last = theano.shared(numpy.float32(0), name="last_cost")
    algorithm.add_updates([(last, theano.tensor.cast(cost, "float32"))])
    started = time.time()
    algorithm.initialize()
    compiled += time.time() - started
    losses, seconds, batch = [], [], first
    for update in range(updates):
        rate = schedule.rate(
            options.decay_schedule, options.learning_rate, options.decay, update
        )
        adam.learning_rate.set_value(numpy.float32(rate))
        started = time.time()
        algorithm.process_batch(batch)
        losses.append(float(last.get_value()))  # waits for the GPU
        seconds.append(time.time() - started)
        batch = next(feed)
    facts = {
        "device": name,
        "compiling_s": round(compiled, 1),
        "first_update_s": round(seconds[0], 3),
        # Without the first ones, in which memory is allocated.
        "update_s": float(numpy.median(seconds[len(seconds) // 5 :])),
        "memory_MB": memory.used(),
    }
    numpy.savez(path, losses=losses, facts=json.dumps(facts), **found)


class Memory:
    """What a device's memory holds, in MB, since the model was begun."""

    def __init__(self, device):
        self.context = None
        if device != "cpu":
            from theano.gpuarray import get_context

            self.context = get_context(None)
            self.free, self.total = self.context.free_gmem, self.context.total_gmem

    def used(self):
        if self.context is None:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return {"process_peak": round(peak / 1024)}
        taken = self.free - self.context.free_gmem
        return {
            "model": round(taken / 2**20),
            "before_it_on_the_card": round((self.total - self.free) / 2**20),
            "card": round(self.total / 2**20),
        }


# The comparison


def compare(candidate, reference):
    """Say how far two devices are apart, and whether that is near enough.

    Parameters
    ----------
    candidate, reference : dict of str to ndarray
        ``losses`` and the gradients by their parameters' names.

    Returns
    -------
    dict
    """
    gradients = {}
    for name, wanted in reference.items():
        if name == "losses":
            continue
        largest = abs(wanted).max()
        difference = abs(candidate[name] - wanted).max()
        gradients[name] = float(difference / largest) if largest else float(difference)
    apart = abs(candidate["losses"] - reference["losses"]) / abs(reference["losses"])
    # Written so that what is not a number fails.
    agree = all(value <= GRADIENT for value in gradients.values())
    return {
        "gradients": gradients,
        "gradients_agree": agree,
        "losses": {
            "updates": len(apart),
            "first": [float(candidate["losses"][0]), float(reference["losses"][0])],
            "last": [float(candidate["losses"][-1]), float(reference["losses"][-1])],
            "largest_relative_difference": float(numpy.max(apart)),
        },
        "losses_agree": bool((apart <= LOSS).all()),
    }


def read(path):
    with numpy.load(str(path), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return json.loads(str(arrays.pop("facts"))), arrays


def measure(options, experiment, folder, reference):
    """Run a worker; return its facts and arrays, or None if it failed."""
    device = "cpu" if reference else options.device
    path = Path(folder) / f"{experiment}-{reference}.npz"
    say(f"{experiment} on {device}{' for reference' if reference else ''} ...")
    command = [sys.executable, __file__, "--worker", str(path)]
    command += ["--experiment", experiment, "--device", device]
    command += ["--updates", str(options.updates)]
    command += [f"--{experiment}={getattr(options, experiment)}"]
    command += ["--reference"] if reference else []
    # The card's memory is taken as it is needed, so that it can be measured.
    flags = [os.environ.get("THEANO_FLAGS", ""), "gpuarray.preallocate=0"]
    variables = dict(os.environ, THEANO_FLAGS=",".join(filter(None, flags)))
    status = subprocess.call(command, env=variables, stdout=sys.stderr)
    if status:
        say(f"{experiment} on {device} failed (exit status {status})")
        return None
    facts, arrays = read(path)
    say(
        f"  {facts['device']}: compiled in {facts['compiling_s']} s, an update takes "
        f"{facts['update_s']:.3f} s, memory in MB: {facts['memory_MB']}"
    )
    return facts, arrays


def say(text):
    print(text, file=sys.stderr, flush=True)


def has_cublas():
    try:
        ctypes.CDLL("libcublas.so")
    except OSError:
        return False
    return True


def check(options):
    """Compare; return the report."""
    report = {"device": options.device, "experiments": {}, "passed": True}
    usable, report["gpu"] = cuda()
    if options.device == "cpu":
        report["rehearsal"] = "no GPU was used: fast and strict mathematics on the CPU"
    elif not usable:
        report.update(passed=False, error=f"no GPU to check: {report['gpu']}")
        return report
    elif not has_cublas():
        report.update(passed=False, error="no cuBLAS: there is a GPU, and no libcublas")
        return report
    with tempfile.TemporaryDirectory() as folder:
        for experiment in options.experiments:
            words = [*CONFIGURATIONS[experiment], *getattr(options, experiment).split()]
            found = report["experiments"][experiment] = {"options": " ".join(words)}
            results = [
                measure(options, experiment, folder, reference)
                for reference in (False, True)
            ]
            if None in results:
                found["error"] = "a device failed: its message is above"
                report["passed"] = False
                continue
            (there, candidate), (here, reference) = results
            found.update(compare(candidate, reference))
            found.update({"checked": there, "reference": here})
            if not (found["gradients_agree"] and found["losses_agree"]):
                report["passed"] = False
    return report


def main(arguments=None):
    options = parse(arguments)
    if options.worker:
        (experiment,) = options.experiments
        words = getattr(options, experiment).split()
        math = MATH[options.reference]
        try:
            work(
                experiment, options.device, math, options.updates, words, options.worker
            )
        except RunError as error:
            return errors.report("gpu_check.py", error)
        return 0
    # Before any time is spent.
    for experiment in options.experiments:
        PARSERS[experiment](
            [*CONFIGURATIONS[experiment], *getattr(options, experiment).split()]
        )
    report = check(options)
    text = json.dumps(report, indent=2)
    print(text, flush=True)
    if options.report:
        Path(options.report).write_text(text + "\n")
    if "error" in report:
        say(f"gpu_check.py: {report['error']}")
        return NO_GPU
    return 0 if report["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
