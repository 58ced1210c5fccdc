"""What the paper's abstract and conclusions claim, and what the runs say of it.

A verdict is given only on runs of the published size, all of which went to their end,
on both sides. It names what the sides differ in beside the normalisation.
"""

import math
from operator import attrgetter

import numpy

from experiments.gammas import NAMES
from report.compare import Comparison
from report.experiment import PUBLISHED
from report.tables import rescored

# Two means differ if they do by more than this many standard errors.
ERRORS = 2.0
AGREES, CONTRADICTS = "**agrees**", "**contradicts the claim**"
NOT_COMPARABLE = "**not comparable**"


def claim(document, evidence, judge, *models):
    """The runs of norm_prop beside those of other models, as one of these judges them.

    For each kind its name, and a row for each form of norm_prop and other model.

    Parameters
    ----------
    judge : {'faster_convergence', 'better', 'similar'}
    *models : str
    """
    rows = []
    for kind in filter(attrgetter("real"), evidence.kinds):
        forms = [kind.of("norm_prop", v) for v in kind.experiment.forms]
        # Of weight_norm those with gammas of its own, and those with norm_prop's.
        raised = [kind.experiment.raised_gammas()]
        others = [
            kind.of(model, variation)
            for model in models
            for variation in [(), *raised * (model == "weight_norm")]
        ]
        pairs = [compared(o, t) for t in others for o in forms if o and t]
        judged = [(pair, cells) for pair in pairs for cells in JUDGES[judge](pair)]
        size = "" if kind.published else "; not the paper's experiment, no verdict"
        rows += [f"{kind.label}{size}"] * bool(judged)
        nothing = "none yet" if kind.published else None
        for pair, (*words, verdict) in judged:
            rows.append([*sides(pair), *words, verdict or nothing])
    if rows:
        header = ["norm_prop", "Beside", "Figures", "norm_prop is", "Verdict"]
        document.table("", header, rows, look="texts flowing")
    else:
        document.listing(["No runs yet."])


def compared(ours, theirs):
    """Two groups; at their end batch_norm has the figure that Table 1 reports."""
    pair = Comparison(ours, theirs)
    for row in rescored(theirs):
        if pair.full and row.scored == "exact_score" and row.score()[0] is not None:
            return Comparison(ours, row)
    return pair


def differences(pair):
    """What the sides differ in beside the normalisation: its words for each side."""
    words = {"gammas": [], "softmax layers": []}
    for side in pair.sides:
        run = side.runs[0]
        gammas = [f"{run.gammas[name]:g}" for name in NAMES if name in run.gammas]
        words["gammas"] += [f"gammas {', '.join(gammas)}"] if gammas else []
        layer = "plain" if run.plain_softmax else "normalised"
        words["softmax layers"].append(f"{layer} softmax")
    return {name: both for name, both in words.items() if len(set(both)) > 1}


def sides(pair):
    """Name both sides, and what they differ in."""
    ours, theirs = pair.sides
    # Of weight_norm the variation is the gammas, which are named anyway.
    names = [ours.reading, theirs.model if theirs.variation else theirs.name]
    for words in differences(pair).values():
        names = [n if w in n else f"{n}, {w}" for n, w in zip(names, words)]
    return names


def qualified(word, pair):
    """A verdict, and what it stands on: one seed, or sides that differ in more."""
    counts = [len(side.runs) for side in pair.sides]
    if min(counts) == 1:
        word += ", one seed each" if max(counts) == 1 else ", one seed on one side"
    differing = " and ".join(differences(pair))
    return f"{word}; {differing} differ too" if differing else word


def figures(pair):
    """``1.705 ± 0.004, 1.829 ± 0.002``."""
    return ", ".join(map(pair.experiment.shown, pair.means, pair.deviations))


def better(pair, margin=0.0):
    """Whether the first is better, or worse by no more than `margin`, if known."""
    word = AGREES if pair.lead > -margin else CONTRADICTS
    if None not in pair.deviations:
        counts = [len(side.runs) for side in pair.sides]
        error = math.hypot(*(pair.deviations / numpy.sqrt(counts)))
        known = abs(pair.lead + margin) > ERRORS * error
        word = f"{word}, beyond" if known else "**undecided**, within"
        word += f" {ERRORS:.0f} standard errors ({error:.3f})"
    word = NOT_COMPARABLE if math.isnan(pair.lead) else qualified(word, pair)
    if -margin < pair.lead <= 0:
        word += f"; up to {pair.experiment.shown(margin)} behind counts as similar"
    return [[figures(pair), pair.words, word if pair.full else None]]


def similar(pair):
    """What lies between the two in the paper itself counts as similar."""
    here, there = (side.experiment.paper(side.model) for side in pair.sides)
    return better(pair, abs(there - here))


def faster_convergence(pair):
    """Compare the curves epoch by epoch, and by when the other's last is reached."""
    common = min(side.epochs for side in pair.sides)
    lengths = pair.ours.epochs if pair.full else common, common
    ours, theirs = (
        numpy.mean([run.scores[:length] for run in side.runs], axis=0)
        for side, length in zip(pair.sides, lengths)
    )
    words, word = pair.words, NOT_COMPARABLE
    if numpy.isfinite(ours).all() and numpy.isfinite(theirs).all():
        ahead = int((ours[:common] < theirs).sum())
        reached = numpy.flatnonzero(ours <= pair.means[1]) + 1
        words += f"; ahead in {ahead} of {common} epoch{'s' if common > 1 else ''}"
        if reached.size:
            words += f"; reaches the other's figure in epoch {reached[0]}"
        else:
            words += "; does not reach the other's figure"
        word = {0: CONTRADICTS, common: AGREES}.get(ahead, "**mixed**")
        word = qualified(word, pair)
    return [[figures(pair), words, word if pair.full else None]]


def published_times(document, evidence, *models):
    table = PUBLISHED["table_1"]
    ours, *times = (table[m]["seconds_per_epoch"] for m in ("norm_prop", *models))
    words = [f"{m} takes {t / ours:.2f} times as long" for m, t in zip(models, times)]
    document.listing([f"In the paper's own table: {', '.join(words)}."])


JUDGES = {f.__name__: f for f in (faster_convergence, better, similar)}
