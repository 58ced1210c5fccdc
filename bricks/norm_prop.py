"""The LSTM with normalisation propagation, the paper's contribution."""

from blocks.bricks.base import lazy
from blocks.initialization import Constant
from blocks.roles import WEIGHT
from theano import tensor

from bricks.moments import cell_variance, preactivation_scale, state_variance
from bricks.roles import allocate
from bricks.weight_norm import WeightNormLSTM


class NormPropLSTM(WeightNormLSTM):
    r"""LSTM with Recurrent Normalization Propagation [NP, eq. 13-15].

    .. math::
        (i, f, g, o) &= \frac{\gamma_x W_x}{||W_{x,i}||} x_t
            + \frac{\gamma_h W_h}{||W_{h,i}||} h_{t-1} + b \\
        c_t &= s(i) \tanh(g) + s(f) c_{t-1} \\
        h_t &= \frac{1}{\sqrt{Var[h]}} s(o)
            \tanh\left(\frac{\gamma_c c_t}{\sqrt{Var[c]}}\right)

    Var[c] and Var[h] are computed once, from the initial gammas, and stay fixed.
    Other forms of the same idea are in :mod:`bricks.compensations`.

    Parameters
    ----------
    dim : int
        Number of units, d.
    gamma_x : float
        Initial gamma of the brick that makes the input term; Var[c] needs it.
    gamma_h, gamma_c : float
        Initial values of the trainable gamma_h (4d) and gamma_c (d).
    moments : {'printed', 'zero-bias', 'variance'}
        See :func:`bricks.moments.preactivation_scale`.

    Attributes
    ----------
    cell_std, state_std : float
        What c_t and h_t are divided by.

    Raises
    ------
    ValueError
        If `moments` is none of those named.
    """

    @lazy(allocation=["dim"])
    def __init__(self, dim, gamma_x, gamma_h, gamma_c, moments, **kwargs):
        super().__init__(dim, gamma_h=gamma_h, **kwargs)
        self.initial_gamma_c = gamma_c
        scale = preactivation_scale(gamma_x, gamma_h, moments)
        forget_bias = 0.0 if moments == "zero-bias" else self.forget_bias
        self.cell_std = cell_variance(scale, forget_bias=forget_bias) ** 0.5
        self.state_std = state_variance(scale, gamma_c) ** 0.5

    def _allocate(self):
        super()._allocate()
        self.gamma_c = allocate(self, "gamma_c", (self.dim,), WEIGHT)

    def _initialize(self):
        super()._initialize()
        Constant(self.initial_gamma_c).initialize(self.gamma_c, self.rng)

    def output(self, o, cells):
        """The hidden state h_t, (batch, d) [NP, eq. 15]."""
        squashed = tensor.tanh(self.gamma_c * cells / self.cell_std)
        return tensor.nnet.sigmoid(o) * squashed / self.state_std
