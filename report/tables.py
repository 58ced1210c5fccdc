"""The paper's tables, published beside obtained: at a glance, and with all there is."""

from dataclasses import replace

from report.experiment import DRAW, EARLY, MOVING, PTB, PUBLISHED, STATISTICS
from report.groups import Kind

TITLES = {
    "table_1": "Table 1: Penn Treebank, validation",
    "table_2": "Table 2: Penn Treebank, test",
    "table_3": "Table 3: DRAW on binarized MNIST, test",
}
NOTES = {
    "table_1": "The figure of batch_norm is the one with exact statistics, estimated "
    "over the training text for the best epoch, once that is scored; each epoch is "
    "validated with the moving average of training, which lags behind. The paper does "
    "not say which statistics it used.",
    "table_2": "The whole test text as one sequence, by the best validation epoch.",
    "table_3": "The published figure of layer_norm is Ba et al.'s own, and the run "
    "here is the released code's, which normalises the cell only. The published figure "
    "of norm_prop most likely comes from the released form, so it stands beside both.",
}
# The last columns of every table of groups of runs.
MACHINE = {
    "Seeds": lambda group: group.seeds,
    "Epochs": lambda group: group.progress,
    "s/epoch": lambda group: duration(group.seconds),
    "Ratio": lambda group: times(group.ratio),
    "Device": lambda group: "; ".join(group.devices),
}


def duration(seconds):
    return seconds and (f"{seconds:.3g}" if seconds < 100 else f"{seconds:.0f}")


def times(value):
    return value and f"{value:.2f}"


def published_kinds(kinds):
    """The kinds of the three tables, without runs where there are none."""
    for kind in (Kind(PTB), Kind(PTB, regularised=True), Kind(DRAW)):
        there = (k for k in kinds if k.published and k.table == kind.table)
        yield next(there, kind)


def paper_rows(kind):
    """The rows of the paper's table: those of norm_prop once for each form."""
    rows = []
    for model, figures in PUBLISHED[kind.table].items():
        if not isinstance(figures, dict):
            continue
        groups = [kind.of(model, v) for v in kind.experiment.forms_of(model)]
        wanted = [group for group in groups if group or EARLY not in group.variation]
        if kind.regularised:
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


def full_runs(kinds):
    """The full runs that stand beside a figure of the paper."""
    rows = [row for kind in published_kinds(kinds) for row in paper_rows(kind)]
    return {run for row in rows for run in row.runs if run.full}


def glance(document, evidence):
    """All rows of the three tables: what is there so far."""
    items = []
    for kind in published_kinds(evidence.kinds):
        items += [f"{TITLES[kind.table]}, {kind.experiment.unit}", *paper_rows(kind)]
    columns = {
        **beside(),
        "Epochs": lambda g: g.after(g.epochs) if g.partial else g.progress,
    }
    document.table("", columns, items, partial, look="glance")


def beside(unit=""):
    """The first columns: what is published, and what was obtained."""
    return {
        "": lambda group: group.name,
        f"Published{unit}": lambda group: group.published,
        f"Obtained{unit}": lambda group: group.obtained,
        "Difference": lambda group: group.difference,
    }


def published_seconds(group):
    seconds = group.paper.get("seconds_per_epoch")
    return seconds and str(seconds)


def published_ratio(group):
    seconds = group.paper.get("seconds_per_epoch")
    base = PUBLISHED["table_1"]["baseline"]["seconds_per_epoch"]
    return seconds and times(seconds / base)


def partial(group):
    return group.partial


def published_tables(document, evidence):
    """The three tables, and below the paper's rows the runs beside them."""
    for kind in published_kinds(evidence.kinds):
        document.heading(TITLES[kind.table], 3)
        columns = {**beside(f", {kind.experiment.unit}"), **MACHINE}
        table = PUBLISHED[kind.table]
        if kind.table == "table_1":
            columns["s/epoch, published"] = published_seconds
            columns["Ratio, published"] = published_ratio
        rows = paper_rows(kind)
        shown = {run for row in rows for run in row.runs}
        others = [g for g in kind.groups() if not shown & set(g.runs)]
        document.table(table["caption"], columns, rows + others, partial)
        document.note(NOTES[kind.table])
