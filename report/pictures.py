"""Figures and samples."""

from common.errors import RunError
from common.trust import read_bytes
from report.curves import encode, learning_curves
from report.figures import drawing
from report.runs import UNIT

# Names in figures.drawing: title, and what stands for the picture.
CALCULATED = {
    "figure_1": (
        "Figure 1",
        "Figure 1: norm of the one-step gradient over gamma_x and gamma_h",
    ),
    "variances": (
        "Variances over time",
        "Variance of h_t and c_t over time in each model",
    ),
    "stability": (
        "Stability",
        "Growth per time step of a small change of the state in each form",
    ),
}
FIGURES = {"ptb": "Figure 2", "draw": "Figure 3"}


def figures(document, kinds, measured):
    document.heading("Figures")
    calculated(document, measured)
    # Curves on sample data are of interest as long as there are no others.
    real = [kind for kind in kinds if not kind.sample]
    for kind in real or kinds:
        curves(document, kind)
    if not any(kind.runs for kind in kinds):
        document.text("Figures 2 and 3: no runs yet.")


def curves(document, kind, small=False):
    """Figure 2 or 3, if there is anything to draw."""
    figure = None if kind.regularised else learning_curves(kind, small)
    if figure is None:
        return
    number = FIGURES[kind.experiment]
    size = "" if kind.published else f" at another size ({kind.words})"
    full = all(row.full for row in kind.rows())
    partial = ", not all runs at their end" if kind.published and not full else ""
    style = "on test"
    if kind.experiment == "ptb":
        style = "training dashed, validation solid"
    caption = f"**{number}{size}{partial}.** {UNIT[kind.experiment]} per epoch, {style}"
    if not small:
        caption += (
            "; the mean over the seeds, and one standard deviation around it. Of long "
            "runs the first fifth of the epochs may lie above the picture"
        )
    words = f"{number}: learning curves of {len(kind.runs)} runs"
    document.picture(encode(figure, "svg"), "svg+xml", f"{caption}.", words)


def calculated(document, measured):
    """What ``./reproduce figures`` computes."""
    for name, (title, alternative) in CALCULATED.items():
        if name not in measured:
            continue
        caption = getattr(drawing, f"{name}_caption")(measured[name])
        content = encode(getattr(drawing, name)(measured[name]), "svg")
        document.picture(content, "svg+xml", f"**{title}.** {caption}", alternative)
        if name == "figure_1":
            at_published_gammas(document, measured[name]["published"])
    lacking = [title for name, (title, _) in CALCULATED.items() if name not in measured]
    if lacking:
        words = ", ".join(lacking)
        document.text(f"Not here, but for `./reproduce figures` to compute: {words}.")


def at_published_gammas(document, points):
    document.table(
        "The same norm at the published gammas of norm_prop, forget bias 1",
        ["", "gamma_x, gamma_h, gamma_c", "Moments", "Computed", "Measured"],
        [
            [
                point["experiment"],
                ", ".join(f"{gamma:g}" for gamma in point["gammas"]),
                point["moments"],
                f"{point['computed']:.2f}",
                f"{point['measured']:.2f}",
            ]
            for point in points
        ],
    )


def samples(document, runs):
    document.heading("Samples")
    nothing = True
    for run in best_of_each_model(runs):
        data = ", on sample data" if run.sample else ""
        text = content(document, run.path / "sample.txt")
        picture = content(document, run.path / "samples.png")
        if text:
            document.heading(f"Text by `{run.name}`{data}", 3)
            document.code(text.decode("utf-8", "replace"))
        if picture:
            document.picture(
                picture,
                "png",
                f"Images drawn by `{run.name}` (best epoch of {len(run.rows)}{data}), "
                "from z ~ N(0, 1).",
                f"100 images drawn by {run.name}",
            )
        nothing = nothing and not (text or picture)
    if nothing:
        document.text("The run folders hold none.")


def content(document, path):
    """What is in a file of a run folder, or None; what cannot be read is said."""
    try:
        return read_bytes(path)
    except FileNotFoundError:
        return None
    except (RunError, OSError) as error:
        document.note(f"{error}.")
        return None


def best_of_each_model(runs):
    """One run for each experiment and model: of real data, then the longest."""
    chosen = {}
    order = {run: (run.sample, bool(run.changes), -len(run.rows)) for run in runs}
    for run in sorted(runs, key=order.get):
        has = any((run.path / name).exists() for name in ("sample.txt", "samples.png"))
        if has:
            chosen.setdefault((run.experiment, run.model), run)
    return [chosen[key] for key in sorted(chosen, key=lambda key: key[0] != "ptb")]
