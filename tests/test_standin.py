"""What the archive relies on in Blocks; true of upstream and of the stand-in."""

import os
import signal
from collections import OrderedDict

import numpy
import pytest
import theano
from blocks.algorithms import (
    Adam,
    CompositeRule,
    GradientDescent,
    Scale,
    StepClipping,
    TrainingAlgorithm,
)
from blocks.bricks import Initializable, Linear
from blocks.bricks.base import Brick, application, lazy
from blocks.bricks.recurrent import BaseRecurrent, recurrent
from blocks.extensions import FinishAfter, SimpleExtension, TrainingExtension
from blocks.extensions.monitoring import DataStreamMonitoring
from blocks.extensions.training import SharedVariableModifier
from blocks.graph import ComputationGraph
from blocks.initialization import Constant, NdarrayInitialization
from blocks.main_loop import MainLoop
from blocks.monitoring import aggregation
from blocks.roles import (
    ALGORITHM_BUFFER,
    BIAS,
    OUTPUT,
    PARAMETER,
    WEIGHT,
    WeightRole,
    add_role,
    has_roles,
)
from blocks.select import Selector
from blocks.utils import shared_floatx
from fuel.datasets import IndexableDataset
from fuel.schemes import SequentialScheme
from fuel.streams import DataStream
from numpy.testing import assert_allclose
from theano import tensor

from common import ROOT


def test_the_standin_stays_small():
    files = (ROOT / "standin" / "blocks").rglob("*.py")
    assert sum(len(path.read_text().splitlines()) for path in files) <= 1700


# Bricks.


class Uniform(NdarrayInitialization):
    def generate(self, rng, shape):
        return rng.uniform(-0.1, 0.1, size=shape).astype(theano.config.floatX)


def make_layer(**kwargs):
    return Linear(3, 2, weights_init=Uniform(), biases_init=Constant(0.5), **kwargs)


def test_initial_values_come_from_the_seed():
    layer = make_layer(seed=7)
    layer.initialize()
    expected = numpy.random.RandomState(7).uniform(-0.1, 0.1, size=(3, 2))
    assert_allclose(layer.W.get_value(), expected, rtol=1e-12)
    assert_allclose(layer.b.get_value(), [0.5, 0.5])


