"""The report: what it makes of run folders whose numbers are known."""

import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

import pytest

from common import RESULTS
from experiments import draw_options, presets, ptb_options
from experiments.options import configuration
from figures import __main__ as figures
from report import __main__ as program
from report import groups, runs
from report.document import Document, code, literal
from report.page import write

ROOT = Path(__file__).resolve().parent.parent


class Data:
    name, checksums = "ptb", {"a.txt": "0" * 64}


def make_run(folder, arguments, values, seconds=10.0, **facts):
    """Write a run folder as the experiments do; `values` is the figure per epoch."""
    draw = arguments.startswith("draw")
    module = draw_options if draw else ptb_options
    options = module.parse(arguments.split()[1:])
    tag = facts.pop("name", "")
    path = folder / f"{arguments.split()[0]}-{options.model}-{options.seed}{tag}"
    path.mkdir(parents=True)
    content = {
        "configuration": configuration(options, Data, leave_out=module.NOT_THE_RUN),
        "seed": options.seed,
        "status": "finished",
        "device": "cpu",
        "host": {"cpu": "A CPU", "cores": 2, "system": "Linux"},
        "data": {"name": "ptb", "sample": options.sample, "checksums": Data.checksums},
        "blocks": {"version": "0.2.0", "standin": False, "source": "upstream"},
        "versions": {"theano": "1.0.5"},
        **facts,
    }
    (path / "run.json").write_text(json.dumps(content))
    with open(path / "metrics.jsonl", "w") as file:
        for epoch, value in enumerate(values, start=1):
            row = {"epoch": epoch, "updates": epoch, "seconds": seconds}
            if draw:
                row.update(train_nll=value, valid_nll=value, test_nll=value)
            else:
                row.update(train_bpc=value + 0.5, valid_bpc=value)
            file.write(json.dumps(row) + "\n")
    return path


def table(markdown, start):
    """Header and rows, by their name, of the table whose caption starts so."""
    _, _, rest = markdown[markdown.index(f"**{start}") :].partition("\n\n")
    lines = rest.partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return cells[0], {row[0]: row[1:] for row in cells[2:]}


def cells(markdown, start, row):
    """The cells of a row by their column."""
    header, rows = table(markdown, start)
    return dict(zip(header[1:], rows[row]))


def claim(markdown, start):
    """The cells of each row of a claim's table, None for the title of rows."""
    _, _, rest = markdown[markdown.index(f"**{start}") :].partition("| ---")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def report(folder):
    return write([folder]).as_markdown()


def test_no_runs(tmp_path):
    text = report(tmp_path)
    assert "0 runs: 0 of the published size" in text
    _, rows = table(text, "Character-level Penn Treebank, validation")
    assert rows["norm_prop, eq. 13-15"][:2] == ["1.422", "–"]
    # The rows of the three tables twice, but for the models of others.
    assert text.count("not begun") == 2 * (8 + 1 + 4 + 1)
    assert text.count("No runs yet.") == 3 and text.count("None yet.") >= 4
    html = write([tmp_path / "nowhere"]).as_html()
    assert "There is no folder" in html


def test_a_full_run_stands_beside_the_published_figure(tmp_path):
    scores = {1: 1.45, 2: 1.41, 3: 1.46}
    for seed, score in scores.items():
        values = [score + 0.5] * 48 + [score, score + 0.1]
        make_run(tmp_path, f"ptb --model norm_prop --seed {seed}", values, 20.0 + seed)
    make_run(tmp_path, "ptb --model baseline", [1.5] * 50, 16.0)
    text = report(tmp_path)
    caption = "Character-level Penn Treebank, validation"
    shown = cells(text, caption, "norm_prop, eq. 13-15")
    values = list(scores.values())
    assert shown["Obtained, bpc"] == f"{mean(values):.3f} ± {stdev(values):.3f}"
    assert shown["Obtained, bpc"] == "1.440 ± 0.026"
    assert shown["Difference"] == "+0.018"
    assert shown["Seeds"] == "1, 2, 3"
    assert shown["Epochs"] == "50 of 50, best 49"
    # 22 s against 16 s; and 413 s against 386 s in the paper.
    assert (shown["s/epoch"], shown["Ratio"]) == ("22", "1.38")
    assert (shown["s/epoch, published"], shown["Ratio, published"]) == ("413", "1.07")
    assert cells(text, caption, "baseline")["Difference"] == "+0.045"
    assert cells(text, caption, "layer_norm")["Epochs"] == "not begun"
    assert "4 runs: 4 of the published size, at their end; 0 partial" in text
    # And at a glance.
    line = (
        "| norm_prop, eq. 13-15 | 1.422 | 1.440 ± 0.026 | +0.018 | 50 of 50, best 49 |"
    )
    assert line in text


def by_patience(folder, arguments, scores, **facts):
    """A run that ended by itself, for the last epochs were no better."""
    return make_run(folder, arguments, scores, ended_by="patience", **facts)


