"""Tables 1 to 3, published beside obtained: at a glance, and with all there is."""

import math

from report.compare import DIGITS
from report.groups import Row, mean_deviation, ratio
from report.readings import WANTED, forms, full_name
from report.runs import EXPERIMENTS, UNIT

NOTHING = "–"
HERE = ["Seeds", "Epochs", "s/epoch", "Ratio", "Device"]
# Key in published.yaml: title, experiment, whether regularised, the paper's figure.
TABLES = {
    "table_1": ("Table 1: Penn Treebank, validation", "ptb", False, "valid_bpc"),
    "table_2": ("Table 2: Penn Treebank, test", "ptb", True, "test_bpc"),
    "table_3": ("Table 3: DRAW on binarized MNIST, test", "draw", False, "test_nll"),
}
NOTES = {
    "table_2": "The whole test text as one sequence, by the best validation epoch.",
    "table_3": "The published figure of layer_norm is Ba et al.'s own, and the run "
    "here is the released code's, which normalises the cell only. The published figure "
    "of norm_prop most likely comes from the released form, so it stands beside both.",
}


class Line:
    """A row of a published table: the paper's figure, and the runs beside it.

    Parameters
    ----------
    table : str
        One of :data:`TABLES`.
    name : str
    figures : dict
        What the paper reports, empty if nothing.
    runs : list of report.runs.Run or None
        Those of one model and reading; None if the archive does not have the model.
    """

    def __init__(self, table, name, figures, runs):
        _, experiment, regularised, figure = TABLES[table]
        self.name, self.runs = name, runs
        self.there, self.seconds = figures.get(figure), figures.get("seconds_per_epoch")
        self.digits = DIGITS[experiment]
        self.row = Row(runs) if runs else None
        self.partial = bool(runs) and not self.row.full
        scores = [r.sequence_score if regularised else r.score() for r in runs or []]
        self.scores = [score for score in scores if score is not None]
        self.value = self.deviation = None
        if self.scores:
            self.value, self.deviation = mean_deviation(self.scores)

    @property
    def published(self):
        return NOTHING if self.there is None else f"{self.there:.{self.digits}f}"

    @property
    def obtained(self):
        if not self.scores:
            return "not scored yet" if self.runs else NOTHING
        return score(self.value, self.deviation, self.digits)

    @property
    def difference(self):
        """Obtained less published; in parentheses of runs that are partial."""
        words = difference(self.value, self.there, self.digits)
        return f"({words})" if self.partial and words != NOTHING else words

    @property
    def epochs(self):
        if self.partial:
            return f"after {self.row.epochs} of {self.row.published_epochs} epochs"
        if self.runs is None:
            return "not a model here"
        return epochs(self.row) if self.runs else "not begun"


def table_lines(name, table, kind):
    """Lines of a published table.

    Returns
    -------
    lines : list of Line
        The paper's rows, those of norm_prop once for each form.
    others : list of Line
        For the runs that are in none of these.
    """
    _, experiment, regularised, figure = TABLES[name]
    lines = []
    for model, figures in table.items():
        if not isinstance(figures, dict):
            continue
        if model not in EXPERIMENTS[experiment].MODELS:
            lines.append(Line(name, model, figures, None))
            continue
        runs = {v: kind.of(model, v) if kind else [] for v in forms(experiment, model)}
        wanted = (*WANTED[experiment], ())
        if regularised and not any(runs.values()):
            # Any of the forms will do.
            lines.append(Line(name, model, figures, []))
        for variation, these in runs.items():
            if these or (variation in wanted and not regularised):
                title = full_name(experiment, model, variation)
                lines.append(Line(name, title, figures, these))
    shown = {run for line in lines for run in line.runs or []}
    others = [
        Line(name, row.name, {}, row.runs)
        for row in (kind.rows() if kind else ())
        if not shown & set(row.runs)
    ]
    return lines, others


def published_figure(published, experiment, model):
    """What Table 1 or 3 reports of a model."""
    name = {"ptb": "table_1", "draw": "table_3"}[experiment]
    return published[name][model][TABLES[name][-1]]