class Pair(Initializable):
    """Two layers, the second in place of a dimension that is given later."""

    @lazy(allocation=["dim"])
    def __init__(self, dim, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.first = Linear(name="first")
        self.second = Linear(name="second", use_bias=False)
        self.children = [self.first, self.second]

    def _push_allocation_config(self):
        self.first.input_dim = self.second.output_dim = self.dim
        self.first.output_dim = self.second.input_dim = 2 * self.dim

    @application(inputs=["x"], outputs=["y"])
    def apply(self, x):
        return self.second.apply(self.first.apply(x))


def test_configuration_is_pushed_to_the_children():
    pair = Pair(weights_init=Constant(2), biases_init=Constant(1))
    with pytest.raises(ValueError, match="dim"):
        pair.allocate()
    pair.dim = 3
    pair.initialize()
    assert pair.first.W.get_value().shape == (3, 6)
    x = tensor.matrix("x")
    assert_allclose(pair.apply(x).eval({x: numpy.ones((1, 3))}), numpy.full((1, 3), 84))


def test_parameters_have_paths():
    pair = Pair(dim=2, weights_init=Constant(2), biases_init=Constant(1), name="pair")
    pair.initialize()
    names = {"/pair/first.W", "/pair/first.b", "/pair/second.W"}
    selected = Selector([pair]).get_parameters()
    assert set(selected) == names
    assert selected["/pair/first.b"] is pair.first.b


def test_applications_annotate_the_graph():
    layer = make_layer(name="layer")
    x = tensor.matrix("x")
    y = layer.apply(x)
    assert y.name == "layer_apply_output"
    assert y.tag.roles == [OUTPUT]
    assert layer in y.tag.annotations
    graph = ComputationGraph(y)
    assert graph.inputs == [x]
    assert set(graph.parameters) == {layer.W, layer.b}


def test_updates_of_a_call_are_in_the_graph():
    counter = shared_floatx(0, name="counter")

    class Counting(Brick):
        @application(outputs=["y"])
        def apply(self, x, application_call):
            application_call.updates[counter] = counter + 1
            return 2 * x

    x = tensor.vector("x")
    graph = ComputationGraph(Counting().apply(x).sum())
    assert list(graph.updates) == [counter]


def test_a_role_replaces_the_more_general_one():
    class GammaRole(WeightRole):
        pass

    gamma, variable = GammaRole(), shared_floatx(1)
    for role in (PARAMETER, gamma, WEIGHT):
        add_role(variable, role)
    assert variable.tag.roles == [gamma]
    assert repr(gamma) == "GAMMA"
    assert has_roles(variable, [WEIGHT]) and not has_roles(variable, [BIAS])


# Recurrence.


class Leaky(BaseRecurrent):
    """s_t = x_t + (1 + rate) s_{t-1} / 2, and 3 s_{t-1} beside it."""

    def get_dim(self, name):
        return {"x": 2, "s": 2, "mask": 0}[name]

    @application(outputs=["s"])
    def initial_states(self, batch_size, *args, **kwargs):
        return tensor.ones((batch_size, 2))

    @recurrent(
        sequences=["x", "mask"], states=["s"], contexts=["rate"], outputs=["s", "o"]
    )
    def apply(self, x, s, rate, mask=None):
        following = x + (1 + rate) * s / 2
        if mask is not None:
            following = tensor.switch(mask[:, None], following, s)
        return following, 3 * s


def leaky_by_hand(x, rate, mask, s):
    states, others = [], []
    for x_t, mask_t in zip(x, mask):
        others.append(3 * s)
        s = numpy.where(mask_t[:, None], x_t + (1 + rate) * s / 2, s)
        states.append(s)
    return numpy.array(states), numpy.array(others)


@pytest.mark.parametrize("masked", [False, True])
def test_recurrence(masked):
    random = numpy.random.RandomState(1)
    values = random.randn(5, 3, 2)
    mask_values = (random.rand(5, 3) < 0.5).astype("float64")
    x, mask, rate = tensor.tensor3("x"), tensor.matrix("mask"), tensor.vector("rate")
    brick = Leaky(name="leaky")
    s, o = brick.apply(x, mask=mask if masked else None, rate=rate)
    assert (s.name, o.name) == ("leaky_apply_s", "leaky_apply_o")
    compute = theano.function([x, mask, rate], [s, o], on_unused_input="ignore")
    rate_value = numpy.array([0.1, 0.4])
    expected = leaky_by_hand(
        values,
        rate_value,
        mask_values if masked else numpy.ones((5, 3)),
        numpy.ones((3, 2)),
    )
    for computed, wanted in zip(compute(values, mask_values, rate_value), expected):
        assert_allclose(computed, wanted, rtol=1e-12)


def test_recurrence_from_given_states_and_one_step_of_it():
    x, s, rate = tensor.tensor3("x"), tensor.matrix("s"), tensor.vector("rate")
    brick = Leaky()
    states, _ = brick.apply(x, s=s, rate=rate)
    step, _ = brick.apply(x[0], s, rate, iterate=False)
    compute = theano.function([x, s, rate], [states, step])
    values, start = numpy.ones((2, 1, 2)), numpy.array([[4.0, 8.0]])
    states, step = compute(values, start, numpy.array([1.0, 0.0]))
    assert_allclose(states, [[[5, 5]], [[6, 3.5]]])
    assert_allclose(step, [[5, 5]])


# Step rules.


def adam_by_hand(value, gradient, updates, rate, threshold):
    """Clipping and Adam as in the papers; `gradient` is a function of the value."""
    first = second = numpy.zeros_like(value)
    for t in range(1, updates + 1):
        g = gradient(value)
        norm = numpy.sqrt((g**2).sum())
        g = g * min(1, threshold / norm)
        first = 0.9 * first + 0.1 * g
        second = 0.999 * second + 0.001 * g**2
        correction = numpy.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        value = value - rate * correction * first / (numpy.sqrt(second) + 1e-8)
    return value


def test_clipped_adam():
    random = numpy.random.RandomState(4)
    matrix, start = random.randn(3, 3), random.randn(3)
    w = shared_floatx(start, name="w")
    cost = tensor.sqr(tensor.dot(matrix, w)).sum() / 2
    rule = CompositeRule([StepClipping(1.0), Adam(learning_rate=0.05)])
    algorithm = GradientDescent(cost=cost, parameters=[w], step_rule=rule)
    buffers = [v for v, _ in algorithm.updates if has_roles(v, [ALGORITHM_BUFFER])]
    assert sorted(buffer.name for buffer in buffers) == ["mean", "time", "variance"]
    gradient = matrix.T.dot(matrix).dot
    assert_allclose(algorithm.gradients[w].eval(), gradient(start), rtol=1e-12)
    algorithm.initialize()
    for _ in range(200):
        algorithm.process_batch({})
    expected = adam_by_hand(start, gradient, 200, 0.05, 1.0)
    assert_allclose(w.get_value(), expected, rtol=0, atol=1e-10)


def test_gradient_descent_takes_further_updates():
    v, w = shared_floatx([1.0, 2.0], name="v"), shared_floatx(3.0, name="w")
    count, x = shared_floatx(0, name="count"), tensor.scalar("x")
    algorithm = GradientDescent(
        cost=x * (v**2).sum() / 2 + x * w, parameters=[v, w], step_rule=Scale(0.5)
    )
    algorithm.add_updates([(count, count + x)])
    algorithm.initialize()
    algorithm.process_batch({"x": 2.0})
    assert_allclose(v.get_value(), [0, 0])
    assert_allclose([w.get_value(), count.get_value()], [2, 2])
    with pytest.raises(ValueError):
        algorithm.process_batch({"x": 2.0, "y": 1.0})
    with pytest.raises(ValueError):
        algorithm.process_batch({"y": 1.0})


# The main loop.


class Recorder(TrainingExtension):
    """Notes every callback with what is done by then; may do something at one."""

    def __init__(self, **hooks):
        super().__init__()
        self.calls = []
        self.hooks = hooks

    def dispatch(self, callback_name, *args):
        status = self.main_loop.status
        call = (str(callback_name), status["iterations_done"], status["epochs_done"])
        self.calls.append(call)
        if call[0] in self.hooks:
            self.hooks[call[0]](self.main_loop)


class Nothing(TrainingAlgorithm):
    """Trains nothing, and calls a function on each batch."""

    def __init__(self, on_batch=lambda x: None):
        self.on_batch = on_batch

    def initialize(self):
        pass

    def process_batch(self, batch):
        self.on_batch(batch["x"][0])


def numbers(examples=3, batch_size=1):
    dataset = IndexableDataset(OrderedDict([("x", numpy.arange(1.0, examples + 1))]))
    scheme = SequentialScheme(examples, batch_size)
    return DataStream(dataset, iteration_scheme=scheme)


def run(extensions, on_batch=lambda x: None, **hooks):
    """Run a loop over epochs of three batches, for four epochs at most."""
    recorder = Recorder(**hooks)
    extensions = extensions + [FinishAfter(after_n_epochs=4), recorder]
    loop = MainLoop(Nothing(on_batch), numbers(), extensions=extensions)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        loop.run()
    finally:
        after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        assert after == before
    return loop, recorder.calls


def test_order_of_the_callbacks_and_a_second_run():
    extensions = [FinishAfter(after_n_batches=2), FinishAfter(after_n_batches=4)]
    loop, calls = run(extensions)
    assert calls == [
        ("before_training", 0, 0),
        ("before_epoch", 0, 0),
        ("before_batch", 0, 0),
        ("after_batch", 1, 0),
        ("before_batch", 1, 0),
        ("after_batch", 2, 0),
        ("after_training", 2, 0),
    ]
    assert loop.log[2]["training_finished"]
    del calls[:]
    loop.run()
    assert calls == [
        ("on_resumption", 2, 0),
        ("before_batch", 2, 0),
        ("after_batch", 3, 0),
        ("after_epoch", 3, 1),
        ("before_epoch", 3, 1),
        ("before_batch", 3, 1),
        ("after_batch", 4, 1),
        ("after_training", 4, 1),
    ]
    assert loop.status["_epoch_ends"] == [3]


def test_an_extension_puts_back_the_middle_of_an_epoch():
    def put_back(loop):
        loop.status.update(
            training_started=True,
            iterations_done=4,
            epochs_done=1,
            epoch_started=True,
            received_first_batch=True,
        )
        loop.epoch_iterator = loop.data_stream.get_epoch_iterator(as_dict=True)
        next(loop.epoch_iterator)

    seen = []
    extensions = [FinishAfter(after_n_epochs=2)]
    loop, calls = run(extensions, seen.append, before_training=put_back)
    assert seen == [2, 3]
    assert calls == [
        ("before_training", 0, 0),
        ("on_resumption", 4, 1),
        ("before_batch", 4, 1),
        ("after_batch", 5, 1),
        ("before_batch", 5, 1),
        ("after_batch", 6, 1),
        ("after_epoch", 6, 2),
        ("after_training", 6, 2),
    ]
    assert loop.status["resumed_from"] is not None


@pytest.mark.parametrize(
    "signals, batches",
    [([signal.SIGINT], 3), ([signal.SIGTERM], 1), ([signal.SIGINT] * 2, 1)],
)
def test_interrupts_finish_the_epoch_or_the_batch(signals, batches):
    def interrupt(x):
        if x == 1:
            for number in signals:
                os.kill(os.getpid(), number)

    loop, calls = run([], interrupt)
    assert loop.status["iterations_done"] == batches
    assert calls[-1][0] == "after_training"
    assert loop.log.current_row["training_finished"]


def test_an_error_is_logged_and_raised_again():
    def fail(x):
        if x == 2:
            raise ArithmeticError("two")

    errors = []
    with pytest.raises(ArithmeticError):
        run([], fail, on_error=lambda loop: errors.append(dict(loop.log.current_row)))
    (row,) = errors
    assert "two" in row["got_exception"]


class Count(SimpleExtension):
    """Counts the epochs and batches at which it is triggered."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.times = []

    def do(self, which_callback, *args):
        self.times.append(self.main_loop.status["iterations_done"])


@pytest.mark.parametrize(
    "trigger, value, times",
    [
        ("before_training", True, [0]),
        ("before_first_epoch", True, [0]),
        ("before_epoch", True, [0, 3, 6, 9]),
        ("before_batch", True, list(range(12))),
        ("after_batch", True, list(range(1, 13))),
        ("after_batch", False, []),
        ("after_epoch", True, [3, 6, 9, 12]),
        ("after_training", True, [12]),
        ("on_resumption", True, []),
        ("after_n_batches", 4, [4]),
        ("every_n_batches", 4, [4, 8, 12]),
        ("after_n_epochs", 2, [6]),
        ("every_n_epochs", 2, [6, 12]),
    ],
)
def test_triggers(trigger, value, times):
    count = Count(**{trigger: value})
    run([count])
    assert count.times == times


def test_a_condition_of_ones_own():
    count = Count()
    count.add_condition(["after_batch"], lambda log: log.status["epochs_done"] == 1)
    run([count])
    assert count.times == [4, 5, 6]


def test_a_shared_variable_follows_a_schedule():
    rate = shared_floatx(8.0)
    seen = []
    run(
        [SharedVariableModifier(rate, lambda n: 8.0 / (1 + n), after_batch=True)],
        lambda x: seen.append(float(rate.get_value())),
    )
    assert_allclose(seen[:4], [8, 4, 8 / 3, 2])


# Monitoring.


def test_aggregation_over_uneven_batches():
    x = tensor.vector("x")
    w = shared_floatx(0.0, name="w")

    by_example = aggregation.mean(x.sum(), x.shape[0])
    by_example.name = "by_example"
    monitored = [by_example, x.mean().copy("by_batch"), (2 * w).copy("twice_w")]
    algorithm = GradientDescent(cost=w * x.sum(), parameters=[w], step_rule=Scale(1.0))
    extensions = [
        DataStreamMonitoring(monitored, numbers(5, 2), prefix="valid"),
        FinishAfter(after_n_epochs=2),
    ]
    loop = MainLoop(algorithm, numbers(5, 2), extensions=extensions)
    loop.run()
    for end, w_end in ((0, 0), (3, -15), (6, -30)):
        row = loop.log[end]
        assert_allclose(row["valid_by_example"], 3)  # (1 + 2 + 3 + 4 + 5) / 5
        assert_allclose(row["valid_by_batch"], 10 / 3)  # (1.5 + 3.5 + 5) / 3
        assert_allclose(row["valid_twice_w"], 2 * w_end)
