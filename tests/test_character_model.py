"""The character model: its cost, its scores of whole sequences, its dropout."""

import math

import numpy
import pytest
import theano
from blocks.graph import ComputationGraph
from numpy.testing import assert_allclose
from theano import tensor

from bricks.character_model import CharacterEncoding
from experiments import evaluation, population, sequence
from experiments.gammas import GAMMAS
from tests import lstm_reference
from tests.as_published import character_model
from tests.modes import fast_compile

VOCABULARY, UNITS = 5, 4


@pytest.fixture(scope="module", autouse=True)
def without_c_code():
    """The golden tests run C code; these need not wait for the compiler."""
    with fast_compile():
        yield


def make(name, **options):
    """A model whose every parameter is away from its initial value."""
    model = character_model(name, VOCABULARY, UNITS, length=3, seed=1, **options)
    model.initialize()
    rng = numpy.random.RandomState(7)
    for parameter in model.all_parameters.values():
        value = parameter.get_value()
        if "variance" in parameter.name:
            parameter.set_value(rng.uniform(0.5, 2.0, size=value.shape))
        elif parameter is not model.encoding.W:
            parameter.set_value(value + rng.normal(0, 0.3, size=value.shape))
    return model


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True))


def reference_bits(model, name, symbols):
    """Bits of each prediction, (time - 1, batch), in NumPy; not for batch_norm."""
    lstm, term = model.lstm, model.input_term
    owner_x = term.norm if name in ("batch_norm", "layer_norm") else term.linear
    p = {"W_x": term.linear.W, "W_h": lstm.W_h, "b": lstm.b}
    p.update(h0=lstm.initial_state, c0=lstm.initial_cells)
    for key, owner in (
        ("gamma", owner_x),
        ("gamma_h", lstm),
        ("gamma_c", lstm),
        ("beta_c", lstm),
    ):
        if hasattr(owner, key):
            p["gamma_x" if key == "gamma" else key] = getattr(owner, key)
    p = {key: variable.get_value() for key, variable in p.items()}
    if name == "norm_prop":
        p.update(var_c=lstm.cell_std**2, var_h=lstm.state_std**2)
    x = numpy.eye(VOCABULARY)[symbols[:-1]] @ model.encoding.W.get_value()
    states, _ = lstm_reference.run(name, p, x)
    W = model.readout.W.get_value()
    if name in ("weight_norm", "norm_prop"):
        W = model.readout.gamma.get_value() * lstm_reference.unit(W)
    logs = log_softmax(states @ W + model.readout.b.get_value())
    chosen = numpy.take_along_axis(logs, symbols[1:][..., None], axis=-1)[..., 0]
    return -chosen / math.log(2.0)


@pytest.mark.parametrize("name", ["baseline", "weight_norm", "layer_norm", "norm_prop"])
def test_bits_and_whole_sequence(name):
    """Both against the equations written out in NumPy, one step at a time."""
    model = make(name)
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=17)
    expected = reference_bits(model, name, text[:, None])
    symbols = tensor.imatrix()
    for cost in (model.bits, model.inference_bits):
        bits = theano.function([symbols], cost(symbols))(text[:, None].astype("int32"))
        assert_allclose(bits, expected, atol=1e-12)
    for piece in (1, 5, 100):
        score, _ = sequence.score(model, text, piece=piece)
        assert_allclose(score, expected.mean(), rtol=1e-13)


def test_whole_sequence_batch_norm():
    """The population's statistics of each step; the last one's from there on."""
    model = make("batch_norm")
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=17)
    symbols = tensor.imatrix()
    infer = theano.function([symbols], model.inference_bits(symbols))
    expected = infer(text[:, None].astype("int32")).mean()
    for piece in (1, 2, 100):
        score, _ = sequence.score(model, text, piece)
        assert_allclose(score, expected, rtol=1e-13)


