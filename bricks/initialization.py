"""Orthogonal initialisation."""

import numpy
import theano
from blocks.initialization import NdarrayInitialization


class Orthogonal(NdarrayInitialization):
    """Matrices whose incoming weight vectors are orthonormal.

    Where a matrix (inputs, outputs) has more outputs than inputs, they cannot be, and
    the outgoing weight vectors are.

    A uniformly distributed orthogonal matrix comes from the QR factorisation of
    a Gaussian one, with the signs fixed by the diagonal of R.
    """

    def generate(self, rng, shape):
        gaussian = rng.normal(size=(max(shape), min(shape)))
        q, r = numpy.linalg.qr(gaussian)
        q *= numpy.sign(numpy.diag(r))
        q = q.astype(theano.config.floatX)
        return q if q.shape == tuple(shape) else q.T


class OrthogonalBlocks(NdarrayInitialization):
    """Square orthogonal blocks side by side, one for each gate [NP-code, DRAW]."""

    def generate(self, rng, shape):
        inputs, outputs = shape
        if outputs % inputs:
            raise ValueError(f"a matrix of shape {shape} has no square blocks")
        orthogonal = Orthogonal()
        return numpy.hstack(
            [
                orthogonal.generate(rng, (inputs, inputs))
                for _ in range(outputs // inputs)
            ]
        )


class UnitOrthogonal(Orthogonal):
    """Orthogonal, then every incoming weight vector scaled to norm 1 [NP-code].

    In DRAW the baseline starts from unit norms too, but is not held to them.
    """

    def generate(self, rng, shape):
        matrix = super().generate(rng, shape)
        return matrix / (matrix**2).sum(axis=0, keepdims=True) ** 0.5
