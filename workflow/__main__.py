"""``./reproduce all``: the whole paper, or what a plan names of it."""

import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from common import ROOT
from common.errors import RunError, one_line, report
from common.output import forgiving, tell
from common.signals import Signals
from common.trust import regular
from install import steps
from install import workflow as environment
from training.interrupt import TIME_IS_OVER
from workflow import run as slots
from workflow.cluster import Cluster
from workflow.options import parse
from workflow.plan import Plan

IN_IMAGE = "/opt/reproduce"
# The states of a run that another slot would not change.
ENDED = ("finished", "diverged")


def configuration(plan, options, results, data_dir):
    """What the Snakefile and ``run.py`` are told."""
    python = f"{IN_IMAGE}/.venv/bin/python" if options.image else sys.executable
    root = IN_IMAGE if options.image else str(ROOT)
    runs = {}
    for name, about in plan.runs.items():
        line = f"./reproduce {about['experiment']} {shlex.join(about['arguments'])}"
        words = [f"{root}/{about['experiment']}_experiment.py", *about["arguments"]]
        words += ["--results-dir", str(results), "--resume"]
        if data_dir and about["data"]:
            words += ["--data-dir", data_dir]
        if options.device:
            words += ["--device", options.device]
        runs[name] = {
            **about,
            # Snakemake fills in what is in braces.
            "line": line.replace("{", "{{").replace("}", "}}"),
            "words": words,
            "folder": str(results / name),
            "log": str(results / "logs" / f"{name}.log"),
        }
    slot, cores = options.stop_after, len(os.sched_getaffinity(0))
    share = 1 if options.profile else max(1, cores // options.jobs)
    threads = options.threads or share
    return {
        "root": str(ROOT),
        "python": sys.executable,
        "run_root": root,
        "run_python": python,
        "image": options.image,
        "data_dir": data_dir,
        # On a cluster jobs wait in a queue, and the time is that of each.
        "minutes": slot if options.profile else None,
        "until": time.time() + 60 * slot if slot and not options.profile else None,
        "threads": threads,
        "all_threads": 1 if options.profile else threads * options.jobs,
        "runs": runs,
        "figures": plan.figures,
        "report": plan.report,
        "sample": plan.sample,
    }


def command(python, options, results, configured, unfinished):
    """Snakemake's command line."""
    words = [python, "-m", "snakemake", "--snakefile", ROOT / "workflow" / "Snakefile"]
    words += ["--directory", results, "--configfile", configured["path"]]
    words += ["--rerun-triggers", "mtime", "params", "--rerun-incomplete"]
    # The lock on the results folder is our own, which no crash leaves behind.
    words += ["--nolock", "--keep-going", "--scheduler", "greedy"]
    if options.profile:
        words += ["--profile", Path(options.profile).resolve()]
        words += ["--jobs", options.jobs] if options.jobs else []
    else:
        words += ["--profile", "none", "--cores", configured["all_threads"]]
    # Else one would be looked for in the folder where this was started.
    words += ["--workflow-profile", "none"]
    words += ["--dry-run"] if options.dry_run else ["--quiet", "progress", "rules"]
    if unfinished:
        words += ["--forcerun", *unfinished]
    return [str(word) for word in [*words, *options.snakemake]]


def lock(results):
    """Keep other ``./reproduce all`` out of a results folder as long as this runs.

    Raises
    ------
    RunError
        If there is one, or the disk knows no locks.
    """
    file = open(results / ".workflow.lock", "a", opener=regular)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunError(
            f"another ./reproduce all works in {results}: wait for it to end, or give "
            "another --results-dir"
        ) from None
    except OSError as error:
        raise RunError(
            f"{results} cannot be locked ({error.strerror}): give a --results-dir on "
            "another disk"
        ) from error
    return file


def run_snakemake(words, held, cluster):
    """Run it; hand signals on to its runs, which save. Return status and signal.

    Parameters
    ----------
    words : list of str
    held : file or None
        Kept open as long as it runs.
    cluster : workflow.cluster.Cluster or None
        Where the runs are jobs, if they are.
    """

    def hand_on(process, number):
        # After SIGTERM Snakemake starts nothing more, and waits for what runs.
        if cluster:
            cluster.stop(process)
        else:
            os.killpg(process.pid, signal.SIGTERM)
        tell(b"\nstopping: the runs save after their current update\n")

    environment = dict(os.environ, XDG_CACHE_HOME=str(ROOT / ".cache" / "workflow"))
    environment["REPRODUCE_PROFILE"] = str(cluster and cluster.profile)
    with Signals(hand_on) as signals:
        kept = [held.fileno()] if held else []
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # Not in the user's folder, where Python would look for modules.
        where = {"cwd": str(ROOT), "env": environment}
        process = signals.start(words, pass_fds=kept, **where, **pipes)
        if process is None:
            return 1, signals.received
        # Through this process, so that nothing ends when the reader of its output does.
        streams = (process.stdout, sys.stdout), (process.stderr, sys.stderr)
        readers = [threading.Thread(target=copy, args=pair) for pair in streams]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        return process.wait(), signals.received


def copy(source, target):
    for line in source:
        target.write(line.decode(errors="replace"))
        target.flush()


def summary(plan, results):
    """Print how far the runs are; return their states by name."""
    states = {}
    width = max(map(len, plan.runs))
    for name, about in plan.runs.items():
        folder = str(results / name)
        slot, facts = (slots.read(folder, file) for file in (slots.SLOT, slots.FACTS))
        done = slots.epochs(folder)
        # A run that is under way has no slot.
        states[name] = slot.get("state", facts.get("status", "not begun"))
        said = [states[name], slot.get("message")]
        if facts.get("ended_by") == "patience":
            said.append("ended by patience")
        print(
            f"{name:{width}s}  {done:3d} of {about['epochs']:3d} epochs  "
            + one_line(": ".join(filter(None, said)))
        )
    for name in plan.figures:
        if slots.read(str(results), f"figures/.{name}"):
            states[f"figure {name}"] = "failed"
            print(f"figure {name}: it could not be drawn")
    return states


def place(option, planned):
    """The folder that an option names, or a plan, as seen from the archive's."""
    start, path = (".", option) if option else (str(ROOT), planned)
    # Pathlib raises where links are a loop.
    return path and os.path.realpath(os.path.join(start, os.path.expanduser(path)))


def work(options, python, scratch):
    plan = Plan(options.plan)
    results = Path(place(options.results_dir, plan.results))
    data_dir = place(options.data_dir, plan.data_dir)
    if not data_dir and (options.image or options.profile):
        from datasets.locate import data_folders

        data_dir = str(data_folders()[0].resolve())
    configured = configuration(plan, options, results, data_dir)
    held, path = None, scratch / "plan.json"
    try:
        # A dry run may be done beside a real one.
        if not options.dry_run:
            results.mkdir(parents=True, exist_ok=True)
            held, path = lock(results), results / ".workflow.json"
            # A stop may leave these; with one, Snakemake forgets the runs to force
            # when its rule has other options than last time.
            for mark in results.glob(".data-*"):
                mark.unlink()
        configured["path"] = str(path)
        with open(path, "w", opener=regular) as file:
            json.dump(configured, file, indent=1)
    except OSError as error:
        raise RunError(f"cannot write in {path.parent} ({error.strerror})") from error
    how = "as jobs" if options.profile else f"{options.jobs} at a time"
    print(f"{plan.path}: {len(plan.runs)} runs in {results}, {how}", flush=True)
    # By the files in which it is said how they ended.
    ends = [f"{name}/{slots.SLOT}" for name in plan.runs]
    ends += [f"figures/.{name}" for name in plan.figures]
    unfinished = [
        end
        for end in ends
        if slots.read(str(results), end).get("state", "finished") not in ENDED
    ]
    directory = results if results.is_dir() else scratch
    words = command(python, options, directory, configured, unfinished)
    cluster = Cluster(options.profile, results) if options.profile else None
    if cluster and not options.dry_run:
        cluster.check(configured["threads"])
    status, received = run_snakemake(words, held, cluster)
    print(flush=True)
    states = summary(plan, results)
    if received:
        return 128 + received
    if options.dry_run:
        return status
    if status or "failed" in states.values():
        print("Something failed: see above, and the logs in", results / "logs")
        return 1
    if not set(states.values()) <= set(ENDED):
        print("There is more to do: the same command goes on.")
        return TIME_IS_OVER
    if plan.report:
        print(f"Everything is finished: {results / 'report.html'}")
    return 0


def main(arguments=None):
    options = parse(arguments)
    try:
        with steps.signals_stop():
            python = environment.ensure()
        with forgiving(), tempfile.TemporaryDirectory() as scratch:
            return work(options, python, Path(scratch))
    except RunError as error:
        return report("./reproduce all", error)
    except steps.Interrupted as stop:
        return 128 + stop.signum


if __name__ == "__main__":
    sys.exit(main())
