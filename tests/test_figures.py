"""The figures' numbers: gradients, variances, and what is drawn from them."""

import json

import numpy
import pytest
import theano
from numpy.testing import assert_allclose
from theano import tensor

import ptb_experiment
from figures import __main__ as program
from figures import gradient, measured, stability, variances
from report import drawing, groups
from report.curves import learning_curves
from report.page import write
from report.runs import find
from tests import lstm_reference
from tests.modes import fast_compile
from tests.test_report import make_run


@pytest.fixture(scope="module", autouse=True)
def without_c_code():
    with fast_compile():
        yield


def step(gates, cells, gamma_c, cell_std, state_std):
    """h_t from the pre-activations, eq. 13-15."""
    (i, f, g, o), s = gates, lstm_reference.logistic
    after = s(i) * numpy.tanh(g) + s(f) * cells
    return s(o) * numpy.tanh(gamma_c * after / cell_std) / state_std


def test_derivatives_against_differences():
    random = numpy.random.RandomState(0)
    *gates, cells = random.normal(size=(5, 50))
    constants = (cells, 0.7, 0.8, 0.4)
    found = gradient.derivatives(gates, *constants)
    for gate, derivative in enumerate(found):
        ends = []
        for change in (1e-5, -1e-5):
            moved = [value + change * (k == gate) for k, value in enumerate(gates)]
            ends.append(step(moved, *constants))
        assert_allclose(derivative, (ends[0] - ends[1]) / 2e-5, atol=1e-9)


@pytest.mark.parametrize("gammas", [(2.0, 2.0, 1.0), (0.5, 1.5, 0.1)])
def test_figure_1_against_a_simulation(gammas):
    """An LSTM of independent scalars: variances, and the norm, from samples alone."""
    gamma_x, gamma_h, gamma_c = gammas
    random, s = numpy.random.RandomState(7), lstm_reference.logistic
    number = 400000

    def gate():
        x, h = random.normal(size=(2, number))
        return gamma_x * x + gamma_h * h

    # Var[c] as the variance of a cell that has run for long.
    cells = numpy.zeros(number)
    for _ in range(40):
        cells = s(gate()) * numpy.tanh(gate()) + s(gate()) * cells
    cell_std = cells.std()
    normal = random.normal(size=number)
    state_std = (s(gate()) * numpy.tanh(gamma_c * normal)).std()
    # c_{t-1} is normal in the paper's assumptions.
    cells = cell_std * random.normal(size=number)
    gates = [gate() for _ in range(4)]
    ends = []
    for change in (1e-4, -1e-4):
        # What h_{t-1} changes in each gate, through a weight of 1.
        moved = [value + gamma_h * change for value in gates]
        ends.append(step(moved, cells, gamma_c, cell_std, state_std))
    norm = (((ends[0] - ends[1]) / 2e-4) ** 2).mean() ** 0.5
    z = gradient.standard_normal(measured.SAMPLES, 1)
    assert_allclose(gradient.gradient_norm(*gammas, z), norm, rtol=0.02)


def test_the_measured_gradient_is_that_of_the_equations():
    """Against differences of the NumPy reference, with the brick's own weights."""
    gammas = (1.5, 0.8, 0.6)
    norm = measured.MeasuredGradient(dim=3, steps=5, batch=4, forget_bias=0.5)
    found = norm(*gammas)
    lstm, d = norm.lstm, 3
    p = {
        "W_x": norm.term.W.get_value(),
        "W_h": lstm.W_h.get_value(),
        "b": numpy.repeat([0.0, 0.5, 0.0, 0.0], d),
        "h0": numpy.zeros(d),
        "c0": numpy.zeros(d),
        **dict(zip(("gamma_x", "gamma_h", "gamma_c"), gammas)),
        "var_c": lstm.cell_std.get_value() ** 2,
        "var_h": lstm.state_std.get_value() ** 2,
    }
    states, cells = lstm_reference.run("norm_prop", p, norm.x[:-1])
    squares = []
    for example in range(4):
        x = norm.x[-1:, example : example + 1]
        jacobian = numpy.empty((d, d))
        for j in range(d):
            ends = []
            for change in (1e-5, -1e-5):
                h0 = states[-1, example] + change * (numpy.arange(d) == j)
                start = {**p, "h0": h0, "c0": cells[-1, example]}
                ends.append(lstm_reference.run("norm_prop", start, x)[0][0, 0])
            jacobian[:, j] = (ends[0] - ends[1]) / 2e-5
        squares.append((norm.signs[example] @ jacobian) ** 2)
    assert_allclose(found, numpy.mean(squares) ** 0.5, rtol=1e-7)


