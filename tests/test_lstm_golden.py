"""The LSTMs against the arrays that the released implementations computed."""

from pathlib import Path

import numpy
import pytest
import theano
from blocks.graph import ComputationGraph
from numpy.testing import assert_allclose
from theano import tensor

from bricks.batch_norm import BatchNorm, BatchNormLSTM
from bricks.compensations import ReleasedNormPropLSTM
from bricks.layer_norm import LayerNormLSTM
from bricks.lstm import LSTM
from bricks.weight_norm import WeightNormLSTM

GOLDEN = Path(__file__).parent / "golden"


def load(name):
    return dict(numpy.load(GOLDEN / name, allow_pickle=False))


def assert_close(actual, expected, relative=1e-12):
    """Equal to `relative` of the largest entry."""
    assert_allclose(actual, expected, rtol=0, atol=relative * abs(expected).max())


def check(brick, golden, parameters, **initial_states):
    """Compare states, cells, loss and gradients."""
    brick.initialize()
    for name, variable in parameters.items():
        variable.set_value(golden["param_" + name])
    inputs = tensor.tensor3("inputs")
    states, cells = brick.apply(inputs, **initial_states)
    loss = (states * golden["weights"]).sum()
    wanted = [inputs] + list(parameters.values())
    gradients = theano.grad(loss, wanted)
    states, cells, loss, *gradients = theano.function(
        [inputs], [states, cells, loss] + gradients
    )(golden["inputs"])
    assert_close(states, golden["states"])
    assert_close(cells, golden["cells"])
    assert_close(loss, golden["loss"])
    for name, gradient in zip(["inputs"] + list(parameters), gradients):
        assert_close(gradient, golden["grad_" + name])


def common(brick):
    brick.allocate()
    return {
        "W_state": brick.W_h,
        "b": brick.b,
        "initial_state": brick.initial_state,
        "initial_cells": brick.initial_cells,
    }


def test_baseline():
    brick = LSTM(7, forget_bias=1.0)
    check(brick, load("lstm_baseline.npz"), common(brick))


def test_weight_norm():
    brick = WeightNormLSTM(7, gamma_h=1.0, forget_bias=1.0)
    parameters = common(brick)
    parameters["h_gamma"] = brick.gamma_h
    check(brick, load("lstm_weight_norm.npz"), parameters)


def test_norm_prop_released():
    golden = load("lstm_normprop_released.npz")
    brick = ReleasedNormPropLSTM(
        7,
        gamma_x=2.0,
        gamma_h=float(golden["init_h_gamma"]),
        gamma_c=float(golden["init_c_gamma"]),
        moments="printed",
        forget_bias=1.0,
    )
    assert brick.candidate_std == pytest.approx(0.41655268986333, abs=1e-13)
    assert brick.state_std == pytest.approx(0.52000591941101, abs=1e-13)
    # The release estimated the two by sampling.
    brick.candidate_std = 0.41649768008755345
    brick.state_std = 0.5200373315004304
    parameters = common(brick)
    parameters.update(h_gamma=brick.gamma_h, c_gamma=brick.gamma_c)
    check(brick, golden, parameters)


def test_layer_norm_released():
    """Unlike the other released bricks, this one starts from zero."""
    golden = load("lstm_layer_norm_released.npz")
    brick = LayerNormLSTM(7, None, gamma_c=1.0, epsilon=1e-6, forget_bias=1.0)
    brick.allocate()
    parameters = {
        "W_state": brick.W_h,
        "b": brick.b,
        "c_gamma": brick.gamma_c,
        "c_beta": brick.beta_c,
    }
    zeros = tensor.zeros((golden["inputs"].shape[1], 7))
    check(brick, golden, parameters, states=zeros, cells=zeros)
    assert not golden["grad_initial_state"].any()
    assert not golden["grad_initial_cells"].any()


def cooijmans_order(array):
    """Their gate blocks g, f, i, o along the last axis, in our order i, f, g, o."""
    g, f, i, o = numpy.split(array, 4, axis=-1)
    return numpy.concatenate([i, f, g, o], axis=-1)


class ShiftedLSTM(LSTM):
    """Their baseline: without normalisation beta_c still adds to the cell."""

    def __init__(self, dim, beta_c):
        super().__init__(dim, forget_bias=1.0)
        self.beta_c = beta_c

    def output(self, o, cells):
        return super().output(o, cells + self.beta_c)