@pytest.mark.parametrize("name, determined", [("norm_prop", False), ("baseline", True)])
def test_a_score_that_floating_point_does_not_determine(name, determined, capsys):
    """Norm Prop at its start, where a change of h grows; the baseline's shrinks."""
    model = character_model(name, VOCABULARY, 60, length=3, seed=1)
    model.initialize()
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=1501)
    # Against two runs that begin nearly alike, in windows: the second half's bits.
    symbols = tensor.imatrix()
    infer = theano.function([symbols], model.inference_bits(symbols))
    bits = infer(text[:, None].astype("int32"))
    start = model.lstm.initial_state
    start.set_value(start.get_value() + sequence.MOVED["float64"])
    moved = infer(text[:, None].astype("int32"))
    start.set_value(start.get_value() * 0)
    found = evaluation.score_sequence(model, text)
    assert_allclose(found["test_sequence_bpc"], bits.mean(), rtol=1e-2)
    apart = abs(moved - bits)[750:].mean()
    said = capsys.readouterr().out
    if determined:
        assert found["test_sequence_apart"] < 1e-6 and apart < 1e-6
        assert f"test  {bits.mean():.4f} bpc" in said and "determined" not in said
    else:
        assert_allclose(found["test_sequence_apart"], apart, rtol=0.3)
        assert apart > 0.05
        assert "not determined in floating point" in said and "moved by 1e-12" in said
        assert f"test  {found['test_sequence_bpc']:.1f} bpc" in said


def test_nothing_to_score():
    with pytest.raises(ValueError, match="two symbols"):
        sequence.score(make("baseline"), [0])


def test_mask_leaves_out_the_padding():
    """A shorter text in a padded batch costs what it costs by itself."""
    model = make("norm_prop")
    symbols, mask = tensor.imatrix(), tensor.matrix()
    cost = theano.function([symbols, mask], model.bits(symbols, mask))
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=(9, 2)).astype("int32")
    present = numpy.ones((9, 2))
    present[6:, 1] = 0
    bits = cost(text, present)
    assert not bits[5:, 1].any()
    assert_allclose(bits[:5, 1], cost(text[:6, 1:], numpy.ones((6, 1)))[:, 0])
    assert_allclose(bits[:, 0], cost(text[:, :1], numpy.ones((9, 1)))[:, 0])


@pytest.mark.parametrize("name", GAMMAS["ptb"])
def test_every_parameter_is_trained(name):
    """No gradient is missing or zero, gammas and initial states included.

    Where it is zero, rounding leaves some of it in single precision, and Adam makes
    steps of full size of that.
    """
    model = make(name)
    symbols = tensor.imatrix()
    parameters = model.trained_parameters
    gradients = theano.function(
        [symbols], theano.grad(model.bits(symbols).mean(), parameters)
    )
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=(7, 6)).astype("int32")
    for parameter, gradient in zip(parameters, gradients(text)):
        assert abs(gradient).max() > 1e-8, parameter.name
    fixed = set(model.all_parameters.values()) - set(parameters)
    assert model.encoding.W in fixed
    # Batch statistics take away h_0, which is the same in the whole batch.
    assert (model.lstm.initial_state in fixed) == (name == "batch_norm")
    assert len(fixed) == (8 if name == "batch_norm" else 1)


def test_encoding_is_a_scaled_rotation():
    brick = CharacterEncoding(VOCABULARY)
    brick.initialize()
    W = brick.W.get_value()
    assert_allclose(W @ W.T, VOCABULARY * numpy.eye(VOCABULARY), atol=1e-13)
    symbols = tensor.imatrix()
    encode = theano.function([symbols], brick.apply(symbols))
    text = numpy.array([[0, 3], [4, 1]], dtype="int32")
    assert_allclose(encode(text), numpy.eye(VOCABULARY)[text] @ W)


