"""One experiment of the archive in a process of its own: see :mod:`benchmarks.serve`.

``python -m benchmarks.worker WHAT ptb --model norm_prop --units 500``: the options are
those of the experiment. WHAT is ``updates``, ``without=NAME``, which leaves a rewrite
out, ``gradient=FILE``, ``data=BATCHES``, or ``machine``, which takes no experiment.
"""

import itertools
import os
import sys
import time

import numpy

import draw_experiment
import ptb_experiment
from benchmarks.serve import answer, serve
from common import theano_flags
from common.errors import RunError
from engine import device
from experiments import draw_options, ptb_options
from runs import facts
from training.interrupt import Interrupts

OPTIONS = {"ptb": ptb_options, "draw": draw_options}
VOCABULARY = 50  # of the Penn Treebank
TURN = 4  # different batches


def real(options):
    """The converted data, or the built-in sample if there are none."""
    from datasets.mnist import open_images
    from datasets.ptb import open_corpus

    opener = open_images if hasattr(options, "glimpses") else open_corpus
    try:
        return opener(False, options.data_dir)
    except RunError:
        return opener(True, None)


def make_task(options, data):
    """The task of the experiment whose options these are."""
    if hasattr(options, "glimpses"):
        return draw_experiment.make_task(options, data, Interrupts())
    streams = ptb_experiment.make_streams(options, data)
    return ptb_experiment.make_task(options, data, streams, Interrupts())


def sample_task(options):
    """The task on built-in data, and a function that makes batches for it."""
    from datasets.mnist import open_sample_digits
    from datasets.ptb import open_sample

    if hasattr(options, "glimpses"):
        task = make_task(options, open_sample_digits())
        return task, lambda: epochs(task.stream)

    def batches(length=options.length, batch_size=options.batch_size):
        # At random: an update takes as long whichever symbols these are.
        random = numpy.random.RandomState(options.seed)
        shape = TURN, length, batch_size
        symbols = random.randint(0, VOCABULARY, shape).astype("int32")
        return ({"symbols": batch} for batch in symbols)

    return make_task(options, open_sample(VOCABULARY)), batches


def epochs(stream):
    """Batches without end."""
    while True:
        yield from stream.get_epoch_iterator(as_dict=True)


def updates(options):
    """Serve the update that the experiments compile, with what they measure in it."""
    task, batches = sample_task(options)

    from runs.history import History
    from training import loop
    from training.extensions import Meter

    algorithm, _ = loop.descent(options, task)
    meter = Meter(algorithm, task.cost, History(), task.brick.all_parameters)
    since, busy = time.perf_counter(), sum(os.times()[:4])
    algorithm.initialize()
    compiled = time.perf_counter() - since
    # The compiler's included.
    busy = sum(os.times()[:4]) - busy

    def prepare(**sizes):
        turn = itertools.cycle(list(itertools.islice(batches(**sizes), TURN)))

        def update():
            algorithm.process_batch(next(turn))
            return meter.cost.get_value()

        return update

    serve(prepare, compile_seconds=compiled, compile_processor_seconds=busy)


def gradient(options, path):
    """Save the gradient of the first update: see :mod:`benchmarks.numerics`."""
    import theano
    from theano.gof.graph import inputs

    task, batches = sample_task(options)
    batch = next(batches())
    by_name = {variable.name: variable for variable in inputs([task.cost])}
    gradients = theano.grad(task.cost, task.brick.trained_parameters)
    compute = theano.function([by_name[name] for name in batch], gradients)
    arrays = enumerate(compute(*batch.values()))
    numpy.savez(path, **{str(k): array for k, array in arrays})


def data(options, batches):
    """Say how long a batch takes, the starts of epochs included."""
    source = real(options)
    feed = epochs(make_task(options, source).stream)
    since = time.perf_counter()
    for _ in itertools.islice(feed, batches):
        pass
    mean = (time.perf_counter() - since) / batches
    answer(source=source.name, mean=mean, batches=batches)


def machine():
    """Say what this runs on."""
    theano_flags.configure()
    answer(
        host=facts.host(),
        versions=facts.versions(),
        blocks=facts.which_blocks()["version"],
        commit=facts.archive_commit(),
    )


def main(what, experiment=None, *arguments):
    if what == "machine":
        return machine()
    options = OPTIONS[experiment].parse(arguments)
    name, _, value = what.partition("=")
    if name == "without":
        theano_flags.configure("cpu", options.floatX)
        from engine import rewrites

        rewrites.register(leave_out=[value])  # before all are registered
    device.prepare("cpu", options.floatX, options.math)
    if name == "gradient":
        return gradient(options, value)
    return data(options, int(value)) if name == "data" else updates(options)


if __name__ == "__main__":
    main(*sys.argv[1:])
