"""The five LSTMs against the NumPy reference; what the paper claims of them."""

import numpy
import pytest
import theano
from blocks.algorithms import CompositeRule, GradientDescent, Scale
from blocks.graph import ComputationGraph
from numpy.testing import assert_allclose
from scipy import integrate
from theano import tensor

from bricks.batch_norm import BatchNormLSTM
from bricks.compensations import COMPENSATIONS
from bricks.initialization import Orthogonal, OrthogonalBlocks
from bricks.models import InputTerm, make_lstm
from bricks.norm_prop import NormPropLSTM
from bricks.unit_norm import UnitNorm
from experiments.gammas import GAMMAS, initial_gammas
from tests import lstm_reference
from tests.modes import fast_compile

# The five models, and the other forms of norm_prop.
MODELS = [*GAMMAS["ptb"], "released", "early", "none"]
TIME, BATCH, INPUTS, DIM = 6, 5, 3, 4


@pytest.fixture(scope="module", autouse=True)
def without_c_code():
    """The golden tests run C code; these need not wait for the compiler."""
    with fast_compile():
        yield


def bricks_of(model, compensation, length, moments="printed"):
    """The initialised bricks of a model, with the published gammas."""
    gammas = initial_gammas("ptb", model)
    input_term = InputTerm(model, INPUTS, DIM, gammas, length)
    lstm = make_lstm(model, DIM, gammas, moments, compensation, length, forget_bias=1.0)
    for brick in (input_term, lstm):
        brick.initialize()
    return input_term, lstm


def trainable(input_term, lstm):
    """The parameters by the names of the NumPy reference."""
    linear, norm = input_term.linear, input_term.norm
    parameters = {
        "W_x": linear.W,
        "gamma_x": getattr(norm, "gamma", getattr(linear, "gamma", None)),
        "W_h": lstm.W_h,
        "b": lstm.b,
        "h0": lstm.initial_state,
        "c0": lstm.initial_cells,
    }
    for name in ("gamma_h", "gamma_c", "beta_c"):
        parameters[name] = getattr(lstm, name, None)
    return {name: p for name, p in parameters.items() if p is not None}


def second_moment(function, scale, bias=0.0):
    """E[f(scale z + bias)^2], z ~ N(0, 1)."""

    def weighted(z):
        return function(scale * z + bias) ** 2 * numpy.exp(-(z**2) / 2)

    return integrate.quad(weighted, -12, 12)[0] / numpy.sqrt(2 * numpy.pi)


def tanh_variance(scale):
    return second_moment(numpy.tanh, scale)


# What the other forms divide by, at the published gammas of 2, 2 and 1.
RELEASED = {"var_g": tanh_variance(2.0), "var_h": tanh_variance(1.0)}
FORMS = {
    "none": {},
    "released": RELEASED,
    "early": {**RELEASED, "var_gates": 2.0, "var_sum": 2.0},
}


class Case:
    """A model with random parameters, and one compiled function of everything."""

    def __init__(self, model):
        rng = numpy.random.RandomState(3)
        self.model = model
        form = ("norm_prop", model) if model in COMPENSATIONS else (model, "paper")
        self.input_term, self.lstm = bricks_of(*form, length=TIME)
        self.parameters = trainable(self.input_term, self.lstm)
        self.values = {}
        for name, parameter in self.parameters.items():
            value = rng.normal(0.5, 0.7, parameter.get_value().shape)
            parameter.set_value(value)
            self.values[name] = value
        self.variances = {"norm_prop": {}, **FORMS}.get(model)
        if model == "norm_prop":
            self.variances = {
                "var_c": self.lstm.cell_std**2,
                "var_h": self.lstm.state_std**2,
            }
        self.x = rng.normal(size=(TIME, BATCH, INPUTS))
        lengths = [6, 3, 5, 1, 6]
        self.mask = (numpy.arange(TIME)[:, None] < lengths).astype("float64")
        self.drop = rng.choice([0.0, 2.0], size=(TIME, BATCH, DIM))
        self.weights = rng.normal(size=(TIME, BATCH, DIM))

        x, drop, weights = (tensor.tensor3(n) for n in ("x", "drop", "weights"))
        mask = tensor.matrix("mask")
        term = self.input_term.apply(x, mask, training=True)
        states, cells = self.lstm.apply(
            term, mask=mask, candidate_mask=drop, training=True
        )
        loss = (states * weights).sum()
        gradients = theano.grad(loss, list(self.parameters.values()))
        self.everything = theano.function(
            [x, mask, drop, weights], [states, cells, loss] + gradients
        )

    def reference(self, values=None, mask=None):
        return lstm_reference.run(
            self.model if self.variances is None else "norm_prop",
            {**(values or self.values), **(self.variances or {})},
            self.x,
            self.mask if mask is None else mask,
            self.drop,
        )


@pytest.fixture(scope="module", params=MODELS)
def case(request, without_c_code):
    return Case(request.param)


