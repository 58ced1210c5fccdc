"""Rewritten graphs are kept, and found again only where they fit."""

import os
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy
import pytest
import theano
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from theano import tensor
from theano.compile import FunctionMaker, In, Out, get_mode
from theano.scan_module.scan_utils import equal_computations

from engine import rewritten

MODE = get_mode("FAST_RUN")

# Two updates of a small model; prints how many graphs were rewritten, and the results.
PROGRAM = """
import sys
from types import SimpleNamespace
from pathlib import Path
from engine import device
device.prepare("cpu", "float32")
import numpy, theano
from engine import rewritten
from tests.as_published import character_model
from blocks.algorithms import Adam, GradientDescent

written, write = [], rewritten.write
rewritten.write = lambda *arguments: written.append(1) or write(*arguments)
rewritten.folder = lambda: Path(sys.argv[1])
rewritten.LARGE = int(sys.argv[2])

brick = character_model("norm_prop", vocabulary=5, units=7)
brick.initialize()
symbols = theano.tensor.imatrix("symbols")
cost = brick.bits(symbols).mean()
descent = GradientDescent(
    cost=cost, parameters=brick.trained_parameters, step_rule=Adam()
)
descent.initialize()
batch = numpy.arange(12, dtype="int32").reshape(4, 3) % 5
for _ in range(2):
    descent.process_batch({"symbols": batch})
print(len(written))
print([p.get_value().tobytes().hex() for p in brick.trained_parameters])
"""


def run(folder, large):
    env = {name: os.environ[name] for name in os.environ if name != "THEANO_FLAGS"}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(large)]
    said = subprocess.check_output(command, env=env).decode()
    written, parameters = said.strip().split("\n")
    return int(written), parameters


def test_the_second_process_rewrites_nothing_and_computes_the_same(tmp_path):
    without, expected = run(tmp_path, large=10**9)
    first, found = run(tmp_path, large=10)
    again, found_again = run(tmp_path, large=10)
    assert without == 0
    assert first >= 3  # the update, the recurrence, the recurrence backwards
    assert again == 0
    assert found == found_again == expected


def recurrence(factor=0.5):
    """A recurrence of 60 and more operations, and its gradient."""
    x = tensor.matrix("x")
    h, _ = theano.scan(
        lambda x, h: tensor.tanh(x + factor * h), x, outputs_info=x[0] * 0
    )
    return x, theano.grad((h**2).sum(), x)


def place(factor=0.5, mutable=False, borrow=False, mode=MODE):
    x, gradient = recurrence(factor)
    return rewritten.place(
        [In(x, mutable=mutable)], [Out(gradient, borrow=borrow)], mode, False
    )


def test_the_same_graph_has_the_same_place():
    assert place() == place()


@pytest.mark.parametrize(
    "change",
    [
        {"factor": 0.25},
        {"mutable": True},
        {"borrow": True},
        {"mode": MODE.excluding("fusion")},
        {"mode": get_mode("FAST_COMPILE")},
    ],
    ids=["constant", "mutable", "borrow", "excluded", "other mode"],
)
def test_what_decides_the_rewriting_decides_the_place(change):
    assert place(**change) != place()


def test_settings_and_rewrites_decide_the_place(monkeypatch):
    usual = place()
    with theano.change_flags(on_opt_error="raise"):
        assert place() != usual
    monkeypatch.setitem(rewritten.optdb.__position__, "another_rewrite", 3.5)
    assert place() != usual


