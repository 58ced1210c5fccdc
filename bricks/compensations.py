"""Other forms of Norm Prop: those of the authors' two public codes, and one without.

They divide other quantities, by other standard deviations, than eq. 13-15, which are
:class:`bricks.norm_prop.NormPropLSTM`. docs/ERRATA.md compares how fast a small change
of h grows from step to step in each, which decides how they begin to train.
"""

import numpy
from blocks.bricks.base import lazy
from theano import tensor

from bricks.moments import mean_and_variance, preactivation_scale
from bricks.norm_prop import NormPropLSTM


class UncompensatedLSTM(NormPropLSTM):
    """Divides by nothing: weight normalisation with a gamma_c."""

    @lazy(allocation=["dim"])
    def __init__(self, dim, **kwargs):
        super().__init__(dim, **kwargs)
        self.cell_std = self.state_std = 1.0


class ReleasedNormPropLSTM(NormPropLSTM):
    r"""As in the authors' DRAW code [NP-code].

    .. math::
        c_t &= s(i) \frac{\tanh(g)}{\sqrt{Var[\tanh(\gamma_h z)]}} + s(f) c_{t-1} \\
        h_t &= s(o) \frac{\tanh(\gamma_c c_t)}{\sqrt{Var[\tanh(\gamma_c z)]}}

    with z ~ N(0, 1). Each tanh is divided by its own standard deviation: the first is
    that for gamma_h alone, the second that for Var[c] = 1. The gates are not corrected
    for.
    For the parameters see :class:`bricks.norm_prop.NormPropLSTM`; `moments` has no
    effect.

    Attributes
    ----------
    candidate_std, state_std : float
        What tanh(g) and h_t are divided by.
    """

    @lazy(allocation=["dim"])
    def __init__(self, dim, gamma_h, gamma_c, **kwargs):
        super().__init__(dim, gamma_h=gamma_h, gamma_c=gamma_c, **kwargs)
        self.candidate_std = tanh_std(gamma_h)
        self.cell_std = 1.0
        self.state_std = tanh_std(gamma_c)

    def candidate(self, g):
        return tensor.tanh(g) / self.candidate_std


class EarlyNormPropLSTM(ReleasedNormPropLSTM):
    r"""As in the authors' early Penn Treebank code [NP-code].

    .. math::
        (i, f, g, o) &= \frac{1}{\sqrt 2} \left(
            \frac{\gamma_x W_x}{||W_{x,i}||} x_t
            + \frac{\gamma_h W_h}{||W_{h,i}||} h_{t-1} \right) + b \\
        c_t &= \frac{1}{\sqrt 2} \left( s(i) \frac{\tanh(g)}{\sqrt{Var[\tanh(u)]}}
            + s(f) c_{t-1} \right) \\
        h_t &= s(o) \frac{\tanh(\gamma_c c_t)}{\sqrt{Var[\tanh(\gamma_c z)]}}

    Each sum of two terms is divided by the square root of 2, and u has the variance
    (gamma_x^2 + gamma_h^2) / 2 of a pre-activation. In the early code all three gammas
    have the same value: 0.1, 0.8 or 1.
    """

    @lazy(allocation=["dim"])
    def __init__(self, dim, gamma_x, gamma_h, **kwargs):
        super().__init__(dim, gamma_x=gamma_x, gamma_h=gamma_h, **kwargs)
        self.candidate_std = tanh_std(
            preactivation_scale(gamma_x, gamma_h, "variance") / 2**0.5
        )

    def input_term(self, inputs):
        return inputs / 2**0.5

    def recurrent_term(self, product):
        return product / 2**0.5

    def update_cells(self, gates, cells, candidate_mask=None):
        o, total = super().update_cells(gates, cells, candidate_mask)
        return o, total / 2**0.5


def tanh_std(scale):
    """Standard deviation of tanh(scale z), z ~ N(0, 1)."""
    _, variance = mean_and_variance(numpy.tanh, 0.0, scale)
    return variance**0.5


#: The brick of each value of ``--compensation``.
COMPENSATIONS = {
    "paper": NormPropLSTM,
    "released": ReleasedNormPropLSTM,
    "early": EarlyNormPropLSTM,
    "none": UncompensatedLSTM,
}