def published_kind(kinds, name):
    """The kind of the published experiment of a table, None without runs."""
    _, experiment, regularised, _ = TABLES[name]
    for kind in kinds:
        same = (kind.experiment, kind.regularised) == (experiment, regularised)
        if kind.published and same:
            return kind
    return None


def full_runs(kinds, published):
    """The full runs that stand beside a figure of the paper."""
    return {
        run
        for name in TABLES
        for line in table_lines(name, published[name], published_kind(kinds, name))[0]
        for run in line.runs or []
        if run.full
    }


def glance(document, published, kinds):
    """All rows of the three tables: what is there so far."""
    rows, marked = [], set()
    for name, (title, experiment, *_) in TABLES.items():
        rows.append(f"{title}, {UNIT[experiment]}")
        for line in table_lines(name, published[name], published_kind(kinds, name))[0]:
            if line.partial:
                marked.add(len(rows))
            rows.append(
                [line.name, line.published, line.obtained, line.difference]
                + [line.epochs]
            )
    header = ["", "Published", "Obtained", "Difference", "Epochs"]
    document.table("", header, rows, marked, look="glance")


def published_table(document, name, published, kind):
    """One table with all columns, and below the paper's rows the runs beside them."""
    title, experiment, _, _ = TABLES[name]
    document.heading(title, 3)
    table = published[name]
    base = table.get("baseline", {}).get("seconds_per_epoch")
    lines, others = table_lines(name, table, kind)
    rows, marked = [], set()
    for line in lines + others:
        if line.partial:
            marked.add(len(rows))
        cells = [line.name, line.published, line.obtained, line.difference]
        cells += (
            machine(line.row, kind)
            if line.row
            else [NOTHING, line.epochs] + [NOTHING] * (len(HERE) - 2)
        )
        if base and line.seconds:
            cells += [str(line.seconds), times(line.seconds / base)]
        elif base:
            cells += [NOTHING, NOTHING]
        rows.append(cells)
    unit = UNIT[experiment]
    header = ["", f"Published, {unit}", f"Obtained, {unit}", "Difference", *HERE]
    if base:
        header += ["s/epoch, published", "Ratio, published"]
    document.table(table["caption"], header, rows, marked)
    if name in NOTES:
        document.note(NOTES[name])


def score(mean, deviation, digits):
    """``mean ± deviation``, the latter where there is one."""
    if mean != mean:
        return "diverged"
    spread = f" ± {deviation:.{digits}f}" if deviation is not None else ""
    return f"{mean:.{digits}f}{spread}"


def difference(here, there, digits):
    """``here - there`` with its sign; nothing where one is missing."""
    if None in (here, there) or math.isnan(here - there):
        return NOTHING
    return f"{here - there:+.{digits}f}".replace("-", "−")


def times(value):
    return NOTHING if value is None else f"{value:.2f}"


def epochs(row):
    """Epochs done, and of full runs the best; runs that are not full say so.

    ``50 of 50, best 41``, or ``ended after 23, best 15`` if by patience; with a number
    for each seed where they differ.
    """
    if not row.full:
        words = f"{row.epochs} of {row.published_epochs}"
        return words if row.complete else f"**partial** {words}"
    done, best = (
        ", ".join(map(str, numbers if len(set(numbers)) > 1 else numbers[:1]))
        for numbers in (
            [len(run.rows) for run in row.runs],
            [run.best_epoch for run in row.runs],
        )
    )
    if done == str(row.published_epochs):
        return f"{done} of {done}, best {best}"
    return f"ended after {done}, best {best}"


def machine(row, kind):
    """The last columns of every table: see :data:`HERE`."""
    return [
        ", ".join(map(str, row.seeds)),
        epochs(row),
        f"{row.seconds:.3g}" if row.seconds < 100 else f"{row.seconds:.0f}",
        times(ratio(row, kind)),
        "; ".join(row.devices),
    ]
