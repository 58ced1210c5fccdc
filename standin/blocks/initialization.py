"""Initial values of parameters."""

import numpy
import theano

from blocks.utils import repr_attrs


class NdarrayInitialization:
    """Base class: override :meth:`generate`."""

    def generate(self, rng, shape):
        """An array of this shape, drawn from a :class:`~numpy.random.RandomState`."""
        raise NotImplementedError

    def initialize(self, var, rng, shape=None):
        """Set a shared variable to a drawn array, by default of its own shape."""
        if not shape:
            shape = var.get_value(borrow=True, return_internal_type=True).shape
        var.set_value(self.generate(rng, shape))

    def __repr__(self):
        return repr_attrs(self, *sorted(vars(self)))


class Constant(NdarrayInitialization):
    """One value, or an array to broadcast, everywhere."""

    def __init__(self, constant):
        self.constant = numpy.asarray(constant)

    def generate(self, rng, shape):
        return numpy.zeros(shape, theano.config.floatX) + self.constant.astype(
            theano.config.floatX
        )


class IsotropicGaussian(NdarrayInitialization):
    """Independent normal values."""

    def __init__(self, std=1, mean=0):
        self.std = std
        self.mean = mean

    def generate(self, rng, shape):
        draw = rng.normal(self.mean, self.std, size=shape)
        return draw.astype(theano.config.floatX)


class Uniform(NdarrayInitialization):
    """Independent uniform values; give the interval's width or its deviation."""

    def __init__(self, mean=0.0, width=None, std=None):
        if (width is None) == (std is None):
            raise ValueError("give either width or std, and not both")
        self.mean = mean
        self.width = numpy.sqrt(12) * std if width is None else width

    def generate(self, rng, shape):
        half = self.width / 2
        draw = rng.uniform(self.mean - half, self.mean + half, size=shape)
        return draw.astype(theano.config.floatX)


class Orthogonal(NdarrayInitialization):
    """A random matrix with orthonormal rows or columns, times `scale`."""

    def __init__(self, scale=1):
        self.scale = scale

    def generate(self, rng, shape):
        if len(shape) != 2:
            raise ValueError("an orthogonal matrix has two dimensions")
        rows, columns = shape
        rank = min(shape)
        matrix = _rotation(rng, rows)
        if rows != columns:
            matrix = matrix[:, :rank].dot(_rotation(rng, columns)[:rank])
        return (self.scale * matrix).astype(theano.config.floatX)


def _rotation(rng, dim):
    """A random orthogonal matrix; the signs make its distribution uniform."""
    q, r = numpy.linalg.qr(rng.randn(dim, dim).astype(theano.config.floatX))
    return q * numpy.sign(numpy.diag(r))
