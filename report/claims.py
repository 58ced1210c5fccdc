"""What the paper's abstract and conclusions claim, and what the runs say of it.

A verdict is given only on runs of the published size, all of which went to their end,
on both sides; and, of the time of an epoch, on runs of the published size.
"""

import math
from statistics import mean

from report.compare import DIGITS, Comparison
from report.groups import seconds
from report.measured_claims import gradient_kept, variance_kept
from report.other_tables import gamma_words
from report.readings import forms, raised_gammas, reading
from report.tables import NOTHING, published_figure, score

# Two means differ if they do by more than this many standard errors.
ERRORS = 2.0
# Times as long that the other takes: from here on the claim of 30% is met, and below
# this it is not faster at all.
FASTER, AS_FAST = 1.25, 1.05
AGREES, CONTRADICTS = "**agrees**", "**contradicts the claim**"
NO_RUNS = "No runs yet."
HEADER = ["norm_prop", "Beside", "Figures", "norm_prop is", "Verdict"]


def all_claims(kinds, published, variances, gradients):
    """Return (claim, sentences, rows of a table under :data:`HEADER`) for each."""
    real = [kind for kind in kinds if not kind.sample and not kind.regularised]
    ptb = [kind for kind in real if kind.experiment == "ptb"]
    others = ("batch_norm", "layer_norm")

    def similar(kind, pair):
        """What lies between the two in the paper itself counts as similar."""
        here, there = (
            published_figure(published, kind.experiment, runs[0].model)
            for runs in pair.runs
        )
        return better(kind, pair, abs(there - here))

    claims = [
        (
            "The variance of the hidden states and the cells is kept over time.",
            variance_kept(variances),
            [],
        ),
        (
            "The ratio of gamma_h to gamma_x decides how much of the gradient is kept: "
            "it vanishes more where gamma_x is the larger (section 4.2).",
            gradient_kept(gradients),
            [],
        ),
        (
            "Norm Prop converges faster than the baseline.",
            [],
            pairs(real, faster_convergence, "baseline"),
        ),
        (
            "Norm Prop does better than weight normalisation.",
            [],
            pairs(real, better, "weight_norm"),
        ),
        (
            "Norm Prop performs similarly to batch and layer normalisation, or better.",
            [],
            pairs(real, similar, *others),
        ),
        (
            "Norm Prop is about 30% faster than batch and layer normalisation.",
            [published_times(published["table_1"], others)],
            pairs(ptb, faster, *others),
        ),
    ]
    return [
        (claim, words if words or lines else [NO_RUNS], lines)
        for claim, words, lines in claims
    ]


def pairs(kinds, judge, *models):
    """For each kind its name, and a line for each form of norm_prop and other model."""
    lines = []
    for kind in kinds:
        ours = [kind.of("norm_prop", v) for v in forms(kind.experiment, "norm_prop")]
        of_kind = [
            [*sides(runs, theirs), *cells]
            for model in models
            for theirs in opponents(kind, model)
            for runs in ours
            if runs
            for cells in judge(kind, Comparison(runs, theirs))
        ]
        if of_kind:
            size = "" if kind.published else "; not the paper's experiment, no verdict"
            lines += [f"{kind.label}{size}", *of_kind]
    return lines


def opponents(kind, model):
    """Groups of runs that norm_prop is compared with.

    Of weight_norm those with gammas of its own, and those with norm_prop's.
    """
    variations = [()]
    if model == "weight_norm":
        variations.append(raised_gammas(kind.experiment))
    groups = [kind.of(model, variation) for variation in variations]
    return [runs for runs in groups if runs]


def sides(ours, theirs):
    """Name both sides, and what they differ in beside the normalisation."""
    run, other = ours[0], theirs[0]
    names = [reading(run.experiment, run.model, run.variation), other.model]
    if other.model == "weight_norm":
        names[0] += f", gammas {gamma_words(run.gammas)}"
        whose = "norm_prop's" if other.variation else "its own"
        names[1] += f", gammas {gamma_words(other.gammas)}, {whose}"
    if run.experiment == "ptb" and run.plain_softmax != other.plain_softmax:
        layers = ["plain" if r.plain_softmax else "normalised" for r in (run, other)]
        names[0] += "" if run.plain_softmax else f", {layers[0]} softmax"
        names[1] += f", {layers[1]} softmax"
    return names


