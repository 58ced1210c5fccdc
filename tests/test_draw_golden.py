"""DRAW against the arrays that the released implementation computed."""

from pathlib import Path

import numpy
import pytest
import theano
from blocks.algorithms import Adam, CompositeRule, GradientDescent, StepClipping
from numpy.testing import assert_allclose
from theano import tensor

from bricks.unit_norm import UnitNorm, normalise_value
from tests.as_published import draw_model
from training import schedule

GOLDEN = Path(__file__).parent / "golden"


def load(name):
    return dict(numpy.load(GOLDEN / name, allow_pickle=False))


def assert_close(actual, expected, relative=1e-9):
    """Equal to `relative` of the largest entry."""
    assert actual.shape == expected.shape
    assert_allclose(actual, expected, rtol=0, atol=relative * abs(expected).max())


def layer(path, brick):
    return {f"{path}.{name}": getattr(brick, name) for name in ("W", "b", "gamma")}


def lstm(path, brick, gamma_c):
    names = {"W_state": "W_h", "b": "b", "h_gamma": "gamma_h"}
    if gamma_c:
        names["c_gamma"] = "gamma_c"
    return {f"{path}.{theirs}": getattr(brick, ours) for theirs, ours in names.items()}


def released_names(model, gamma_c):
    """The parameters by their path in the released code."""
    return {
        **layer("/drawmodel/reader/mlp/linear_0", model.reader.readout),
        **layer("/drawmodel/MLP_enc/linear_0", model.encoder_input),
        **lstm("/drawmodel/RNN_enc", model.encoder, gamma_c),
        **layer("/drawmodel/qsampler/qsampler_mean", model.sampler.mean),
        **layer("/drawmodel/qsampler/qsampler_log_sigma", model.sampler.log_sigma),
        **layer("/drawmodel/MLP_dec/linear_0", model.decoder_input),
        **lstm("/drawmodel/RNN_dec", model.decoder, gamma_c),
        **layer("/drawmodel/writer/writer_ztrafo", model.writer.readout),
        **layer("/drawmodel/writer/writer_wtrafo", model.writer.patch),
    }


def test_cell_and_gradients():
    golden = load("draw_released.npz")
    model = draw_model(
        "norm_prop",
        encoder_dim=16,
        decoder_dim=14,
        latent_dim=6,
        compensation="released",
    )
    model.initialize()
    # The release estimated these by sampling.
    for brick, candidate, state in (
        (model.encoder, 0.4164976800875534, 0.4165848911817963),
        (model.decoder, 0.41644225218984315, 0.41656101067716733),
    ):
        assert brick.candidate_std == pytest.approx(candidate, rel=1e-3)
        assert brick.state_std == pytest.approx(state, rel=1e-3)
        brick.candidate_std, brick.state_std = candidate, state
    parameters = released_names(model, gamma_c=True)
    assert {f"param {path}" for path in parameters} == {
        name for name in golden if name.startswith("param ")
    }
    assert set(parameters.values()) == set(model.trained_parameters)
    for path, variable in parameters.items():
        variable.set_value(golden[f"param {path}"])

    x, u = tensor.matrix("x"), tensor.tensor3("u")
    forward = theano.function([x, u], model.apply(x, u)[:6])
    names = ["canvas", "h_enc", "c_enc", "h_dec", "c_dec", "z"]
    for name, value in zip(names, forward(golden["x"], golden["u"])):
        assert_close(value, golden[name])

    reconstruction, divergence, _, logits = model.bound(x, u)
    cost = (reconstruction + divergence.sum(axis=0)).mean()
    backward = theano.function(
        [x, u],
        [tensor.nnet.sigmoid(logits), divergence, reconstruction.mean(), cost]
        + theano.grad(cost, list(parameters.values())),
    )
    names = ["recon", "kl", "recon_term", "cost"]
    names += [f"grad {path}" for path in parameters]
    for name, value in zip(names, backward(golden["x"], golden["u"])):
        assert_close(value, golden[name])


def test_twenty_updates():
    """The released procedure: clipping, Adam, decay and unit norms in this order."""
    golden = load("draw_training.npz")
    model = draw_model("weight_norm", encoder_dim=9, decoder_dim=8, latent_dim=5)
    model.initialize()
    parameters = released_names(model, gamma_c=False)
    assert {f"initial {path}" for path in parameters} == {
        name for name in golden if name.startswith("initial ")
    }
    for path, variable in parameters.items():
        variable.set_value(golden[f"initial {path}"])
    for variable in model.unit_norm_parameters:
        normalise_value(variable)

    x, u = tensor.matrix("x"), tensor.tensor3("u")
    cost = model.cost(x, u)
    rate, decay = float(golden["learning_rate"]), float(golden["decay"])
    adam = Adam(rate)
    algorithm = GradientDescent(
        cost=cost,
        parameters=model.trained_parameters,
        step_rule=CompositeRule(
            [StepClipping(10.0), adam, UnitNorm(model.unit_norm_parameters)]
        ),
    )
    norm = tensor.sqrt(sum(tensor.sqr(g).sum() for g in algorithm.gradients.values()))
    seen = theano.shared(numpy.zeros(2))
    algorithm.add_updates([(seen, tensor.stack([cost, norm]))])
    algorithm.initialize()
    assert (golden["gradient_norms"] > 10).any()

    for update in range(20):
        algorithm.process_batch({"x": golden["x"][update], "u": golden["u"][update]})
        value = schedule.rate("inverse", rate, decay, update + 1)
        adam.learning_rate.set_value(value)
        expected = [golden["costs"][update], golden["gradient_norms"][update]]
        assert_allclose(seen.get_value(), expected, rtol=1e-9)
        assert_allclose(value, golden["learning_rate_after"][update], rtol=1e-12)
        if update + 1 in (1, 5, 20):
            for path, variable in parameters.items():
                assert_close(variable.get_value(), golden[f"after {update + 1} {path}"])