def test_runs_that_ended_by_patience_are_full(tmp_path):
    norm_prop = "ptb --model norm_prop --patience 2 --seed"
    by_patience(tmp_path, f"{norm_prop} 1", [1.6, 1.40, 1.5, 1.5])
    by_patience(tmp_path, f"{norm_prop} 2", [1.6, 1.5, 1.42, 1.5, 1.5])
    by_patience(tmp_path, "ptb --model baseline --patience 2", [1.5, 1.6, 1.6])
    text = report(tmp_path)
    caption = "Character-level Penn Treebank, validation"
    shown = cells(text, caption, "norm_prop, eq. 13-15")
    assert shown["Obtained, bpc"] == "1.410 ± 0.014"
    assert (shown["Difference"], shown["Seeds"]) == ("−0.012", "1, 2")
    assert shown["Epochs"] == "ended after 4, 5, best 2, 3"
    assert cells(text, caption, "baseline")["Epochs"] == "ended after 3, best 1"
    assert "3 runs: 3 of the published size, at their end; 0 partial" in text
    other = "ptb --model weight_norm --gamma-x 2 --gamma-h 2 --patience 2 --seed"
    by_patience(tmp_path, f"{other} 1", [1.44, 1.6, 1.6], name="-2")
    by_patience(tmp_path, f"{other} 2", [1.5, 1.46, 1.6, 1.6], name="-2")
    shown = cells(report(tmp_path), caption, "weight_norm, gamma_x 2, gamma_h 2")
    assert shown["Obtained, bpc"] == "1.450 ± 0.014" and shown["Published, bpc"] == "–"
    # Ahead after 2 and 3 of the 3 epochs that all have done, and at the end of each.
    (_, line) = claim(text, "Norm Prop converges faster")
    assert line[2] == "1.410 ± 0.014, 1.500"
    assert line[3].startswith("ahead by 0.090 bpc; ahead in 2 of 3 epochs; reaches")
    assert line[4] == "**mixed**, one seed on one side; softmax layers differ too"


@pytest.mark.parametrize(
    "arguments, facts",
    [
        ("", {"ended_by": "patience", "status": "stopped"}),
        ("", {"ended_by": "epochs"}),
        ("--preset small", {"ended_by": "patience"}),
        ("--batches-per-epoch 9", {"ended_by": "patience"}),
        ("--sample", {"ended_by": "patience"}),
    ],
)
def test_no_other_ending_makes_a_run_full(tmp_path, arguments, facts):
    make_run(tmp_path, f"ptb --model norm_prop {arguments}", [1.4, 1.4], **facts)
    (run,), _ = runs.find([tmp_path])
    assert not run.full
    assert "1 run: 0 of the published size" in report(tmp_path)


@pytest.mark.parametrize(
    "arguments, epochs",
    [
        ("ptb --model norm_prop --preset small --epochs 50", 50),
        ("ptb --model norm_prop --sample", 50),
        ("ptb --model norm_prop --regularise", 50),
        ("ptb --model norm_prop --decay-schedule none", 50),
        ("ptb --model norm_prop --gamma-x 1", 50),
        ("ptb --model norm_prop --softmax-gamma 0.5", 50),
    ],
)
def test_no_other_run_is_in_a_published_row(tmp_path, arguments, epochs):
    make_run(tmp_path, arguments, [1.0] * epochs)
    text = report(tmp_path)
    _, rows = table(text, "Character-level Penn Treebank, validation")
    assert rows["norm_prop, eq. 13-15"][1:3] == ["–", "–"]
    assert "1 run: " + "01"["regularise" in arguments] + " of the published" in text
    for name, row in rows.items():
        if row[1] == "1.000":
            # Under another name, without the published figure or a difference.
            assert name.startswith("norm_prop, eq. 13-15, ")
            assert (row[0], row[2]) == ("–", "–")


@pytest.mark.parametrize("epochs, more", [(49, ""), (3, "--epochs 3"), (51, "")])
def test_a_partial_run_is_marked(tmp_path, epochs, more):
    make_run(tmp_path, f"ptb --model norm_prop {more}", [1.9] * (epochs - 1) + [1.8])
    document = write([tmp_path])
    text = document.as_markdown()
    assert "1 run: 0 of the published size" in text
    shown = cells(text, "Character-level Penn Treebank, val", "norm_prop, eq. 13-15")
    assert shown["Obtained, bpc"] == "1.800"
    assert shown["Difference"] == "(+0.378)"
    assert f"{epochs} of 50" in shown["Epochs"]
    marked = re.findall(r"<tr class=marked>.*", document.as_html())
    assert all("1.800" in line for line in marked) and len(marked) >= 2
    assert f"| 1.422 | 1.800 | (+0.378) | after {epochs} of 50 epochs |" in text


FORMS = {
    "norm_prop, eq. 13-15": "--compensation paper --softmax-gamma 1",
    "norm_prop, eq. 13-15, plain softmax": "--compensation paper --softmax-gamma none",
    "norm_prop, as released": "--compensation released --softmax-gamma 1",
    "norm_prop, as released, plain softmax": "--compensation released "
    "--softmax-gamma none",
}


