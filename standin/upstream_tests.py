#!/usr/bin/env python3
"""Run the tests of a clone of upstream Blocks on the installed `blocks`.

    python standin/upstream_tests.py CLONE [pytest options]

CLONE is a clone of https://github.com/mila-iqia/blocks at commit c69c2dc2. Its
tests are copied to a temporary folder and run on the `blocks` of the Python that
runs this: upstream itself or the stand-in. What the stand-in does not cover is
left out, on both; ``excluded.txt`` lists it with reasons.

Upstream's tests are for nose and its generators of tests; a ``conftest.py`` in the
temporary folder makes pytest understand them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

CONFTEST = '''
import inspect
import re
import sys
import types
import unittest
import unittest.mock

import pytest

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
        return Missing(name, (), {})
    module.__getattr__ = __getattr__


import blocks
if "standin" in getattr(blocks, "__version__", ""):
    for name in MODULES:
        try:
            module = __import__(name, fromlist=["_"])
        except ImportError:
            module = sys.modules[name] = types.ModuleType(name)
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, module)
        stand_for_missing(module)
'''

MODULES = """blocks.bricks blocks.bricks.base blocks.bricks.attention
blocks.bricks.cost blocks.bricks.recurrent blocks.bricks.recurrent.misc
blocks.bricks.parallel blocks.bricks.sequences blocks.bricks.simple
blocks.bricks.wrappers blocks.algorithms blocks.graph blocks.graph.bn
blocks.initialization blocks.extensions blocks.extensions.saveload
blocks.extensions.stopping blocks.extensions.training blocks.monitoring.aggregation
blocks.monitoring.evaluators blocks.serialization blocks.search blocks.select
blocks.roles blocks.theano_expressions blocks.utils blocks.utils.testing
blocks.log.sqlite""".split()


def read_excluded():
    """The test identifiers, or beginnings of them, in excluded.txt."""
    lines = (HERE / "excluded.txt").read_text().splitlines()
    lines = [line for line in lines if line.strip() and not line.startswith(("#", " "))]
    return [line.split()[0] for line in lines]


def main():
    summary, _, description = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clone", type=Path, help="folder of upstream's clone")
    parser.add_argument(
        "--all", action="store_true", help="run the excluded tests as well"
    )
    options, pytest_options = parser.parse_known_args()
    if not (options.clone / "tests" / "test_main_loop.py").is_file():
        parser.error(f"{options.clone} is not a clone of Blocks: it has no tests")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(options.clone / "tests", Path(folder, "tests"))
        conftest = f"MODULES = {MODULES!r}\n{CONFTEST}"
        Path(folder, "tests", "conftest.py").write_text(conftest)
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "-rN"]
        for name in [] if options.all else read_excluded():
            kind = "--deselect" if "::" in name else "--ignore"
            command += [f"{kind}={name}"]
        command += pytest_options + ["tests"]
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        return subprocess.call(command, cwd=folder, env=environment)


if __name__ == "__main__":
    sys.exit(main())
