"""The noise u that DRAW samples z from, an input of its compiled functions.

A batch's noise depends on its position alone, so that nothing of it needs saving,
and evaluation has streams of its own, so that it never changes training.
"""

import numpy
from fuel import config
from fuel.transformers import Transformer

# What the noise is for.
TRAIN, VALID, TEST, PICTURES = range(4)


def normal(shape, seed, purpose, sample=0, epoch=0, batch=0):
    """Return standard normal noise in floatX, the same in both precisions.

    Parameters
    ----------
    shape : tuple of int
    seed : int
        Of the run.
    purpose : int
        ``TRAIN``, ``VALID``, ``TEST`` or ``PICTURES``.
    sample : int
        Number of the noise sample, where a batch gets several.
    epoch, batch : int
        Position of the batch.
    """
    sequence = numpy.random.SeedSequence([seed, purpose, sample, epoch, batch])
    generator = numpy.random.Generator(numpy.random.PCG64(sequence))
    return generator.standard_normal(shape, dtype="float32").astype(config.floatX)


def _streams(name):
    """An attribute that is the stream's."""
    return property(
        lambda self: getattr(self.data_stream, name),
        lambda self, value: setattr(self.data_stream, name, value),
    )


class WithNoise(Transformer):
    """A stream of images with fresh noise for each batch of each epoch.

    Parameters
    ----------
    data_stream : datasets.streams.PositionedStream
        Of ``features``, (batch, pixels).
    glimpses, latent_dim : int
        Dimensions of the noise u, (glimpses, batch, z), here called ``noise``.
    seed : int
    """

    def __init__(self, data_stream, glimpses, latent_dim, seed):
        super().__init__(data_stream, produces_examples=False)
        self.sources = data_stream.sources + ("noise",)
        self.glimpses = glimpses
        self.latent_dim = latent_dim
        self.seed = seed

    epoch, batch = _streams("epoch"), _streams("batch")
    batches_per_epoch = _streams("batches_per_epoch")

    def get_data(self, request=None):
        position = {"epoch": self.epoch, "batch": self.batch}
        (features,) = next(self.child_epoch_iterator)
        shape = (self.glimpses, len(features), self.latent_dim)
        return features, normal(shape, self.seed, TRAIN, **position)
