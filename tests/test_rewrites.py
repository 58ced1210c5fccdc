"""The rewrites for speed give what Theano's own graphs give, in single precision."""

import json
import os
import subprocess
import sys
from copy import copy

import numpy
import pytest
import theano
from theano import tensor
from theano.compile import get_mode
from theano.gof import LocalOptimizer
from theano.scan_module.scan_op import Scan
from theano.tensor.blas import Gemm
from theano.tensor.extra_ops import CpuContiguous
from theano.tensor.opt import in2out

from benchmarks.speed import REWRITES
from common import ROOT
from engine import rewrites
from engine.rewrites.activations import FAST
from engine.rewrites.merged import merge_elementwise, split_as_slices
from engine.rewrites.prefix import PadWithZeros, prefix_gradient
from engine.rewrites.products import (
    add_after_product,
    sum_as_product,
    transpose_last,
)
from engine.rewrites.push_out import PushOutProducts
from engine.rewrites.transposed import transpose_once
from engine.rewrites.vectorised import Vectorised, vectorise

RANDOM = numpy.random.RandomState(1)


def compiled(inputs, outputs, *last, before=()):
    """A function compiled with these rewrites after Theano's own, and its graph."""
    mode = get_mode("FAST_RUN")
    for k, rewrite in enumerate(last):
        if isinstance(rewrite, LocalOptimizer):
            name = f"{rewrite.__name__}_{k}"
            rewrite = in2out(rewrite, name=name, ignore_newtrees=True)
        # Theano notes its name in it, which is another where it is registered already.
        mode = mode.register((copy(rewrite), 76))
    for rewrite in before:
        if isinstance(rewrite, LocalOptimizer):
            mode = mode.register((in2out(rewrite, name=rewrite.__name__), 2.1))
        else:
            mode = mode.register((copy(rewrite), 49.5))
    function = theano.function(inputs, outputs, mode=mode)
    return function, [node.op for node in function.maker.fgraph.toposort()]


def has(ops, kind):
    return any(isinstance(op, kind) for op in ops)


def single(*shape):
    return RANDOM.standard_normal(shape).astype("float32")


@pytest.mark.parametrize(
    "arrange",
    [
        lambda x: x,
        lambda x: x[::2],
        lambda x: x[:, 1:4],
        lambda x: x.T,
        lambda x: x[:, ::-1],
        lambda x: x[:0],
        lambda x: x[:1, :1],
    ],
    ids=["whole", "rows", "slice", "transposed", "reversed", "empty", "one"],
)
def test_vectorised_elementwise(arrange):
    x, y, row, column = (
        tensor.fmatrix(),
        tensor.fmatrix(),
        tensor.TensorType("float32", (True, False))(),
        tensor.TensorType("float32", (False, True))(),
    )
    expression = x * y + row - tensor.maximum(column, 0.5) * tensor.sqr(x)
    function, ops = compiled([x, y, row, column], expression, vectorise)
    assert has(ops, Vectorised)
    a, b = arrange(single(6, 7)), arrange(single(6, 7))
    r, c = single(1, a.shape[1]), single(a.shape[0], 1)
    expected = a * b + r - numpy.maximum(c, 0.5) * a**2
    found = function(a, b, r, c)
    assert found.dtype == "float32"
    numpy.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_vectorised_in_place_and_several_axes():
    x, y = tensor.ftensor3(), tensor.fvector()
    function, ops = compiled([x, y], tensor.sqr(tensor.exp(x) - y) + 1, vectorise)
    assert has(ops, Vectorised)
    a, b = single(3, 4, 5), single(5)
    expected = (numpy.exp(a) - b) ** 2 + 1
    kept = a.copy()
    numpy.testing.assert_allclose(function(a, b), expected, rtol=1e-5)
    assert (a == kept).all()

    state = theano.shared(single(4, 5))
    before = state.get_value()
    function = theano.function([], [], updates=[(state, 2 * state)])
    node = function.maker.fgraph.toposort()[-1]
    op = Vectorised(node.op.scalar_op, ((0, 0),))
    assert op.destroy_map == {0: [0]}
    function()
    assert (state.get_value() == 2 * before).all()


def test_vectorised_refuses_different_shapes():
    x, y = tensor.fmatrix(), tensor.fmatrix()
    function, _ = compiled([x, y], x * y, vectorise)
    with pytest.raises(ValueError, match="differ in shape"):
        function(single(2, 3), single(2, 1))


