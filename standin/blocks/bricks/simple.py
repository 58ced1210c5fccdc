"""Linear layers."""

from theano import tensor

from blocks.bricks.base import application, lazy
from blocks.bricks.interfaces import Initializable
from blocks.roles import BIAS, WEIGHT, add_role
from blocks.utils import shared_floatx_nans


class Linear(Initializable):
    """y = x W + b.

    Parameters
    ----------
    input_dim, output_dim : int
    """

    @lazy(allocation=["input_dim", "output_dim"])
    def __init__(self, input_dim, output_dim, **kwargs):
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim

    @property
    def W(self):
        """The weights."""
        return self.parameters[0]

    @property
    def b(self):
        """The bias."""
        if not self.use_bias:
            raise AttributeError("use_bias is False")
        return self.parameters[1]

    def _allocate(self):
        W = shared_floatx_nans((self.input_dim, self.output_dim), name="W")
        add_role(W, WEIGHT)
        self.parameters.append(W)
        if self.use_bias:
            b = shared_floatx_nans((self.output_dim,), name="b")
            add_role(b, BIAS)
            self.parameters.append(b)

    def _initialize(self):
        # Not self.W, which subclasses replace by an expression.
        self.weights_init.initialize(self.parameters[0], self.rng)
        if self.use_bias:
            self.biases_init.initialize(self.parameters[1], self.rng)

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        """Apply the layer to a variable of shape (..., input_dim)."""
        output = tensor.dot(input_, self.W)
        return output + self.b if self.use_bias else output

    def get_dim(self, name):
        dims = {"input_": self.input_dim, "output": self.output_dim}
        return dims[name] if name in dims else super().get_dim(name)
