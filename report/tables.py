"""The paper's tables, published beside obtained: at a glance, and with all there is."""

from dataclasses import replace
from operator import attrgetter

from report.experiment import (
    EARLY,
    EXPERIMENTS,
    MOVING,
    PUBLISHED,
    REGULARISED,
    STATISTICS,
)
from report.groups import Kind

TITLES = {
    "table_1": "Table 1: Penn Treebank, validation",
    "table_2": "Table 2: Penn Treebank, test",
    "table_3": "Table 3: DRAW on binarized MNIST, test",
}
PARTIAL = attrgetter("partial")
# The last columns of every table of groups of runs.
MACHINE = {
    "Seeds": attrgetter("seeds"),
    "Epochs": attrgetter("progress"),
    "s/epoch": lambda group: duration(group.seconds),
    "Ratio": lambda group: times(group.ratio),
    "Device": lambda group: "; ".join(group.devices),
}


def duration(seconds):
    return seconds and format(seconds, ".3g" if seconds < 100 else ".0f")


def times(value):
    return value and f"{value:.2f}"


def published_kinds(kinds):
    """The kinds of the three tables, without runs where there are none."""
    for experiment in EXPERIMENTS:
        there = (k for k in kinds if k.published and k.experiment is experiment)
        yield next(there, Kind(experiment))


def paper_rows(kind):
    """The rows of the paper's table: those of norm_prop once for each form."""
    rows = []
    for model, figures in PUBLISHED[kind.experiment.table].items():
        if not isinstance(figures, dict):
            continue
        groups = [kind.of(model, v) for v in kind.experiment.forms_of(model)]
        wanted = [group for group in groups if group or EARLY not in group.variation]
        if kind.experiment is REGULARISED:
            # Any of the forms will do.
            begun = [replace(g, scored="sequence_score") for g in groups if g]
            wanted = begun or [replace(groups[0], name=model)]
        rows += [row for group in wanted for row in rescored(group)]
    return rows


def rescored(group):
    """The row of a group, and those of batch_norm with other statistics."""
    yield group
    for scored, words in STATISTICS.items():
        if any(getattr(run, scored) is not None for run in group.runs):
            name = group.name.replace(MOVING, words)
            yield replace(group, name=name, scored=scored)


def counts(document, evidence):
    """How many runs there are, and how many stand beside the paper's figures."""
    rows = [row for kind in published_kinds(evidence.kinds) for row in paper_rows(kind)]
    full = len({run for row in rows for run in row.runs if run.full})
    number, real = len(evidence.runs), sum(not run.sample for run in evidence.runs)
    words = (
        f"**{number} run{'s' if number != 1 else ''}: {full} of the published size, at "
        f"their end; {real - full} partial, smaller or of another reading, on the real "
        f"data; {number - real} on built-in sample data.**"
    )
    if not full:
        words += " Nothing here confirms or refutes a number of the paper yet."
    document.text(words)


def glance(document, evidence):
    """All rows of the three tables: what is there so far."""
    items, columns = [], beside()
    for kind in published_kinds(evidence.kinds):
        items.append(f"{TITLES[kind.experiment.table]}, {kind.experiment.unit}")
        items += paper_rows(kind)
    columns["Epochs"] = lambda g: g.after(g.epochs) if g.partial else g.progress
    document.table("", columns, items, PARTIAL, look="glance")


def beside(unit=""):
    """The first columns: what is published, and what was obtained."""
    return {
        "": attrgetter("name"),
        f"Published{unit}": attrgetter("published"),
        f"Obtained{unit}": attrgetter("obtained"),
        "Difference": attrgetter("difference"),
    }


def paper_table(document, evidence, name):
    """One of the paper's tables, and below its rows the runs that are in none."""
    (kind,) = (k for k in published_kinds(evidence.kinds) if k.experiment.table == name)
    columns = {**beside(f", {kind.experiment.unit}"), **MACHINE}
    if name == "table_1":
        seconds, base = "seconds_per_epoch", PUBLISHED[name]["baseline"]
        columns["s/epoch, published"] = lambda g: duration(g.paper.get(seconds))
        columns["Ratio, published"] = lambda g: times(
            g.paper.get(seconds, 0) / base[seconds]
        )
    rows = paper_rows(kind)
    shown = {run for row in rows for run in row.runs}
    rows += [group for group in kind.groups() if not shown & set(group.runs)]
    document.table(PUBLISHED[name]["caption"], columns, rows, PARTIAL)
