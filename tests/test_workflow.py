"""`./reproduce all`: plans, single slots, and Snakemake on a tiny plan."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from common import ROOT
from common.errors import RunError, UsageError
from experiments import draw_options, ptb_options
from experiments.published import FIGURES
from install import workflow as environment
from report.runs import changes, published
from training import interrupt
from workflow import run as slots
from workflow.__main__ import configuration
from workflow.options import parse
from workflow.plan import Plan

TINY = {
    "runs": [
        {
            "experiment": "ptb",
            "model": "baseline",
            "seed": [1, 2],
            "sample": True,
            "units": 4,
            "length": 10,
            "batch_size": 4,
            "batches_per_epoch": 300,
            "epochs": 2,
        }
    ],
    "figures": [],
}


@pytest.fixture(scope="session")
def snakemake():
    """Snakemake's environment, which the first use makes."""
    return environment.ensure()


def write(folder, content):
    path = folder / "plan.yaml"
    if not isinstance(content, str):
        content = yaml.safe_dump(content, sort_keys=False)
    path.write_text(content)
    return path


# Plans


def test_the_papers_plan():
    """Tables 1 to 3: every run is the published one, and none is missing."""
    plan = Plan(ROOT / "plans" / "paper.yaml")
    # In this order, and how each differs from the published experiment.
    plain = {"softmax_gamma": (1.0, None)}
    released = {"compensation": ("paper", "released")}
    expected = {
        "ptb-norm_prop-1-released-plain-softmax": {**released, **plain},
        "ptb-baseline-1": {},
        "ptb-norm_prop-1-released": released,
        "ptb-norm_prop-1-paper": {},
        "ptb-layer_norm-1": {},
        "ptb-batch_norm-1": {},
        "ptb-weight_norm-1": {},
        "draw-norm_prop-1-released": {},
        "draw-baseline-1": {},
        "draw-weight_norm-1": {},
        "draw-layer_norm-1": {},
        "ptb-norm_prop-1-table2": {**released, **plain},
        "ptb-weight_norm-1-gammas-2": {"gamma_x": (None, 2.0), "gamma_h": (None, 2.0)},
        "ptb-norm_prop-1-early-plain-softmax": {
            "compensation": ("paper", "early"),
            **plain,
        },
    }
    assert list(plan.runs) == list(expected)
    for name, about in plan.runs.items():
        experiment = about["experiment"]
        module = {"ptb": ptb_options, "draw": draw_options}[experiment]
        options = vars(module.parse(about["arguments"]))
        differing = changes(experiment, options)
        differing.pop("tag", None)
        assert differing == expected[name]
        assert options["regularise" if experiment == "ptb" else "sample"] == (
            name == "ptb-norm_prop-1-table2"
        )
        assert about["epochs"] == published(experiment, options["model"])["epochs"]
        assert about["data"] == {"ptb": "ptb", "draw": "mnist"}[experiment]
    assert plan.figures == list(FIGURES) and plan.report


@pytest.mark.parametrize("name", ["small", "sample"])
def test_the_other_plans(name):
    plan = Plan(ROOT / "plans" / f"{name}.yaml")
    assert plan.sample is (name == "sample")
    models = {about["arguments"][3] for about in plan.runs.values() if name == "small"}
    assert name == "sample" or models == set(ptb_options.MODELS)


def test_lists_are_combined(tmp_path):
    entry = {"experiment": "draw", "seed": [3, 4], "model": ["baseline", "norm_prop"]}
    plan = Plan(write(tmp_path, {"runs": [entry]}))
    assert list(plan.runs) == [
        f"draw-{model}-{seed}" for seed in (3, 4) for model in ("baseline", "norm_prop")
    ]
    assert (plan.results, plan.figures) == ("results/plan", ["3"])
    entry = {"experiment": "ptb", "gamma-x": [1, 2], "tag": "g{gamma_x}"}
    plan = Plan(write(tmp_path, {"runs": [entry]}))
    assert list(plan.runs) == ["ptb-norm_prop-1-g1", "ptb-norm_prop-1-g2"]
    assert plan.runs["ptb-norm_prop-1-g2"]["arguments"][:2] == ["--gamma-x", "2"]


