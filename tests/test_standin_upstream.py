"""Upstream's own tests on the installed `blocks`, where a clone of it is given."""

import os
import subprocess
import sys

import pytest

from common import ROOT

STANDIN = ROOT / "standin"
CLONE = "REPRODUCE_BLOCKS_CLONE"


@pytest.fixture
def clone():
    if not os.environ.get(CLONE):
        pytest.skip(f"{CLONE} names no clone of upstream Blocks")
    return os.environ[CLONE]


def test_upstreams_tests(clone):
    done = subprocess.run(
        [sys.executable, str(STANDIN / "upstream_tests.py"), clone],
        env={**os.environ, "THEANO_FLAGS": "mode=FAST_COMPILE"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed == 44, done.stdout


RULES = """
import numpy, theano
from blocks.algorithms import Adam, CompositeRule, GradientDescent, Scale, StepClipping
from theano import tensor

RULES = [
    *(lambda: None, Scale, lambda: Scale(0.01), Adam, lambda: Adam(0.1)),
    *(lambda: Adam(0.05, 0.8, 0.99, 1e-4), lambda: Adam(0.01, beta1=0.0, beta2=0.0)),
    *(StepClipping, lambda: StepClipping(1), lambda: StepClipping(0.0)),
    *(lambda: StepClipping(1e6), lambda: CompositeRule([])),
    lambda: CompositeRule([StepClipping(1.0), Adam(0.002)]),
    lambda: CompositeRule([CompositeRule([Adam(), StepClipping(1e-3)]), Scale(2.0)]),
]
for make in RULES:
    random = numpy.random.RandomState(3)
    values = random.randn(4, 3), random.randn(3), numpy.float64(0.3)
    parameters = [theano.shared(value, name=str(k)) for k, value in enumerate(values)]
    matrix, bias, scale = parameters
    x, y = tensor.matrices("x", "y")
    cost = 7 * tensor.sqr(tensor.tanh(x.dot(matrix) + bias) * scale - y).sum()
    algorithm = GradientDescent(cost=cost, parameters=parameters, step_rule=make())
    algorithm.initialize()
    for k in range(26):
        batch = {"x": random.randn(5, 4), "y": random.randn(5, 3)}
        if k == 25:
            batch["x"][0, 0] = numpy.nan
            print([p.get_value().tolist() for p in parameters])
        algorithm.process_batch(batch)
    print([p.get_value().tolist() for p in parameters])
try:
    Adam(decay_factor=0.9)
except TypeError as error:
    print(error)
"""


def test_step_rules_are_upstreams_to_the_last_bit(clone, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    pip += ["--no-build-isolation", "--target", str(tmp_path / "blocks")]
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", clone, str(source)], check=True)
    subprocess.run([*pip, str(source)], check=True)
    flags = "floatX=float64,mode=FAST_COMPILE,linker=py"
    steps = []
    for folder in (STANDIN, tmp_path / "blocks"):
        env = {**os.environ, "THEANO_FLAGS": flags, "PYTHONPATH": str(folder)}
        command = [sys.executable, "-W", "ignore", "-c", RULES]
        steps.append(subprocess.check_output(command, env=env, text=True).splitlines())
    *ours, refused = steps[0]
    assert len(ours) == 28 and ours == steps[1]
    assert "unexpected keyword argument 'decay_factor'" in refused


def test_what_is_left_out_has_its_reason():
    lines = (STANDIN / "excluded.txt").read_text().splitlines()
    names = [line for line in lines if line.startswith("tests/")]
    assert names
    for line in names:
        name, _, reason = line.partition(" ")
        assert reason.strip(), f"{name} is left out without a reason"
    readme = (STANDIN / "README.md").read_text()
    assert "excluded.txt" in readme and CLONE in readme
