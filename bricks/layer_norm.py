"""The layer-normalised LSTM."""

from blocks.bricks.base import application, lazy
from blocks.initialization import Constant
from blocks.roles import BIAS, WEIGHT
from theano import tensor

from bricks.lstm import LSTM
from bricks.norm import Norm
from bricks.roles import allocate


def layer_norm(x, gamma, epsilon):
    """Normalise over the last axis [LN, eq. 3], with the biased variance.

    Parameters
    ----------
    x : :class:`~theano.Variable`
        Shape (..., features).
    gamma : :class:`~theano.Variable`
        One gain per feature.
    epsilon : float
        Added to the variance.
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = tensor.sqr(centred).mean(axis=-1, keepdims=True)
    return gamma * centred / tensor.sqrt(variance + epsilon)


class LayerNorm(Norm):
    """Layer normalisation of the input term: LN(W_x x_t; gamma_x) [LN, eq. 20].

    Parameters
    ----------
    dim : int
        Number of features; for an LSTM's input term all 4d, normalised jointly.
    gamma : float
        Initial value of the trainable gamma_x.
    epsilon : float
        Added to the variance.
    """

    @lazy(allocation=["dim"])
    def __init__(self, dim, gamma, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.initial_gamma = gamma
        self.epsilon = epsilon

    def _allocate(self):
        self.gamma = allocate(self, "gamma", (self.dim,), WEIGHT)

    def _initialize(self):
        Constant(self.initial_gamma).initialize(self.gamma, self.rng)

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_, mask=None, training=False, first_step=0):
        """Normalise over the features; see :meth:`bricks.norm.Norm.apply`."""
        return layer_norm(input_, self.gamma, self.epsilon)


class LayerNormLSTM(LSTM):
    r"""LSTM with layer normalisation [LN, eq. 20-22].

    .. math::
        (i, f, g, o) &= LN(W_x x_t; \gamma_x) + LN(W_h h_{t-1}; \gamma_h) + b \\
        c_t &= s(i) \tanh(g) + s(f) c_{t-1} \\
        h_t &= s(o) \tanh(LN(c_t; \gamma_c, \beta_c))

    The statistics are taken over the features, jointly over all four gates.
    LN(W_x x_t) comes from :class:`LayerNorm`.

    Parameters
    ----------
    dim : int
        Number of units, d.
    gamma_h : float or None
        Initial value of the trainable gamma_h (4d). With ``None`` only the cell is
        normalised, as in the authors' DRAW code, whose `epsilon` is 1e-6.
    gamma_c : float
        Initial value of the trainable gamma_c (d).
    epsilon : float
        Added to the variance.
    """

    @lazy(allocation=["dim"])
    def __init__(self, dim, gamma_h, gamma_c, epsilon=1e-5, **kwargs):
        super().__init__(dim, **kwargs)
        self.initial_gamma_h = gamma_h
        self.initial_gamma_c = gamma_c
        self.epsilon = epsilon

    def _allocate(self):
        super()._allocate()
        if self.initial_gamma_h is not None:
            self.gamma_h = allocate(self, "gamma_h", (4 * self.dim,), WEIGHT)
        self.gamma_c = allocate(self, "gamma_c", (self.dim,), WEIGHT)
        self.beta_c = allocate(self, "beta_c", (self.dim,), BIAS)

    def _initialize(self):
        super()._initialize()
        if self.initial_gamma_h is not None:
            Constant(self.initial_gamma_h).initialize(self.gamma_h, self.rng)
        Constant(self.initial_gamma_c).initialize(self.gamma_c, self.rng)
        Constant(0.0).initialize(self.beta_c, self.rng)

    def recurrent_term(self, product):
        if self.initial_gamma_h is None:
            return product
        return layer_norm(product, self.gamma_h, self.epsilon)

    def output(self, o, cells):
        normalised = layer_norm(cells, self.gamma_c, self.epsilon) + self.beta_c
        return super().output(o, normalised)