def test_states_and_gradients(case):
    """Lengths that differ, dropped candidates; gradients by finite differences."""
    states, cells, loss, *gradients = case.everything(
        case.x, case.mask, case.drop, case.weights
    )
    expected_states, expected_cells = case.reference()
    assert_allclose(states, expected_states, atol=1e-12)
    assert_allclose(cells, expected_cells, atol=1e-12)

    step = 1e-5
    for (name, value), gradient in zip(case.values.items(), gradients):
        numeric = numpy.zeros(value.size)
        for k in range(value.size):
            losses = []
            for sign in (1, -1):
                moved = value.copy()
                moved.flat[k] += sign * step
                moved_states, _ = case.reference({**case.values, name: moved})
                losses.append((moved_states * case.weights).sum())
            numeric[k] = (losses[0] - losses[1]) / (2 * step)
        # Steep where a sequence is alone in its batch: its variance is zero.
        scale = max(abs(numeric).max(), 1.0)
        assert_allclose(gradient.ravel(), numeric, atol=1e-6 * scale, err_msg=name)
        assert name in ("h0", "c0") or abs(numeric).max() > 1e-6, name


def test_mask_changes_only_what_follows_the_end(case):
    """A masked batch equals its sequences run without padding, one by one.

    In `batch_norm` an example depends on the others, so there it is the padding
    whose content must not matter.
    """
    masked, *_ = case.everything(case.x, case.mask, case.drop, case.weights)
    padding = numpy.where(case.mask[:, :, None] == 0, 1e3, case.x)
    again, *_ = case.everything(padding, case.mask, case.drop, case.weights)
    assert_allclose(again, masked, atol=1e-12)
    for b in range(BATCH):
        length = int(case.mask[:, b].sum())
        last = masked[length - 1, b]
        assert_allclose(masked[length:, b], last[None].repeat(TIME - length, 0))
    if case.model != "batch_norm":
        full, *_ = case.everything(
            case.x, numpy.ones((TIME, BATCH)), case.drop, case.weights
        )
        present = case.mask[:, :, None] == 1
        assert_allclose(numpy.where(present, masked - full, 0), 0, atol=1e-12)


@pytest.mark.parametrize(
    "moments, scale, bias, cell",
    [
        ("printed", 4.0, 1.0, 0.6605983),
        ("zero-bias", 4.0, 0.0, 0.5569487),  # eq. 9-10 to the letter
        ("variance", 8.0**0.5, 1.0, 0.5596013),
    ],
)
def test_moments(moments, scale, bias, cell):
    """Eq. 8 and 12 by SciPy's quadrature, and eq. 15 divided by them, in NumPy."""
    gate = second_moment(lstm_reference.logistic, scale)
    forget = second_moment(lstm_reference.logistic, scale, bias)
    variances = {
        "var_c": tanh_variance(scale) * gate / (1 - forget),
        "var_h": tanh_variance(1.0) * gate,
    }
    assert_allclose(variances["var_c"], cell, atol=1e-7)
    input_term, lstm = bricks_of("norm_prop", "paper", TIME, moments)
    x = tensor.tensor3("x")
    states = theano.function([x], lstm.apply(input_term.apply(x))[0])
    data = numpy.random.RandomState(6).normal(size=(TIME, BATCH, INPUTS))
    parameters = trainable(input_term, lstm)
    values = {name: p.get_value() for name, p in parameters.items()}
    expected, _ = lstm_reference.run("norm_prop", {**values, **variances}, data)
    assert_allclose(states(data), expected, atol=1e-9)


@pytest.mark.parametrize("model", ["norm_prop", "batch_norm"])
def test_one_step_at_a_time(model):
    """``iterate=False``, and a sequence in two pieces with the state carried."""
    input_term, lstm = bricks_of(model, "paper", length=4)
    rng = numpy.random.RandomState(4)
    for population in input_term.populations + lstm.populations:
        for variable in population.variables:
            shape = variable.get_value().shape
            variable.set_value(rng.uniform(0.5, 2, size=shape))
    x, h, c = tensor.tensor3(), tensor.matrix(), tensor.matrix()
    first = tensor.iscalar()

    def run(inputs, first_step=0, **states):
        term = input_term.apply(inputs, first_step=first_step)
        return lstm.apply(term, first_step=first_step, **states)

    whole = theano.function([x], run(x))
    piece = theano.function(
        [x, h, c, first],
        run(x, first, states=h, cells=c),
        on_unused_input="ignore",  # only batch_norm looks at the first step
    )
    data = numpy.random.RandomState(5).normal(size=(7, 2, INPUTS))
    states, cells = whole(data)
    for cut in (2, 5):
        rest, _ = piece(data[cut:], states[cut - 1], cells[cut - 1], cut)
        assert_allclose(rest, states[cut:], atol=1e-14)
    if model == "norm_prop":
        x_t = tensor.matrix()
        step = theano.function(
            [x_t, h, c],
            lstm.apply(input_term.apply(x_t), states=h, cells=c, iterate=False),
        )
        one, _ = step(data[3], states[2], cells[2])
        assert_allclose(one, states[3], atol=1e-14)


