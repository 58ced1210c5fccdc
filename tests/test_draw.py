"""The DRAW model: gradients, models, bound, noise; in Python, at tiny sizes."""

import numpy
import pytest
import theano
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from theano import tensor

from datasets import noise
from datasets.mnist import Images, image_stream
from datasets.noise import WithNoise
from experiments.bound import Bound
from experiments.gammas import GAMMAS
from tests.as_published import draw_model
from tests.modes import fast_compile

# Without C code: nothing to compile, and fast enough at these sizes.
PYTHON = theano.Mode(linker="py", optimizer="fast_compile")
HEIGHT, WIDTH, GLIMPSES, BATCH, LATENT = 5, 4, 3, 6, 2


def make(model, **options):
    brick = draw_model(
        model,
        height=HEIGHT,
        width=WIDTH,
        read_size=2,
        write_size=3,
        encoder_dim=4,
        decoder_dim=3,
        latent_dim=LATENT,
        **options,
    )
    brick.initialize()
    return brick


def perturb(brick, seed=5):
    """Move all parameters, so that no test sees only zeros and ones."""
    random = numpy.random.RandomState(seed)
    for variable in brick.trained_parameters:
        value = variable.get_value()
        variable.set_value(value + 0.3 * random.normal(size=value.shape))


def example(seed=9):
    random = numpy.random.RandomState(seed)
    x = (random.uniform(size=(BATCH, HEIGHT * WIDTH)) < 0.4).astype("float64")
    return x, random.normal(size=(GLIMPSES, BATCH, LATENT))


@pytest.mark.parametrize("model", GAMMAS["draw"])
def test_the_gradient_is_the_slope(model):
    """Along a random direction, and on every parameter."""
    brick = make(model)
    perturb(brick)
    x, u = tensor.matrix("x"), tensor.tensor3("u")
    cost, parameters = brick.cost(x, u), brick.trained_parameters
    compute = theano.function(
        [x, u], [cost] + tensor.grad(cost, parameters), mode=PYTHON
    )
    data = example()
    _, *gradients = compute(*data)
    assert all(abs(gradient).max() > 1e-6 for gradient in gradients)
    random = numpy.random.RandomState(2)
    values = [p.get_value() for p in parameters]
    directions = [random.normal(size=value.shape) for value in values]
    step, costs = 1e-5, []
    for sign in (1, -1):
        for parameter, value, direction in zip(parameters, values, directions):
            parameter.set_value(value + sign * step * direction)
        costs.append(compute(*data)[0])
    slope = sum((g * d).sum() for g, d in zip(gradients, directions))
    assert_allclose((costs[0] - costs[1]) / (2 * step), slope, rtol=1e-6)


def test_which_parameters_the_models_have():
    shared = {"W", "b"}
    names = {
        "baseline": set(),
        "weight_norm": {"gamma", "gamma_h"},
        "layer_norm": {"gamma_c", "beta_c"},
        "norm_prop": {"gamma", "gamma_h", "gamma_c"},
    }
    for model, more in names.items():
        brick = make(model)
        last = {path.rpartition(".")[2] for path in brick.all_parameters}
        assert last == shared | more | {"W_h"}
        constrained = {"W", "W_h"} if "gamma" in more else set()
        assert {p.name for p in brick.unit_norm_parameters} == constrained


@pytest.mark.parametrize("model", GAMMAS["draw"])
def test_every_matrix_starts_with_unit_norms(model):
    """The baseline's too, which is then free to leave them."""
    matrices = [p for p in make(model).trained_parameters if p.ndim == 2]
    assert len(matrices) == 9
    for matrix in matrices:
        norms = (matrix.get_value() ** 2).sum(axis=0)
        assert_allclose(norms, 1, rtol=1e-12, err_msg=matrix.name)


def test_initial_gammas_and_biases():
    brick = make("norm_prop", gamma_x=0.3, gamma_h=0.4, gamma_c=0.6)
    assert (brick.encoder_input.gamma.get_value() == 0.3).all()
    assert (brick.decoder_input.gamma.get_value() == 0.3).all()
    for lstm in (brick.encoder, brick.decoder):
        assert (lstm.gamma_h.get_value() == 0.4).all()
        assert (lstm.gamma_c.get_value() == 0.6).all()
        i, f, g, o = numpy.split(lstm.b.get_value(), 4)
        assert (f == 1).all() and not i.any() and not g.any() and not o.any()
    sampler, reader, writer = brick.sampler, brick.reader, brick.writer
    for layer in (sampler.mean, sampler.log_sigma, reader.readout, writer.patch):
        assert (layer.gamma.get_value() == 1).all()
        assert not layer.b.get_value().any()


def test_the_published_constants():
    """Var[c] with forget bias 1, and Var[h], for gammas of 0.5."""
    brick = make("norm_prop")
    assert brick.encoder.cell_std**2 == pytest.approx(0.2403899, abs=1e-7)
    assert brick.decoder.state_std**2 == pytest.approx(0.0509060, abs=1e-7)
    brick = make("norm_prop", moments="variance")
    assert brick.encoder.cell_std**2 == pytest.approx(0.1584783, abs=1e-7)


@pytest.mark.parametrize(
    "model, options, reason",
    [
        ("gru", {}, "no model 'gru'"),
        ("baseline", {"gamma_x": 1.0}, "baseline has no gamma_x"),
        ("weight_norm", {"gamma_c": 1.0}, "weight_norm has no gamma_c"),
    ],
)
def test_wrong_models_are_refused(model, options, reason):
    with pytest.raises(ValueError, match=reason):
        make(model, **options)