@pytest.mark.parametrize("default", [{}, {"compensation": "released"}])
@pytest.mark.parametrize("softmax", [{}, {"softmax_gamma": None}])
def test_a_row_for_each_form_whatever_the_default(
    tmp_path, monkeypatch, default, softmax
):
    monkeypatch.setattr(
        ptb_options, "DEFAULTS", {**ptb_options.DEFAULTS, **default, **softmax}
    )
    for number, options in enumerate(FORMS.values()):
        arguments = f"ptb --model norm_prop {options}"
        make_run(tmp_path, arguments, [1.50 + number / 100] * 50, name=f"-{number}")
    make_run(tmp_path, "ptb --model baseline", [1.6] * 50)
    make_run(tmp_path, "ptb --model weight_norm --softmax-gamma 1", [1.7] * 50)
    text = report(tmp_path)
    _, rows = table(text, "Character-level Penn Treebank, validation")
    differences = ["+0.078", "+0.088", "+0.098", "+0.108"]
    for number, (name, less) in enumerate(zip(FORMS, differences)):
        assert rows[name][:3] == ["1.422", f"1.5{number}0", less]
    assert rows["baseline"][:2] == ["1.455", "1.600"]
    assert rows["weight_norm"][:2] == ["1.438", "1.700"]
    assert len(rows) == 8 and "6 of the published size" in text
    early = "ptb --model norm_prop --compensation early --softmax-gamma none"
    make_run(tmp_path, early, [1.3] * 50, name="-early")
    _, rows = table(report(tmp_path), "Character-level Penn Treebank, validation")
    name = "norm_prop, early code, plain softmax"
    assert rows[name][:3] == ["1.422", "1.300", "−0.122"] and len(rows) == 9


SMALL_EPOCHS = presets.PTB["small"]["epochs"]


def small(tmp_path, model, scores, seconds=10.0, more=""):
    for seed, score in enumerate(scores, start=1):
        make_run(
            tmp_path,
            f"ptb --model {model} --preset small --seed {seed} {more}",
            [score + 0.3] * (SMALL_EPOCHS - 1) + [score],
            seconds,
            name=more.replace(" ", ""),
        )


def test_small_runs_have_a_table_of_their_own(tmp_path):
    small(tmp_path, "baseline", [2.00, 2.02], 10.0)
    small(tmp_path, "norm_prop", [1.80, 1.90], 12.0)
    text = report(tmp_path)
    text = text[text.index("## At small size") :]
    shown = cells(text, "Penn Treebank: the preset `small`", "norm_prop, eq. 13-15")
    assert shown["bpc, validation"] == "1.850 ± 0.071"
    assert shown["Less the baseline"] == "−0.160"
    assert shown["The same, published"] == "−0.033"
    assert shown["Ratio"] == "1.20"
    assert shown["Epochs"] == f"{SMALL_EPOCHS} of 50"


def verdicts(text):
    """All words that judge, but for those on what was measured."""
    start = text.index("**Norm Prop converges")
    part = text[start : text.index("## What of norm_prop's gain")]
    words = ("agrees", "contradicts", "undecided", "mixed", "less than", "comparable")
    return [word for word in words if f"**{word}" in part]


def test_small_runs_are_described_and_not_judged(tmp_path):
    small(tmp_path, "baseline", [2.00, 2.02])
    small(tmp_path, "weight_norm", [1.85, 1.86])
    small(tmp_path, "norm_prop", [1.80, 1.90], 10.0)
    small(tmp_path, "batch_norm", [1.70, 1.70], 14.0)
    text = report(tmp_path)
    assert not verdicts(text)
    done = f"after {SMALL_EPOCHS} epochs"
    title, line = claim(text, "Norm Prop does better")
    assert title[0].startswith("**Penn Treebank: the preset `small`: units 256 (pub")
    ours, theirs = "gammas 2, 2, 1", "weight_norm, gammas 1, 1"
    assert line[:2] == [f"eq. 13-15, {ours}", theirs]
    assert line[2:4] == ["1.850 ± 0.071, 1.855 ± 0.007", f"ahead by 0.005 bpc {done}"]
    _, line = claim(text, "Norm Prop performs similarly")
    assert line[3:] == [f"behind by 0.150 bpc {done}", "–"]


def test_partial_runs_are_described_and_not_judged(tmp_path):
    make_run(tmp_path, "ptb --model norm_prop", [1.7, 1.6, 1.5], status="stopped")
    make_run(tmp_path, "ptb --model baseline", [1.8, 1.65], status="stopped")
    # One side that went to its end is not enough.
    by_patience(tmp_path, "ptb --model layer_norm", [1.8, 1.58, 1.7])
    make_run(tmp_path, "ptb --model weight_norm --epochs 2", [1.8, 1.6])
    text = report(tmp_path)
    _, line = claim(text, "Norm Prop converges faster")
    assert line[3].startswith(
        "ahead by 0.050 bpc after 2 of 50 epochs; ahead in 2 of 2"
    )
    assert line[4] == "none yet"
    assert claim(text, "Norm Prop does better")[1][3:] == [
        "level to 3 digits after 2 of 50 epochs",
        "none yet",
    ]
    assert claim(text, "Norm Prop performs similarly")[1][3:] == [
        "ahead by 0.080 bpc after 3 of 50 epochs",
        "none yet",
    ]
    assert not verdicts(text)


