"""What ran on what, and every run: the last parts of the page."""

from collections import Counter

import numpy

from report.document import code, literal


def environment(document, evidence):
    """Machines, software and data, and how many runs each has."""
    for title, name in (("Machine", "machine"), ("Software", "software")):
        counts = Counter(getattr(run, name) for run in evidence.runs)
        rows = [[words, str(count)] for words, count in counts.items()]
        if rows:
            document.table("", [title, "Runs"], rows, look="texts")
    checksums = dict.fromkeys(line for run in evidence.runs for line in run.checksums)
    if checksums:
        document.table("", ["Data", "What", "SHA-256"], checksums, look="texts")


def all_runs(document, evidence):
    columns = {
        "Folder": lambda run: code(run.name),
        "Status": lambda run: run.status,
        "Epochs": lambda run: f"{run.epochs} of {run.epochs_wanted}",
        "Best": lambda run: f"epoch {run.best_epoch}" if run.epochs else "none",
        "Seconds": lambda run: f"{run.log['seconds'].sum():.0f}",
        "Blocks": lambda run: run.blocks,
    }
    if evidence.runs:
        document.table("", columns, evidence.runs, look="texts")
    if evidence.repeats:
        document.heading("Runs done twice", 3)
        document.listing([repeat_words(*pair) for pair in evidence.repeats])
    if evidence.problems:
        document.heading("Folders that could not be read", 3)
        document.listing(map(literal, evidence.problems))


def repeat_words(first, second):
    """Say whether two runs of the same settings and seed gave the same figures."""
    pair = f"{code(str(first.path))} and {code(str(second.path))}"
    common = min(first.epochs, second.epochs)
    columns = first.experiment.columns
    ours, theirs = (
        numpy.array([run.log[name][:common] for name in columns])
        for run in (first, second)
    )
    if numpy.array_equal(ours, theirs, equal_nan=True):
        return f"{pair}: the same to the last digit in {common} epochs."
    return f"{pair}: the figures differ by up to {abs(ours - theirs).max():.3g}."
