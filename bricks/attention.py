"""The attention window of DRAW: a grid of Gaussian filters [DRAW, eq. 19-29]."""

import numpy
import theano
from blocks.bricks.base import Brick, application
from theano import tensor


class AttentionWindow(Brick):
    r"""A grid of N x N Gaussian filters, placed differently on each image.

    .. math::
        F[n, a] &= \frac{1}{Z_n + 10^{-4}}
            \exp\left(-\frac{(a - \mu_n)^2}{2 \sigma^2}\right) \\
        \mu_n &= centre + (n - (N - 1) / 2) \delta

    for pixels a = 0, 1, ..., where Z_n is the sum over a [DRAW, eq. 19-20, 25-26;
    as released, the sum is kept off zero and pixels count from 0].

    Parameters
    ----------
    height, width : int
        Of the images, in pixels.
    size : int
        Number of filters along each axis, N, at least 2.

    Raises
    ------
    ValueError
        If `size` is below 2: the stride of a single filter is not defined.
    """

    def __init__(self, height, width, size, **kwargs):
        super().__init__(**kwargs)
        if size < 2:
            raise ValueError(f"an attention window needs 2 filters or more, not {size}")
        self.height = height
        self.width = width
        self.size = size

    @application(
        inputs=["readout"], outputs=["centre_y", "centre_x", "delta", "sigma", "gamma"]
    )
    def place(self, readout):
        """Where the window is [DRAW, eq. 21-24].

        Parameters
        ----------
        readout : :class:`~theano.Variable`
            Five numbers for each image, (batch, 5).

        Returns
        -------
        centre_y, centre_x, delta, sigma : :class:`~theano.Variable`
            Centre, distance of neighbouring filters and their standard deviation,
            in pixels, (batch,) each.
        gamma : :class:`~theano.Variable`
            Intensity, (batch, 1).
        """
        stride = (max(self.height, self.width) - 1) / (self.size - 1)
        centre_y = (readout[:, 0] + 1) * (0.5 * self.height)
        centre_x = (readout[:, 1] + 1) * (0.5 * self.width)
        delta = stride * tensor.exp(readout[:, 2])
        sigma = tensor.exp(0.5 * readout[:, 3])
        gamma = tensor.exp(readout[:, 4]).dimshuffle(0, "x")
        return centre_y, centre_x, delta, sigma, gamma

    @application(
        inputs=["centre_y", "centre_x", "delta", "sigma"],
        outputs=["filter_y", "filter_x"],
    )
    def filterbanks(self, centre_y, centre_x, delta, sigma):
        """The filters F_y (batch, N, height) and F_x (batch, N, width)."""
        return (
            self._filterbank(centre_y, delta, sigma, self.height),
            self._filterbank(centre_x, delta, sigma, self.width),
        )

    def _filterbank(self, centre, delta, sigma, pixels):
        """The filters along one axis, (batch, N, pixels)."""
        floatX = theano.config.floatX
        offsets = (numpy.arange(self.size) - 0.5 * (self.size - 1)).astype(floatX)
        # Distances in units of sqrt(2) sigma, so that only (batch, N) is divided.
        scale = numpy.sqrt(0.5).astype(floatX) / sigma
        means = centre[:, None] + delta[:, None] * offsets
        distances = scale[:, None, None] * (
            numpy.arange(pixels, dtype=floatX) - means[:, :, None]
        )
        filters = tensor.exp(-tensor.sqr(distances))
        return filters / (filters.sum(axis=2, keepdims=True) + 1e-4)

    @application(outputs=["windows"])
    def read(self, filter_y, filter_x, *images):
        """F_y x F_x^T of each of the images [DRAW, eq. 27], without gamma.

        Parameters
        ----------
        filter_y, filter_x : :class:`~theano.Variable`
            As from :meth:`filterbanks`.
        *images : :class:`~theano.Variable`
            (batch, height * width) each.

        Returns
        -------
        windows : :class:`~theano.Variable`
            (batch, images * N * N).
        """
        shape = (-1, self.height, self.width)
        rows = [tensor.batched_dot(filter_y, image.reshape(shape)) for image in images]
        rows = tensor.concatenate(rows, axis=1) if len(rows) > 1 else rows[0]
        windows = tensor.batched_dot(rows, filter_x.dimshuffle(0, 2, 1))
        return windows.reshape((-1, len(images) * self.size**2))

    @application(inputs=["filter_y", "filter_x", "windows"], outputs=["images"])
    def write(self, filter_y, filter_x, windows):
        """F_y^T w F_x [DRAW, eq. 29], without gamma.

        Parameters
        ----------
        filter_y, filter_x : :class:`~theano.Variable`
            As from :meth:`filterbanks`.
        windows : :class:`~theano.Variable`
            (batch, N * N).

        Returns
        -------
        images : :class:`~theano.Variable`
            (batch, height * width).
        """
        windows = windows.reshape((-1, self.size, self.size))
        columns = tensor.batched_dot(windows, filter_x)
        images = tensor.batched_dot(filter_y.dimshuffle(0, 2, 1), columns)
        return images.reshape((-1, self.height * self.width))