def test_denormal_numbers_count_as_zero():
    x = tensor.fmatrix()
    function, _ = compiled([x], x * numpy.float32(1e-20), vectorise)
    assert function(numpy.full((2, 3), 1e-15, "float32")).all()
    assert not function(numpy.full((2, 3), 1e-20, "float32")).any()


def test_splits_are_views():
    x = tensor.fmatrix()
    for axis, sizes in ((1, [2, 3, 1]), (0, [5, 0])):
        parts = [2 * part for part in tensor.split(x, sizes, len(sizes), axis)]
        function, ops = compiled([x], parts, before=[split_as_slices])
        assert not has(ops, tensor.Split)
        a = single(5, 6)
        expected = numpy.split(2 * a, numpy.cumsum(sizes)[:-1], axis)
        for found, value in zip(function(a), expected):
            assert found.tolist() == value.tolist()


def test_elementwise_operations_are_merged():
    x, y, w, row = *tensor.fmatrices("x", "y", "w"), tensor.frow()
    gate = tensor.tanh(x + row)
    # The second product has to wait for the first, which takes the gate.
    product = tensor.dot(gate * y, w)
    outputs = [gate * y, gate - y, gate * product, tensor.sqr(product), 3 * row]
    function, ops = compiled(
        [x, y, w, row], outputs, vectorise, before=[merge_elementwise]
    )
    assert sum(isinstance(op, Vectorised) for op in ops) == 3
    a, b, c, r = single(4, 5), single(4, 5), single(5, 5), single(1, 5)
    g = numpy.tanh(a + r)
    p = (g * b) @ c
    expected = [g * b, g - b, g * p, p**2, 3 * r]
    for found, value in zip(function(a, b, c, r), expected):
        numpy.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)


def test_double_precision_is_left_alone():
    x = tensor.dmatrix()
    _, ops = compiled([x], tensor.tanh(x) + x.sum(axis=0), vectorise)
    assert not has(ops, Vectorised)


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_fast_activations_to_a_few_units_in_the_last_place(name):
    x = tensor.fvector()
    (slow,) = [op for op in FAST if name in str(op)]
    function, ops = compiled([x], tensor.Elemwise(FAST[slow])(x), vectorise)
    assert has(ops, Vectorised)
    small = numpy.logspace(-30, 2, 20001)
    values = numpy.concatenate([-small, [0.0], small, single(20000)]).astype("float32")
    wide = {
        "tanh": numpy.tanh,
        "sigmoid": lambda z: numpy.exp(-numpy.logaddexp(0, -z)),
    }[name](values.astype("float64"))
    found = function(values)
    units = numpy.abs(found - wide) / numpy.spacing(
        numpy.maximum(numpy.abs(wide), 1e-30).astype("float32")
    )
    assert units.max() < 4
    special = function(numpy.array([numpy.nan, numpy.inf, -numpy.inf], "float32"))
    assert numpy.isnan(special[0])
    lowest = {"tanh": -1.0, "sigmoid": 0.0}[name]
    numpy.testing.assert_allclose(special[1:], [1.0, lowest], atol=1e-38)


@pytest.mark.parametrize("axis", [(0, 1), (2,), (0,), (1,)])
def test_sums_as_products(axis):
    x = tensor.ftensor3()
    function, ops = compiled([x], x.sum(axis=axis), before=[sum_as_product])
    summed = any("Sum" in str(op) for op in ops)
    assert summed == (axis in [(0,), (1,)])
    a = single(40, 6, 7)
    for value in (a, a[::-1], a[:, :0], a.transpose(1, 0, 2)):
        expected = value.sum(axis=axis, dtype="float64")
        numpy.testing.assert_allclose(function(value), expected, rtol=1e-5, atol=2e-5)


def test_gradient_of_a_prefix():
    x, n = tensor.ftensor3(), tensor.iscalar()
    gradient = theano.grad((x[0:][:n] ** 2).sum(), x)
    function, ops = compiled([x, n], gradient, before=[prefix_gradient])
    assert has(ops, PadWithZeros)
    a = single(5, 2, 3)
    for length in (0, 3, 5, 9):
        expected = 2 * a
        expected[length:] = 0
        numpy.testing.assert_allclose(function(a, length), expected)
    made = [[None]]
    PadWithZeros().perform(None, [a[::-1], 5], made)
    assert made[0][0].flags.c_contiguous and (made[0][0] == a[::-1]).all()


