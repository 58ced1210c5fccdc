"""Pytest plugin for upstream_tests.py: upstream's tests under today's pytest.

Three things are missing there: nose and its generators of tests; what upstream has
and the stand-in has not, which a test module may import at its top and use in one
test only; and upstream's own helpers for tests, which are written anew here.
"""

import importlib
import inspect
import pkgutil
import re
import sys
import time
import types
import unittest.mock

import blocks
import pytest
from blocks import roles
from blocks.algorithms import TrainingAlgorithm
from blocks.main_loop import MainLoop
from fuel.datasets import IterableDataset

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


def missing(name):
    if name.startswith("_"):
        raise AttributeError(name)
    # Upstream's modules import from each other.
    return vars(roles).get(name) or Missing(name, (), {})


class MissingModules:
    """Finds the modules that the stand-in lacks; they lack everything."""

    def find_spec(self, name, path=None, target=None):
        if name.startswith("blocks."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__getattr__ = missing


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


if "standin" in getattr(blocks, "__version__", ""):
    sys.meta_path.append(MissingModules())
    for found in pkgutil.walk_packages(blocks.__path__, "blocks."):
        module = importlib.import_module(found.name)
        module.__getattr__ = missing
        module.__path__ = getattr(module, "__path__", [])  # upstream's may be packages
    testing = importlib.import_module("blocks.utils.testing")
    testing.MockAlgorithm, testing.MockMainLoop = MockAlgorithm, MockMainLoop
    testing.skip_if_not_available = lambda *args, **kwargs: None
    testing.skip_if_configuration_set = lambda *args, **kwargs: None
