"""The pictures that a DRAW model leaves in its run folder."""

import numpy
import theano
from theano import tensor

from datasets import noise
from experiments import pictures

# Samples in the grid and in the animation, pairs of an image and its reconstruction.
SAMPLES, UNFOLDING, RECONSTRUCTIONS = 100, 25, 50


def samples(folder, brick, glimpses, seed, shape):
    """Write ``samples.png`` and ``unfolding.gif``: images drawn from z ~ N(0, 1).

    Parameters
    ----------
    folder : Path
    brick : bricks.draw.DrawModel
    glimpses, seed : int
    shape : tuple of int
        Height and width of the images.
    """
    z = tensor.tensor3("z")
    canvas, h_dec = brick.draw(z)
    windows = brick.writer.place(h_dec.reshape((-1, brick.decoder.dim)))
    windows = [window.reshape((z.shape[0], z.shape[1])) for window in windows]
    compute = theano.function([z], [tensor.nnet.sigmoid(canvas), *windows])
    drawn, *windows = compute(
        noise.normal((glimpses, SAMPLES, brick.latent_dim), seed, noise.PICTURES)
    )
    drawn = drawn.reshape((glimpses, SAMPLES) + shape)
    pictures.save_grid(folder / "samples.png", drawn[-1], columns=10)
    pictures.save_unfolding(
        folder / "unfolding.gif",
        drawn[:, :UNFOLDING],
        [window[:, :UNFOLDING] for window in windows],
        brick.writer.window.size,
        columns=5,
    )


def reconstructions(folder, bound, images, shape):
    """Write ``reconstructions.png``: images, each with its reconstruction beside it.

    Parameters
    ----------
    folder : Path
    bound : experiments.bound.Bound
    images : ndarray
        Binary, (number, pixels).
    shape : tuple of int
        Height and width of the images.
    """
    x = images[:RECONSTRUCTIONS].astype(theano.config.floatX)
    pairs = numpy.stack([x, bound.reconstruct(x)], axis=1)
    pictures.save_grid(
        folder / "reconstructions.png", pairs.reshape((-1,) + shape), columns=10
    )
