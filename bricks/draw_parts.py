"""What DRAW is made of beside its LSTMs: reader, sampler and writer.

Each works inside of a recurrence. Its ``weights`` makes the weight matrices outside,
once, and its ``apply`` takes them. Inside, a weight normalisation would be computed and
differentiated at every step.
"""

from blocks.bricks import Initializable
from blocks.bricks.base import application
from theano import tensor

from bricks.linear import Linear


class Reader(Initializable):
    """Look at the image and at the error image through one window [DRAW, eq. 27].

    Parameters
    ----------
    dim : int
        Of the decoder's state, which places the window.
    window : :class:`bricks.attention.AttentionWindow`
    layer : dict
        Options of the linear layers, see :class:`bricks.linear.Linear`.
    """

    def __init__(self, dim, window, layer, **kwargs):
        super().__init__(**kwargs)
        self.window = window
        self.readout = Linear(dim, 5, name="readout", **layer)
        self.children = [self.window, self.readout]

    @property
    def output_dim(self):
        return 2 * self.window.size**2

    def weights(self):
        return [self.readout.weights()]

    @application(outputs=["read"])
    def apply(self, image, error, states, readout_weights):
        """Read both images where the decoder wants to look.

        Parameters
        ----------
        image, error : :class:`~theano.Variable`
            The image and what is missing from the canvas, (batch, height * width).
        states : :class:`~theano.Variable`
            h of the decoder, (batch, dim).

        Returns
        -------
        read : :class:`~theano.Variable`
            First from `image`, then from `error`, (batch, 2 * N * N).
        """
        readout = self.readout.affine(states, readout_weights)
        *placed, gamma = self.window.place(readout)
        filters = self.window.filterbanks(*placed)
        return gamma * self.window.read(*filters, image, error)


class Sampler(Initializable):
    """The approximate posterior Q(z | h_enc), a diagonal Gaussian [DRAW, eq. 1-2].

    Parameters
    ----------
    dim, latent_dim : int
        Of the encoder's state and of z.
    layer : dict
        Options of the linear layers, see :class:`bricks.linear.Linear`.
    """

    def __init__(self, dim, latent_dim, layer, **kwargs):
        super().__init__(**kwargs)
        self.mean = Linear(dim, latent_dim, name="mean", **layer)
        self.log_sigma = Linear(dim, latent_dim, name="log_sigma", **layer)
        self.children = [self.mean, self.log_sigma]

    def weights(self):
        return [self.mean.weights(), self.log_sigma.weights()]

    @application(outputs=["z", "mean", "log_sigma"])
    def apply(self, states, u, mean_weights, log_sigma_weights):
        """z ~ N(mean, exp(log_sigma)^2).

        Parameters
        ----------
        states : :class:`~theano.Variable`
            h of the encoder, (batch, dim).
        u : :class:`~theano.Variable`
            Standard normal noise, (batch, z).

        Returns
        -------
        z, mean, log_sigma : :class:`~theano.Variable`
            (batch, z) each.
        """
        mean = self.mean.affine(states, mean_weights)
        log_sigma = self.log_sigma.affine(states, log_sigma_weights)
        return mean + tensor.exp(log_sigma) * u, mean, log_sigma

    @application(outputs=["divergence"])
    def divergence(self, mean, log_sigma):
        """KL(Q(z | h_enc) || N(0, 1)) in nats, summed over z [DRAW, eq. 10]."""
        terms = tensor.sqr(mean) + tensor.exp(2 * log_sigma) - 2 * log_sigma - 1
        return 0.5 * terms.sum(axis=-1)


class Writer(Initializable):
    """Write a patch through a window of its own [DRAW, eq. 28-29].

    Parameters
    ----------
    dim : int
        Of the decoder's state, which places the window and gives the patch.
    window : :class:`bricks.attention.AttentionWindow`
    layer : dict
        Options of the linear layers, see :class:`bricks.linear.Linear`.
    """

    def __init__(self, dim, window, layer, **kwargs):
        super().__init__(**kwargs)
        self.window = window
        self.readout = Linear(dim, 5, name="readout", **layer)
        self.patch = Linear(dim, window.size**2, name="patch", **layer)
        self.children = [self.window, self.readout, self.patch]

    def weights(self):
        return [self.readout.weights(), self.patch.weights()]

    @application(outputs=["written"])
    def apply(self, states, readout_weights, patch_weights):
        """What is added to the canvas, (batch, height * width).

        Parameters
        ----------
        states : :class:`~theano.Variable`
            h of the decoder, (batch, dim).
        """
        patch = self.patch.affine(states, patch_weights)
        readout = self.readout.affine(states, readout_weights)
        *placed, gamma = self.window.place(readout)
        return self.window.write(*self.window.filterbanks(*placed), patch / gamma)

    @application(outputs=["centre_y", "centre_x", "delta", "sigma"])
    def place(self, states):
        """Where the window is, (batch,) each, for pictures."""
        *placed, _ = self.window.place(self.readout.apply(states))
        return placed
