"""Figure 1, computed, and measured on the real brick: its weights and its states."""

import numpy
import theano
from theano import tensor

from bricks import Linear, NormPropLSTM
from bricks.moments import cell_variance, preactivation_scale, state_variance
from experiments.gammas import GAMMAS as PUBLISHED
from figures.gradient import gradient_norm, standard_normal
from figures.recurrence import backward, forward
from training.progress import bar

# The axes, and what it is sampled with.
GAMMAS = [round(0.2 * step, 1) for step in range(1, 21)]
GAMMA_C = [0.1, 1.0]
SAMPLES, SEED = 40000, 1
# The real brick's size and sequences.
UNITS, STEPS, BATCH = 100, 30, 64


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
    forget_bias : float

    Attributes
    ----------
    moments : {'variance', 'printed'}
    """

    moments = "variance"

    def __init__(self, dim, steps, batch, forget_bias=0.0):
        # The gammas here, and what follows from them, are replaced in each call.
        self.forget_bias = forget_bias
        self.term = Linear(dim, 4 * dim, gamma=1.0, use_bias=False, seed=SEED)
        self.lstm = NormPropLSTM(
            dim, 1.0, 1.0, 1.0, self.moments, forget_bias=forget_bias, seed=SEED
        )
        for brick in (self.term, self.lstm):
            brick.initialize()
        # Variables, so that one compilation does for all gammas.
        one = numpy.ones((), theano.config.floatX)
        self.lstm.cell_std, self.lstm.state_std = map(theano.shared, (one, one))
        random = numpy.random.RandomState(SEED)
        self.x = random.normal(size=(steps, batch, dim)).astype(one.dtype)
        signs = random.randint(0, 2, size=(batch, dim)) * 2 - 1
        self.signs = signs.astype(one.dtype)
        x = tensor.tensor3("x")
        self._run = forward(x, self.term.apply(x), self.lstm)
        self._back = backward(self.lstm)

    def __call__(self, gamma_x, gamma_h, gamma_c):
        """The norm of the gradient of h_T in h_{T-1}, at these initial gammas."""
        scale = preactivation_scale(gamma_x, gamma_h, self.moments)
        cells = cell_variance(scale, forget_bias=self.forget_bias)
        for variable, value in (
            (self.term.gamma, gamma_x),
            (self.lstm.gamma_h, gamma_h),
            (self.lstm.gamma_c, gamma_c),
            (self.lstm.cell_std, cells**0.5),
            (self.lstm.state_std, state_variance(scale, gamma_c) ** 0.5),
        ):
            variable.set_value(numpy.full_like(variable.get_value(), value))
        term, states, cells = self._run(self.x)
        nothing = numpy.zeros_like(self.signs)
        products, _ = self._back(term[-1], states[-2], cells[-2], self.signs, nothing)
        return float((products.astype("float64") ** 2).mean() ** 0.5)


def compute(options):
    """The norm over both gammas as computed and as measured, and at those published."""
    print("Figure 1: compiling takes about a minute the first time.", flush=True)
    z = standard_normal(SAMPLES, SEED)
    norms = {
        "computed": lambda *gammas: gradient_norm(*gammas, z),
        "measured": MeasuredGradient(UNITS, STEPS, BATCH),
    }
    found = {
        "gammas": GAMMAS,
        "gamma_c": GAMMA_C,
        "samples": SAMPLES,
        "moments": MeasuredGradient.moments,
        "forget_bias": 0.0,
        "units": UNITS,
        "steps": STEPS,
        "batch": BATCH,
        "seed": SEED,
        "published": at_published_gammas(z),
    }
    points = len(norms) * len(GAMMA_C) * len(GAMMAS) ** 2
    with bar(points, "Figure 1", unit=" points") as shown:

        def rounded(norm, *gammas):
            shown.update()
            return round(norm(*gammas), 5)

        for name, norm in norms.items():
            found[name] = [
                [[rounded(norm, x, h, c) for h in GAMMAS] for x in GAMMAS]
                for c in GAMMA_C
            ]
    return found


def at_published_gammas(z):
    """The norm at the two experiments' gammas and forget bias, with both moments."""
    measure = MeasuredGradient(UNITS, STEPS, BATCH, forget_bias=1.0)
    points = []
    for experiment, name in (("Penn Treebank", "ptb"), ("DRAW", "draw")):
        gammas = list(PUBLISHED[name]["norm_prop"].values())
        for measure.moments in ("printed", "variance"):
            computed = gradient_norm(*gammas, z, measure.moments, 1.0)
            points.append(
                {
                    "experiment": experiment,
                    "gammas": gammas,
                    "moments": measure.moments,
                    "computed": round(computed, 5),
                    "measured": round(measure(*gammas), 5),
                }
            )
    return points
