"""The gradient of Figure 1 on the real brick: its weights, states and Jacobian."""

import numpy
import theano
from theano import tensor

from bricks import Linear, NormPropLSTM
from bricks.moments import cell_variance, preactivation_scale, state_variance


class MeasuredGradient:
    """Runs the brick over noise and measures the last step's Jacobian.

    The norm is that of Frobenius over sqrt(d): the root of the mean of the squared
    singular values of dh_t/dh_{t-1}. It is estimated without the Jacobian, from v'J
    for random signs v, whose mean square is the same.

    Parameters
    ----------
    dim : int
        Units, and inputs.
    steps, batch : int
        Length and number of the sequences, of independent N(0, 1).
    seed : int
        Of the weights and of the noise.
    moments : {'variance', 'printed'}
        Also an attribute that may be changed.
    forget_bias : float
    """

    def __init__(
        self,
        dim=100,
        steps=30,
        batch=64,
        seed=1,
        moments="variance",
        forget_bias=0.0,
    ):
        self.moments = moments
        self.forget_bias = forget_bias
        self.term = Linear(
            dim, 4 * dim, gamma=1.0, use_bias=False, seed=seed, name="term"
        )
        # The gammas here, and what follows from them, are replaced by `set`.
        self.lstm = NormPropLSTM(
            dim, 1.0, 1.0, 1.0, moments, forget_bias=forget_bias, seed=seed, name="lstm"
        )
        # Variables, so that one compilation does for all gammas.
        self.lstm.cell_std = theano.shared(numpy.asarray(1.0, theano.config.floatX))
        self.lstm.state_std = theano.shared(numpy.asarray(1.0, theano.config.floatX))
        for brick in (self.term, self.lstm):
            brick.initialize()
        random = numpy.random.RandomState(seed)
        self.x = random.normal(size=(steps, batch, dim)).astype(theano.config.floatX)
        signs = random.randint(0, 2, size=(batch, dim)) * 2 - 1
        self.signs = signs.astype(theano.config.floatX)
        self._compute = self._compile()

    def _compile(self):
        """Compile the run up to h_{T-1}, and the gradient of the step after it."""
        x, signs = tensor.tensor3("x"), tensor.matrix("signs")
        h, c = tensor.matrix("h"), tensor.matrix("c")
        states, cells = self.lstm.apply(self.term.apply(x[:-1]))
        after, _ = self.lstm.apply(
            self.term.apply(x[-1]), states=h, cells=c, iterate=False
        )
        product = tensor.grad((signs * after).sum(), h)
        run = theano.function([x], [states[-1], cells[-1]])
        step = theano.function([x, signs, h, c], product)
        return lambda x, signs: step(x, signs, *run(x))

    def set(self, gamma_x, gamma_h, gamma_c):
        """Give the bricks these gammas, and the deviations that belong to them."""
        for variable, value in (
            (self.term.gamma, gamma_x),
            (self.lstm.gamma_h, gamma_h),
            (self.lstm.gamma_c, gamma_c),
        ):
            variable.set_value(numpy.full_like(variable.get_value(), value))
        scale = preactivation_scale(gamma_x, gamma_h, self.moments)
        for variable, value in (
            (self.lstm.cell_std, cell_variance(scale, forget_bias=self.forget_bias)),
            (self.lstm.state_std, state_variance(scale, gamma_c)),
        ):
            variable.set_value(numpy.asarray(value**0.5, variable.dtype))

    def __call__(self, gamma_x, gamma_h, gamma_c):
        """The norm of the gradient of h_T in h_{T-1}."""
        self.set(gamma_x, gamma_h, gamma_c)
        products = self._compute(self.x, self.signs)
        return float((products.astype("float64") ** 2).mean() ** 0.5)
