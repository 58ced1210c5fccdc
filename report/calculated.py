"""What ``./reproduce figures`` and ``benchmark`` leave, and say of the claims."""

import os
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

from common.errors import RunError
from common.files import read_json
from report.document import literal

# Where each lies in a results folder.
FILES = {
    "figure_1": "figures/figure_1.json",
    "variances": "figures/variances.json",
    "stability": "figures/stability.json",
    "benchmark": "benchmark/benchmark.json",
}
# Var[h_t] that counts as kept, and the steps that it may take to get there.
KEPT, SETTLED = (0.8, 1.25), 9
# What else changes what h_t is divided by.
DIVISION = {"compensation", "moments"}
# Times as long that the other takes: from here on the claim of 30% is met, and below
# this it is not faster at all.
FASTER, AS_FAST = 1.25, 1.05
BUSY = 0.5  # load of a machine on which times say little
# What numbers provoke that are not ours.
UNFIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
VERDICT = {True: "**agrees**", False: "**contradicts the claim**"}


def read_figures(folders):
    """Read the figures that were computed, the first of each name.

    Returns
    -------
    figures : dict of str to dict
    problems : list of str
    """
    figures, problems = {}, []
    for folder in map(Path, filter(os.path.isdir, folders)):
        for name, file in FILES.items():
            for path in [*folder.glob(file), *sorted(folder.glob(f"*/{file}"))]:
                try:
                    figures.setdefault(name, {**read_json(path), "path": path})
                except RunError as error:
                    problems.append(f"{error}.")
    return figures, problems


@contextmanager
def saying(document, found):
    """Within this block what a figure's numbers are unfit for is said in one sentence.

    Anybody may have written them.
    """
    try:
        yield
    except UNFIT as error:
        what = f"{type(error).__name__}: {error}"
        path = found["path"]
        document.problem(f"{path} is not what ./reproduce writes there ({what})")


def measured(document, evidence, name):
    """What the numbers of a figure say of a claim."""
    found = evidence.calculated.get(name)
    if found is None:
        command = FILES[name].partition("/")[0]
        document.listing([f"Not measured yet: `./reproduce {command}` does."])
    else:
        with saying(document, found):
            document.listing(SENTENCES[name](found, evidence.runs))


def gradient_kept(found, runs):
    """How often the norm of Figure 1 is below 1, on both sides of the diagonal."""
    for kind in ("computed", "measured"):
        for gamma_c, plane in zip(found["gamma_c"], found[kind]):
            sides = {True: [], False: []}
            for gamma_x, row in zip(found["gammas"], plane):
                for gamma_h, norm in zip(found["gammas"], row):
                    if gamma_x != gamma_h:
                        sides[gamma_x > gamma_h].append(norm)
            x, h = (sum(norm < 1 for norm in n) / len(n) for n in sides.values())
            yield (
                f"{kind.capitalize()}, gamma_c {gamma_c:g}: the norm is below 1 at "
                f"{x:.0%} of the points where gamma_x is the larger (mean "
                f"{mean(sides[True]):.2f}) and at {h:.0%} of those where gamma_h is "
                f"(mean {mean(sides[False]):.2f}): {VERDICT[x > h]}."
            )


def variance_kept(found, runs):
    """Whether Var[h_t] of norm_prop is kept.

    Of runs only a full one with the equations' division is judged.
    """
    judged = {
        f"{run.name}, epoch {run.best_epoch}"
        for run in runs
        if run.full and DIVISION.isdisjoint(dict(run.variation))
    }
    for curve in found["curves"]:
        if curve["model"] != "norm_prop":
            continue
        states = curve["states"]
        # The states start at zero, so that the first steps are a transient.
        low, high = min(states[SETTLED:]), max(states[SETTLED:])
        verdict = VERDICT[KEPT[0] <= low and high <= KEPT[1]]
        verdict += f", if between {KEPT[0]} and {KEPT[1]} counts as kept"
        if curve["when"] == "after training" and curve["source"] not in judged:
            verdict = (
                "no verdict, for the run is partial, of another size or of another form"
            )
        yield (
            f"{literal(curve['when']).capitalize()} ({literal(curve['source'])}): "
            f"Var[h_t] is {states[0]:.2f} at step 1 and between {low:.2f} and "
            f"{high:.2f} from step {SETTLED + 1} to {len(states)}; Var[c_t] is "
            f"{curve['cells'][-1]:.2f} at the end, and c_t is divided by the root of "
            f"{curve['assumed_cells']:.2f}; for the hidden states {verdict}."
        )


def time_of_an_update(found, runs):
    """How long other models take, measured in turns and with nothing else running."""
    machine, times = found["machine"], found["ptb"]
    where = literal(f"{machine['host']['cpu']}, {machine['threads']} threads")
    ours = times["norm_prop"]["median"]
    for model in ("batch_norm", "layer_norm"):
        factor = times[model]["median"] / ours
        word = VERDICT[True] if factor >= FASTER else "**less than claimed**"
        if factor < AS_FAST:
            word = VERDICT[False]
        if machine["quick"] or machine["load_before"] > BUSY:
            word = "no verdict, for the models were tiny or the machine busy"
        yield (
            f"An update on {where}: norm_prop takes {ours:.3f} s and {model} "
            f"{factor:.2f} times as long: {word}."
        )


SENTENCES = {
    "figure_1": gradient_kept,
    "variances": variance_kept,
    "benchmark": time_of_an_update,
}


def published_gammas(document, found):
    """The norm of Figure 1 at the published gammas."""
    columns = {
        "": lambda point: literal(point["experiment"]),
        "gamma_x, gamma_h, gamma_c": lambda point: ", ".join(
            f"{gamma:g}" for gamma in point["gammas"]
        ),
        "Moments": lambda point: literal(point["moments"]),
        "Computed": lambda point: f"{point['computed']:.2f}",
        "Measured": lambda point: f"{point['measured']:.2f}",
    }
    title = "The same norm at the published gammas of norm_prop, forget bias 1"
    document.table(title, columns, found["published"])