def test_other_increments_are_left_alone():
    x = tensor.fmatrix()
    for part in (x[1:], x[::2], x[:, :1], x[2]):
        gradient = theano.grad((part**2).sum(), x)
        function, ops = compiled([x], gradient, before=[prefix_gradient])
        assert not has(ops, PadWithZeros)


def test_transposed_reshape():
    x = tensor.ftensor3()
    d, length, batch = x.shape[2], x.shape[0], x.shape[1]
    for shape in ((d, -1), (d * length, batch)):
        flat = x.dimshuffle(2, 0, 1).reshape(shape, ndim=2)
        function, _ = compiled([x], flat, before=[transpose_last])
        a = single(3, 4, 5)
        expected = a.transpose(2, 0, 1).reshape(5 if shape[1] == -1 else 15, -1)
        assert (function(a) == expected).all()


def test_weights_are_transposed_once():
    x, w = tensor.fmatrix(), tensor.fmatrix()

    def steps(weights):
        states, _ = theano.scan(
            lambda h, v: tensor.tanh(tensor.dot(h, v)),
            outputs_info=x,
            non_sequences=weights,
            n_steps=3,
        )
        return states[-1]

    a, b = single(4, 5), single(5, 5)
    expected = a
    for _ in range(3):
        expected = numpy.tanh(expected @ b.T)
    function, ops = compiled([x, w], steps(w.T), before=[transpose_once])
    assert sum(isinstance(op, CpuContiguous) for op in ops) == 1
    numpy.testing.assert_allclose(function(a, b), expected, rtol=1e-4, atol=1e-6)
    function, ops = compiled([x, w], steps(w), before=[transpose_once])
    assert not has(ops, CpuContiguous)
    # Backwards it is the transposed weights that each step multiplies by.
    gradient = theano.grad(steps(w).sum(), w)
    _, ops = compiled([x, w], gradient, before=[transpose_once])
    assert has(ops, CpuContiguous)


@pytest.mark.parametrize("size", [5, 110], ids=["small", "large"])
def test_products_in_single_precision(size):
    """Set-up's BLAS: another library from a million multiplications on."""
    x, y, z = tensor.fmatrices("x", "y", "z")
    function = theano.function([x, y, z], [tensor.dot(x, y), z - 2 * tensor.dot(x, y)])
    m, n, k = size, size + 3, size + 7
    a, b, c = single(m, k), single(k, n), single(m, n)
    expected = a.astype("float64") @ b
    for left in (a, numpy.asfortranarray(a), single(2 * m, k)):
        left[:m] = a
        for right in (b, numpy.asfortranarray(b)):
            product, rest = function(left[:m], right, c)
            assert product.dtype == rest.dtype == "float32"
            numpy.testing.assert_allclose(product, expected, atol=1e-4)
            numpy.testing.assert_allclose(rest, c - 2 * expected, atol=2e-4)


def test_sums_of_products_that_keep_an_array():
    z, x, y = tensor.fmatrices("z", "x", "y")
    c, a, b = single(4, 6), single(4, 5), single(5, 6)
    for expression, kept in ((z + tensor.dot(x, y), 0), (z - tensor.dot(x, y), 1)):
        mode = get_mode("FAST_RUN").register(
            (in2out(add_after_product, name="a"), 75.5)
        )
        function = theano.function([z, x, y], expression, mode=mode)
        nodes = function.maker.fgraph.toposort()
        assert sum(isinstance(node.op, Gemm) for node in nodes) == kept
        expected = c + (1 - 2 * kept) * (a @ b)
        numpy.testing.assert_allclose(function(c, a, b), expected, rtol=1e-5, atol=1e-6)


def test_the_benchmark_leaves_out_each():
    names = {rewrite.__name__ for rewrite, _ in rewrites.POSITIONS}
    assert set(REWRITES) == names | {"push_out_products", "copy_outputs", "keep_memory"}


