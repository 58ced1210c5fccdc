"""What docker/gpu_check.py runs in a process of its own, once for each device."""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import time
from pathlib import Path

import numpy

from experiments import draw_options, ptb_options
from training.interrupt import Interrupts

# As published: the defaults of the two programs.
CONFIGURATIONS = {"ptb": ["--model", "norm_prop"], "draw": ["--model", "norm_prop"]}
PARSERS = {"ptb": ptb_options.parse, "draw": draw_options.parse}
MODELS = {"ptb": ptb_options.MODELS, "draw": draw_options.MODELS}
# The input that has the time steps, and how many of them are left where rounding
# errors must not have the time to grow.
SHORT = {"ptb": ("symbols", 20), "draw": ("noise", 8)}
VOCABULARY = 50  # of the Penn Treebank; the built-in text has fewer symbols


def make_task(experiment, options):
    """The task of an experiment, on built-in data."""
    import draw_experiment
    import ptb_experiment
    from datasets.mnist import open_sample_digits
    from datasets.ptb import open_sample

    if experiment == "draw":
        return draw_experiment.make_task(options, open_sample_digits(), Interrupts())
    corpus = open_sample(VOCABULARY)
    streams = ptb_experiment.make_streams(options, corpus)
    return ptb_experiment.make_task(options, corpus, streams, Interrupts())


def inputs_of(cost, names):
    """The variables of these names that a cost is computed from."""
    from theano.gof.graph import inputs

    by_name = {variable.name: variable for variable in inputs([cost])}
    return [by_name[name] for name in names]


def batches(stream):
    """Full batches without end."""
    size = None
    while True:
        for batch in stream.get_epoch_iterator(as_dict=True):
            shapes = {name: array.shape for name, array in batch.items()}
            size = size or shapes
            if shapes == size:
                yield batch


@contextlib.contextmanager
def turn(options):
    """Keep the GPU from the other workers, whose files lie in the same folder."""
    if options.device == "cpu":
        yield
        return
    with open(str(Path(options.worker).parent / "turn"), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def work(options, experiment, words, rewrites):
    """Train on one device; leave what there is to compare in a file.

    Parameters
    ----------
    options : argparse.Namespace
        ``device``, ``floatX``, ``updates``, ``speed`` (without the gradients) and
        ``worker``, the file.
    experiment : str
    words : list of str
        Options of the experiment, besides the published ones.
    rewrites : str
        As ``--math`` of the experiments.
    """
    from engine import device

    chosen = PARSERS[experiment]([*CONFIGURATIONS[experiment], *words])
    name = device.prepare(options.device, options.floatX, rewrites)

    import theano

    from training import loop, schedule

    memory = Memory(options.device)
    task = make_task(experiment, chosen)
    feed = batches(task.stream)
    first = next(feed)
    inputs = inputs_of(task.cost, first)
    algorithm, adam = loop.descent(chosen, task)
    names = {variable: key for key, variable in task.brick.all_parameters.items()}

    found, compiled = {}, 0.0
    if not options.speed:
        started = time.time()
        gradients = theano.function(inputs, list(algorithm.gradients.values()))
        compiled = time.time() - started
        steps, number = SHORT[experiment]
        for prefix, batch in (("", first), ("short: ", dict(first))):
            if prefix:
                batch[steps] = batch[steps][:number]
            with turn(options):
                arrays = gradients(*(batch[variable.name] for variable in inputs))
            for parameter, array in zip(algorithm.gradients, arrays):
                found[prefix + names[parameter]] = numpy.asarray(array)
        del gradients, arrays

    last = theano.shared(numpy.asarray(0, options.floatX), name="last_cost")
    algorithm.add_updates([(last, theano.tensor.cast(task.cost, options.floatX))])
    started = time.time()
    algorithm.initialize()
    compiled += time.time() - started
    losses, seconds, batch = [], [], first
    with turn(options):
        for update in range(options.updates):
            rate = schedule.rate(
                chosen.decay_schedule, chosen.learning_rate, chosen.decay, update
            )
            adam.learning_rate.set_value(numpy.asarray(rate, options.floatX))
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
    numpy.savez(options.worker, losses=losses, facts=json.dumps(facts), **found)


class Memory:
    """What a device's memory holds, in MB, since the model was begun."""

    def __init__(self, device):
        self.context = None
        if device != "cpu":
            from theano.gpuarray import get_context

            self.context = get_context(None)
            self.free, self.total = self.context.free_gmem, self.context.total_gmem
            self.before = process_memory()

    def used(self):
        if self.context is None:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return {"process_peak": round(peak / 1024)}
        now = process_memory()
        if now and self.before:
            # Others may have taken and freed some.
            return {
                "model": round((now - self.before) / 2**20),
                "process": round(now / 2**20),
                "card": round(self.total / 2**20),
            }
        taken = self.free - self.context.free_gmem
        return {
            "model": round(taken / 2**20),
            "before_it_on_the_card": round((self.total - self.free) / 2**20),
            "card": round(self.total / 2**20),
        }


class Process(ctypes.Structure):
    """As NVIDIA's management library describes a process (`nvmlProcessInfo_t`)."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("used", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


def management():
    """NVIDIA's management library, which comes with the driver; or None."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        return None if library.nvmlInit_v2() else library
    except (OSError, AttributeError):
        return None


def driver_version():
    """The driver's version as NVIDIA numbers it, such as 580.95.05, or None."""
    library, version = management(), ctypes.create_string_buffer(80)
    if library is None or library.nvmlSystemGetDriverVersion(version, 80):
        return None
    return version.value.decode()


def process_memory():
    """What this process takes of all cards' memory, in bytes; None if not known."""
    library, number = management(), ctypes.c_uint()
    if library is None or library.nvmlDeviceGetCount_v2(ctypes.byref(number)):
        return None
    found = None
    for index in range(number.value):
        card, size = ctypes.c_void_p(), ctypes.c_uint(100)
        processes = (Process * size.value)()
        library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(card))
        if library.nvmlDeviceGetComputeRunningProcesses_v3(
            card, ctypes.byref(size), processes
        ):
            return None
        for process in processes[: size.value]:
            # All bits set: the driver does not say.
            if process.pid == os.getpid() and process.used != 2**64 - 1:
                found = (found or 0) + process.used
    return found
