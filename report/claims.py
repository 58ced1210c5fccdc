"""What the paper's abstract and conclusions claim, and what the runs say of it."""

import math
from statistics import mean

from report.groups import mean_deviation, seconds, variation_name
from report.runs import UNIT
from report.tables import DIGITS, PAPER_FORM, epoch_words, score

FORMS = ((), PAPER_FORM)
NO_RUNS = "No runs yet."
# Two means differ if they do by more than this many standard errors.
ERRORS = 2.0
# Times as long that the other takes: from here on the claim of 30% is met, and below
# this it is not faster at all.
FASTER, AS_FAST = 1.25, 1.05
# Var[h_t] that counts as kept, and the steps that it may take to get there.
KEPT, SETTLED = (0.8, 1.25), 9


def all_claims(kinds, published, variances, gradients):
    """Return (claim, list of findings) for each claim, findings as sentences."""
    real = [kind for kind in kinds if not kind.sample and not kind.regularised]
    ptb = [kind for kind in real if kind.experiment == "ptb"]
    return [
        (
            "The variance of the hidden states and the cells is kept over time.",
            variance_kept(variances),
        ),
        (
            "The ratio of gamma_h to gamma_x decides how much of the gradient is kept: "
            "it vanishes more where gamma_x is the larger (section 4.2).",
            gradient_kept(gradients),
        ),
        (
            "Norm Prop converges faster than the baseline.",
            each(real, faster_convergence),
        ),
        (
            "Norm Prop does better than weight normalisation.",
            each(real, better_than, "weight_norm"),
        ),
        (
            "Norm Prop performs similarly to batch and layer normalisation, or better.",
            each(real, better_than, "batch_norm", "layer_norm"),
        ),
        (
            "Norm Prop is about 30% faster than batch and layer normalisation.",
            [published_times(published["table_1"])]
            + each(ptb, faster_than, "batch_norm", "layer_norm"),
        ),
    ]


def each(kinds, finding, *others):
    """Findings of all kinds that have the runs for it, against each other model."""
    found = [
        (kind, finding(kind, variation, *other))
        for kind in kinds
        for variation in forms(kind)
        for other in ([(model,) for model in others] or [()])
    ]
    return [f"{label(kind)}: {words}" for kind, words in found if words] or [NO_RUNS]


def label(kind):
    what = "Penn Treebank" if kind.experiment == "ptb" else "DRAW"
    full = all(row.full for row in kind.rows())
    partial = ", **not all runs of full length**" if kind.published and not full else ""
    return f"{what}, {kind.words}{partial}"


def forms(kind):
    """The forms of norm_prop to judge: in DRAW the released one comes first."""
    return FORMS if kind.experiment == "draw" else FORMS[:1]


def scores(kind, variation, other):
    """Scores of norm_prop and of another model after as many epochs, or None.

    Returns
    -------
    first, second : list of float
    epochs : int
    """
    runs = kind.of("norm_prop", variation), kind.of(other)
    if not all(runs):
        return None
    epochs = min(len(run.rows) for group in runs for run in group)
    return (
        [run.score(epochs) for run in runs[0]],
        [run.score(epochs) for run in runs[1]],
        epochs,
    )


def verdict(first, second):
    """Whether the first scores are lower, judged by the spread over the seeds."""
    (a, spread_a), (b, spread_b) = mean_deviation(first), mean_deviation(second)
    if not (math.isfinite(a) and math.isfinite(b)):
        return "**not comparable**, for a run diverged"
    word = "agrees" if a < b else "contradicts the claim"
    if spread_a is None or spread_b is None:
        return f"**{word}**, but not every model has more than one seed"
    error = math.sqrt(spread_a**2 / len(first) + spread_b**2 / len(second))
    if abs(a - b) <= ERRORS * error:
        return f"**undecided**: within {ERRORS:.0f} standard errors ({error:.3f})"
    return f"**{word}**, beyond {ERRORS:.0f} standard errors ({error:.3f})"


def better_than(kind, variation, other):
    found = scores(kind, variation, other)
    if not found:
        return None
    first, second, epochs = found
    digits, unit = DIGITS[kind.experiment], UNIT[kind.experiment]
    return (
        f"{variation_name('norm_prop', variation)} "
        f"{score(*mean_deviation(first), digits)} {unit}, {other} "
        f"{score(*mean_deviation(second), digits)}, after {epoch_words(epochs)}: "
        f"{verdict(first, second)}."
    )