def full(folder, model, scores, more="", seconds=10.0):
    for seed, score in enumerate(scores, start=1):
        arguments = f"ptb --model {model} --seed {seed} {more}"
        by_patience(
            folder, arguments, [score + 0.1, score, score], seconds=seconds, name=more
        )


def test_verdicts_on_full_runs(tmp_path):
    full(tmp_path, "norm_prop", [1.41, 1.43])
    full(tmp_path, "weight_norm", [1.43, 1.45])
    full(tmp_path, "weight_norm", [1.40, 1.40], "--gamma-x 2 --gamma-h 2")
    full(tmp_path, "baseline", [1.50])
    full(tmp_path, "layer_norm", [1.405, 1.405], seconds=13.0)
    full(tmp_path, "batch_norm", [1.40, 1.40], seconds=12.0)
    text = report(tmp_path)
    _, own, same = claim(text, "Norm Prop does better")
    # The root of 2 * 0.0141^2 / 2 is 0.014, and half of the difference is 0.010.
    assert own[1:] == [
        "weight_norm, gammas 1, 1",
        "1.420 ± 0.014, 1.440 ± 0.014",
        "ahead by 0.020 bpc",
        "**undecided**, within 2 standard errors (0.014); gammas differ too",
    ]
    # 0.0141 over the root of 2 is 0.010.
    assert same[1] == "weight_norm, gammas 2, 2"
    assert same[3:] == [
        "behind by 0.020 bpc",
        "**undecided**, within 2 standard errors (0.010); gammas differ too",
    ]
    _, line = claim(text, "Norm Prop converges")
    assert line[4] == "**agrees**, one seed on one side; softmax layers differ too"
    _, batch, layer = claim(text, "Norm Prop performs similarly")
    # The paper has 0.011 and 0.017 between them.
    assert batch[4].startswith("**undecided**") and "0.011" not in batch[4]
    assert layer[3] == "behind by 0.015 bpc"
    assert layer[4].endswith("up to 0.017 behind counts as similar")


def test_verdicts_on_one_seed_say_so(tmp_path):
    full(tmp_path, "norm_prop", [1.45], "--softmax-gamma none")
    full(tmp_path, "weight_norm", [1.44])
    full(tmp_path, "batch_norm", [1.42])
    full(tmp_path, "layer_norm", [1.434])
    text = report(tmp_path)
    _, line = claim(text, "Norm Prop does better")
    # What else the two differ in is named.
    assert line[0] == "eq. 13-15, plain softmax, gammas 2, 2, 1"
    assert line[1] == "weight_norm, gammas 1, 1, normalised softmax"
    differing = "gammas and softmax layers differ too"
    assert line[4] == f"**contradicts the claim**, one seed each; {differing}"
    _, batch, layer = claim(text, "Norm Prop performs similarly")
    assert batch[1] == "batch_norm, moving average, gammas 0.1, 0.1, 0.1"
    assert batch[4] == "**contradicts the claim**, one seed each; gammas differ too"
    # The paper's own difference is 1.439 - 1.422.
    similar = "one seed each; gammas differ too; up to 0.017 behind counts as similar"
    assert layer[3:] == ["behind by 0.016 bpc", f"**agrees**, {similar}"]


@pytest.mark.parametrize("busy", [{}, {"quick": True}, {"load_before": 1.0}])
def test_times_are_those_of_the_benchmark(tmp_path, busy):
    """Those of training are not: other programs run beside it."""
    make_run(tmp_path, "ptb --model norm_prop", [1.7])
    make_run(tmp_path, "ptb --model layer_norm", [1.7])
    assert "Not measured yet: `./reproduce benchmark` does." in report(tmp_path)
    host = {"host": {"cpu": "A CPU"}, "threads": 2, "quick": False, "load_before": 0.0}
    medians = {"norm_prop": 0.5, "batch_norm": 0.65, "layer_norm": 0.6}
    times = {model: {"median": median} for model, median in medians.items()}
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "benchmark.json").write_text(
        json.dumps({"machine": {**host, **busy}, "ptb": times})
    )
    text = report(tmp_path)
    words = ["**agrees**", "**less than claimed**"]
    if busy:
        words = ["no verdict, for the models were tiny or the machine busy"] * 2
    assert f"batch_norm 1.30 times as long: {words[0]}." in text
    assert f"layer_norm 1.20 times as long: {words[1]}." in text
    assert "on A CPU, 2 threads: norm_prop takes 0.500 s" in text


