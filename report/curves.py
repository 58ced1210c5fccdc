"""Figures 2 and 3, from run folders."""

import io
import math
from statistics import mean, stdev

from report.readings import forms, full_name
from report.runs import VALIDATION

COLOURS = {
    "baseline": "#444444",
    "weight_norm": "#1f77b4",
    "batch_norm": "#2ca02c",
    "layer_norm": "#d68910",
    "norm_prop": "#c0392b",
}
# Of the forms of norm_prop, in the order of report.readings.FORMS.
FORM_COLOURS = (COLOURS["norm_prop"], "#e8958c", "#7d3c98", "#c39bd3", "#17a2a2")
# What is solid in the paper's figure, and what is dashed.
SOLID = {"ptb": VALIDATION["ptb"], "draw": "test_nll"}
DASHED = {"ptb": "train_bpc", "draw": None}
# Of runs of so many epochs the first fifth may lie above the picture.
LONG = 10
AXIS = {"ptb": "bits per character", "draw": "bound on −log p, nats"}


def new_figure(width, height):
    """A Matplotlib figure, without its global state; Matplotlib is slow to load."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), constrained_layout=True)
    FigureCanvasAgg(figure)
    return figure


def encode(figure, kind):
    """The bytes of a figure as ``png``, ``pdf`` or ``svg``, the same every time."""
    import matplotlib

    file = io.BytesIO()
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with matplotlib.rc_context({"svg.hashsalt": "archive", "svg.fonttype": "path"}):
        figure.savefig(file, format=kind, dpi=160, metadata=dates.get(kind))
    return file.getvalue()


def learning_curves(kind, small=False):
    """Draw Figure 2 or 3 for a kind of runs.

    For each model, and each form of norm_prop that stands beside the paper's figure,
    the mean over the seeds, as far as all have got, and one standard deviation (n - 1)
    around it where there is more than one.

    Parameters
    ----------
    kind : report.groups.Kind
    small : bool
        For a place beside a table.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if no epoch is finished.
    """
    from matplotlib.ticker import MaxNLocator

    drawn = [
        (model, variation, color)
        for model, own in COLOURS.items()
        for variation, color in zip(
            forms(kind.experiment, model),
            FORM_COLOURS if model == "norm_prop" else (own,),
        )
        if kind.of(model, variation)
    ]
    if not drawn:
        return None
    height = 2.0 + 0.08 * len(drawn)
    figure = new_figure(*((4.6, height) if small else (6.4, 2.0 * height)))
    axes = figure.add_subplot()
    names = (DASHED[kind.experiment], SOLID[kind.experiment])
    late = []
    for model, variation, color in drawn:
        runs = kind.of(model, variation)
        length = min(len(run.rows) for run in runs)
        for name, style in zip(names, ("--", "-")):
            if name is not None:
                look = {"color": color, "linestyle": style}
                if style == "-":
                    look["label"] = full_name(kind.experiment, model, variation)
                values = draw_mean(axes, runs, name, length, look)
        if length >= LONG:
            late += filter(math.isfinite, values[length // 5 :])
    if late:
        # The first epochs would take up the picture.
        axes.set_ylim(top=max(late))
    axes.set_xlabel("epoch")
    axes.set_ylabel(AXIS[kind.experiment])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    # Above the axes, where it hides nothing.
    place = {"loc": "lower center", "bbox_to_anchor": (0.45, 1.0)}
    axes.legend(fontsize="x-small" if small else "small", ncol=2, **place)
    return figure


def draw_mean(axes, runs, name, length, look):
    """Draw the mean over runs of one figure, with a band of one deviation; return it.

    Parameters
    ----------
    look : dict
        Of the line; a line with a label gets the band.
    """
    epochs = range(1, length + 1)
    values = [[run.rows[epoch - 1][name] for run in runs] for epoch in epochs]
    means = [mean(value) for value in values]
    width = 1.4 if "label" in look else 0.8
    marker = "o" if length < 4 else None
    axes.plot(epochs, means, marker=marker, markersize=3, linewidth=width, **look)
    if len(runs) > 1 and "label" in look:
        spread = [stdev(value) for value in values]
        axes.fill_between(
            epochs,
            [m - s for m, s in zip(means, spread)],
            [m + s for m, s in zip(means, spread)],
            color=look["color"],
            alpha=0.15,
            linewidth=0,
        )
    return means
