"""Pytest plugin for upstream_tests.py: upstream's tests under today's pytest.

Three things are missing there: nose and its generators of tests; what upstream has
and the stand-in has not, which a test module may import at its top and use in one
test only; and upstream's own helpers for tests, which are written anew here, with
five bricks that many tests of the machinery below them are made with.
"""

import inspect
import re
import sys
import time
import types
import unittest
import unittest.mock

import blocks
import pytest
import theano
from blocks import roles
from blocks.algorithms import TrainingAlgorithm
from blocks.bricks import (
    BaseRecurrent,
    Brick,
    Initializable,
    Linear,
    application,
    lazy,
    recurrent,
)
from blocks.initialization import NdarrayInitialization
from blocks.main_loop import MainLoop
from blocks.roles import add_role
from blocks.utils import shared_floatx_nans, shared_floatx_zeros
from fuel.datasets import IterableDataset
from theano import tensor

case = unittest.TestCase()
tools = types.ModuleType("nose.tools")
for name in dir(case):
    if name.startswith("assert"):
        snake = re.sub("([A-Z])", lambda m: "_" + m.group(1).lower(), name)
        setattr(tools, snake, getattr(case, name))


def raises(*expected):
    def decorate(test):
        def run():
            with pytest.raises(expected):
                test()

        run.__name__ = test.__name__
        return run

    return decorate


tools.raises = raises
sys.modules["nose"] = types.ModuleType("nose")
sys.modules["nose.tools"] = tools
sys.modules["mock"] = unittest.mock


def pytest_pycollect_makeitem(collector, name, obj):
    if not (name.startswith("test") and inspect.isgeneratorfunction(obj)):
        return None

    def run_all():
        for test, *arguments in obj():
            test(*arguments)

    return pytest.Function.from_parent(collector, name=name, callobj=run_all)


class Missing(type):
    """Stands for what the stand-in lacks and a test module imports at its top."""

    def __call__(cls, *args, **kwargs):
        pytest.fail("the stand-in has no " + cls.__name__)


def stand_for_missing(module):
    def __getattr__(name):
        if name.startswith("_"):
            raise AttributeError(name)
        if name in vars(roles):  # upstream's modules import from each other
            return vars(roles)[name]
        if name in PROVIDED:
            return PROVIDED[name]
        return Missing(name, (), {})

    module.__getattr__ = __getattr__


class MockAlgorithm(TrainingAlgorithm):
    """Does nothing, and remembers what it was given."""

    def __init__(self, delay_time=0):
        self.delay_time = delay_time

    def initialize(self):
        self._initialized = True

    def process_batch(self, batch):
        self.batch = batch
        time.sleep(self.delay_time)


class MockMainLoop(MainLoop):
    """A main loop that does nothing unless told what to do."""

    def __init__(self, delay_time=0, **kwargs):
        kwargs.setdefault("algorithm", MockAlgorithm(delay_time))
        stream = IterableDataset([range(10)] * 3).get_example_stream()
        kwargs.setdefault("data_stream", stream)
        super().__init__(**kwargs)


class Tanh(Brick):
    """tanh(x)"""

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        return tensor.tanh(input_)


class IsotropicGaussian(NdarrayInitialization):
    """Independent normal values."""

    def __init__(self, std=1, mean=0):
        self.std, self.mean = std, mean

    def generate(self, rng, shape):
        return rng.normal(self.mean, self.std, shape).astype(theano.config.floatX)


class SimpleRecurrent(BaseRecurrent, Initializable):
    """s_t = activation(x_t + s_{t-1} W), with a trained initial state."""

    @lazy(allocation=["dim"])
    def __init__(self, dim, activation, **kwargs):
        super().__init__(children=[activation], **kwargs)
        self.dim = dim

    def get_dim(self, name):
        dims = {"inputs": self.dim, "states": self.dim, "mask": 0}
        return dims[name] if name in dims else super().get_dim(name)

    def _allocate(self):
        W = shared_floatx_nans((self.dim, self.dim), name="W")
        add_role(W, roles.WEIGHT)
        initial = shared_floatx_zeros((self.dim,), name="initial_state")
        add_role(initial, roles.INITIAL_STATE)
        self.parameters.extend([W, initial])

    def _initialize(self):
        self.weights_init.initialize(self.parameters[0], self.rng)

    @recurrent(
        sequences=["inputs", "mask"], states=["states"], outputs=["states"], contexts=[]
    )
    def apply(self, inputs, states, mask=None):
        following = inputs + tensor.dot(states, self.parameters[0])
        following = self.children[0].apply(following)
        if mask is None:
            return following
        return mask[:, None] * following + (1 - mask[:, None]) * states

    @application(outputs=apply.states)
    def initial_states(self, batch_size, *args, **kwargs):
        return tensor.repeat(self.parameters[1][None, :], batch_size, 0)