def test_the_ladder(tmp_path):
    plain = "--softmax-gamma none"
    small(tmp_path, "weight_norm", [1.90, 1.92])
    small(tmp_path, "weight_norm", [1.82], more="--gamma-x 2 --gamma-h 2")
    small(tmp_path, "norm_prop", [1.75])
    small(tmp_path, "norm_prop", [1.70], more="--compensation released")
    small(tmp_path, "norm_prop", [1.60], more=f"--compensation released {plain}")
    once = "ptb --model norm_prop --preset small --compensation early --epochs 2"
    make_run(tmp_path, once, [1.9, 1.65], name="-early")
    text = report(tmp_path)
    part = text[
        text.index("## What of norm_prop's gain") : text.index("## The paper's")
    ]
    assert part.count("Less the step before") == 1
    assert "normalised softmax, after 2 epochs**" in part
    lines = [line for line in part.splitlines() if line.startswith(("| w", "| n"))]
    # Of the third epoch, where most figures are lower by 0.3, nothing is to be seen.
    assert [[cell.strip() for cell in line.split("|")[1:4]] for line in lines] == [
        ["weight_norm: gammas 1, 1", "2.210 ± 0.014", "–"],
        ["weight_norm: gammas 2, 2", "2.120", "−0.090"],
        ["norm_prop: gamma_c 1", "no run", "–"],
        ["norm_prop: division as in eq. 13-15", "2.050", "−0.070 in 2 steps"],
        ["norm_prop: division as released, in its place", "2.000", "−0.050"],
        ["norm_prop: division as in the early code, in its place", "1.650", "−0.350"],
    ]


def test_the_divisions_are_one_step(tmp_path):
    """Also where the first of them is missing, and gamma_c with it."""
    small(tmp_path, "weight_norm", [1.90])
    small(tmp_path, "weight_norm", [1.82], more="--gamma-x 2 --gamma-h 2")
    small(tmp_path, "norm_prop", [1.70], more="--compensation released")
    assert "| −0.120 in 2 steps |" in report(tmp_path)
    small(tmp_path, "norm_prop", [1.78], more="--compensation none")
    text = report(tmp_path)
    assert "| norm_prop: gamma_c 1 | 1.780 | −0.040 | 1 |" in text
    line = "| norm_prop: division as released, in its place | 1.700 | −0.080 | 1 |"
    assert line in text


def test_a_diverged_run_is_a_step_without_a_difference(tmp_path):
    small(tmp_path, "weight_norm", [1.90])
    small(tmp_path, "norm_prop", [float("nan")])
    small(tmp_path, "norm_prop", [1.70], more="--compensation released")
    text = report(tmp_path)
    assert "| norm_prop: division as in eq. 13-15 | diverged | – | 1 |" in text
    line = "| norm_prop: division as released, in its place | 1.700 | – | 1 |"
    assert line in text


@pytest.mark.parametrize(
    "score, difference", [(1.4219, "(+0.000)"), (1.421, "(−0.001)")]
)
def test_what_rounds_to_no_difference_has_no_minus(tmp_path, score, difference):
    make_run(tmp_path, "ptb --model norm_prop", [score])
    caption = "Character-level Penn Treebank, validation"
    shown = cells(report(tmp_path), caption, "norm_prop, eq. 13-15")
    assert shown["Difference"] == difference


def test_batch_norm_says_its_statistics(tmp_path):
    scores = {"valid_bpc": 1.41, "batch": {"valid_bpc": 1.46}, "epoch": 3}
    path = by_patience(tmp_path, "ptb --model batch_norm", [1.5, 1.45, 1.44, 1.5])
    (path / "evaluation.json").write_text(json.dumps(scores))
    path = by_patience(tmp_path, "ptb --model baseline", [1.5, 1.45, 1.44, 1.5])
    (path / "evaluation.json").write_text(json.dumps(scores))
    _, rows = table(report(tmp_path), "Character-level Penn Treebank, validation")
    shown = {name: row[:3] for name, row in rows.items() if "1.433" in row}
    assert shown == {
        "batch_norm, moving average": ["1.433", "1.440", "+0.007"],
        "batch_norm, exact statistics": ["1.433", "1.410", "−0.023"],
        "batch_norm, the batch's own": ["1.433", "1.460", "+0.027"],
    }
    assert rows["baseline"][1] == "1.440"
    # At the end the reported one is compared, and before it what was logged.
    by_patience(tmp_path, "ptb --model norm_prop", [1.5, 1.42, 1.5, 1.5])
    _, line = claim(report(tmp_path), "Norm Prop performs similarly")
    assert line[1].startswith("batch_norm, exact statistics, gammas 0.1")
    assert line[2] == "1.420, 1.410"
    other = "ptb --model norm_prop --compensation released"
    make_run(tmp_path, other, [1.6], name="-partial")
    _, _, line = claim(report(tmp_path), "Norm Prop performs similarly")
    assert line[1].startswith("batch_norm, moving average, gammas 0.1")
    assert line[2] == "1.600, 1.500"
    # Of another epoch than the best they are not of this run.
    path = path.with_name("ptb-batch_norm-1") / "evaluation.json"
    path.write_text(json.dumps({**scores, "epoch": 2}))
    _, rows = table(report(tmp_path), "Character-level Penn Treebank, validation")
    assert "batch_norm, exact statistics" not in rows