def test_computed_and_measured_agree_where_the_assumptions_hold():
    z = gradient.standard_normal(measured.SAMPLES, 1)
    norm = measured.MeasuredGradient(dim=60, steps=20, batch=64)
    assert_allclose(norm(2.0, 2.0, 1.0), gradient.gradient_norm(2, 2, 1, z), rtol=0.15)
    assert norm(4.0, 0.2, 1.0) < 0.12 and norm(0.2, 4.0, 1.0) > 1.4


# At 1000 units an independent program found these.
GROWTH = {
    "norm_prop, eq. 13-15, printed moments": 0.146,
    "norm_prop, eq. 13-15, variance moments": 0.190,
    "norm_prop, early code": -0.339,
}


@pytest.mark.parametrize("form", GROWTH)
def test_how_a_small_change_grows(form):
    """The exponent, and against two runs that begin nearly alike."""
    brick = stability.model(form, units=200)
    mean, error = stability.growth(brick, batch=8)
    assert_allclose(mean, GROWTH[form], rtol=0.2)
    assert 0 < error < 0.02

    symbols = tensor.imatrix()
    term = brick.input_term.apply(brick.encoding.apply(symbols))
    h = tensor.matrix()
    states, _ = brick.lstm.apply(term, states=h, cells=tensor.zeros_like(h))
    run = theano.function([symbols, h], states)
    random = numpy.random.RandomState(3)
    text = random.randint(stability.SYMBOLS, size=(120, 30)).astype("int32")
    start = numpy.zeros((30, 200))
    # Small enough to stay small, and large enough not to be lost in rounding.
    size = 1e-6 if mean < 0 else 1e-12
    distance = run(text, start + size * random.normal(size=start.shape))
    distance = numpy.log(numpy.linalg.norm(distance - run(text, start), axis=2))
    # Growth ends where the change is no longer small.
    first, last = (10, 40) if mean < 0 else (40, 100)
    pace = (distance[last] - distance[first]).mean() / (last - first)
    assert_allclose(pace, mean, rtol=0.2)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """What the program leaves, at a coarse size, with two runs at hand."""
    results = tmp_path_factory.mktemp("results")
    make_run(results, "ptb --model norm_prop --preset small", [1.8, 1.7])
    make_run(results, "draw --model baseline --preset small", [120.0, 110.0])
    arguments = ["--results-dir", str(results), "--sample", "--units", "8"]
    with pytest.MonkeyPatch().context() as patch:
        patch.setattr(measured, "GAMMAS", [0.5, 1.0, 2.0])
        patch.setattr(measured, "SAMPLES", 200)
        patch.setattr(measured, "UNITS", 4)
        patch.setattr(stability, "FORMS", {"baseline": [], "batch_norm": []})
        status = program.main([*arguments, "--device", "cpu", "--floatX", "float64"])
    assert status == 0
    return results


def test_the_files(drawn):
    for name in ("figure_1", "figure_2", "figure_3", "variances", "stability"):
        path = drawn / "figures" / name
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((drawn / "figures" / "figure_1.json").read_text())
    z = gradient.standard_normal(200, 1)
    expected = gradient.gradient_norm(0.5, 2.0, 1.0, z)
    assert found["computed"][1][0][2] == round(expected, 5)
    assert numpy.shape(found["measured"]) == (2, 3, 3)
    published = {
        (point["experiment"], point["moments"]): point for point in found["published"]
    }
    point = published["DRAW", "printed"]
    assert point["gammas"] == [0.5, 0.5, 0.5]
    expected = gradient.gradient_norm(0.5, 0.5, 0.5, z, "printed", 1.0)
    assert point["computed"] == round(expected, 5)
    for experiment in ("Penn Treebank", "DRAW"):
        # Larger deviations to divide by: smaller gradients.
        printed, variance = (published[experiment, m] for m in ("printed", "variance"))
        assert printed["computed"] < variance["computed"]
        assert printed["measured"] < variance["measured"]


def test_the_report_shows_them(drawn):
    text = write([drawn]).as_markdown()
    assert "| Penn Treebank | 2, 2, 1 | printed |" in text
    assert "**Figure 1.**" in text and "**Variances over time.**" in text
    assert "At initialisation (8 units, seed 1, sample): Var[h_t] is" in text
    assert "**Figure 2 at another size" in text and "**Figure 3 at another" in text


def test_gamma_x_is_the_horizontal_axis():
    plane, other = [[0.5, 1.5], [0.6, 1.6]], [[1.0, 1.1], [0.9, 1.0]]
    found = {"gammas": [1.0, 2.0], "gamma_c": [1.0]}
    axis, *_ = drawing.figure_1(
        {**found, "computed": [plane], "measured": [other]}
    ).axes
    values = numpy.asarray(axis.collections[0].get_array()).reshape(2, 2)
    assert axis.get_xlabel() == "$\\gamma_x$"
    # Rows from below: gamma_h; columns: gamma_x.
    assert values.tolist() == [[0.5, 0.6], [1.5, 1.6]]