def test_cooijmans_baseline():
    golden = load("lstm_cooijmans_baseline.npz")
    W_x = theano.shared(cooijmans_order(golden["param_Wx"]))
    beta_c = theano.shared(golden["param_beta_c"])
    brick = ShiftedLSTM(6, beta_c)
    brick.initialize()
    parameters = {
        "Wx": W_x,
        "Wa": brick.W_h,
        "beta_a": brick.b,
        "beta_c": beta_c,
        "h0": brick.initial_state,
        "c0": brick.initial_cells,
    }
    for name in ("Wa", "beta_a"):
        parameters[name].set_value(cooijmans_order(golden["param_" + name]))
    for name in ("h0", "c0"):
        parameters[name].set_value(golden["param_" + name])
    x = tensor.tensor3("x")
    states, cells = brick.apply(tensor.dot(x, W_x))
    loss = (states * golden["weights"]).sum()
    gradients = theano.grad(loss, list(parameters.values()))
    states, cells, loss, *gradients = theano.function(
        [x], [states, cells, loss] + gradients
    )(golden["x"])
    assert_close(states, golden["states"])
    assert_close(cells, golden["cells"])
    assert_close(loss, golden["loss"])
    for name, gradient in zip(parameters, gradients):
        expected = golden["grad_" + name]
        if name in ("Wx", "Wa", "beta_a"):
            expected = cooijmans_order(expected)
        assert_close(gradient, expected)


def test_batch_norm():
    golden = load("lstm_batch_norm.npz")
    norm = BatchNorm(24, 8, gamma=0.1)
    lstm = BatchNormLSTM(6, 8, gamma_h=0.1, gamma_c=0.1, forget_bias=1.0)
    for brick in (norm, lstm):
        brick.allocate()
        brick.initialize()
    W_x = theano.shared(cooijmans_order(golden["param_Wx"]))
    parameters = {
        "Wx": W_x,
        "Wa": lstm.W_h,
        "beta_a": lstm.b,
        "gamma_a": lstm.gamma_h,
        "gamma_b": norm.gamma,
    }
    for name, variable in parameters.items():
        variable.set_value(cooijmans_order(golden["param_" + name]))
    states_parameters = {
        "h0": lstm.initial_state,
        "c0": lstm.initial_cells,
        "gamma_c": lstm.gamma_c,
        "beta_c": lstm.beta_c,
    }
    for name, variable in states_parameters.items():
        variable.set_value(golden["param_" + name])

    x = tensor.tensor3("x")
    states, cells = lstm.apply(
        norm.apply(tensor.dot(x, W_x), training=True), training=True
    )
    loss = (states * golden["weights"]).sum()
    names = list(parameters) + list(states_parameters)
    gradients = theano.grad(
        loss, list(parameters.values()) + list(states_parameters.values())
    )
    results = theano.function(
        [x],
        [states, cells, loss] + gradients,
        updates=ComputationGraph(loss).updates,
    )(golden["x"])
    assert_close(results[0], golden["states"])
    assert_close(results[1], golden["cells"])
    assert_close(results[2], golden["loss"])
    for name, gradient in zip(names, results[3:]):
        expected = golden["grad_" + name]
        if name in parameters:
            expected = cooijmans_order(expected)
        if name == "h0":
            # The same in the whole batch, whose mean takes it away: the
            # true gradient is zero, and both hold rounding errors of 1e-13.
            assert_allclose(gradient, 0, atol=1e-12)
            assert_allclose(expected, 0, atol=1e-12)
        else:
            assert_close(gradient, expected, 1e-10)

    for name, population in (
        ("a", lstm.recurrent_population),
        ("b", norm.population),
        ("c", lstm.cell_population),
    ):
        for kind, variable in zip(("mean", "var"), population.variables):
            expected = golden[f"pop_{name}_{kind}"]
            if name != "c":
                expected = cooijmans_order(expected)
            assert_close(variable.get_value(), expected, 1e-10)

    inference, _ = lstm.apply(norm.apply(tensor.dot(x, W_x)))
    infer = theano.function([x], inference)
    assert_close(infer(golden["x_long"]), golden["states_population"], 1e-10)
    # Batch 1 has no batch statistics to speak of; inference does not use them.
    one = infer(golden["x_long"][:, :1])
    assert_close(one, golden["states_population"][:, :1], 1e-10)