def test_runs_on_other_data_are_not_beside_the_paper(tmp_path):
    full(tmp_path, "norm_prop", [1.41, 1.43])
    other = {"name": "-other", "ended_by": "patience"}
    for model in ("norm_prop", "weight_norm"):
        path = make_run(tmp_path, f"ptb --model {model}", [1.1, 1.1], **other)
        facts = json.loads((path / "run.json").read_text())
        facts["configuration"]["data"] = "*my* text"
        (path / "run.json").write_text(json.dumps(facts))
    text = report(tmp_path)
    _, rows = table(text, "Character-level Penn Treebank, validation")
    assert rows["norm_prop, eq. 13-15"][1] == "1.420 ± 0.014"
    title, line = claim(text, "Norm Prop does better")
    assert r"data \*my\* text (published ptb" in title[0] and line[4] == "–"


def test_readings(tmp_path):
    small(tmp_path, "norm_prop", [1.80])
    small(tmp_path, "norm_prop", [1.84], more="--compensation none")
    small(tmp_path, "norm_prop", [1.83], more="--moments variance")
    once = "ptb --model norm_prop --preset small --epochs 1 --input-scale 1"
    make_run(tmp_path, once, [2.2], name="-scale")
    small(tmp_path, "norm_prop", [1.82], more="--softmax-gamma none")
    begun = "ptb --model norm_prop --preset small --forget-bias 0"
    make_run(tmp_path, begun, [2.0], name="-begun")
    small(tmp_path, "norm_prop", [1.81], more="--softmax-gamma 0.5")
    small(tmp_path, "baseline", [1.88])
    small(tmp_path, "baseline", [1.87], more="--unit-norms")
    text = report(tmp_path)
    part = text[text.index("## Other readings") : text.index("## Figures")]
    lines = [line for line in part.splitlines() if line.startswith(("| n", "| b"))]
    assert sum("**partial** 1 of 50" in line for line in lines) == 1
    shown = [[cell.strip() for cell in line.split("|")][1:5] for line in lines]
    assert shown == [
        ["baseline", "the reference", "1.880", "–"],
        ["baseline", "unit norms", "1.870", "−0.010"],
        ["norm_prop", "eq. 13-15", "1.800", "–"],
        ["norm_prop", "no compensation", "1.840", "+0.040"],
        # The reference has 2.100 after one epoch.
        ["norm_prop", "eq. 13-15, forget bias 0", "2.000", "−0.100"],
        ["norm_prop", "eq. 13-15, input scale 1", "2.200", "+0.100"],
        ["norm_prop", "eq. 13-15, moments variance", "1.830", "+0.030"],
        ["norm_prop", "eq. 13-15, softmax gamma 0.5", "1.810", "+0.010"],
        ["norm_prop", "eq. 13-15, plain softmax", "1.820", "+0.020"],
    ]
    # They are not rows of the table of models, whose baseline is the reference.
    assert "| baseline | 1.880 | +0.000 |" in text
    assert "| norm_prop, eq. 13-15, plain softmax | 1.820 | −0.060 |" in text
    assert "input scale" not in text[: text.index("## Other readings")]


def test_gammas_are_readings_and_the_published_ones_are_none(tmp_path):
    make_run(tmp_path, "ptb --model weight_norm --gamma-x 1 --gamma-h 1", [1.7])
    make_run(
        tmp_path, "ptb --model weight_norm --gamma-x 2 --gamma-h 2", [1.6], name="2"
    )
    all_kinds, _ = groups.kinds(runs.find([tmp_path])[0])
    assert [[row.name for row in kind.groups()] for kind in all_kinds] == [
        ["weight_norm", "weight_norm, gamma_x 2, gamma_h 2"]
    ]


def test_both_forms_of_table_3(tmp_path):
    printed = "draw --model norm_prop --compensation paper"
    make_run(tmp_path, printed, [90.0] * 199 + [82.17], name="-paper")
    make_run(tmp_path, "draw --model norm_prop", [70.0] * 199 + [80.17])
    _, rows = table(report(tmp_path), "DRAW on binarized MNIST, bound")
    # The last epoch's test bound, not the best.
    assert rows["norm_prop, eq. 13-15"][:3] == ["81.17", "82.17", "+1.00"]
    assert rows["norm_prop, as released"][:3] == ["81.17", "80.17", "−1.00"]


def test_claims_of_both_forms_in_draw(tmp_path):
    for model, score in (("baseline", 100.0), ("weight_norm", 95.0)):
        make_run(tmp_path, f"draw --model {model}", [120.0] * 199 + [score])
    make_run(tmp_path, "draw --model norm_prop", [110.0] * 199 + [99.0])
    printed = "draw --model norm_prop --compensation paper"
    make_run(tmp_path, printed, [130.0] * 199 + [94.0], name="-paper")
    text = report(tmp_path)
    _, released, printed = claim(text, "Norm Prop does better")
    assert released[0] == "as released, gammas 0.5, 0.5, 0.5"
    assert released[2:4] == ["99.00, 95.00", "behind by 4.00 nats"]
    assert released[4] == "**contradicts the claim**, one seed each; gammas differ too"
    assert printed[0] == "eq. 13-15, gammas 0.5, 0.5, 0.5"
    assert printed[3:] == [
        "ahead by 1.00 nats",
        "**agrees**, one seed each; gammas differ too",
    ]
    _, released, printed = claim(text, "Norm Prop converges")
    assert "ahead in 200 of 200" in released[3] and "in epoch 200" in released[3]
    assert released[4] == "**agrees**, one seed each"
    assert "ahead in 1 of 200" in printed[3] and "**mixed**" in printed[4]