def test_other_kinds_of_functions_are_left_alone():
    x = tensor.matrix("x")
    assert rewritten.place([In(x)], [Out(x + 1)], MODE, False) is None
    for optimizer in (MODE.optimizer, theano.gof.MergeOptimizer()):
        assert place(mode=theano.compile.Mode("cvm", optimizer)) is None


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Where the recurrence is kept, for this test alone."""
    path = tmp_path / "graphs" / "recurrence"

    def place(inputs, *rest):
        return path if [spec.variable.name for spec in inputs] == ["x"] else None

    monkeypatch.setattr(rewritten, "place", place)
    return path


def compute():
    x, gradient = recurrence()
    maker = FunctionMaker([In(x)], [Out(gradient)], MODE)
    return maker.create()(numpy.linspace(-1, 1, 12).reshape(4, 3))[0]


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_written_again(path, damage):
    expected = compute()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert_array_equal(compute(), expected)
    assert path.read_bytes() == whole
    assert os.listdir(path.parent) == [path.name]


def flip(path):
    """Flip one bit in a number of the graph, which is a graph all the same."""
    content = bytearray(path.read_bytes())
    number = content.find(numpy.float32(0.5).tobytes())
    assert number > 0
    content[number + 2] ^= 1
    path.write_bytes(content)


def given_away(path):
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(str(path), 666, 666)


@pytest.mark.parametrize(
    "change",
    [
        flip,
        lambda path: path.chmod(0o666),
        lambda path: path.chmod(0o620),
        lambda path: path.parent.chmod(0o777),
        lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")),
        lambda path: (path.unlink(), os.mkfifo(str(path))),
        given_away,
        lambda path: given_away(path.parent),
    ],
)
def test_what_others_could_have_changed_is_made_again(path, monkeypatch, change):
    """And never read as a pickle, which could run a program."""
    expected = compute()
    whole = path.read_bytes()
    change(path)
    loads, seen = pickle.loads, []
    monkeypatch.setattr(
        rewritten.pickle, "loads", lambda text: seen.append(text) or loads(text)
    )
    assert rewritten.read(path) is None and not seen
    assert_array_equal(compute(), expected)
    assert path.read_bytes() == whole and path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_change_of_a_graph_is_noticed(tmp_path_factory, data):
    x, gradient = recurrence()
    path = tmp_path_factory.mktemp("graphs") / "graph"
    rewritten.write(path, theano.gof.FunctionGraph([x], [gradient], clone=True))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    removed, added = data.draw(st.integers(0, 3)), data.draw(st.binary(max_size=3))
    changed = content[:at] + added + content[at + removed :]
    path.write_bytes(changed)
    assert (rewritten.read(path) is None) == (changed != content)


def test_without_room_the_graph_is_rewritten_each_time(path, monkeypatch):
    expected = compute()
    path.unlink()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rewritten.os, "replace", full)
    assert_array_equal(compute(), expected)
    assert not path.exists()


def test_a_graph_comes_back_from_its_list():
    x, gradient = recurrence()
    (y,), outputs = rewritten.unflattened(
        rewritten.pickle.loads(rewritten.dumped(rewritten.flat([x], [gradient, x + 1])))
    )
    assert y.type == x.type and y.name == "x"
    assert equal_computations(outputs, [gradient, x + 1], [y], [x])


def test_a_graph_that_lacks_an_input_is_not_kept():
    x, gradient = recurrence()
    with pytest.raises(ValueError, match="x comes from nowhere"):
        rewritten.flat([], [gradient])
    assert rewritten.place([In(x)], [Out(gradient)], MODE, False) is not None
    assert rewritten.place([], [Out(gradient)], MODE, False) is None


@pytest.mark.parametrize("device, ahead", [("cuda", ["graph"]), ("cpu", [])])
def test_graphs_for_gpus_are_not_kept_but_compiled_ahead(monkeypatch, device, ahead):
    class Maker:
        def __init__(self, inputs, outputs, mode=None):
            self.linker, self.fgraph = SimpleNamespace(c_thunks=True), "graph"

    seen = []
    monkeypatch.setattr(rewritten, "compile_ahead", seen.append)
    monkeypatch.setattr(rewritten, "config", SimpleNamespace(device=device))
    monkeypatch.setattr(Maker, "__init__", rewritten.remembered(Maker.__init__))
    Maker([], [], "not a mode, so that no graph is kept")
    assert seen == ahead