@pytest.fixture(scope="module", params=["paper", "early"])
def computed(request):
    """All that a perturbed model computes for one example."""
    brick = make("norm_prop", compensation=request.param)
    perturb(brick)
    x, u = tensor.matrix("x"), tensor.tensor3("u")
    names = "canvas h_enc c_enc h_dec c_dec z mean log_sigma".split()
    results = brick.apply(x, u)
    bound = brick.bound(x, u)
    names += "reconstruction divergence log_weights logits".split()
    z = tensor.tensor3("z")
    data = example()
    values = theano.function([x, u], [*results, *bound], mode=PYTHON)(*data)
    by_name = dict(zip(names, values), x=data[0], u=data[1])
    draw = theano.function([z], brick.draw(z), mode=PYTHON)
    by_name["drawn"], by_name["drawn_h"] = draw(by_name["z"])
    return by_name


def test_the_terms_of_the_bound(computed):
    """Against SciPy's densities."""
    x, logits = computed["x"], computed["canvas"][-1]
    assert_array_equal(logits, computed["logits"])
    p = 1 / (1 + numpy.exp(-logits))
    nats = -(x * numpy.log(p) + (1 - x) * numpy.log(1 - p)).sum(axis=1)
    assert_allclose(computed["reconstruction"], nats, rtol=1e-12)
    mean, sigma = computed["mean"], numpy.exp(computed["log_sigma"])
    assert_allclose(computed["z"], mean + sigma * computed["u"], rtol=1e-12)
    kl = numpy.log(1 / sigma) + (sigma**2 + mean**2) / 2 - 0.5
    assert_allclose(computed["divergence"], kl.sum(axis=2), rtol=1e-10, atol=1e-12)
    prior = norm.logpdf(computed["z"]).sum(axis=(0, 2))
    posterior = norm.logpdf(computed["z"], mean, sigma).sum(axis=(0, 2))
    assert_allclose(computed["log_weights"], prior - posterior - nats, rtol=1e-12)


def test_drawing_from_z_is_what_the_whole_model_draws(computed):
    assert_allclose(computed["drawn"], computed["canvas"], rtol=0, atol=1e-12)
    assert_allclose(computed["drawn_h"], computed["h_dec"], rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def bound():
    brick = make("weight_norm")
    perturb(brick)
    pixels = numpy.random.RandomState(3).randint(2, size=(10, HEIGHT * WIDTH))
    splits = dict.fromkeys(("train", "valid", "test"), pixels.astype("uint8"))
    with fast_compile():
        return Bound(brick, Images("tiny", splits), GLIMPSES, batch_size=4, seed=1)


def test_the_bound_is_averaged_over_images(bound):
    """Not over batches: here they are of 4, 4 and 2."""
    score = bound.score("valid")
    assert score["kl"].shape == (GLIMPSES,)
    assert score["nll"] == pytest.approx(score["reconstruction"] + score["kl"].sum())
    total = 0
    for batch, x in enumerate(
        numpy.split(bound.images.valid.astype("float64"), [4, 8])
    ):
        u = noise.normal((GLIMPSES, len(x), LATENT), 1, noise.VALID, batch=batch)
        total += bound._compute(x, u)[0]
    assert score["reconstruction"] == pytest.approx(total / 10, rel=1e-12)


def test_the_importance_weighted_bound_is_tighter(bound):
    single = [bound.importance_weighted("test", 1)]
    single += [
        # One weight of each later noise sample: K = 1 with only that sample.
        -numpy.mean(numpy.concatenate(weights))
        for weights in (
            [
                bound._compute(
                    x, bound._noise(len(x), purpose=noise.TEST, sample=k, batch=b)
                )[2]
                for b, x in bound._batches("test", "")
            ]
            for k in range(1, 20)
        )
    ]
    tighter = bound.importance_weighted("test", 20)
    # Jensen's inequality holds for the very same samples, image by image.
    assert tighter < numpy.mean(single) - 0.01
    # And one weight is an unbiased estimate of the bound.
    plain = [bound.score("test", k)["nll"] for k in range(20)]
    difference = numpy.array(single) - plain
    error = difference.std(ddof=1) / len(difference) ** 0.5
    assert abs(difference.mean()) < 4 * error


def test_noise_depends_on_everything_that_tells_it_apart():
    base = {"seed": 1, "purpose": noise.TRAIN, "sample": 0, "epoch": 2, "batch": 3}
    first = noise.normal((2, 3), **base)
    assert_array_equal(first, noise.normal((2, 3), **base))
    for name in base:
        other = noise.normal((2, 3), **{**base, name: base[name] + 1})
        assert not (first == other).any()


def test_noise_is_standard_normal():
    values = noise.normal((100, 100, 10), 4, noise.TRAIN).ravel()
    assert abs(values.mean()) < 0.01
    assert abs((values**2).mean() - 1) < 0.02


def stream():
    pixels = numpy.arange(20, dtype="uint8").reshape(10, 2)
    return WithNoise(image_stream(pixels, 4), GLIMPSES, LATENT, seed=7)


def test_a_stream_with_noise_resumes_anywhere():
    whole = stream()
    batches = [
        batch for _ in range(2) for batch in whole.get_epoch_iterator(as_dict=True)
    ]
    assert [len(batch["features"]) for batch in batches] == [4, 4, 2] * 2
    assert batches[2]["noise"].shape == (GLIMPSES, 2, LATENT)
    assert not (batches[0]["noise"] == batches[3]["noise"]).any()
    again = stream()
    again.epoch, again.batch = 1, 1
    rest = list(again.get_epoch_iterator(as_dict=True))
    assert len(rest) == 2
    for expected, batch in zip(batches[4:], rest):
        assert_array_equal(expected["noise"], batch["noise"])
        assert_array_equal(expected["features"], batch["features"])
    assert (again.epoch, again.batch) == (2, 0)