def test_table_2_needs_the_score_of_the_whole_sequence(tmp_path):
    path = make_run(tmp_path, "ptb --model norm_prop --regularise", [1.3] * 50)
    caption = "Character-level Penn Treebank, test"
    name = "norm_prop, eq. 13-15"
    _, rows = table(report(tmp_path), caption)
    assert rows[name][:3] == ["1.262", "not scored yet", "–"]
    (path / "evaluation.json").write_text('{"test_sequence_bpc": 1.27}')
    _, rows = table(report(tmp_path), caption)
    assert rows[name][1:3] == ["1.270", "+0.008"]
    # Rounding may change it.
    for apart, words in ((0.0004, ""), (0.0006, ", not determined in floating point")):
        scores = {"test_sequence_bpc": 1.27, "test_sequence_apart": apart}
        (path / "evaluation.json").write_text(json.dumps(scores))
        _, rows = table(report(tmp_path), caption)
        assert rows[name][1] == "1.270" + words
    # Another form of norm_prop, of fewer epochs.
    other = "ptb --model norm_prop --regularise --compensation released"
    path = make_run(tmp_path, other, [1.3] * 12, name="-released")
    (path / "evaluation.json").write_text('{"test_sequence_bpc": 1.26}')
    _, rows = table(report(tmp_path), caption)
    assert rows["norm_prop, as released"][1:3] == ["1.260", "(−0.002)"]
    assert "norm_prop" not in rows and "Zoneout LSTM" in rows


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("run.json", "{", "run.json is damaged"),
        ("run.json", "[]", "should hold one JSON object"),
        ("run.json", "{}", "says nothing of a run's configuration"),
        ("run.json", '{"configuration": {"model": "lstm"}}', "must be one of"),
        ("metrics.jsonl", '{"epoch": 1}\n', "line 1 is not the log of epoch 1"),
        ("metrics.jsonl", '{"epoch": 1, "sec', "line 1 is not the log of epoch 1"),
        ("metrics.jsonl", b"\xff\xfe", "cannot read"),
        ("evaluation.json", "nothing", "evaluation.json is damaged"),
    ],
)
def test_a_damaged_folder_is_a_sentence(tmp_path, name, content, reason):
    make_run(tmp_path, "ptb --model baseline", [1.5] * 50)
    path = make_run(tmp_path, "ptb --model norm_prop", [1.4] * 50)
    if isinstance(content, str):
        content = content.encode()
    (path / name).write_bytes(content)
    text = report(tmp_path)
    part = text[text.index("### Folders that could not be read") :]
    assert str(path / name) in part and reason in part
    _, rows = table(text, "Character-level Penn Treebank, validation")
    assert rows["baseline"][1] == "1.500"
    assert rows["norm_prop, eq. 13-15"][1] == "–"


@pytest.mark.parametrize("content", ["{}", "{", "[1]"])
def test_damaged_figures_are_a_sentence(tmp_path, content):
    (tmp_path / "figures").mkdir()
    for name in ("figure_1", "variances", "stability"):
        (tmp_path / "figures" / f"{name}.json").write_text(content)
    document = write([tmp_path])
    for name in ("figure_1", "variances", "stability"):
        said = [line for line in document.problems if f"{name}.json is " in line]
        assert said and all(literal(line) in document.as_markdown() for line in said)
    absent = document.as_markdown().count("Not here, but for `./reproduce figures`")
    assert absent == (0 if content == "{}" else 3)


def test_the_growth_of_each_form_is_drawn(tmp_path):
    (tmp_path / "figures").mkdir()
    forms = [{"form": "norm_prop, as released", "growth": -0.02, "error": 0.001}]
    content = json.dumps({"forms": forms, "steps": 7, "units": 9})
    (tmp_path / "figures" / "stability.json").write_text(content)
    text = report(tmp_path)
    assert "**Stability.** Growth per time step" in text and "over 7 steps" in text


def test_variances_that_are_not_judged(tmp_path):
    """Those of a partial run, and of one that does not divide as the equations do."""
    full(tmp_path, "norm_prop", [1.4])
    released = "ptb --model norm_prop --compensation released"
    make_run(tmp_path, released, [2, 1.8], name="-released", ended_by="patience")
    make_run(tmp_path, "ptb --model norm_prop --preset small", [2, 1.8], name="-small")
    known = {"model": "norm_prop", "assumed_cells": 0.66, "cells": [0.7]}
    known.update(when="after training", states=[1.5] * 20)
    names = ("ptb-norm_prop-1", "ptb-norm_prop-1-small", "ptb-norm_prop-1-released")
    curves = [{**known, "source": f"{name}, epoch 2"} for name in names]
    (tmp_path / "figures").mkdir()
    content = json.dumps({"curves": curves})
    (tmp_path / "figures" / "variances.json").write_text(content)
    said = re.findall("- After training .*", report(tmp_path))
    judged = ["**contradicts the claim**" in line for line in said]
    assert judged == [True, False, False]
    why = "no verdict, for the run is partial, of another size or of another form."
    assert said[1].endswith(why) and said[2].endswith(why)