@pytest.mark.parametrize(
    "content, reason",
    [
        ("runs: [", "is not YAML"),
        ("- 1", "should hold `runs:`"),
        ("results: x", "`runs` should be a list"),
        ("runs: [{experiment: mt}]", "entry 1 of `runs` should name its experiment"),
        ("runs: [{experiment: ptb}]\nseeds: 3", "unknown key seeds"),
        ("runs: [{experiment: ptb}]\nfigures: [9]", "there is no figure 9"),
        ("runs: [{experiment: ptb, seed: [1, 1]}]", "a second run ptb-norm_prop-1"),
        ("runs: [{experiment: ptb, units: 0}]", "entry 1: argument --units: must be"),
        ("runs: [{experiment: ptb, model: all}]", "list the models"),
        ("runs: [{experiment: ptb, resume: true}]", "cannot set resume"),
        ("runs: [{experiment: ptb, tag: '{size}'}]", "its tag names no option"),
        ("runs: [{experiment: draw, model: baseline, gamma_x: 1}]", "has no effect"),
    ],
)
def test_plans_that_make_no_sense(tmp_path, content, reason):
    with pytest.raises(UsageError, match="plan.yaml") as caught:
        Plan(write(tmp_path, content))
    assert reason in str(caught.value)


def test_a_plan_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match="cannot read the plan"):
        Plan(tmp_path / "plan.yaml")


def test_options_of_snakemake_are_handed_on():
    options = parse(["--plan", "a", "--jobs", "2", "--", "--verbose", "--jobs", "9"])
    assert (options.jobs, options.snakemake) == (2, ["--verbose", "--jobs", "9"])


# Slots

PROGRAM = """
import json, pathlib, signal, sys, time
folder, status = pathlib.Path(sys.argv[1]), int(sys.argv[2])
folder.mkdir(exist_ok=True)
print("options", sys.argv[3:])
if status < 0:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    print("ready", flush=True)
    time.sleep(60)
if status == 9:
    (folder / "run.json").write_text('{"status": "diverged"}')
    status = 1
print("the reason", file=sys.stderr)
sys.exit(status)
"""


def configure(tmp_path, status=0, **when):
    """Write what `run.py` reads, for a program that ends with `status`."""
    (tmp_path / "program.py").write_text(PROGRAM)
    folder = str(tmp_path / "ptb-a-1")
    about = {
        "folder": folder,
        "log": str(tmp_path / "logs" / "ptb-a-1.log"),
        "epochs": 3,
        "words": [str(tmp_path / "program.py"), folder, str(status)],
    }
    content = {"runs": {"ptb-a-1": about}, "minutes": None, "until": None, **when}
    (tmp_path / "w.json").write_text(json.dumps(content))
    script = str(ROOT / "workflow" / "run.py")
    return [sys.executable, script, str(tmp_path / "w.json"), "ptb-a-1"]


@pytest.mark.parametrize(
    "status, state, message",
    [
        (0, "finished", ""),
        (75, "stopped", ""),
        (1, "failed", "the reason"),
        (9, "diverged", "the reason"),
    ],
)
def test_how_a_slot_ends(tmp_path, status, state, message):
    command = configure(tmp_path, status)
    output = subprocess.check_output(command, universal_newlines=True)
    assert output == "[ptb-a-1] options []\n"
    slot = slots.slot(str(tmp_path / "ptb-a-1"))
    assert slot == {"state": state, "message": message}
    log = (tmp_path / "logs" / "ptb-a-1.log").read_text()
    assert "options []" in log and "the reason" in log


def test_the_time_of_a_slot(tmp_path):
    command = configure(tmp_path, minutes=2.5)
    assert b"['--stop-after', '2.5000']" in subprocess.check_output(command)
    command = configure(tmp_path, until=time.time() + 90)
    minutes = eval(subprocess.check_output(command).decode().partition("options ")[2])
    assert 1.3 < float(minutes[1]) <= 1.5
    # No time is left: it is not even started.
    command = configure(tmp_path, until=time.time() - 1)
    assert subprocess.check_output(command) == b""
    assert slots.slot(str(tmp_path / "ptb-a-1"))["state"] == "stopped"


def test_the_status_is_the_experiments():
    assert slots.TIME_IS_OVER == interrupt.TIME_IS_OVER


def test_a_signal_reaches_the_program(tmp_path):
    process = subprocess.Popen(configure(tmp_path, -1), stdout=subprocess.PIPE)
    assert b"options" in process.stdout.readline()
    assert b"ready" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert slots.slot(str(tmp_path / "ptb-a-1"))["state"] == "stopped"


