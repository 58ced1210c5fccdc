"""`./reproduce all`: single slots, and Snakemake on a tiny plan."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from common import ROOT
from experiments.published import FIGURES
from install import workflow as environment
from tests.test_plans import write
from training import interrupt
from workflow import __main__ as program
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


def test_options_of_snakemake_are_handed_on():
    options = parse(["--plan", "a", "--jobs", "2", "--", "--verbose", "--jobs", "9"])
    assert (options.jobs, options.snakemake) == (2, ["--verbose", "--jobs", "9"])


# Slots

PROGRAM = """
import json, os, pathlib, signal, sys, time
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
print("the reason", file=sys.stderr, flush=True)
if status == 11:
    os.kill(os.getpid(), signal.SIGKILL)
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
        (11, "failed", "it was killed by SIGKILL"),
    ],
)
def test_how_a_slot_ends(tmp_path, status, state, message):
    command = configure(tmp_path, status)
    output = subprocess.check_output(command, universal_newlines=True)
    assert output == "[ptb-a-1] options []\n"
    slot = slots.read(str(tmp_path / "ptb-a-1"), slots.SLOT)
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
    assert slots.read(str(tmp_path / "ptb-a-1"), slots.SLOT)["state"] == "stopped"


def test_the_status_is_the_experiments():
    assert slots.TIME_IS_OVER == interrupt.TIME_IS_OVER


@pytest.mark.parametrize("lay", ["file", "link", "folder"])
def test_a_log_that_cannot_be_written_is_no_reason_to_fail(tmp_path, lay):
    command = configure(tmp_path)
    logs, precious = tmp_path / "logs", tmp_path / "precious"
    precious.write_text("precious")
    if lay == "file":
        logs.write_text("")
    elif lay == "link":
        logs.mkdir()
        (logs / "ptb-a-1.log").symlink_to(precious)
    else:
        (logs / "ptb-a-1.log").mkdir(parents=True)
    assert b"warning: there is no log: " in subprocess.check_output(command)
    assert slots.read(str(tmp_path / "ptb-a-1"), slots.SLOT)["state"] == "finished"
    assert precious.read_text() == "precious"


def test_how_a_run_ended_cannot_be_written(tmp_path):
    command = configure(tmp_path)
    (tmp_path / "ptb-a-1" / "slot.json" / "x").mkdir(parents=True)
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert b"slot.json" in done.stderr


def test_a_signal_reaches_the_program(tmp_path):
    process = subprocess.Popen(configure(tmp_path, -1), stdout=subprocess.PIPE)
    assert b"options" in process.stdout.readline()
    assert b"ready" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert slots.read(str(tmp_path / "ptb-a-1"), slots.SLOT)["state"] == "stopped"


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
        assert slots.read(str(folder), slots.SLOT)["state"] == state
    assert "./reproduce state" in slots.read(str(folder), slots.SLOT)["message"]


# Snakemake


