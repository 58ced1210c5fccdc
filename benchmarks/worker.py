"""One model of the archive in a process of its own: see :mod:`benchmarks.serve`.

``python -m benchmarks.worker ptb --model norm_prop --units 500``: the options are those
of the experiment. ``--leave-out NAME`` before them leaves a rewrite out.
"""

import itertools
import os
import sys
import time

import numpy

import draw_experiment
import ptb_experiment
from benchmarks.serve import serve
from engine import device
from experiments import draw_options, ptb_options
from training.interrupt import Interrupts

VOCABULARY = 50  # of the Penn Treebank
BATCHES = 4  # different ones, in turn


def ptb(options):
    """Return the task, and a function that makes batches."""
    from datasets.ptb import open_sample

    corpus = open_sample(VOCABULARY)
    streams = ptb_experiment.make_streams(options, corpus)
    task = ptb_experiment.make_task(options, corpus, streams, Interrupts())

    def batches(length=options.length, batch_size=options.batch_size):
        # At random: an update takes as long whichever symbols these are.
        random = numpy.random.RandomState(options.seed)
        shape = BATCHES, length, batch_size
        symbols = random.randint(0, VOCABULARY, shape).astype("int32")
        return [{"symbols": batch} for batch in symbols]

    return task, batches


def draw(options):
    """Return the task, and a function that makes batches: digits."""
    from datasets.mnist import open_sample_digits

    task = draw_experiment.make_task(options, open_sample_digits(), Interrupts())

    def batches():
        epoch = task.stream.get_epoch_iterator(as_dict=True)
        return list(itertools.islice(epoch, BATCHES))

    return task, batches


EXPERIMENTS = {"ptb": (ptb_options, ptb), "draw": (draw_options, draw)}


def build(experiment, arguments):
    """Import Theano and make a task; return options, task and batches."""
    parser, make = EXPERIMENTS[experiment]
    options = parser.parse(arguments)
    device.prepare("cpu", options.floatX, options.math)
    return (options, *make(options))


def main(arguments):
    if arguments[0] == "--leave-out":
        leave_out(arguments[1])
        arguments = arguments[2:]
    options, task, batches = build(arguments[0], arguments[1:])

    from runs.history import History
    from training import loop
    from training.extensions import Meter

    # The update that the experiments compile, with what they measure in it.
    algorithm, _ = loop.descent(options, task)
    meter = Meter(algorithm, task.cost, History(), task.brick.all_parameters)
    since, busy = time.perf_counter(), sum(os.times()[:4])
    algorithm.initialize()
    compiled = time.perf_counter() - since
    # The compiler's included.
    busy = sum(os.times()[:4]) - busy

    def prepare(**sizes):
        turn = itertools.cycle(batches(**sizes))

        def update():
            algorithm.process_batch(next(turn))
            return meter.cost.get_value()

        return update

    serve(prepare, compile_seconds=compiled, compile_processor_seconds=busy)


def leave_out(name):
    """Register the other rewrites, before Theano's first function."""
    from common import theano_flags

    theano_flags.configure()
    from engine import rewrites

    rewrites.register(leave_out=[name])


if __name__ == "__main__":
    main(sys.argv[1:])
