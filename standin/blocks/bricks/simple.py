"""Linear layers and activations."""

from theano import tensor

from blocks.bricks.base import application, lazy
from blocks.bricks.interfaces import Activation, Feedforward, LinearLike
from blocks.roles import BIAS, WEIGHT, add_role
from blocks.utils import shared_floatx_nans


class Linear(LinearLike, Feedforward):
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

    def _allocate(self):
        W = shared_floatx_nans((self.input_dim, self.output_dim), name="W")
        add_role(W, WEIGHT)
        self.parameters.append(W)
        self.add_auxiliary_variable(W.norm(2), name="W_norm")
        if self.use_bias:
            b = shared_floatx_nans((self.output_dim,), name="b")
            add_role(b, BIAS)
            self.parameters.append(b)
            self.add_auxiliary_variable(b.norm(2), name="b_norm")

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        """Apply the layer to a variable of shape (..., input_dim)."""
        output = tensor.dot(input_, self.W)
        return output + self.b if self.use_bias else output

    def get_dim(self, name):
        dims = {"input_": self.input_dim, "output": self.output_dim}
        return dims[name] if name in dims else super().get_dim(name)


class Identity(Activation):
    """x"""

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        return input_


class Tanh(Activation):
    """tanh(x)"""

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        return tensor.tanh(input_)


class Logistic(Activation):
    """1 / (1 + exp(-x))"""

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        return tensor.nnet.sigmoid(input_)


class Rectifier(Activation):
    """max(x, 0)"""

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        return tensor.switch(input_ > 0, input_, 0)
