"""The pictures that a DRAW model leaves in its run folder."""

from pathlib import Path

import numpy
import theano
from theano import tensor

from datasets import noise
from experiments import pictures
from experiments.evaluation import load_best

# Samples in the grid and in the animation, pairs of an image and its reconstruction.
SAMPLES, UNFOLDING, RECONSTRUCTIONS = 100, 25, 50


def best_epoch(folder, bound, seed):
    """Leave the pictures of a run's best epoch in its folder.

    Parameters
    ----------
    folder : path-like
    bound : experiments.bound.Bound
        Of the model; it gets the parameters of that epoch.
    seed : int
    """
    load_best(folder, bound.brick)
    samples(Path(folder), bound.brick, bound.glimpses, seed)
    reconstructions(Path(folder), bound)


def samples(folder, brick, glimpses, seed):
    """Write ``samples.png`` and ``unfolding.gif``: images drawn from z ~ N(0, 1).

    Parameters
    ----------
    folder : Path
    brick : bricks.draw.DrawModel
    glimpses, seed : int
    """
    z = tensor.tensor3("z")
    canvas, h_dec = brick.draw(z)
    windows = brick.writer.place(h_dec.reshape((-1, brick.decoder.dim)))
    windows = [window.reshape((z.shape[0], z.shape[1])) for window in windows]
    compute = theano.function([z], [tensor.nnet.sigmoid(canvas), *windows])
    drawn, *windows = compute(
        noise.normal((glimpses, SAMPLES, brick.latent_dim), seed, noise.PICTURES)
    )
    drawn = drawn.reshape((glimpses, SAMPLES, *brick.shape))
    pictures.save_grid(folder / "samples.png", drawn[-1], columns=10)
    pictures.save_unfolding(
        folder / "unfolding.gif",
        drawn[:, :UNFOLDING],
        [window[:, :UNFOLDING] for window in windows],
        brick.writer.window.size,
        columns=5,
    )


def reconstructions(folder, bound):
    """Write ``reconstructions.png``: images, each with its reconstruction beside it.

    Parameters
    ----------
    folder : Path
    bound : experiments.bound.Bound
    """
    x = bound.images.test[:RECONSTRUCTIONS].astype(theano.config.floatX)
    pairs = numpy.stack([x, bound.reconstruct(x)], axis=1)
    pictures.save_grid(
        folder / "reconstructions.png",
        pairs.reshape((-1, *bound.brick.shape)),
        columns=10,
    )
