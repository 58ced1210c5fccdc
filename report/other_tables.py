"""Tables of what is not in the paper: other sizes, other readings, and the ladder."""

from functools import partial

from experiments.gammas import GAMMAS, NAMES
from report.compare import DIGITS, Comparison, after, scores
from report.groups import mean_deviation
from report.readings import (
    EARLY,
    PLAIN,
    REFERENCE,
    VARIATIONS,
    forms,
    raised_gammas,
    reading,
)
from report.runs import UNIT
from report.tables import (
    HERE,
    NOTHING,
    difference,
    epochs,
    machine,
    published_figure,
    score,
)


def other_runs(document, published, kind):
    """A table of runs that are not of the published size, by themselves."""
    experiment = kind.experiment
    digits, unit = DIGITS[experiment], UNIT[experiment]
    figure = partial(published_figure, published, experiment)
    baselines = kind.of("baseline")
    lines, marked = [], set()
    for row in kind.rows():
        if row.variation not in forms(experiment, row.model) and kind.compared:
            continue  # it is in the table of readings
        if not row.complete:
            marked.add(len(lines))
        less = None
        if baselines and len(baselines[0].rows) >= row.epochs:
            less = Comparison(baselines, row.runs).lead
        line = [row.name, score(row.mean, row.deviation, digits)]
        line.append(difference(less, 0, digits))
        if not kind.sample:
            line.append(difference(figure(row.model), figure("baseline"), digits))
        if kind.regularised:
            scored = [run.sequence_score for run in row.runs]
            done = None not in scored
            line.append(score(*mean_deviation(scored), 3) if done else "not scored yet")
        lines.append(line + machine(row, kind))
    where = "validation" if experiment == "ptb" else "test, last epoch"
    header = ["", f"{unit}, {where}", "Less the baseline"]
    if not kind.sample:
        header.append("The same, published")
    if kind.regularised:
        header.append("Test, one sequence")
    document.table(f"{kind.title}: {kind.words}", header + HERE, lines, marked)


def readings(document, kind):
    """The runs of a kind that differ in how the paper is read, beside the reference's.

    Returns
    -------
    bool
        Whether there are any.
    """
    if not kind.compared:
        return False
    digits, unit = DIGITS[kind.experiment], UNIT[kind.experiment]
    lines, marked = [], set()
    for row in kind.rows():
        reference = kind.of(row.model)
        # The ablation that leaves the compensation out is all but weight_norm.
        if row.model not in {*kind.compared, "weight_norm"}:
            continue
        if not row.complete:
            marked.add(len(lines))
        words = reading(kind.experiment, row.model, row.variation)
        line = [row.model, words or "the reference"]
        line.append(score(row.mean, row.deviation, digits))
        less = None
        if reference and row.variation:
            less = Comparison(reference, row.runs).lead
        line += [difference(less, 0, digits), ", ".join(map(str, row.seeds))]
        lines.append([*line, epochs(row)])
    header = ["", "Reading", unit, "Less the reference's, after as many epochs"]
    header += ["Seeds", "Epochs"]
    document.table(f"{kind.title}: {kind.words}", header, lines, marked)
    return True


def rungs(experiment, softmax):
    """Steps from weight_norm to norm_prop: (model, variation, what the step adds)."""
    reference = REFERENCE[experiment]["compensation"]
    ours = GAMMAS[experiment]["norm_prop"]
    raised = {name: ours[name] for name in ("gamma_x", "gamma_h")}
    steps = [
        ("weight_norm", (), gamma_words(GAMMAS[experiment]["weight_norm"])),
        ("weight_norm", raised_gammas(experiment), gamma_words(raised)),
    ]
    steps = [(model, variation, f"gammas {what}") for model, variation, what in steps]
    for value, what in (
        ("none", f"gamma_c {ours['gamma_c']:g}"),
        ("paper", "division as in eq. 13-15"),
        ("released", "division as released, in its place"),
        (EARLY[1], "division as in the early code, in its place"),
    ):
        variation = () if value == reference else (("compensation", value),)
        steps.append(("norm_prop", variation, what))
    order = VARIATIONS.index
    return [
        (model, tuple(sorted(variation + softmax, key=lambda v: order(v[0]))), what)
        for model, variation, what in steps
    ]


def gamma_words(gammas):
    """``2, 2, 1``, in the order of :data:`experiments.gammas.NAMES`."""
    values = [gammas.get(name) for name in NAMES]
    return ", ".join(f"{value:g}" for value in values if value is not None)


def ladder(document, kind):
    """What each step from weight_norm to norm_prop gains.

    A table for each softmax layer, where there are runs of three steps at least.

    Returns
    -------
    bool
        Whether there is any.
    """
    softmaxes = ((), (PLAIN,)) if kind.experiment == "ptb" else ((),)
    shown = [step_table(document, kind, softmax) for softmax in softmaxes]
    return any(shown)


def step_table(document, kind, softmax):
    steps = rungs(kind.experiment, softmax)
    groups = [kind.of(model, variation) for model, variation, _ in steps]
    there = [runs for runs in groups if runs]
    if len(there) < 3:
        return False
    figures, done = scores(*there)
    figures, digits = iter(figures), DIGITS[kind.experiment]
    lines, before, missing = [], None, 0
    for (model, _, what), runs in zip(steps, groups):
        line = [f"{model}: {what}"]
        if not runs:
            missing += 1
            lines.append([*line, "no run", NOTHING, NOTHING])
            continue
        mean, deviation = mean_deviation(next(figures))
        words = difference(mean, before, digits)
        if missing and before is not None:
            words += f" in {missing + 1} steps"
        seeds = ", ".join(str(run.seed) for run in runs)
        lines.append([*line, score(mean, deviation, digits), words, seeds])
        before, missing = mean, 0
    when = after(there[0][0], done) if done else "at the end"
    layer = ""
    if kind.experiment == "ptb":
        layer = ", plain softmax" if softmax else ", normalised softmax"
    header = ["", UNIT[kind.experiment], "Less the step before", "Seeds"]
    document.table(f"{kind.title}: {kind.words}{layer}, {when}", header, lines)
    return True
