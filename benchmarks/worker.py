"""One model of the archive in a process of its own: see :mod:`benchmarks.serve`.

``python -m benchmarks.worker ptb --model norm_prop --units 500``: the options are those
of the experiment.
"""

import itertools
import math
import sys
import time

import numpy

import draw_experiment
import ptb_experiment
from benchmarks.serve import serve
from training import device, draw_options, ptb_options

VOCABULARY = 50  # of the Penn Treebank
BATCHES = 4  # different ones, in turn


def ptb(options):
    """Return model, cost and batches: symbols at random, for time does not depend
    on which they are."""
    from theano import tensor

    brick = ptb_experiment.build_model(options, VOCABULARY)
    cost = brick.bits(tensor.imatrix("symbols")).mean() * math.log(2.0)
    shape = options.length, options.batch_size
    random = numpy.random.RandomState(1)
    symbols = random.randint(0, VOCABULARY, (BATCHES, *shape)).astype("int32")
    return brick, cost, [{"symbols": batch} for batch in symbols]


def draw(options):
    """Return model, cost and batches: the built-in digits."""
    from theano import tensor

    from datasets.mnist import image_stream, open_sample_digits
    from training.noise import WithNoise

    brick = draw_experiment.build_model(options)
    cost = brick.cost(tensor.matrix("features"), tensor.tensor3("noise"))
    stream = WithNoise(
        image_stream(open_sample_digits().train, options.batch_size),
        options.glimpses,
        options.latent_dim,
        options.seed,
    )
    epoch = stream.get_epoch_iterator(as_dict=True)
    return brick, cost, list(itertools.islice(epoch, BATCHES))


EXPERIMENTS = {"ptb": (ptb_options, ptb), "draw": (draw_options, draw)}


def main(experiment, *arguments):
    parse, make = EXPERIMENTS[experiment]
    options = parse.parse(arguments)
    device.prepare("cpu", options.floatX, options.math)
    import theano

    from training import loop
    from training.extensions import Meter
    from training.history import History

    brick, cost, batches = make(options)
    algorithm, _ = loop.descent(options, brick, cost)
    meter = Meter(algorithm, cost, History())
    since = time.perf_counter()
    algorithm.initialize()
    compiled = time.perf_counter() - since
    turn = itertools.cycle(batches)

    def update():
        algorithm.process_batch(next(turn))
        return meter.cost.get_value()

    serve(update, compile_seconds=compiled, theano=theano.__version__)
    if theano.config.profile:
        algorithm._function.profile.summary(sys.stderr, 40, 40)


if __name__ == "__main__":
    main(*sys.argv[1:])
