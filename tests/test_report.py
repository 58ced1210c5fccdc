"""The report: what it makes of run folders whose numbers are known."""

import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

import pytest

from report import __main__ as program
from report import groups, runs
from report.document import Document
from report.page import write
from training import draw_options, presets, ptb_options
from training.options import configuration

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


def report(folder):
    return write([folder]).as_markdown()


def test_no_runs(tmp_path):
    text = report(tmp_path)
    assert "0 runs: 0 of the published size" in text
    _, rows = table(text, "Character-level Penn Treebank, validation")
    assert rows["norm_prop"][:2] == ["1.422", "no full run"]
    assert text.count("No runs yet.") >= 4
    html = write([tmp_path / "nowhere"]).as_html()
    assert "There is no folder" in html


def test_a_full_run_stands_beside_the_published_figure(tmp_path):
    scores = {1: 1.45, 2: 1.41, 3: 1.46}
    for seed, score in scores.items():
        values = [score + 0.5] * 48 + [score, score + 0.1]
        make_run(tmp_path, f"ptb --model norm_prop --seed {seed}", values, 20.0 + seed)
    make_run(tmp_path, "ptb --model baseline", [1.5] * 50, 16.0)
    header, rows = table(report(tmp_path), "Character-level Penn Treebank, validation")
    found = dict(zip(header[1:], rows["norm_prop"]))
    values = list(scores.values())
    assert found["Obtained, bpc"] == f"{mean(values):.3f} ± {stdev(values):.3f}"
    assert found["Obtained, bpc"] == "1.440 ± 0.026"
    assert found["Difference"] == "+0.018"
    assert found["Seeds"] == "1, 2, 3"
    assert found["Epochs"] == "50 of 50"
    # 22 s against 16 s; and 413 s against 386 s in the paper.
    assert (found["s/epoch"], found["Ratio"]) == ("22", "1.38")
    assert (found["s/epoch GTX 750"], found["Ratio GTX 750"]) == ("413", "1.07")
    assert dict(zip(header[1:], rows["baseline"]))["Difference"] == "+0.045"
    assert rows["layer_norm"][1] == "no full run"


@pytest.mark.parametrize(
    "arguments, epochs",
    [
        ("ptb --model norm_prop", 49),
        ("ptb --model norm_prop --epochs 3", 3),
        ("ptb --model norm_prop --epochs 51", 51),
        ("ptb --model norm_prop --preset small --epochs 50", 50),
        ("ptb --model norm_prop --sample", 50),
        ("ptb --model norm_prop --compensation released", 50),
        ("ptb --model norm_prop --regularise", 50),
        ("ptb --model norm_prop --decay-schedule none", 50),
    ],
)
def test_no_other_run_is_in_a_published_row(tmp_path, arguments, epochs):
    make_run(tmp_path, arguments, [1.0] * epochs)
    _, rows = table(report(tmp_path), "Character-level Penn Treebank, validation")
    assert rows["norm_prop"][1:3] == ["no full run", "–"]
    for name, row in rows.items():
        if row[1] == "1.000":
            # Under another name, without the published figure or a difference.
            assert name == f"norm_prop, {epochs} epochs"
            assert (row[0], row[2]) == ("–", "–")


def test_a_partial_run_is_marked(tmp_path):
    make_run(tmp_path, "ptb --model norm_prop", [1.9, 1.8], status="stopped")
    document = write([tmp_path])
    _, rows = table(document.as_markdown(), "Character-level Penn Treebank, validation")
    assert "**partial** 2 of 50" in rows["norm_prop, 2 epochs"]
    (line,) = re.findall(r"<tr class=marked>.*", document.as_html())
    assert "1.800" in line


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
    header, rows = table(report(tmp_path), "Penn Treebank: the preset `small`")
    found = dict(zip(header[1:], rows["norm_prop"]))
    assert found["bpc, validation"] == "1.850 ± 0.071"
    assert found["Less the baseline"] == "−0.160"
    assert found["The same, published"] == "−0.033"
    assert found["Ratio"] == "1.20"
    assert found["Epochs"] == f"{SMALL_EPOCHS} of 50"