def test_variances_after_training(tmp_path):
    """The run's own parameters are used, those of the ablation are not."""

    tiny = "--sample --units 4 --length 10 --batch-size 16 --batches-per-epoch 2 "
    tiny += f"--epochs 1 --floatX float64 --device cpu --results-dir {tmp_path}"
    for more in ("", "--compensation none --tag none"):
        assert ptb_experiment.main([*tiny.split(), *more.split()]) == 0
    best = tmp_path / "ptb-norm_prop-1" / "best.npz"
    arrays = dict(numpy.load(str(best)))
    name = next(name for name in arrays if name.endswith("lstm.gamma_c"))
    # With a gamma_c of zero nothing is put out.
    arrays[name] *= 0
    numpy.savez(str(best), **arrays)
    (run,) = variances.trained_runs(find([tmp_path])[0])
    curve = variances.after_training(run, None)
    assert curve["source"] == "ptb-norm_prop-1, epoch 1"
    assert curve["states"] == [0.0] * 9
    assert_allclose(curve["assumed_cells"], 0.6605983, atol=1e-6)
    assert min(curve["cells"]) > 0


def test_the_run_whose_variances_are_measured(tmp_path):
    """One that went to its end, in any form of the table, before a longer one."""
    released = "ptb --compensation released --softmax-gamma none --model norm_prop"
    ablation = "ptb --compensation none --model norm_prop"
    make_run(tmp_path, "ptb --model norm_prop", 5 * [2.0])
    make_run(tmp_path, released, [1.9], name="-released", ended_by="patience")
    make_run(tmp_path, ablation, [1.8], name="-none", ended_by="patience")
    for folder in tmp_path.iterdir():
        (folder / "best.npz").touch()
    (run,) = variances.trained_runs(find([tmp_path])[0])
    assert run.name == "ptb-norm_prop-1-released"


def test_learning_curves(tmp_path):
    """Means over the seeds that got furthest; training dashed, validation solid."""
    for seed, scores in enumerate([[1.9, 1.7], [2.1, 1.8], [9.0]], start=1):
        make_run(tmp_path, f"ptb --model norm_prop --seed {seed}", scores)
    (kind,) = groups.kinds(find([tmp_path])[0])[0]
    (axes,) = learning_curves(kind).axes
    lines = {line.get_linestyle(): line for line in axes.get_lines()}
    assert_allclose(lines["-"].get_ydata(), [2.0, 1.75])
    assert_allclose(lines["--"].get_ydata(), [2.5, 2.25])
    (band,) = axes.collections
    edge = band.get_paths()[0].vertices
    # The standard deviations of (1.9, 2.1) and (1.7, 1.8), n - 1.
    assert_allclose([edge[:, 1].min(), edge[:, 1].max()], [1.75 - 0.0707, 2.1414], 1e-4)


def test_without_data_the_others_are_drawn(tmp_path, monkeypatch, capsys):
    done = []
    monkeypatch.setattr(program, "computed", lambda name, options: done.append(name))
    arguments = ["--results-dir", str(tmp_path), "--data-dir", str(tmp_path)]
    arguments += ["--device", "cpu", "--floatX", "float64"]
    assert program.main(arguments) == 0
    assert "Variances: not measured" in capsys.readouterr().out
    assert done == ["1", "stability"]
    monkeypatch.undo()
    assert program.main([*arguments, "variances"]) == 1
    assert "./reproduce data ptb" in capsys.readouterr().err


def test_an_unknown_figure(capsys):
    with pytest.raises(SystemExit) as caught:
        program.parse(["4"])
    assert caught.value.code == 2
    assert "there is no figure 4" in capsys.readouterr().err


def test_a_picture_that_fails_leaves_the_others(tmp_path, monkeypatch, capsys):
    def draw(kind):
        if kind.experiment.name == "ptb":
            raise MemoryError
        return learning_curves(kind)

    monkeypatch.setattr(program, "learning_curves", draw)
    make_run(tmp_path, "ptb --model norm_prop", [1.5, 1.4])
    make_run(tmp_path, "draw --model norm_prop", [99.0, 98.0])
    assert program.main(["2", "3", "--results-dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "figure 2: a picture cannot be drawn (MemoryError)" in said
    assert len(said.splitlines()) == 1
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == [
        "figure_3.pdf",
        "figure_3.png",
    ]
