"""The LSTM with normalisation propagation, the paper's contribution."""

import numpy
from blocks.bricks.base import lazy
from blocks.initialization import Constant
from blocks.roles import WEIGHT
from theano import tensor

from bricks.moments import cell_variance, moments, preactivation_scale, state_variance
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

    Parameters
    ----------
    dim : int
        Number of units, d.
    gamma_x : float
        Initial gamma of the brick that makes the input term; Var[c] needs it.
    gamma_h, gamma_c : float
        Initial values of the trainable gamma_h (4d) and gamma_c (d).
    moments : {'printed', 'variance'}
        See :func:`bricks.moments.preactivation_scale`.
    compensation : {'paper', 'released', 'none'}
        What is divided by which standard deviation. ``paper`` is eq. 13-15.
        ``released`` is the authors' DRAW code, which divides tanh(g) by its own
        standard deviation under gamma_h alone, and tanh(gamma_c c) by its own
        for a cell of unit variance, and corrects for neither the gates nor
        Var[c]. ``none`` divides by nothing.

    Attributes
    ----------
    candidate_std, cell_std, state_std : float
        What tanh(g), c_t and h_t are divided by.

    Raises
    ------
    ValueError
        If `moments` or `compensation` is none of those named.
    """

    @lazy(allocation=["dim"])
    def __init__(
        self,
        dim,
        gamma_x=2.0,
        gamma_h=2.0,
        gamma_c=1.0,
        moments="printed",
        compensation="paper",
        **kwargs,
    ):
        super().__init__(dim, gamma_h=gamma_h, **kwargs)
        self.initial_gamma_c = gamma_c
        self.candidate_std, self.cell_std, self.state_std = standard_deviations(
            gamma_x, gamma_h, gamma_c, self.forget_bias, moments, compensation
        )

    def _allocate(self):
        super()._allocate()
        self.gamma_c = self._parameter("gamma_c", (self.dim,), WEIGHT)

    def _initialize(self):
        super()._initialize()
        Constant(self.initial_gamma_c).initialize(self.gamma_c, self.rng)

    def candidate(self, g):
        return tensor.tanh(g) / self.candidate_std

    def output(self, o, cells):
        """The hidden state h_t, (batch, d) [NP, eq. 15]."""
        squashed = tensor.tanh(self.gamma_c * cells / self.cell_std)
        return tensor.nnet.sigmoid(o) * squashed / self.state_std


def standard_deviations(gamma_x, gamma_h, gamma_c, forget_bias, kind, compensation):
    """The three constants of :class:`NormPropLSTM`, for its initial parameters.

    Returns
    -------
    candidate_std, cell_std, state_std : float
    """
    scale = preactivation_scale(gamma_x, gamma_h, kind)
    if compensation == "paper":
        return (
            1.0,
            cell_variance(scale, forget_bias=forget_bias) ** 0.5,  # eq. 7-10
            state_variance(scale, gamma_c) ** 0.5,  # eq. 12
        )
    if compensation == "released":
        _, candidate = moments(numpy.tanh, 0.0, gamma_h)
        _, squashed = moments(numpy.tanh, 0.0, gamma_c)
        return candidate**0.5, 1.0, squashed**0.5
    if compensation == "none":
        return 1.0, 1.0, 1.0
    raise ValueError(
        f"compensation must be 'paper', 'released' or 'none', not {compensation!r}"
    )