def test_claims(tmp_path):
    small(tmp_path, "baseline", [2.00, 2.02])
    small(tmp_path, "weight_norm", [1.85, 1.86])
    small(tmp_path, "norm_prop", [1.80, 1.90], 10.0)
    small(tmp_path, "batch_norm", [1.70, 1.70], 14.0)
    small(tmp_path, "layer_norm", [1.70], 10.2)
    text = report(tmp_path)
    # (0.071^2 + 0.007^2) / 2, the root of it: 0.050; the difference is 0.005.
    assert "norm_prop 1.850 ± 0.071 bpc, weight_norm 1.855 ± 0.007" in text
    assert "**undecided**: within 2 standard errors (0.050)" in text
    done = SMALL_EPOCHS
    assert f"ahead after {done} of {done} epochs" in text
    assert f"reaches the baseline's last figure in epoch {done}: **agrees**" in text
    assert "**contradicts the claim**, beyond 2 standard errors" in text
    assert "**contradicts the claim**, but not every model has more than one" in text
    assert "batch_norm takes 1.40 times as long on A CPU, 2 cores: **agrees**" in text
    assert "layer_norm takes 1.02 times as long on A CPU, 2 cores: **contra" in text


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
    cells = [[cell.strip() for cell in line.split("|")][1:5] for line in lines]
    assert cells == [
        ["baseline", "the default", "1.880", "–"],
        ["baseline", "unit norms", "1.870", "−0.010"],
        ["norm_prop", "the default", "1.800", "–"],
        ["norm_prop", "compensation none", "1.840", "+0.040"],
        # The default has 2.100 after one epoch.
        ["norm_prop", "forget bias 0", "2.000", "−0.100"],
        ["norm_prop", "input scale 1", "2.200", "+0.100"],
        ["norm_prop", "moments variance", "1.830", "+0.030"],
        ["norm_prop", "softmax gamma 0.5", "1.810", "+0.010"],
        ["norm_prop", "softmax gamma none", "1.820", "+0.020"],
    ]
    # They are not rows of the table of models, whose baseline is the default.
    assert "| baseline | 1.880 | +0.000 |" in text
    assert "input scale" not in text[: text.index("## Other readings")]


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
        make_run(tmp_path, f"draw --model {model} --preset small", [120.0, score])
    make_run(tmp_path, "draw --model norm_prop --preset small", [110.0, 99.0])
    printed = "draw --model norm_prop --preset small --compensation paper"
    make_run(tmp_path, printed, [130.0, 94.0], name="-paper")
    text = report(tmp_path)
    assert "norm_prop 99.00 nats, weight_norm 95.00, after 2 epochs: **contra" in text
    name = "norm_prop (compensation paper)"
    assert f"{name} 94.00 nats, weight_norm 95.00, after 2 epochs: **agrees**" in text
    assert f"{name} 130.00 nats, baseline 120.00; ahead after 1 of 2" in text


def test_table_2_needs_the_score_of_the_whole_sequence(tmp_path):
    path = make_run(tmp_path, "ptb --model norm_prop --regularise", [1.3] * 50)
    caption = "Character-level Penn Treebank, test"
    _, rows = table(report(tmp_path), caption)
    assert rows["norm_prop"][1] == "no full run"
    assert rows["norm_prop, seed 1"][1] == "not scored yet"
    (path / "evaluation.json").write_text('{"test_sequence_bpc": 1.27}')
    _, rows = table(report(tmp_path), caption)
    assert rows["norm_prop"][1:3] == ["1.270", "+0.008"]


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("run.json", "{", "run.json is damaged"),
        ("run.json", "[]", "should hold one JSON object"),
        ("run.json", "{}", "says nothing of a run's configuration"),
        ("run.json", '{"configuration": {"model": "lstm"}}', "names no model"),
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
    assert rows["norm_prop"][1] == "no full run"


@pytest.mark.parametrize("content", ["{}", "{", "[1]"])
def test_damaged_figures_are_a_sentence(tmp_path, content):
    (tmp_path / "figures").mkdir()
    for name in ("figure_1", "variances"):
        (tmp_path / "figures" / f"{name}.json").write_text(content)
    text = report(tmp_path)
    part = text[text.index("### Folders that could not be read") :]
    assert "figure_1.json is " in part and "variances.json is " in part
    assert "computes Figure 1 and the variances over time" in text


def test_a_diverged_run(tmp_path):
    small(tmp_path, "norm_prop", [float("nan")])
    small(tmp_path, "weight_norm", [1.8])
    text = report(tmp_path)
    assert "diverged" in text and "**not comparable**" in text


def test_runs_done_twice_are_compared(tmp_path):
    for name, change in (("a", 0.0), ("b", 0.0), ("c", 1e-9)):
        make_run(tmp_path / name, "ptb --model norm_prop --epochs 1", [1.5 + change])
    found, problems = runs.find([tmp_path])
    assert len(found) == 3 and not problems
    kinds, repeats = groups.kinds(found)
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
    assert (
        "Figure 2, not all runs of full length" in (tmp_path / "report.md").read_text()
    )


def test_the_same_runs_give_the_same_page(tmp_path):
    small(tmp_path, "norm_prop", [1.8, 1.9])
    assert write([tmp_path]).as_html() == write([tmp_path]).as_html()


def test_regularised_runs_of_another_size(tmp_path):
    path = make_run(tmp_path, "ptb --model norm_prop --regularise --units 9", [1.9])
    _, rows = table(report(tmp_path), "Penn Treebank, regularised: units 9")
    assert rows["norm_prop"][3] == "not scored yet"
    (path / "evaluation.json").write_text('{"test_sequence_bpc": 1.87}')
    _, rows = table(report(tmp_path), "Penn Treebank, regularised: units 9")
    assert rows["norm_prop"][3] == "1.870"


def test_it_needs_no_theano(tmp_path):
    code = (
        "import sys; from report.__main__ import main\n"
        f"main(['--results-dir', {str(tmp_path)!r}])\n"
        "sys.exit('theano' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT))
    assert done.returncode == 0


def test_a_wrong_output_is_refused(tmp_path, capsys):
    output = ["--output", str(tmp_path / "a.pdf"), "--results-dir", str(tmp_path)]
    assert program.main(output) == 1
    assert "does not end in .html" in capsys.readouterr().err


def test_markup():
    document = Document("a")
    document.table("", ["`x|y`", "**b**"], [["<i>", "1 & 2"]])
    assert "| `x\\|y` | **b** |" in document.as_markdown()
    html = document.as_html()
    assert "<th><code>x|y</code></th><th><strong>b</strong></th>" in html
    assert "<td>&lt;i&gt;</td><td>1 &amp; 2</td>" in html