def start(*words, cwd=ROOT, **variables):
    return subprocess.Popen(
        [sys.executable, "-m", "workflow", *map(str, words)],
        cwd=str(cwd),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        # Nothing is compiled: fast enough at this size.
        env={**os.environ, "THEANO_FLAGS": "mode=FAST_COMPILE", **variables},
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
        assert f"{name}  " in said
    assert said.count(": ./reproduce") == len(Plan(plan).runs)
    figures = [f": figure {name}\n" for name in FIGURES]
    for words in (": ptb: fetch", ": mnist: fetch", *figures, ": report\n"):
        assert words in said
    assert "0 of 200 epochs  not begun" in said
    assert list(tmp_path.iterdir()) == []


def test_other_profiles_are_not_used(snakemake, tmp_path):
    """Neither the user's own, nor one that lies where the program is started."""
    for name in ("mine", "profiles/default"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.yaml").write_text("no-such-option: 1")
    variables = {"SNAKEMAKE_PROFILE": str(tmp_path / "mine"), "PYTHONPATH": str(ROOT)}
    words = ("--plan", write(tmp_path, TINY), "--dry-run")
    status, said = end(start(*words, cwd=tmp_path, **variables))
    assert status == 0, said


def test_a_dry_run_deletes_nothing(monkeypatch, tmp_path):
    precious = tmp_path / "r" / "precious"

    def meanwhile(*arguments):
        precious.parent.mkdir(exist_ok=True)
        precious.write_text("begun by a real one")
        return 0, None

    monkeypatch.setattr(program, "run_snakemake", meanwhile)
    monkeypatch.setattr(environment, "ensure", lambda: sys.executable)
    words = ["--plan", str(write(tmp_path, TINY)), "--dry-run"]
    assert program.main([*words, "--results-dir", str(tmp_path / "r")]) == 0
    assert precious.exists()


def test_what_a_stop_left_is_removed(monkeypatch, tmp_path):
    """A mark of Snakemake's that another --data-dir would make it stumble over."""
    mark, seen = tmp_path / "r" / ".data-ptb", []

    def meanwhile(*arguments):
        seen.append(mark.exists())
        return 0, None

    monkeypatch.setattr(program, "run_snakemake", meanwhile)
    monkeypatch.setattr(environment, "ensure", lambda: sys.executable)
    mark.parent.mkdir()
    mark.write_text("")
    words = ["--plan", str(write(tmp_path, TINY)), "--results-dir", str(mark.parent)]
    program.main([*words, "--dry-run"])
    program.main(words)
    assert seen == [True, False]


@pytest.mark.parametrize("name", ["loop", "~", "file", "a" * 300])
def test_a_results_folder_that_is_none(monkeypatch, tmp_path, capsys, name):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    plan = {**TINY, "results": str(tmp_path / name)}
    if name.startswith("~"):
        plan["data_dir"], plan["results"] = "~no-such-user", str(tmp_path / "file")
    monkeypatch.setattr(environment, "ensure", lambda: sys.executable)
    assert program.main(["--plan", str(write(tmp_path, plan))]) == 1
    assert "error: cannot write in " in capsys.readouterr().err


@pytest.mark.parametrize("value", [7, None, ["finished"], {}, "\x1b[2Jx"])
def test_what_a_strangers_run_says(tmp_path, value, capsys):
    plan = Plan(write(tmp_path, TINY))
    for name, key in zip(plan.runs, ("message", "state")):
        (tmp_path / name).mkdir()
        for file in ("slot.json", "run.json"):
            content = json.dumps({key: value, "status": value, "ended_by": value})
            (tmp_path / name / file).write_text(content)
        (tmp_path / name / "metrics.jsonl").write_bytes(b"{}\n\xff\n")
    states = program.summary(plan, tmp_path)
    assert set(states.values()) <= {"not begun", value if value == "\x1b[2Jx" else None}
    said = capsys.readouterr().out
    assert "\x1b" not in said and said.count("2 of   2 epochs") == 2


def test_the_reader_of_the_output_may_end(snakemake, tmp_path):
    (entry,) = TINY["runs"]
    entry = {**entry, "seed": 1, "epochs": 1, "batches_per_epoch": 3}
    plan = write(tmp_path, {"runs": [entry], "figures": []})
    process = start("--plan", plan, "--results-dir", tmp_path / "r", "--device", "cpu")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=300) == 0
    assert (tmp_path / "r" / "report.html").exists()


def test_a_figure_that_fails_leaves_the_report(snakemake, tmp_path):
    """It is said, and the next command draws it."""
    (entry,) = TINY["runs"]
    entry = {**entry, "seed": 1, "epochs": 1, "batches_per_epoch": 3}
    plan = write(tmp_path, {"runs": [entry], "figures": [2]})
    words = ["--plan", plan, "--results-dir", tmp_path / "r", "--device", "cpu"]
    in_the_way = tmp_path / "r" / "figures" / "figure_2.pdf"
    (in_the_way / "x").mkdir(parents=True)
    status, said = end(start(*words))
    assert status == 1 and "figure 2: it could not be drawn\n" in said, said
    assert "Traceback" not in said and (tmp_path / "r" / "report.html").exists()
    (in_the_way / "x").rmdir()
    in_the_way.rmdir()
    status, said = end(start(*words))
    assert status == 0 and in_the_way.is_file() and "[ptb" not in said, said


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
    states = [slots.read(str(run), slots.SLOT)["state"] for run in runs]
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
        assert slots.read(str(run), slots.SLOT)["state"] == "finished"
    assert "2 of 2" in (tmp_path / "r" / "report.md").read_text()

    status, said = end(start(*words))
    assert status == 0 and "Nothing to be done" in said and "[ptb" not in said


FAKE = """#!/bin/sh
[ "$3" != {slow} ] || sleep 2
echo "$3" >>"{log}"
[ "$2" = datasets ] || touch "$3"/slot.json
"""


@pytest.mark.parametrize("slow", ["ptb", "mnist"])
def test_runs_begin_in_the_plans_order(snakemake, tmp_path, slow):
    """Whichever data take longer to come."""
    log, fake = tmp_path / "log", tmp_path / "fake"
    fake.write_text(FAKE.format(slow=slow, log=log))
    fake.chmod(0o755)
    runs = [
        {"experiment": "ptb", "model": model} for model in ("baseline", "norm_prop")
    ]
    runs.append({"experiment": "draw", "model": "baseline"})
    plan = Plan(write(tmp_path, {"runs": runs, "figures": [], "report": False}))
    options = parse(["--plan", str(plan.path), "--jobs", "2", "--threads", "1"])
    results = tmp_path / "r"
    results.mkdir()
    configured = configuration(plan, options, results, None)
    configured.update(python=str(fake), run_python=str(fake))
    configured["path"] = str(tmp_path / "plan.json")
    (tmp_path / "plan.json").write_text(json.dumps(configured))
    subprocess.run(
        program.command(snakemake, options, results, configured, []), check=True
    )
    began = log.read_text().split()
    assert set(began[:2]) == {"ptb", "mnist"}
    assert set(began[2:4]) == set(list(plan.runs)[:2]) and len(began) == 5


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


@pytest.mark.parametrize("jobs", [[], ["--jobs", "1"], ["--jobs", "3"]])
def test_jobs_at_once_on_a_cluster(tmp_path, jobs):
    """What is given counts, and else the profile, which is read by Snakemake."""
    profile = ["--profile", "workflow/profiles/slurm"]
    words = parse(["--plan", "a", *profile, *jobs])
    told = program.command("python", words, tmp_path, {"path": "/c"}, [])
    assert told[told.index("--profile") + 2 :][: len(jobs)] == jobs
    assert told.count("--jobs") == len(jobs) // 2