def verdict(pair, margin=0.0):
    """Whether the first is better, or worse by no more than `margin`, if known."""
    if math.isnan(pair.lead):
        return "**not comparable**"
    word = AGREES if pair.lead > -margin else CONTRADICTS
    if one_seed(pair):
        return word + one_seed(pair)
    counts = map(len, pair.runs)
    error = math.sqrt(sum(d**2 / n for d, n in zip(pair.deviations, counts)))
    errors = f"{ERRORS:.0f} standard errors ({error:.3f})"
    if abs(pair.lead + margin) <= ERRORS * error:
        return f"**undecided**, within {errors}"
    return f"{word}, beyond {errors}"


def one_seed(pair):
    """Say so where the spread over the seeds is not known."""
    counts = [len(runs) for runs in pair.runs]
    if min(counts) > 1:
        return ""
    return ", one seed each" if max(counts) == 1 else ", one seed on one side"


def no_verdict(kind):
    return "none yet" if kind.published else NOTHING


def figures(pair):
    """``1.705 ± 0.004, 1.829 ± 0.002``."""
    digits = DIGITS[pair.runs[0][0].experiment]
    sides = zip(pair.means, pair.deviations)
    return ", ".join(score(*side, digits) for side in sides)


def better(kind, pair, margin=0.0):
    word = verdict(pair, margin) if pair.full else no_verdict(kind)
    if pair.full and -margin < pair.lead <= 0:
        word += f"; up to {margin:.{DIGITS[kind.experiment]}f} behind counts as similar"
    return [[figures(pair), pair.words, word]]


def faster_convergence(kind, pair):
    """Compare the curves epoch by epoch, and by when the other's last is reached."""
    ours, theirs = pair.runs
    common = min(len(run.rows) for runs in pair.runs for run in runs)
    own = min(len(run.rows) for run in ours) if pair.full else common

    def curve(runs, length):
        # A test bound at an epoch, or the best validation figure up to it.
        return [mean(run.score(e) for run in runs) for e in range(1, length + 1)]

    curves = curve(ours, own), curve(theirs, common)
    if not all(map(math.isfinite, sum(curves, []))):
        word = "**not comparable**" if pair.full else no_verdict(kind)
        return [[figures(pair), pair.words, word]]
    ahead = sum(a < b for a, b in zip(*curves))
    reached = [e for e, value in enumerate(curves[0], 1) if value <= pair.means[1]]
    words = (
        f"{pair.words}; ahead in {ahead} of {common} epoch{'s' if common > 1 else ''}"
    )
    words += (
        f"; reaches the other's figure in epoch {reached[0]}"
        if reached
        else "; does not reach the other's figure"
    )
    word = {0: CONTRADICTS, common: AGREES}.get(ahead, "**mixed**") + one_seed(pair)
    return [[figures(pair), words, word if pair.full else no_verdict(kind)]]


def published_times(table, others):
    ours = table["norm_prop"]["seconds_per_epoch"]
    words = [
        f"{other} takes {table[other]['seconds_per_epoch'] / ours:.2f} times as long"
        for other in others
    ]
    return f"In the paper's own table: {', '.join(words)}."


def faster(kind, pair):
    """The time of an epoch, on the devices that both models ran on."""
    lines = []
    devices = [{run.device for run in runs} for runs in pair.runs]
    for device in sorted(set.intersection(*devices)):
        groups = [[run for run in runs if run.device == device] for runs in pair.runs]
        times = [mean(map(seconds, runs)) for runs in groups]
        counts = [sum(len(run.rows) for run in runs) for runs in groups]
        factor = times[1] / times[0]
        word = AGREES if factor >= FASTER else "**less than claimed**"
        if factor < AS_FAST:
            word = CONTRADICTS
        words = f"{factor:.2f} times as fast on {device}"
        epochs = f"by {counts[0]} and {counts[1]} epochs"
        shown = ", ".join(f"{time:.0f} s" for time in times)
        lines.append(
            [shown, words, f"{word}, {epochs}" if kind.published else no_verdict(kind)]
        )
    return lines
