"""A stranger's run folders and a user's settings do not lose the report."""

import copy
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile

import numpy
import pytest

from common import ROOT
from common.npz import Damaged, read_npz
from common.rendering import render
from report import __main__ as program
from report import curves
from report.page import write
from tests.test_report import make_run, table

# In place of each value of a file.
VALUES = [None, -1, 10**4000, "x" * 10000, "", [], {"a": [1]}, True, 1e308]
VALUES += [
    float("nan"),
    "\x1b[31m",
    "# x\n\n# x",
    "[a](http://b.c) **b** `c` <d>|\ud800",
]
EVALUATION = {"test_sequence_bpc": 1.2, "valid_bpc": 1.3, "batch": {"valid_bpc": 1.4}}


def values(content, at=()):
    """The place of each value in a JSON object."""
    for name, value in content.items():
        yield (*at, name)
        if isinstance(value, dict):
            yield from values(value, (*at, name))


@pytest.mark.parametrize("kind", ["ptb --model batch_norm", "draw --preset small"])
def test_a_value_of_any_type_loses_nothing_else(tmp_path, kind):
    run = make_run(tmp_path / "one", kind, [1.9, 1.8], error="x")
    make_run(tmp_path / "all", "ptb --model baseline", [1.5] * 50)
    files = {"evaluation.json": EVALUATION}
    for name in ("run.json", "metrics.jsonl"):
        files[name] = json.loads((run / name).read_text().splitlines()[0])
    number = 0
    for name, content in files.items():
        for place in values(content):
            for value in VALUES:
                changed = copy.deepcopy(content)
                part = changed
                for key in place[:-1]:
                    part = part[key]
                part[place[-1]] = value
                number += 1
                shutil.copytree(str(run), str(tmp_path / "all" / str(number)))
                path = tmp_path / "all" / str(number) / name
                path.write_text(json.dumps(changed) + "\n")
    document = write([tmp_path / "all"])
    text = document.as_markdown()
    _, rows = table(text, "Character-level Penn Treebank, validation")
    assert rows["baseline"][1] == "1.500"
    assert number > 300 and number / 4 < len(document.problems) < number
    assert all(len(problem) < 600 for problem in document.problems)
    assert "\x1b" not in text + document.as_html()
    assert not re.search(r"^# x", text, re.M) and not re.search(r"[^\\]\]\(h", text)


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("run.json", b"[" * 100000, "is damaged"),
        ("run.json", b'{"a": "' + b"x" * 2**25 + b'"}', "is larger than"),
        ("run.json", "pipe", "a link, a pipe or a folder"),
        ("metrics.jsonl", b'{"epoch": 1}\xff', "cannot read"),
        ("metrics.jsonl", b"[" * 100000, "line 1 is not the log"),
        ("metrics.jsonl", b"5\n", "line 1 is not the log"),
        ("metrics.jsonl", "/dev/zero", "a link, a pipe or a folder"),
        ("evaluation.json", b"[]", "should hold one JSON object"),
        ("evaluation.json", "nowhere", "a link, a pipe or a folder"),
    ],
    ids="deep huge pipe encoding deep-line number endless list broken-link".split(),
)
def test_a_file_that_is_not_ours_is_said(tmp_path, capsys, name, content, reason):
    make_run(tmp_path, "ptb --model baseline", [1.5] * 50)
    path = make_run(tmp_path, "ptb --model norm_prop", [1.4] * 50) / name
    if path.exists():
        path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "pipe":
        os.mkfifo(str(path))
    else:
        path.symlink_to(content)
    assert program.main(["--results-dir", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert str(path) in line and reason in line and line.endswith("is left out.")
    assert reason in (tmp_path / "report.md").read_text()


def test_words_of_others_are_no_markup(tmp_path, capsys):
    name = "-[a](b) **c** `d` | # e \x1b[1m\n# f"
    path = make_run(
        tmp_path, "ptb --model norm_prop", [1.4], device="<i>_x_", name=name
    )
    (path / "sample.txt").write_text("\x1b[31m```\n# g\n````\n<script>")
    assert program.main(["--results-dir", str(tmp_path), str(tmp_path / name)]) == 0
    text = (tmp_path / "report.md").read_text()
    html = (tmp_path / "report.html").read_text()
    assert "\x1b" not in text + html + capsys.readouterr().err
    shown = r"ptb-norm_prop-1-\[a\](b) \*\*c\*\* \`d\` \| \# e \\x1b\[1m \# f"
    assert f"| {shown} |" in text and f"### Text by {shown}" in text
    assert r"\<i\>\_x\_" in text and "<td>&lt;i&gt;_x_</td>" in html
    assert "<td>ptb-norm_prop-1-[a](b) **c** `d` | # e \\x1b[1m # f</td>" in html
    assert "`````\n[31m```\n# g\n````\n<script>\n`````" in text


def test_figures_that_are_not_ours_are_said(tmp_path, capsys):
    (tmp_path / "figures").mkdir()
    curve = {
        "source": "[a](b)",
        "model": "gru",
        "states": [1],
        "cells": [],
        "when": "#",
    }
    contents = {
        "figure_1": {"gammas": [[1]], "gamma_c": "x"},
        "variances": {"curves": [{**curve, "assumed_cells": None}]},
        "stability": {"steps": 1, "units": 2, "forms": [{"form": "a", "growth": "b"}]},
    }
    for name, content in contents.items():
        (tmp_path / "figures" / f"{name}.json").write_text(json.dumps(content))
    make_run(tmp_path, "ptb --model norm_prop", [1.4])
    assert program.main(["--results-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all("figure_1.json is not what" in line for line in lines[:2])
    assert all("a picture cannot be drawn" in line for line in lines[2:])
    text = (tmp_path / "report.md").read_text()
    assert text.count("a picture cannot be drawn") == 2 and "## All runs" in text


def npy(shape, content):
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    numpy.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


@pytest.mark.parametrize(
    "packing, content, reason",
    [
        (zipfile.ZIP_DEFLATED, npy((10**6,), bytes(8 * 10**6)), "would unpack to 8 MB"),
        (zipfile.ZIP_STORED, npy((10**9, 10**9), bytes(8)), "size that it says"),
        (zipfile.ZIP_STORED, npy((1,), bytes(16)), "size that it says"),
    ],
    ids=["compressed", "larger", "smaller"],
)
def test_parameters_that_explode(tmp_path, packing, content, reason):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", packing) as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(Damaged, match=reason):
        dict(read_npz(tmp_path / "a.npz"))
    arrays = {"a": numpy.arange(6.0).reshape(2, 3), "b": numpy.zeros((0, 4))}
    numpy.savez(tmp_path / "b.npz", **arrays)
    found = dict(read_npz(tmp_path / "b.npz"))
    assert all((found[name] == array).all() for name, array in arrays.items())


@pytest.mark.parametrize("error", [MemoryError(), ValueError("no font"), None])
def test_a_plot_that_fails_is_a_sentence(tmp_path, monkeypatch, capsys, error):
    def fail(*arguments, **look):
        if error:
            raise error
        # As OpenBLAS does where it gets no memory.
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(curves, "draw_mean", fail)
    make_run(tmp_path, "ptb --model baseline", [1.5] * 50)
    assert program.main(["--results-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().err.splitlines()
    # At a glance, and among the figures.
    assert len(said) == 2 and all("a picture cannot be drawn" in line for line in said)
    text = (tmp_path / "report.md").read_text()
    assert text.count("a picture cannot be drawn") == 2
    assert "| baseline | 1.455 | 1.500 | +0.045 |" in text


def test_a_folder_of_an_impossible_name_is_said(tmp_path, capsys):
    output = ["--output", str(tmp_path / "a.html")]
    for name, said in (("x" * 5000, "x" * 99), ("\x1b[1m", r"\x1b[1m")):
        assert program.main(["--results-dir", str(tmp_path / name), *output]) == 0
        error = capsys.readouterr().err
        assert "There is no folder" in error and said in error and "\x1b" not in error


def draw():
    from common.rendering import new_figure

    figure = new_figure(2, 1)
    figure.add_subplot().plot([1, 2], [3, 4], label="$x_1$")
    return figure


@pytest.mark.parametrize(
    "content",
    [b"text.usetex: True\nlines.linewidth: 9\nbackend: nonsense", b"\xff\xfe"],
)
def test_no_matplotlibrc_counts(tmp_path, content):
    (tmp_path / "matplotlibrc").write_bytes(content)
    code = "import sys; from tests.test_report_hostile import draw, render\n"
    code += "sys.stdout.buffer.write(b''.join(render(['svg', 'png'], draw)))"
    more = {"MPLCONFIGDIR": str(tmp_path), "MPLBACKEND": "nonsense"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=str(ROOT),
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout == b"".join(render(["svg", "png"], draw))
