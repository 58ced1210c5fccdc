"""What a run says before it begins, and notes in its ``run.json``."""

import os
import sys

from common.files import megabytes
from engine import card
from runs import facts


def announce(task, session, needed):
    """Say what a run is about to do, and note it in ``run.json``.

    Parameters
    ----------
    task : training.task.Task
    session : training.task.Session
    needed : int
        Bytes on disk.
    """
    options, folder, data = session.options, session.folder, session.data
    blocks = facts.which_blocks()
    for notice in notices(session.device, options.sample, blocks):
        print(f"* {notice}")
    number = sum(
        variable.get_value(borrow=True).size
        for variable in task.brick.all_parameters.values()
    )
    plan = task.plan
    lines = {
        "model": plan["model"],
        "data": f"{data.name}, {plan['data']}",
        "training": f"{options.epochs} epochs of {task.stream.batches_per_epoch} "
        f"updates, each of {plan['update']}",
        "parameters": f"{number:,}, {options.floatX}",
        "results": f"{folder.path}, up to {megabytes(needed)}",
        "machine": f"{session.device}, Blocks {blocks['version']}",
    }
    if folder.continued:
        history = folder.history
        lines["continued"] = (
            f"after update {history.updates:,}, epoch {history.epoch + 1}"
        )
    for name, text in lines.items():
        print(f"{name:10s} {text}")
    sys.stdout.flush()
    folder.describe(
        configuration=folder.configuration,
        seed=options.seed,
        data={
            "name": data.name,
            "sample": options.sample,
            "checksums": data.checksums,
        },
        parameters=number,
        device=session.device,
        blocks=blocks,
        archive=facts.archive_commit(),
        versions=facts.versions(),
        host=facts.host(),
    )


def notices(device, sample, blocks):
    """Return the lines that say in what this run is not the published one."""
    lines = []
    if device == card.ON_CPU:
        lines.append(f"{device}, for tests: there is no GPU, and times say nothing.")
    if sample:
        lines.append("Built-in sample data: the figures say nothing about the paper's.")
    if blocks["standin"]:
        lines.append("Blocks is this archive's stand-in, not the upstream library.")
    if device == "cpu":
        cores = len(os.sched_getaffinity(0))
        lines.append(f"No GPU: this runs on the CPU ({cores} cores).")
    return lines
