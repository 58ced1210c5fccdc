"""A linear layer with optional weight normalisation."""

from blocks.bricks import Linear as PlainLinear
from blocks.bricks.base import application, lazy
from blocks.initialization import Constant
from blocks.roles import WEIGHT, add_role
from theano import tensor

from bricks.initialization import Orthogonal
from bricks.roles import UNIT_NORM, allocate
from bricks.unit_norm import normalise_value, unit_norm


class Linear(PlainLinear):
    r"""Linear layer, optionally weight-normalised.

    .. math:: y_i = \frac{\gamma_i W_i}{||W_i||} x + b_i

    [WN, eq. 2; NP, eq. 13 for the term in x].

    Parameters
    ----------
    input_dim, output_dim : int
    gamma : float, optional
        Initial gamma, one trainable value per output unit. ``None`` gives a plain
        linear layer without gamma: y = W x + b.
    """

    @lazy(allocation=["input_dim", "output_dim"])
    def __init__(self, input_dim, output_dim, gamma=None, **kwargs):
        kwargs.setdefault("weights_init", Orthogonal())
        kwargs.setdefault("use_bias", True)
        kwargs.setdefault("biases_init", Constant(0.0))
        super().__init__(input_dim, output_dim, **kwargs)
        self.initial_gamma = gamma

    def _allocate(self):
        super()._allocate()
        if self.initial_gamma is not None:
            add_role(self.W, UNIT_NORM)
            self.gamma = allocate(self, "gamma", (self.output_dim,), WEIGHT)

    def _initialize(self):
        super()._initialize()
        if self.initial_gamma is not None:
            normalise_value(self.W)
            Constant(self.initial_gamma).initialize(self.gamma, self.rng)

    def weights(self):
        """The effective weight matrix, of shape (inputs, outputs)."""
        if self.initial_gamma is None:
            return self.W
        return self.gamma * unit_norm(self.W)

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        """Apply the layer.

        Parameters
        ----------
        input_ : :class:`~theano.Variable`
            Shape (..., inputs).

        Returns
        -------
        output : :class:`~theano.Variable`
            Shape (..., outputs).
        """
        return self.affine(input_, self.weights())

    def affine(self, input_, weights):
        """The layer in a recurrence, outside of which :meth:`weights` were made.

        Made inside, they would be computed and differentiated at every step.
        """
        output = tensor.dot(input_, weights)
        return output + self.b if self.use_bias else output