def faster_convergence(kind, variation):
    """Compare the curves epoch by epoch, and by when the baseline's last is reached."""
    found = scores(kind, variation, "baseline")
    if not found:
        return None
    epochs = found[2]

    def curve(model, variation=()):
        runs = kind.of(model, variation)
        # A test bound at an epoch, or the best validation figure up to it.
        return [mean(run.score(e) for run in runs) for e in range(1, epochs + 1)]

    ours, theirs = curve("norm_prop", variation), curve("baseline")
    if not all(map(math.isfinite, ours + theirs)):
        return "**not comparable**, for a run diverged."
    ahead = sum(a < b for a, b in zip(ours, theirs))
    word = {0: "contradicts the claim", epochs: "agrees"}.get(ahead, "mixed")
    reached = [e for e, value in enumerate(ours, start=1) if value <= theirs[-1]]
    when = (
        f"it reaches the baseline's last figure in epoch {reached[0]}"
        if reached
        else "it does not reach the baseline's last figure"
    )
    digits, unit = DIGITS[kind.experiment], UNIT[kind.experiment]
    name = variation_name("norm_prop", variation)
    return (
        f"after the first epoch {name} {ours[0]:.{digits}f} {unit}, baseline "
        f"{theirs[0]:.{digits}f}; ahead after {ahead} of {epoch_words(epochs)}; "
        f"{when}: **{word}**."
    )


def published_times(table):
    ours = table["norm_prop"]["seconds_per_epoch"]
    words = [
        f"{other} takes {table[other]['seconds_per_epoch'] / ours:.2f} times as long"
        for other in ("batch_norm", "layer_norm")
    ]
    return f"In the paper's own table: {', '.join(words)}."


def faster_than(kind, variation, other):
    """The time of an epoch, on the devices that both models ran on."""
    found = []
    ours, theirs = kind.of("norm_prop", variation), kind.of(other)
    for device in sorted({run.device for run in ours} & {run.device for run in theirs}):
        times = [
            mean(seconds(run) for run in runs if run.device == device)
            for runs in (theirs, ours)
        ]
        factor = times[0] / times[1]
        word = "agrees" if factor >= FASTER else "less than claimed"
        if factor < AS_FAST:
            word = "contradicts the claim"
        found.append(
            f"{other} takes {factor:.2f} times as long on {device}: **{word}**"
        )
    return "; ".join(found) + "." if found else None


def variance_kept(variances):
    """Judge the variances that ``./reproduce figures`` measured."""
    if not variances:
        return ["Not measured yet: `./reproduce figures` does."]
    found = []
    for curve in variances["curves"]:
        if curve["model"] != "norm_prop":
            continue
        states = curve["states"]
        # The states start at zero, so that the first steps are a transient.
        low, high = min(states[SETTLED:]), max(states[SETTLED:])
        word = (
            "agrees" if KEPT[0] <= low and high <= KEPT[1] else "contradicts the claim"
        )
        found.append(
            f"{curve['when'].capitalize()} ({curve['source']}): Var[h_t] is "
            f"{states[0]:.2f} at step 1 and between {low:.2f} and {high:.2f} from step "
            f"{SETTLED + 1} to {len(states)}; Var[c_t] is {curve['cells'][-1]:.2f} at "
            f"the end, where {curve['assumed_cells']:.2f} was assumed: **{word}**, if "
            f"between {KEPT[0]} and {KEPT[1]} counts as kept."
        )
    return found


def gradient_kept(found):
    """How often the norm of Figure 1 is below 1, on both sides of the diagonal."""
    if not found:
        return ["Not measured yet: `./reproduce figures` does."]
    sentences = []
    for kind in ("computed", "measured"):
        for gamma_c, plane in zip(found["gamma_c"], found[kind]):
            sides = {True: [], False: []}
            for gamma_x, row in zip(found["gammas"], plane):
                for gamma_h, norm in zip(found["gammas"], row):
                    if gamma_x != gamma_h:
                        sides[gamma_x > gamma_h].append(norm)
            shares = {
                side: sum(norm < 1 for norm in norms) / len(norms)
                for side, norms in sides.items()
            }
            word = "agrees" if shares[True] > shares[False] else "contradicts the claim"
            sentences.append(
                f"{kind.capitalize()}, gamma_c {gamma_c:g}: the norm is below 1 at "
                f"{shares[True]:.0%} of the points where gamma_x is the larger (mean "
                f"{mean(sides[True]):.2f}) and at {shares[False]:.0%} of those where "
                f"gamma_h is (mean {mean(sides[False]):.2f}): **{word}**."
            )
    return sentences
