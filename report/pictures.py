"""Figures and samples."""

from common.errors import RunError
from common.files import LARGEST
from common.rendering import render
from common.trust import read_bytes
from report import drawing
from report.calculated import published_gammas, saying
from report.curves import CURVES, learning_curves, shown
from report.document import code, literal
from report.experiment import REGULARISED
from report.tables import glance, published_kinds


def at_a_glance(document, evidence):
    """What was obtained, and beside it the curves."""
    with document.division("columns"):
        with document.division():
            glance(document, evidence)
        with document.division():
            for kind in published_kinds(evidence.kinds):
                curves(document, kind, small=True)


def figure(document, evidence, name, caption):
    """What ``./reproduce figures`` computes; its numbers go into the caption."""
    title = caption.split("**")[1].rstrip(".")
    if name not in evidence.calculated:
        document.text(f"Not here, but for `./reproduce figures` to compute: {title}.")
        return
    found = evidence.calculated[name]
    with saying(document, found):
        sources = dict.fromkeys(curve["source"] for curve in found.get("curves", ()))
        words = {n: literal(v) if isinstance(v, str) else v for n, v in found.items()}
        words["sources"] = "; ".join(map(code, sources))
        picture(document, caption.format(**words), getattr(drawing, name), found)
        if name == "figure_1":
            published_gammas(document, found)


def all_curves(document, evidence):
    """Figures 2 and 3; on sample data as long as there are no others."""
    real = [kind for kind in evidence.kinds if not kind.sample]
    for kind in real or evidence.kinds:
        curves(document, kind)
    if not evidence.kinds:
        document.text("Figures 2 and 3: no runs yet.")


def curves(document, kind, small=False):
    """Figure 2 or 3, if there is anything to draw."""
    if kind.experiment is REGULARISED or not shown(kind):
        return
    number, style, *_ = CURVES[kind.experiment.name]
    if not kind.published:
        number += f" at another size ({kind.label})"
    elif not all(group.full for group in kind.groups()):
        number += ", not all runs at their end"
    count = f"{len(kind.runs)} run{'s' if len(kind.runs) != 1 else ''}"
    caption = f"**{number}.** {kind.experiment.unit} per epoch of {count}, {style}"
    if not small:
        caption += (
            "; the mean over the seeds, and one standard deviation around it. Of long "
            "runs the first fifth of the epochs may lie above the picture"
        )
    picture(document, f"{caption}.", learning_curves, kind, small)


def picture(document, caption, draw, *arguments):
    """Draw a figure; where that fails the page has a sentence in its place."""
    try:
        (content,) = render(["svg"], draw, *arguments)
    except RunError as error:
        document.problem(f"{caption.split('**')[1]} {error}")
    else:
        document.picture(content, "svg+xml", caption)


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
            document.picture(images, "png", caption)


def content(document, path):
    """What is in a file of a run folder, or None; what cannot be read is said."""
    try:
        return read_bytes(path, LARGEST)
    except FileNotFoundError:
        return None
    except (RunError, OSError) as error:
        return document.problem(error)