def test_sums_of_products_leave_the_scan_together():
    x, v, w = tensor.ftensor3(), tensor.fmatrix(), tensor.fmatrix()

    def step(a, h, v, w):
        return tensor.tanh(tensor.dot(a, v) + tensor.dot(h * a, w))

    h, _ = theano.scan(step, x, outputs_info=x[0], non_sequences=[v, w])
    gradients = theano.grad((h**2).sum(), [v, w])
    # The second name is there once another test has registered all rewrites.
    plain = get_mode("FAST_RUN").excluding("scanOp_pushout_output", "push_out_products")
    arrays = single(4, 3, 5), single(5, 5), single(5, 5)
    found = []
    for mode in (plain, plain.register((PushOutProducts(), 0.049))):
        function = theano.function([x, v, w], gradients, mode=mode)
        inside = [
            type(node.op).__name__
            for scan in function.maker.fgraph.toposort()
            if isinstance(scan.op, Scan)
            for node in scan.op.fn.maker.fgraph.toposort()
        ]
        products = sum(name in ("Gemm", "Dot22") for name in inside)
        found.append((products, function(*arrays)))
    (before, expected), (after, values) = found
    assert after == before - 2
    for value, other in zip(values, expected):
        numpy.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-5)


SCRIPT = """
import json, sys
sys.path.insert(0, {root!r})
from common import theano_flags
theano_flags.configure("cpu", "float32")
import numpy, theano
from theano import tensor
from engine import rewrites
rewrites.register()
rewrites.register()
from tests.as_published import character_model
model = character_model("batch_norm", 7, 12, length=9, seed=3)
model.initialize()
symbols = tensor.imatrix()
cost = model.bits(symbols).mean()
outputs = [cost, *theano.grad(cost, model.trained_parameters)]
batch = numpy.random.RandomState(1).randint(0, 7, (9, 5)).astype("int32")
found = []
for mode in ("FAST_RUN", "FAST_COMPILE"):
    function = theano.function([symbols], outputs, mode=mode)
    rewritten = "Vectorised" in str(function.maker.fgraph.toposort())
    values = [numpy.asarray(value, "float64").tolist() for value in function(batch)]
    # The same numbers again, wherever in memory everything lies by then.
    kept = [numpy.ones(k + 1, "float32") for k in range(99)]
    again = [numpy.asarray(value, "float64").tolist() for value in function(batch)]
    assert again == values
    found.append([rewritten, values])
print(json.dumps([["cost", *(p.name for p in model.trained_parameters)], *found]))
"""


def test_a_model_and_its_gradients_are_the_same():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=str(ROOT))],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    names, (fast, values), (slow, expected) = json.loads(done.stdout)
    assert fast and not slow
    for name, value, other in zip(names, values, expected):
        atol = 2e-5 * numpy.abs(other).max()
        numpy.testing.assert_allclose(value, other, rtol=0, atol=atol, err_msg=name)


ROWS = """
import os, sys
sys.path.insert(0, {root!r})
from engine import device
device.prepare("cpu", "float32")
import numpy, theano
from theano import tensor

random = numpy.random.RandomState(1)
x = tensor.ftensor3()
parts = x, x[:, :, :301], x[:, ::2], x.dimshuffle(2, 0, 1), x.flatten()
function = theano.function([x], [tensor.tanh(part) * part - 1 for part in parts])
a = random.randn(37, 20, 1003).astype("float32")


def tasks():
    return set(os.listdir("/proc/self/task"))


before = tasks()
made = function(a)
for task in tasks() - before:
    with open(f"/proc/self/task/{{task}}/status") as file:
        blocked = dict(line.split(":", 1) for line in file)["SigBlk"]
    print(bool(int(blocked, 16) >> 13 & 1))  # SIGALRM
numpy.savez(sys.argv[1], *made)
"""


def test_rows_on_several_threads(tmp_path):
    """The same bits on any number of them, and no signals, which oneDNN cannot bear."""
    if "-lreproduce_onednn" not in theano.config.blas.ldflags:
        pytest.skip("products are OpenBLAS's here, whose threads do nothing else")
    found = []
    for threads in (1, 2, 3):
        path = tmp_path / f"{threads}.npz"
        names = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"
        said = subprocess.check_output(
            [sys.executable, "-c", ROWS.format(root=str(ROOT)), str(path)],
            env={**os.environ, **dict.fromkeys(names, str(threads))},
            text=True,
        )
        assert said.split() == ["True"] * (threads - 1)
        with numpy.load(path) as arrays:
            found.append([arrays[name].tobytes() for name in arrays])
    assert found[0] == found[1] == found[2]
