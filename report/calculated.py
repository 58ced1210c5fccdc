"""What ``./reproduce figures`` leaves for the report: read, checked, put into words."""

from pathlib import Path
from statistics import mean

from common.errors import RunError
from common.files import read_json
from report.document import code, literal
from report.figures import drawing

# Var[h_t] that counts as kept, and the steps that it may take to get there.
KEPT, SETTLED = (0.8, 1.25), 9
# What the words of a file that is not ours may raise.
NOT_OURS = (ArithmeticError, AttributeError, LookupError, RecursionError)
NOT_OURS += (TypeError, ValueError)


def read_figures(folders):
    """Read the figures that were computed, the first of each name.

    Returns
    -------
    figures : dict of str to tuple
        By a name of :data:`FIGURES`: the numbers, the caption, sentences that judge a
        claim, and rows of a table.
    problems : list of str
    """
    figures, problems = {}, []
    for folder in map(Path, folders):
        for name, (*_, words) in FIGURES.items():
            paths = [*folder.glob(f"figures/{name}.json")]
            paths += sorted(folder.glob(f"*/figures/{name}.json"))
            for path in paths:
                try:
                    found = read_json(path)
                    figures.setdefault(name, (found, *words(found)))
                except RunError as error:
                    problems.append(f"{error}.")
                except NOT_OURS as error:
                    what = f"{type(error).__name__}: {error}"
                    problems.append(
                        f"{path} is not what `./reproduce figures` writes ({what})."
                    )
    return figures, problems


def figure_1(found):
    """How often the norm is below 1, on both sides of the diagonal."""
    caption = (
        "Norm of the gradient of h_t in h_{t-1} over gamma_x and gamma_h; the line is "
        f"norm 1. Computed: {found['samples']:,} samples of the paper's assumptions, "
        "weights neglected (eq. 26). Measured: the brick itself with its weights, "
        f"{found['units']:d} units, step {found['steps']:d} of {found['batch']:d} "
        f"sequences of noise. Moments {literal(found['moments'])}, forget bias "
        f"{found['forget_bias']:g}."
    )
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
    rows = [
        [
            literal(point["experiment"]),
            ", ".join(f"{gamma:g}" for gamma in point["gammas"]),
            literal(point["moments"]),
            f"{point['computed']:.2f}",
            f"{point['measured']:.2f}",
        ]
        for point in found["published"]
    ]
    return caption, sentences, rows


def variances(found):
    """Whether Var[h_t] of norm_prop is kept."""
    sources = dict.fromkeys(curve["source"] for curve in found["curves"])
    caption = (
        "Variance over windows and units of the hidden state and of the cell at each "
        "step of a window of validation text. Dotted: 1, which norm_prop aims at for "
        "h_t, and the Var[c] that it divides by. The lines are of "
        f"{'; '.join(map(code, sources))}."
    )
    sentences = []
    for curve in found["curves"]:
        if curve["model"] != "norm_prop":
            continue
        states = curve["states"]
        # The states start at zero, so that the first steps are a transient.
        low, high = min(states[SETTLED:]), max(states[SETTLED:])
        word = (
            "agrees" if KEPT[0] <= low and high <= KEPT[1] else "contradicts the claim"
        )
        sentences.append(
            f"{literal(curve['when']).capitalize()} ({literal(curve['source'])}): "
            f"Var[h_t] is {states[0]:.2f} at step 1 and between {low:.2f} and "
            f"{high:.2f} from step {SETTLED + 1} to {len(states)}; Var[c_t] is "
            f"{curve['cells'][-1]:.2f} at the end, where {curve['assumed_cells']:.2f} "
            f"was assumed: **{word}**, if between {KEPT[0]} and {KEPT[1]} counts as "
            "kept."
        )
    return caption, sentences, []


def stability(found):
    caption = (
        "Growth per time step of a small change of the state at initialisation, with "
        f"its standard error: the largest Lyapunov exponent, over {found['steps']:d} "
        f"steps of random symbols, {found['units']:d} units. Right of 0 a change grows "
        "until it has nothing to do with its cause, and so does its gradient."
    )
    return caption, [], []


# Title, what stands for the picture, and what draws it and puts it into words.
FIGURES = {
    "figure_1": (
        "Figure 1",
        "Figure 1: norm of the one-step gradient over gamma_x and gamma_h",
        drawing.figure_1,
        figure_1,
    ),
    "variances": (
        "Variances over time",
        "Variance of h_t and c_t over time in each model",
        drawing.variances,
        variances,
    ),
    "stability": (
        "Stability",
        "Growth per time step of a small change of the state in each form",
        drawing.stability,
        stability,
    ),
}