def test_figures_without_their_state(tmp_path):
    """What a repository keeps of a run is not computed again, nor spoilt."""
    command = configure(tmp_path)
    folder = tmp_path / "ptb-a-1"
    folder.mkdir()
    patience = '{"status": "finished", "ended_by": "patience"}'
    for said, rows, state in (
        ('{"status": "finished"}', 3, "finished"),
        (patience, 2, "finished"),
        ('{"status": "finished"}', 2, "failed"),
    ):
        (folder / "run.json").write_text(said)
        (folder / "metrics.jsonl").write_text("{}\n" * rows)
        assert subprocess.check_output(command) == b""
        assert slots.slot(str(folder))["state"] == state
    assert "./reproduce state" in slots.slot(str(folder))["message"]


# Snakemake


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "workflow", *map(str, words)],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        # Nothing is compiled: fast enough at this size.
        env={**os.environ, "THEANO_FLAGS": "mode=FAST_COMPILE"},
    )


def end(process):
    """Return the exit status and what was said."""
    said = process.communicate(timeout=300)[0]
    return process.returncode, said


def test_a_dry_run_of_the_paper(snakemake, tmp_path):
    plan = ROOT / "plans" / "paper.yaml"
    status, said = end(
        start("--plan", plan, "--dry-run", "--results-dir", tmp_path / "r")
    )
    assert status == 0, said
    for name, about in Plan(plan).runs.items():
        line = f"./reproduce {about['experiment']} {' '.join(about['arguments'])}"
        assert f": {line}\n" in said
        assert f"{name.replace('-', '_')}  " in said
    assert said.count(": ./reproduce") == len(Plan(plan).runs)
    figures = [f": figure {name}\n" for name in FIGURES]
    for words in (": ptb: fetch", ": mnist: fetch", *figures, ": report\n"):
        assert words in said
    assert "0 of 200 epochs  not begun" in said
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_plan_continues(snakemake, tmp_path):
    words = ["--plan", write(tmp_path, TINY), "--results-dir", tmp_path / "r"]
    words += ["--jobs", "2", "--device", "cpu"]
    process = start(*words)
    process.stdout.readline()
    status, said = end(start(*words))
    assert status == 1 and "another ./reproduce all works in" in said
    ready = set()
    for line in process.stdout:
        if "An update takes" in line:
            ready.add(line.split()[0])
        if len(ready) == 2:  # side by side
            break
    process.send_signal(signal.SIGTERM)
    status, said = end(process)
    assert status == 143 and "stopped" in said
    runs = [tmp_path / "r" / f"ptb-baseline-{seed}" for seed in (1, 2)]
    # On a busy machine the first may be through before the second has compiled.
    states = [slots.slot(str(run))["state"] for run in runs]
    assert sorted(states) in (["stopped"] * 2, ["finished", "stopped"])
    before = [slots.epochs(str(run)) for run in runs]
    assert min(before) < 2

    # The time is over before anything has begun; the report is of what there is.
    status, said = end(start(*words, "--stop-after", "0.0001"))
    assert status == 75 and "There is more to do" in said, said
    assert (tmp_path / "r" / "report.html").exists()
    assert [slots.epochs(str(run)) for run in runs] == before

    status, said = end(start(*words))
    assert status == 0, said
    # From the state that was saved, and what is finished is not done again.
    assert said.count("continued ") == states.count("stopped")
    for run in runs:
        rows = [json.loads(line) for line in open(run / "metrics.jsonl")]
        assert [(row["epoch"], row["updates"]) for row in rows] == [(1, 300), (2, 600)]
        assert slots.slot(str(run))["state"] == "finished"
    assert "2 of 2" in (tmp_path / "r" / "report.md").read_text()

    status, said = end(start(*words))
    assert status == 0 and "Nothing to be done" in said and "[ptb" not in said


def test_what_jobs_on_a_cluster_are_told(tmp_path):
    plan = Plan(write(tmp_path, TINY))
    words = ["--plan", str(plan.path), "--stop-after", "30", "--threads", "3"]
    words += ["--profile", "workflow/profiles/slurm", "--image", "reproduce-ptb.sif"]
    told = configuration(plan, parse(words), tmp_path / "r", "/data")
    # Each job has its own half hour.
    assert (told["minutes"], told["until"], told["threads"]) == (30.0, None, 3)
    assert told["run_python"] == "/opt/reproduce/.venv/bin/python"
    run = told["runs"]["ptb-baseline-2"]
    assert run["words"][0] == "/opt/reproduce/ptb_experiment.py"
    assert run["folder"] == str(tmp_path / "r" / "ptb-baseline-2")