def test_variance_is_kept():
    """Var[h] = 1 under the model's own assumptions.

    Each step is given an h_{t-1} drawn from N(0, 1), independent of the past, with
    the real c_t: pre-activations of unit-norm weights are then what eq. 7-12 assume.
    """
    d, batch = 400, 50
    lstm = NormPropLSTM(d, 2.0, 2.0, 1.0, moments="variance", forget_bias=1.0)
    lstm.initialize()
    x, h, c = (tensor.matrix(name) for name in "xhc")
    step = theano.function([x, h, c], lstm.apply(x, states=h, cells=c, iterate=False))
    rng = numpy.random.RandomState(0)
    cells = numpy.zeros((batch, d))
    for _ in range(40):
        term = rng.normal(scale=2.0, size=(batch, 4 * d))  # gamma_x W_x x_t
        states, cells = step(term, rng.normal(size=(batch, d)), cells)
    assert_allclose(states.var(), 1.0, atol=0.05)
    assert_allclose(cells.var(), lstm.cell_std**2, rtol=0.05)
    assert abs(states.mean()) < 0.02


@pytest.mark.parametrize("gamma, expected", [(2.0, (1.0, 1.3)), (0.5, (1.5, 1.9))])
def test_variance_drifts_through_a_real_recurrence(gamma, expected):
    """Fed back, h is correlated over time: most for small gammas."""
    d, batch = 400, 20
    gamma_c = 1.0 if gamma == 2.0 else 0.5
    lstm = NormPropLSTM(
        d, gamma, gamma, gamma_c, moments="variance", forget_bias=0.0, seed=2
    )
    lstm.initialize()
    terms = tensor.tensor3()
    states = theano.function([terms], lstm.apply(terms)[0])
    rng = numpy.random.RandomState(0)
    h = states(rng.normal(scale=gamma, size=(40, batch, 4 * d)))
    assert expected[0] < h[-1].var() < expected[1]


def test_orthogonal():
    rng = numpy.random.RandomState(0)
    for shape in ((5, 5), (7, 3), (3, 7)):
        W = Orthogonal().generate(rng, shape)
        assert W.shape == shape
        gram = W @ W.T if shape[0] < shape[1] else W.T @ W
        assert_allclose(gram, numpy.eye(min(shape)), atol=1e-14)
    W = OrthogonalBlocks().generate(rng, (4, 16))
    for block in numpy.split(W, 4, axis=1):
        assert_allclose(block @ block.T, numpy.eye(4), atol=1e-14)
    assert not numpy.allclose(W[:, :4], W[:, 4:8])
    with pytest.raises(ValueError, match="square"):
        OrthogonalBlocks().generate(rng, (4, 15))


def test_unit_norm_is_part_of_the_update():
    """W - step is projected; a matrix without gamma just takes the step."""
    rng = numpy.random.RandomState(0)
    W, V = (theano.shared(rng.normal(size=(4, 3)), name=n) for n in "WV")
    before = [W.get_value(), V.get_value()]
    x = tensor.matrix("x")
    algorithm = GradientDescent(
        cost=tensor.sqr(tensor.dot(x, W + V)).sum(),
        parameters=[W, V],
        step_rule=CompositeRule([Scale(0.1), UnitNorm([W])]),
    )
    algorithm.initialize()
    data = rng.normal(size=(6, 4))
    algorithm.process_batch({"x": data})
    step = 0.1 * 2 * data.T @ (data @ (before[0] + before[1]))
    moved = before[0] - step
    assert_allclose(W.get_value(), moved / numpy.linalg.norm(moved, axis=0))
    assert_allclose(V.get_value(), before[1] - step)


def test_exact_population_statistics():
    """With rates 1, 1/2, 1/3 the population's are the mean over the batches."""
    lstm = BatchNormLSTM(DIM, length=3, gamma_h=0.1, gamma_c=0.1, forget_bias=1.0)
    lstm.initialize()
    x = tensor.tensor3()
    states, _ = lstm.apply(x, training=True)
    update = theano.function([x], updates=ComputationGraph(states).updates)
    rng = numpy.random.RandomState(0)
    batches = [rng.normal(size=(5, BATCH, 4 * DIM)) for _ in range(3)]
    single = []
    for batch in batches:
        lstm.cell_population.rate.set_value(1.0)
        update(batch)
        single.append(lstm.cell_population.variance.get_value())
    for k, batch in enumerate(batches):
        lstm.cell_population.rate.set_value(1.0 / (k + 1))
        update(batch)
    mean = lstm.cell_population.variance.get_value()
    assert mean.shape == (3, DIM)
    assert_allclose(mean, numpy.mean(single, axis=0))
