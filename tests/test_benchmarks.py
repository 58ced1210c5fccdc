"""The benchmark runs, at tiny sizes, and counts right; it is not about speed here."""

import argparse
import io
import json
import os
import subprocess
import sys

import pytest

from benchmarks import __main__ as benchmark
from benchmarks import charts as plot
from benchmarks import serve
from benchmarks import summary as tables
from benchmarks.processes import Process, summary
from common import ROOT
from common.errors import RunError


def measured(median, seconds=()):
    return {
        "median": median,
        "lowest": median,
        "seconds": list(seconds) or [median],
        "peak_bytes": 5e8,
    }


def test_it_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "ptb", "data", "--quick"]
        + ["--models", "norm_prop", "--threads", "1", "--output", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "THEANO_FLAGS": "optimizer=fast_compile,linker=py"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "benchmark.json").read_text())
    model, data = results["ptb"]["norm_prop"], results["data"]["ptb"]
    # Python and Theano alone take more than 50 MB.
    assert model["median"] > 0 and model["peak_bytes"] > 5e7
    assert model["cost"] == pytest.approx(3.9, abs=1.5)
    assert data["share"] == f"{100 * data['mean'] / model['median']:.2f}%"
    assert "| norm_prop |" in done.stdout
    assert results["machine"]["threads"] == 1
    assert (tmp_path / "plot.png").stat().st_size > 1000
    assert "## data" in (tmp_path / "tables.md").read_text()


def test_requests_are_answered(monkeypatch, capsys):
    sizes = []

    def prepare(**size):
        sizes.append(size)
        costs = iter([4.0, 3.0, 2.0])
        return lambda: next(costs)

    requests = [
        {"updates": 2, "sizes": {}},
        {"updates": 1, "sizes": {}},
        {"updates": 1, "sizes": {"length": 3}},
    ]
    lines = "\n".join(map(json.dumps, requests))
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    serve.serve(prepare, compile_seconds=1)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said[0] == {"compile_seconds": 1}
    assert [one["cost"] for one in said[1:]] == [3.0, 2.0, 4.0]
    assert [len(one["seconds"]) for one in said[1:]] == [2, 1, 1]
    assert sizes == [{}, {"length": 3}]


def test_the_median_of_all_turns_counts():
    turns = [
        {
            "seconds": [3.0, 9.0],
            "processor_seconds": [1, 2],
            "peak_bytes": 1,
            "cost": 4,
        },
        {"seconds": [1.0], "processor_seconds": [3], "peak_bytes": 2, "cost": 5},
    ]
    found = summary(turns)
    assert (found["median"], found["lowest"], found["peak_bytes"]) == (3.0, 1.0, 2)
    assert found["processor_seconds"] == 2 and found["cost"] == 5


def test_a_program_that_fails_is_named():
    code = "import sys; sys.exit('no such thing')"
    with pytest.raises(RunError, match="ended: no such thing"):
        Process([sys.executable, "-c", code], dict(os.environ))
    with pytest.raises(RunError, match="/no/python: No such file"):
        Process(["/no/python"], dict(os.environ))


def test_ratios():
    found = {"baseline": measured(0.5), "norm_prop": measured(0.55)}
    text = tables.ptb({**found, "PyTorch nn.LSTM": measured(0.4)})
    (row,) = [line for line in text.splitlines() if "norm_prop" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    # The paper's 413 s to 386 s.
    assert cells == ["norm_prop", "0.550", "0.550", "1.10", "1.07", "1.38", "500", ""]


def test_cost_per_symbol_and_what_is_left_after_an_interruption(tmp_path):
    lengths = {25: {"norm_prop": measured(0.24)}, 100: {}}
    results = {"scaling": {"length": lengths}, "data": {"ptb": {"mean": 1.0}}}
    benchmark.complete(results, argparse.Namespace(quick=False))
    # 24 predictions in each of 64 windows
    assert lengths[25]["norm_prop"]["symbol"] == pytest.approx(0.24e6 / (24 * 64))
    assert "| 25 | 0.240 |" in tables.scaling(results["scaling"])
    assert not plot.draw(tmp_path / "plot.png", results)
    del lengths[100]
    assert plot.draw(tmp_path / "plot.png", results)


def test_unknown_parts_are_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        benchmark.parse(["ptp"])
    assert stop.value.code == 2 and "no part 'ptp'" in capsys.readouterr().err
