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
