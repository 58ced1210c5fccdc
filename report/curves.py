"""Figures 2 and 3, from run folders."""

import math

import numpy

from common.rendering import new_figure

COLOURS = {
    "baseline": "#444444",
    "weight_norm": "#1f77b4",
    "batch_norm": "#2ca02c",
    "layer_norm": "#d68910",
    "norm_prop": "#c0392b",
}
# Of the forms of norm_prop, in the order of report.experiment.
FORM_COLOURS = (COLOURS["norm_prop"], "#e8958c", "#7d3c98", "#c39bd3", "#17a2a2")
# Name, what is drawn how, the axis, and the style of each column, as in the paper.
CURVES = {
    "ptb": (
        "Figure 2",
        "validation solid, training dashed: the mean over an epoch's updates, higher "
        "than what the authors' codes score after it",
        "bits per character",
        {"train_bpc": "--", "valid_bpc": "-"},
    ),
    "draw": ("Figure 3", "on test", "bound on −log p, nats", {"test_nll": "-"}),
}
# Of runs of so many epochs the first fifth may lie above the picture.
LONG = 10


def shown(kind):
    """The groups of runs that have a curve, and its colour.

    For each model, and each form of norm_prop that stands beside the paper's figure.
    """
    return [
        (group, colour)
        for model, colour in COLOURS.items()
        for variation, colour in zip(
            kind.experiment.forms_of(model),
            FORM_COLOURS if model == "norm_prop" else [colour],
        )
        for group in [kind.of(model, variation)]
        if group
    ]


def learning_curves(kind, small=False):
    """Draw Figure 2 or 3 for a kind of runs.

    The mean over the seeds, as far as all have got, and one standard deviation (n - 1)
    around it where there is more than one.

    Parameters
    ----------
    kind : report.groups.Kind
    small : bool
        For a place beside a table.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.ticker import MaxNLocator

    _, _, unit, styles = CURVES[kind.experiment.name]
    groups = shown(kind)
    height = 2.0 + 0.08 * len(groups)
    figure = new_figure(*((4.6, height) if small else (6.4, 2.0 * height)))
    axes = figure.add_subplot()
    late = []
    for group, colour in groups:
        for column, style in styles.items():
            label = group.name if style == "-" else None
            means = draw_mean(axes, group, column, label, color=colour, linestyle=style)
        if group.epochs >= LONG:
            late += means[group.epochs // 5 :].tolist()
    if numpy.isfinite(late).any():
        # The first epochs would take up the picture.
        axes.set_ylim(top=max(filter(math.isfinite, late)))
    axes.set_xlabel("epoch")
    axes.set_ylabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    # Above the axes, where it hides nothing.
    place = {"loc": "lower center", "bbox_to_anchor": (0.45, 1.0)}
    axes.legend(fontsize="x-small" if small else "small", ncol=2, **place)
    return figure


def draw_mean(axes, group, column, label, **look):
    """Draw the mean over runs of one figure, if labelled with a band; return it."""
    epochs = range(1, group.epochs + 1)
    values = numpy.array([run.log[column][: group.epochs] for run in group.runs])
    means = values.mean(axis=0)
    marker = "o" if group.epochs < 4 else None
    width = 1.4 if label else 0.8
    axes.plot(
        epochs, means, marker=marker, markersize=3, linewidth=width, label=label, **look
    )
    if len(values) > 1 and label:
        spread = values.std(axis=0, ddof=1)
        band = means - spread, means + spread
        axes.fill_between(epochs, *band, color=look["color"], alpha=0.15, linewidth=0)
    return means
