"""Tables of what is not in the paper: other sizes, other readings, and the ladder."""

from dataclasses import replace
from operator import attrgetter

from experiments.gammas import GAMMAS
from report.compare import Comparison, common_epochs
from report.experiment import DRAW, EARLY, PLAIN, PTB, REGULARISED
from report.tables import MACHINE, rescored


def incomplete(group):
    return not group.complete


def other_runs(document, evidence):
    """For each kind that is not of the published size a table by itself."""
    for kind in evidence.kinds:
        # The others are in the table of readings.
        rows = [
            row
            for group in kind.groups()
            if group.variation in kind.experiment.forms_of(group.model)
            or not kind.compared
            for row in rescored(group)
        ]
        if kind.published or not rows:
            continue
        where = "test, last epoch" if kind.experiment is DRAW else "validation"
        columns = {
            "": lambda group: group.name,
            f"{kind.experiment.unit}, {where}": lambda group: group.obtained,
            "Less the baseline": less_the_baseline,
        }
        if kind.real:
            columns["The same, published"] = published_less_the_baseline
        if kind.experiment is REGULARISED:
            columns["Test, one sequence"] = lambda group: replace(
                group, scored="sequence_score"
            ).obtained
        document.table(kind.label, {**columns, **MACHINE}, rows, incomplete)


def less(group, other):
    return group.experiment.difference(Comparison(other, group).lead, 0)


def less_the_baseline(group):
    baseline = group.kind.of("baseline")
    known = baseline.epochs >= group.epochs and not group.scored
    return less(group, baseline) if known else None


def published_less_the_baseline(group):
    published = group.experiment.paper
    return group.experiment.difference(published(group.model), published("baseline"))


def readings(document, evidence):
    """The runs of a kind that read the paper otherwise, beside the reference's."""
    for kind in evidence.kinds:
        columns = {
            "": lambda group: group.model,
            "Reading": lambda group: group.reading or "the reference",
            kind.experiment.unit: lambda group: group.obtained,
            "Less the reference's, after as many epochs": less_the_reference,
            "Seeds": MACHINE["Seeds"],
            "Epochs": MACHINE["Epochs"],
        }
        # The ablation that leaves the compensation out is all but weight_norm.
        models = {*kind.compared, "weight_norm"} if kind.compared else ()
        rows = [group for group in kind.groups() if group.model in models]
        if rows:
            document.table(kind.label, columns, rows, incomplete)


def less_the_reference(group):
    reference = group.kind.of(group.model)
    return less(group, reference) if reference and group.variation else None


# The step of the ladder from which on each stands in the place of the others.
DIVISION = 3


def rungs(experiment):
    """Yield the steps from weight_norm to norm_prop: model, what it is, variation."""
    ours, theirs = (GAMMAS[experiment.name][m] for m in ("norm_prop", "weight_norm"))
    for gammas, variation in ((theirs, ()), (ours, experiment.raised_gammas())):
        what = "gammas {gamma_x:g}, {gamma_h:g}".format(**gammas)
        yield "weight_norm", what, variation
    for value, what in (
        ("none", f"gamma_c {ours['gamma_c']:g}"),
        ("paper", "division as in eq. 13-15"),
        ("released", "division as released, in its place"),
        (EARLY[1], "division as in the early code, in its place"),
    ):
        reference = value == experiment.reference["compensation"]
        yield "norm_prop", what, () if reference else (("compensation", value),)


def ladders(document, evidence):
    """What each step from weight_norm to norm_prop gains.

    A table for each kind and softmax layer, where there are runs of three steps at
    least.
    """
    for kind in filter(attrgetter("real"), evidence.kinds):
        layers = {"": ()}
        if kind.experiment is PTB:
            layers = {", normalised softmax": (), ", plain softmax": (PLAIN,)}
        for layer, softmax in layers.items():
            ladder(document, kind, layer, softmax)


def ladder(document, kind, layer, softmax):
    experiment = kind.experiment
    steps = [
        (f"{model}: {what}", kind.of(model, variation + softmax))
        for model, what, variation in rungs(experiment)
    ]
    there = [group for _, group in steps if group]
    if len(there) < 3:
        return
    epochs = common_epochs(there)
    rows, before = [], None
    for step, (name, group) in enumerate(steps):
        if not group:
            rows.append([name, "no run", None, None])
            continue
        mean, deviation = group.score(epochs)
        # The divisions are alternatives, and of one height.
        height, words = min(step, DIVISION), None
        if before:
            words = experiment.difference(mean, before[1])
            if words and height - before[0] > 1:
                words += f" in {height - before[0]} steps"
        rows.append([name, experiment.shown(mean, deviation), words, group.seeds])
        before = height, mean
    when = there[0].after(epochs) if epochs else "at the end"
    header = ["", experiment.unit, "Less the step before", "Seeds"]
    document.table(f"{kind.label}{layer}, {when}", header, rows)
