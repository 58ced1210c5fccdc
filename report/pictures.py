"""Figures and samples."""

from common.errors import RunError
from common.files import LARGEST
from common.rendering import render
from common.trust import read_bytes
from report.calculated import FIGURES
from report.curves import CURVES, learning_curves, shown
from report.document import code


def figures(document, evidence):
    """What ``./reproduce figures`` computes, and the learning curves."""
    for name, (title, alternative, draw, _) in FIGURES.items():
        if name not in evidence.calculated:
            continue
        found, caption, _, rows = evidence.calculated[name]
        picture(document, f"**{title}.** {caption}", alternative, draw, found)
        if rows:
            title = "The same norm at the published gammas of norm_prop, forget bias 1"
            header = [
                "",
                "gamma_x, gamma_h, gamma_c",
                "Moments",
                "Computed",
                "Measured",
            ]
            document.table(title, header, rows)
    lacking = [f[0] for name, f in FIGURES.items() if name not in evidence.calculated]
    if lacking:
        words = ", ".join(lacking)
        document.text(f"Not here, but for `./reproduce figures` to compute: {words}.")
    # Curves on sample data are of interest as long as there are no others.
    real = [kind for kind in evidence.kinds if not kind.sample]
    for kind in real or evidence.kinds:
        curves(document, kind)
    if not evidence.kinds:
        document.text("Figures 2 and 3: no runs yet.")


def curves(document, kind, small=False):
    """Figure 2 or 3, if there is anything to draw."""
    if kind.regularised or not shown(kind):
        return
    number, style, *_ = CURVES[kind.experiment.name]
    words = f"{number}: learning curves of {len(kind.runs)} runs"
    if not kind.published:
        number += f" at another size ({kind.label})"
    elif not all(group.full for group in kind.groups()):
        number += ", not all runs at their end"
    caption = f"**{number}.** {kind.experiment.unit} per epoch, {style}"
    if not small:
        caption += (
            "; the mean over the seeds, and one standard deviation around it. Of long "
            "runs the first fifth of the epochs may lie above the picture"
        )
    picture(document, f"{caption}.", words, learning_curves, kind, small)


def picture(document, caption, alternative, draw, *arguments):
    """Draw a figure; where that fails the page has a sentence in its place."""
    try:
        (content,) = render(["svg"], draw, *arguments)
    except RunError as error:
        document.problem(f"{alternative}: {error}")
    else:
        document.picture(content, "svg+xml", caption, alternative)


def samples(document, evidence):
    """Text and images by one run for each experiment and model.

    Of real data, with published settings, then the longest.
    """
    chosen = {}
    for run in sorted(
        evidence.runs, key=lambda run: (run.sample, bool(run.changes), -run.epochs)
    ):
        if any((run.path / name).exists() for name in ("sample.txt", "samples.png")):
            chosen.setdefault((run.experiment.name, run.model), run)
    for _, run in sorted(chosen.items(), key=lambda item: item[0][0] != "ptb"):
        data = ", on sample data" if run.sample else ""
        text = content(document, run.path / "sample.txt")
        images = content(document, run.path / "samples.png")
        if text:
            document.heading(f"Text by {code(run.name)}{data}", 3)
            document.code(text.decode("utf-8", "replace"))
        if images:
            caption = f"Images drawn by {code(run.name)} (best epoch of {run.epochs}"
            caption += f"{data}), from z ~ N(0, 1)."
            document.picture(images, "png", caption, f"100 images drawn by {run.name}")


def content(document, path):
    """What is in a file of a run folder, or None; what cannot be read is said."""
    try:
        return read_bytes(path, LARGEST)
    except FileNotFoundError:
        return None
    except (RunError, OSError) as error:
        return document.problem(error)