class Bias(Initializable):
    """x + b"""

    @lazy(allocation=["dim"])
    def __init__(self, dim, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim

    def _allocate(self):
        b = shared_floatx_nans((self.dim,), name="b")
        add_role(b, roles.BIAS)
        self.parameters.append(b)

    @application(inputs=["input_"], outputs=["output"])
    def apply(self, input_):
        return input_ + self.parameters[0]


class Sequence(Brick):
    """Bound applications, or bricks with ``apply``, one after the other."""

    def __init__(self, application_methods, **kwargs):
        self.steps = [
            step.apply if isinstance(step, Brick) else step
            for step in application_methods
        ]
        bricks = list(dict.fromkeys(step.brick for step in self.steps))
        super().__init__(children=bricks, **kwargs)

    @application
    def apply(self, *values):
        for step in self.steps:
            values = step(*values, as_list=True)
        return values

    @apply.property("inputs")
    def apply_inputs(self):
        return self.steps[0].inputs

    @apply.property("outputs")
    def apply_outputs(self):
        return self.steps[-1].outputs


class MLP(Sequence, Initializable):
    """Linear layers, each with an activation."""

    @lazy(allocation=["dims"])
    def __init__(self, activations, dims, **kwargs):
        self.linear_transformations = [
            Linear(name=f"linear_{i}") for i in range(len(activations))
        ]
        pairs = zip(self.linear_transformations, activations)
        steps = [step for pair in pairs for step in pair if step is not None]
        super().__init__(steps, **kwargs)
        self.dims = dims or [None] * (len(activations) + 1)

    input_dim = property(
        lambda self: self.dims[0], lambda self, dim: self.dims.__setitem__(0, dim)
    )
    output_dim = property(
        lambda self: self.dims[-1], lambda self, dim: self.dims.__setitem__(-1, dim)
    )

    def _push_allocation_config(self):
        if None in self.dims:
            raise ValueError("the dimensions of the MLP are not set")
        for linear, rows, columns in zip(
            self.linear_transformations, self.dims, self.dims[1:]
        ):
            linear.input_dim, linear.output_dim = rows, columns
            linear.use_bias = self.use_bias


HELPERS = (Tanh, IsotropicGaussian, SimpleRecurrent, Bias, Sequence, MLP)
PROVIDED = {cls.__name__: cls for cls in HELPERS}
# Where the tests import from.
MODULES = """
blocks.algorithms blocks.bricks blocks.extensions blocks.filter blocks.graph
blocks.initialization blocks.main_loop blocks.model blocks.roles blocks.search
blocks.select blocks.serialization blocks.theano_expressions blocks.utils
blocks.bricks.attention blocks.bricks.base blocks.bricks.cost blocks.bricks.parallel
blocks.bricks.recurrent blocks.bricks.sequences blocks.bricks.simple
blocks.bricks.wrappers blocks.extensions.monitoring blocks.extensions.saveload
blocks.extensions.predicates blocks.extensions.stopping blocks.extensions.training
blocks.graph.annotations blocks.graph.bn blocks.log.sqlite blocks.monitoring.aggregation
blocks.monitoring.evaluators blocks.utils.testing blocks.bricks.recurrent.misc
""".split()


if "standin" in getattr(blocks, "__version__", ""):
    for name in MODULES:
        try:
            module = __import__(name, fromlist=["_"])
        except ImportError:
            module = sys.modules[name] = types.ModuleType(name)
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, module)
        if name != "blocks.utils.testing":
            stand_for_missing(module)
    testing = sys.modules["blocks.utils.testing"]
    testing.MockAlgorithm, testing.MockMainLoop = MockAlgorithm, MockMainLoop
    testing.skip_if_not_available = lambda *args, **kwargs: None
    testing.skip_if_configuration_set = lambda *args, **kwargs: None
