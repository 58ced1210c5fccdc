"""Figures 2 and 3, from run folders."""

import io
from statistics import mean, stdev

from report.runs import VALIDATION
from report.tables import PAPER_FORM

COLOURS = {
    "baseline": "#444444",
    "weight_norm": "#1f77b4",
    "batch_norm": "#2ca02c",
    "layer_norm": "#d68910",
    "norm_prop": "#c0392b",
}
# What is solid in the paper's figure, and what is dashed.
SOLID = {"ptb": VALIDATION["ptb"], "draw": "test_nll"}
DASHED = {"ptb": "train_bpc", "draw": None}
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


def learning_curves(kind):
    """Draw Figure 2 or 3 for a kind of runs.

    For each model the mean over the seeds, and one standard deviation (n - 1) around
    it where there is more than one.

    Parameters
    ----------
    kind : report.groups.Kind

    Returns
    -------
    matplotlib.figure.Figure or None
        None if no epoch is finished.
    """
    from matplotlib.ticker import MaxNLocator

    # What the paper shows of DRAW is most likely the released form, the default.
    forms = ((), PAPER_FORM) if kind.experiment == "draw" else ((),)
    rows = [row for row in kind.rows() if row.variation in forms]
    drawn = {(row.model, row.variation) for row in rows}
    if not drawn:
        return None
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    names = (DASHED[kind.experiment], SOLID[kind.experiment])
    for model, variation in sorted(drawn, key=lambda key: list(COLOURS).index(key[0])):
        runs = kind.of(model, variation)
        length = min(len(run.rows) for run in runs)
        for name, style in zip(names, ("--", "-")):
            if name is None:
                continue
            if variation:
                style = ":"
            draw_mean(axes, runs, name, length, style, model, variation)
    axes.set_xlabel("epoch")
    axes.set_ylabel(AXIS[kind.experiment])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def draw_mean(axes, runs, name, length, style, model, variation):
    """Draw the mean over runs of one figure, with a band of one deviation."""
    epochs = range(1, length + 1)
    values = [[run.rows[epoch - 1][name] for run in runs] for epoch in epochs]
    means = [mean(value) for value in values]
    label = model + (", eq. 13-15" if variation else "")
    solid = style != "--"
    axes.plot(
        epochs,
        means,
        style,
        color=COLOURS[model],
        label=label if solid else None,
        marker="o" if length < 4 else None,
        markersize=3,
        linewidth=1.4 if solid else 1.0,
    )
    if len(runs) > 1 and solid:
        spread = [stdev(value) for value in values]
        axes.fill_between(
            epochs,
            [m - s for m, s in zip(means, spread)],
            [m + s for m, s in zip(means, spread)],
            color=COLOURS[model],
            alpha=0.15,
            linewidth=0,
        )
