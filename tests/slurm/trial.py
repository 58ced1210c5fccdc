"""A trial: two small runs, done on the cluster while something goes wrong."""

import functools
import json
import os
import signal
import subprocess
import zipfile
from pathlib import Path

from cluster import output, wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
PLAN = """\
runs:
  - experiment: ptb
    model: baseline
    seed: [1, 2]
    sample: true
    units: 16
    length: 20
    batch_size: 8
    epochs: 4
    batches_per_epoch: 800
figures: []
report: false
"""
RUNS = ("ptb-baseline-1", "ptb-baseline-2")
PATIENCE = 1800  # seconds that one command may take, on a busy machine
MORE_TO_DO = 75


class Wrong(Exception):
    """Something came of a fault that should not have."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def rows(run):
    """The epochs of a run, but for the time that they took."""
    with open(run / "metrics.jsonl") as file:
        found = [json.loads(line) for line in file]
    for row in found:
        del row["seconds"]
    return found


def figures(results):
    """What no fault may change: of each run all figures and the best parameters."""
    found = {}
    for run in sorted(path.parent for path in results.glob("*/metrics.jsonl")):
        with zipfile.ZipFile(str(run / "best.npz")) as file:
            arrays = {member: file.read(member) for member in file.namelist()}
        found[run.name] = rows(run), arrays
    # And which pictures and reports there are.
    made = [*results.glob("report.*"), *results.glob("figures/*")]
    return {**found, "": sorted(path.name for path in made)}


class Trial:
    """A results folder, and the command that is given in it.

    Parameters
    ----------
    cluster : cluster.Cluster
    results : Path
    plan : Path
    """

    def __init__(self, cluster, results, plan):
        self.cluster, self.results, self.plan = cluster, results, plan
        self.said = results.with_suffix(".txt")
        self.calls, self.process, self.status = 0, None, None

    def start(self, *words, profile="slurm", **exported):
        """Give the command."""
        command = [ROOT / "reproduce", "all", "--plan", self.plan]
        command += ["--results-dir", self.results, "--threads", "1", *words]
        if profile:
            command += ["--profile", ROOT / "workflow" / "profiles" / profile]
        # No USER. That of Snakemake's which saves time: it asks each second.
        shell = {key: os.environ[key] for key in ("PATH", "HOME")}
        self.calls += 1
        with open(self.said, "ab") as file:
            self.process = subprocess.Popen(
                list(map(str, command)),
                env={**shell, "CI": "true", **exported},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def end(self, *statuses):
        """Wait until the command ends, with one of these exit statuses."""
        self.status = self.process.wait(timeout=PATIENCE)
        expect(self.status in statuses, f"exit status {self.status}, not {statuses}")

    def finish(self):
        """Give the command again, until all is done."""
        while self.status:
            self.start()
            self.end(0, MORE_TO_DO)
            expect(self.calls < 6, "it does not come to an end")

    def kill(self):
        """End the command and its Snakemake at once, if they run."""
        if self.process and self.process.poll() is None:
            for child in output("pgrep", "-P", str(self.process.pid)).split():
                os.kill(int(child), signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def epochs(self, name):
        path = self.results / name / "metrics.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def training(self, names=RUNS):
        """Give the command, and wait until these runs are in the middle."""
        self.start()
        for name in names:
            started = functools.partial(self.epochs, name)
            wait_for(started, f"{name} in its second epoch", PATIENCE)

    def slot(self, name):
        return json.loads((self.results / name / "slot.json").read_text())

    def job(self, node):
        """The number of the job on a node, and its run."""
        found = [line.split() for line in self.cluster.jobs("%N %i %j")]
        ((number, name),) = [words[1:] for words in found if words[0] == node]
        return number, name.partition("@")[0]

    def text(self):
        """All that was said, on the terminal and in logs."""
        paths = [*self.said.parent.glob(self.said.name), *self.results.glob("logs/*")]
        return "".join(path.read_text(errors="replace") for path in paths)

    def sentence(self, words):
        """The first line of all that was said which has these words."""
        found = [line for line in self.text().splitlines() if words in line]
        expect(found, f"nobody says {words!r}")
        return found[0].strip()

    def check(self, wanted=None):
        """Nothing was lost, nothing was done twice, and nothing is left behind.

        Return the figures, which are those that are wanted.
        """
        expect("Traceback" not in self.text(), "a traceback")
        if self.cluster:
            wait_for(lambda: not self.cluster.jobs(), "an empty queue", 60)
        found = figures(self.results)
        for name in filter(None, found):
            numbers = [row["epoch"] for row in rows(self.results / name)]
            expect(numbers == list(range(1, len(numbers) + 1)), f"{name}: {numbers}")
            expect(self.slot(name)["state"] == "finished", f"{name} is not finished")
        expect(found == (wanted or found), "other figures")
        return found