def test_dropout_is_for_training_only():
    """Fresh masks at every step and call; right on average; none at inference."""
    drop = dict(input_dropout=0.3, recurrent_dropout=0.2, output_dropout=0.1)
    model, plain = make("norm_prop", **drop), make("norm_prop")
    symbols = tensor.imatrix()
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=(9, 40)).astype("int32")
    train = theano.function([symbols], model.bits(symbols))
    infer = theano.function([symbols], model.inference_bits(symbols))
    expected = theano.function([symbols], plain.inference_bits(symbols))
    assert_allclose(infer(text), expected(text), atol=1e-14)
    assert abs(train(text) - train(text)).max() > 0.01
    assert len(model.random_states) == 3

    mask = theano.function([], model.dropout_mask((50, 100, 20), 0.3))()
    assert set(numpy.unique(mask)) == {0.0, 1.0 / 0.7}
    assert_allclose(mask.mean(), 1.0, atol=0.01)
    assert abs(mask[0] - mask[1]).max() > 0


def test_dropout_is_seeded():
    symbols = tensor.imatrix()
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=(5, 3)).astype("int32")
    results = []
    for _ in range(2):
        model = make("weight_norm", recurrent_dropout=0.5)
        results.append(theano.function([symbols], model.bits(symbols))(text))
    assert_allclose(results[0], results[1], rtol=0)


def test_data_norm():
    """Standardised over batch and time in training; updates the population's."""
    model = make("baseline", data_norm=True, input_scale=3.0)
    symbols = tensor.imatrix()
    x = model.encoding.apply(symbols)
    normed = model.data_norm.apply(x, training=True)
    updates = ComputationGraph(model.bits(symbols)).updates
    assert set(updates) == set(model.data_norm.population.variables)
    train = theano.function([symbols], [x, normed], updates=updates)
    text = numpy.random.RandomState(0).randint(VOCABULARY, size=(8, 30)).astype("int32")
    model.data_norm.population.rate.set_value(1.0)
    raw, value = train(text)
    assert_allclose(value.mean(axis=(0, 1)), 0, atol=1e-12)
    assert_allclose(value.var(axis=(0, 1)), 1, atol=1e-4)
    # The cost predicts from all symbols but the last ones.
    seen = raw[:-1].reshape(-1, VOCABULARY)
    population = model.data_norm.population
    assert_allclose(population.mean.get_value()[0], seen.mean(axis=0))
    assert_allclose(population.variance.get_value()[0], seen.var(axis=0))
    infer = theano.function([symbols], model.data_norm.apply(x))
    expected = (raw - seen.mean(axis=0)) / numpy.sqrt(seen.var(axis=0) + 1e-5)
    assert_allclose(infer(text), expected)


@pytest.mark.parametrize("name, number", [("batch_norm", 4), ("norm_prop", 1)])
def test_exact_population_statistics(name, number):
    """The mean over the batches, whatever the statistics were before."""
    model = make(name, data_norm=True)
    populations = model.populations
    assert len(populations) == number
    symbols = tensor.imatrix()
    bits = model.bits(symbols)
    rng = numpy.random.RandomState(0)
    batches = [rng.randint(VOCABULARY, size=(4, 6)).astype("int32") for _ in range(3)]
    each = []
    for batch in batches:
        population.estimate(populations, bits, symbols, [batch])
        each.append([v.get_value() for p in populations for v in p.variables])
    population.estimate(populations, bits, symbols, batches)
    variables = [v for p in populations for v in p.variables]
    for variable, *values in zip(variables, *each):
        assert abs(values[0] - values[1]).max() > 1e-3
        assert_allclose(variable.get_value(), numpy.mean(values, axis=0), atol=1e-13)
    assert all(abs(p.rate.get_value() - 0.05) < 1e-15 for p in populations)


def test_unknown_model_and_gamma():
    with pytest.raises(ValueError, match="no model 'gru'"):
        character_model("gru", 5, 4)
    with pytest.raises(ValueError, match="baseline has no gamma_x"):
        character_model("baseline", 5, 4, gamma_x=1.0)