def test_a_run_that_was_asked_for_less_is_partial_too(tmp_path):
    make_run(tmp_path, "draw --model baseline --epochs 2", [120.0, 110.0])
    text = report(tmp_path)
    shown = cells(text, "DRAW on binarized MNIST, bound", "baseline")
    assert shown["Epochs"] == "**partial** 2 of 200"


def test_a_diverged_run(tmp_path):
    full(tmp_path, "norm_prop", [float("nan")])
    full(tmp_path, "weight_norm", [1.44])
    full(tmp_path, "baseline", [1.45])
    text = report(tmp_path)
    shown = cells(text, "Character-level Penn Treebank, v", "norm_prop, eq. 13-15")
    assert (shown["Obtained, bpc"], shown["Difference"]) == ("diverged", "–")
    for name in ("Norm Prop does better", "Norm Prop converges"):
        assert claim(text, name)[1][4] == "**not comparable**"


def test_runs_done_twice_are_compared(tmp_path):
    for name, change in (("a", 0.0), ("b", 0.0), ("c", 1e-9)):
        make_run(tmp_path / name, "ptb --model norm_prop --epochs 1", [1.5 + change])
    folders, problems = runs.find([tmp_path])
    assert len(folders) == 3 and not problems
    kinds, repeats = groups.kinds(folders)
    assert [len(kind.runs) for kind in kinds] == [1] and len(repeats) == 2
    text = report(tmp_path)
    assert "the same to the last digit in 1 epochs" in text
    assert "the figures differ by up to 1e-09" in text


def test_the_page_is_self_contained(tmp_path, capsys):
    path = make_run(tmp_path, "ptb --model norm_prop --epochs 2", [1.5, 1.4])
    (path / "sample.txt").write_text("<script>the bank & the `unk`</script>")
    assert program.main(["--results-dir", str(tmp_path)]) == 0
    html = (tmp_path / "report.html").read_text()
    assert "&lt;script&gt;the bank &amp; the `unk`" in html and "<script" not in html
    # Nothing is fetched from anywhere.
    assert set(re.findall(r'(?:src|href)="(.{5})', html)) == {"data:"}
    assert "url(" not in html and "@import" not in html
    assert "Figure 2, not all runs at their end" in (tmp_path / "report.md").read_text()


def test_the_same_runs_give_the_same_page(tmp_path):
    small(tmp_path, "norm_prop", [1.8, 1.9])
    assert write([tmp_path]).as_html() == write([tmp_path]).as_html()


def test_regularised_runs_of_another_size(tmp_path):
    path = make_run(tmp_path, "ptb --model norm_prop --regularise --units 9", [1.9])
    _, rows = table(report(tmp_path), "Penn Treebank, regularised: units 9")
    assert rows["norm_prop, eq. 13-15"][2] == "not scored yet"
    (path / "evaluation.json").write_text('{"test_sequence_bpc": 1.87}')
    _, rows = table(report(tmp_path), "Penn Treebank, regularised: units 9")
    assert rows["norm_prop, eq. 13-15"][2] == "1.870"


def test_it_needs_no_theano(tmp_path):
    code = (
        "import sys; from report.__main__ import main\n"
        f"main(['--results-dir', {str(tmp_path)!r}])\n"
        "sys.exit('theano' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT))
    assert done.returncode == 0


@pytest.mark.parametrize("parse", [program.parse, figures.parse])
def test_the_help_says_the_folder_as_it_is_given(parse, capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert f"with folders of these (default: {RESULTS})" in said and "['" not in said


@pytest.mark.parametrize("parse", [program.parse, figures.parse])
def test_a_folder_without_a_name_is_refused(parse, capsys):
    """It would be the one that the user is in."""
    with pytest.raises(SystemExit) as caught:
        parse(["--results-dir", "a", ""])
    assert caught.value.code == 2
    assert "--results-dir: the name of the folder is empty" in capsys.readouterr().err


def test_a_wrong_output_is_refused(tmp_path, capsys):
    output = ["--output", str(tmp_path / "a.pdf"), "--results-dir", str(tmp_path)]
    assert program.main(output) == 1
    assert "does not end in .html" in capsys.readouterr().err


def test_markup():
    document = Document()
    cells = [
        "**b**",
        literal("<i>|*c*"),
        literal("1 & 2 [d](e)"),
        code("a`b"),
        code("x"),
    ]
    document.table("", ["`x y`", *"2345"], [cells])
    line = "| **b** | \\<i\\>\\|\\*c\\* | 1 \\& 2 \\[d\\](e) | a\\`b | `x` |"
    assert line in document.as_markdown()
    html = document.as_html()
    assert "<th><code>x y</code></th>" in html
    assert "<td><strong>b</strong></td><td>&lt;i&gt;|*c*</td>" in html
    assert "<td>1 &amp; 2 [d](e)</td><td>a`b</td><td><code>x</code></td>" in html
