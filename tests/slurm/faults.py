"""What is done to the cluster, each on a fresh results folder.

A fault is a function that takes a trial, starts the command, does its harm, and returns
in words what came of it. The first line of its docstring says what was done.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from cluster import SHARED_MB, TMP_MB, output, succeeds, wait_for
from trial import MORE_TO_DO, RUNS, expect


def experiments(option):
    """The processes of the experiments that have this option."""
    pattern = f"python .*/ptb_experiment.py .*{option}"
    return [int(number) for number in output("pgrep", "-f", pattern).split()]


@contextlib.contextmanager
def held(option):
    """Within this block these experiments do nothing, but live."""
    processes = experiments(option)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield processes
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def told(process):
    """Whether SIGTERM waits for a process."""
    status = Path("/proc", str(process), "status").read_text()
    waiting = int(status.partition("ShdPnd:")[2].split()[0], 16)
    return waiting >> (signal.SIGTERM - 1) & 1


def time_limit(trial):
    """Both jobs meet their time limit."""
    trial.training()
    # SLURM looks at the time each 30 seconds; so long they are held.
    with held("--seed") as processes:
        for line in trial.cluster.jobs("%i %M"):
            number, minutes = line.partition(":")[0].split()
            limit = f"TimeLimit={int(minutes) + 1}"
            output("scontrol", "update", f"JobId={number}", limit)
        wait_for(lambda: all(map(told, processes)), "told to stop", 90)
    trial.end(MORE_TO_DO)
    for name in RUNS:
        expect(trial.slot(name)["state"] == "stopped", trial.slot(name))
    return f"saved after {trial.epochs(RUNS[0])} and {trial.epochs(RUNS[1])} epochs"


def cancelled(trial):
    """scancel of a job that runs."""
    trial.training()
    number, name = trial.job("node1")
    output("scancel", number)
    trial.end(MORE_TO_DO)
    expect(trial.slot(name)["state"] == "stopped", trial.slot(name))
    return f"saved after {trial.epochs(name)} epochs; the other run ended"


def killed(trial):
    """A run is killed, as the kernel does where memory ends; its job lives."""
    trial.training()
    for number in experiments("--seed 2"):
        os.kill(number, signal.SIGKILL)
    trial.end(1)
    return f"exit status 1: {trial.slot(RUNS[1])['message']}"


def cancelled_in_the_queue(trial):
    """scancel of a job that waits."""
    output("scontrol", "update", "node=node2", "state=drain", "reason=trial")
    trial.training([RUNS[0]])
    (waiting,) = [line for line in trial.cluster.jobs("%i %t") if "PD" in line]
    output("scancel", waiting.split()[0])
    trial.end(MORE_TO_DO)
    output("scontrol", "update", "node=node2", "state=resume")
    return trial.slot(RUNS[1])["message"]


def power(trial):
    """A node loses its power."""
    trial.training()
    _, name = trial.job("node2")
    trial.cluster.kill("node2")
    trial.end(0)
    trial.cluster.start("node2")
    return f"{name} was requeued and went on, on the other node"


def slurmd(trial):
    """The slurmd of a node is killed; its job lives on, and is requeued."""
    trial.training()
    number, name = trial.job("node2")
    with held(f"--seed {name[-1]}"):
        trial.cluster.kill_slurmd("node2")
        again = f"{number} node1"
        wait_for(lambda: again in trial.cluster.jobs("%i %N"), "a second start", 180)
    trial.end(0)
    trial.cluster.kill("node2")
    trial.cluster.start("node2")
    return f"{name} was requeued, waited for the first process, and went on"


def requeued(trial):
    """scontrol requeue of a job that runs."""
    trial.training()
    number, name = trial.job("node1")
    output("scontrol", "requeue", number)
    trial.end(0)
    return f"{name} saved and went on"


def command_killed(trial):
    """kill -9 of the command and its Snakemake; given again while the jobs run."""
    trial.training()
    trial.kill()
    expect(len(trial.cluster.jobs()) == 2, "the jobs have ended")
    trial.start()
    trial.end(0)
    return "the jobs went on; those of the second command waited for them"


def interrupt(trial):
    """Ctrl-C."""
    trial.training()
    trial.process.send_signal(signal.SIGINT)
    trial.end(128 + signal.SIGINT)
    expect(not trial.cluster.jobs(), "jobs go on")
    return f"saved after {trial.epochs(RUNS[0])} and {trial.epochs(RUNS[1])} epochs"


def terminated_in_the_queue(trial):
    """SIGTERM while all jobs wait."""
    output("scontrol", "update", "node=node[1-2]", "state=drain", "reason=trial")
    trial.start()
    wait_for(lambda: len(trial.cluster.jobs()) == 2, "two jobs in the queue")
    trial.process.terminate()
    trial.end(128 + signal.SIGTERM)
    expect(not trial.cluster.jobs(), "jobs stay in the queue")
    output("scontrol", "update", "node=node[1-2]", "state=resume")
    return "the queue is empty"


def controller(trial):
    """slurmctld is killed, and comes back after 10 seconds."""
    trial.training()
    trial.cluster.kill("slurmctld")
    time.sleep(10)
    trial.cluster.start("slurmctld")
    trial.end(0)
    return "the jobs and the command went on"


def accounting(trial):
    """slurmdbd is killed."""
    trial.training()
    trial.cluster.kill("slurmdbd")
    trial.end(0)
    trial.cluster.start("slurmdbd")
    return "the jobs and the command went on"


def full_tmp(trial):
    """The disk of a node, /tmp, is full."""
    fill = trial.cluster.root("node2")[0] / "tmp" / "fill"
    succeeds("dd", "if=/dev/zero", f"of={fill}", "bs=4k", f"count={256 * TMP_MB}")
    trial.start()
    trial.end(0, 1)
    os.unlink(str(fill))
    return trial.sentence("room") if trial.status else "no job needed it"


def full_results(trial):
    """The disk that has the results gets full."""
    trial.training()
    fill = trial.results.parent / "fill"
    succeeds("dd", "if=/dev/zero", f"of={fill}", "bs=4k", f"count={256 * SHARED_MB}")
    trial.end(1)
    os.unlink(str(fill))
    return trial.sentence("No space left on device")


def refused(trial):
    """A partition or an account that there is not; a GPU, where no node has one."""
    sentences = []
    for name, value, complaint in (
        ("PARTITION", "nosuch", "Invalid partition name"),
        ("ACCOUNT", "nosuch", "Invalid account"),
        ("GRES", "gpu:1", "generic resource"),
    ):
        before = len(trial.text())
        trial.start(**{f"SBATCH_{name}": value})
        trial.end(1)
        sentences.append(trial.text()[before:].strip().splitlines()[-1])
        expect(complaint in sentences[-1], sentences[-1])
        expect(not trial.cluster.jobs(), "a job was submitted")
    return "\n      ".join(line.partition(": see ")[0] for line in sentences)


FAULTS = [
    time_limit,
    cancelled,
    killed,
    cancelled_in_the_queue,
    power,
    slurmd,
    requeued,
    command_killed,
    interrupt,
    terminated_in_the_queue,
    controller,
    accounting,
    full_tmp,
    full_results,
    refused,
]
