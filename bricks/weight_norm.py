"""The weight-normalised LSTM."""

from blocks.bricks.base import lazy
from blocks.initialization import Constant
from blocks.roles import WEIGHT, add_role

from bricks.lstm import LSTM
from bricks.roles import UNIT_NORM, allocate
from bricks.unit_norm import normalise_value, unit_norm


class WeightNormLSTM(LSTM):
    r"""LSTM with weight-normalised recurrent weights [WN, eq. 2; NP, eq. 5].

    .. math:: (i, f, g, o) = W_x x_t + \frac{\gamma_h W_h}{||W_{h,i}||} h_{t-1} + b

    W_x is weight-normalised by the brick that makes the input term
    (:class:`bricks.linear.Linear`).

    Parameters
    ----------
    dim : int
        Number of units, d.
    gamma_h : float
        Initial value of the trainable gamma_h, a vector of 4d.
    """

    @lazy(allocation=["dim"])
    def __init__(self, dim, gamma_h, **kwargs):
        super().__init__(dim, **kwargs)
        self.initial_gamma_h = gamma_h

    def _allocate(self):
        super()._allocate()
        add_role(self.W_h, UNIT_NORM)
        self.gamma_h = allocate(self, "gamma_h", (4 * self.dim,), WEIGHT)

    def _initialize(self):
        super()._initialize()
        normalise_value(self.W_h)
        Constant(self.initial_gamma_h).initialize(self.gamma_h, self.rng)

    def recurrent_weights(self):
        """gamma_h W_h / ||W_h,i||, (d, 4d) [NP, eq. 5, 13]."""
        return self.gamma_h * unit_norm(self.W_h)
