"""Orthogonal initialisation."""

import numpy
import theano
from blocks.initialization import NdarrayInitialization


class Orthogonal(NdarrayInitialization):
    """Matrices whose rows are orthonormal, or whose columns are if they are fewer.

    A uniformly distributed orthogonal matrix comes from the QR factorisation of
    a Gaussian one, with the signs fixed by the diagonal of R.
    """

    def generate(self, rng, shape):
        rows, columns = shape
        gaussian = rng.normal(size=(max(shape), min(shape)))
        q, r = numpy.linalg.qr(gaussian)
        q *= numpy.sign(numpy.diag(r))
        q = q.astype(theano.config.floatX)
        return q if rows >= columns else q.T


class OrthogonalBlocks(NdarrayInitialization):
    """Square orthogonal blocks side by side, one for each gate [NP-code, DRAW]."""

    def generate(self, rng, shape):
        rows, columns = shape
        if columns % rows:
            raise ValueError(f"a matrix of shape {shape} has no square blocks")
        orthogonal = Orthogonal()
        return numpy.hstack(
            [orthogonal.generate(rng, (rows, rows)) for _ in range(columns // rows)]
        )
