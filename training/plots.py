"""The picture in a run folder."""

from common.files import replacing
from common.rendering import new_figure, render


def curves(path, rows, unit, title):
    """Plot every figure over the epochs: training dashed, the others solid.

    Parameters
    ----------
    path : path-like
        A PNG file.
    rows : list of dict
        The rows of ``metrics.jsonl``.
    unit : str
        What the figures end in, ``bpc`` or ``nll``; also the label of the axis.
    title : str

    Raises
    ------
    RunError
        If it cannot be drawn, or the file cannot be written.
    """
    (content,) = render(("png",), draw, rows, unit, title)
    with replacing(path) as file:
        file.write(content)


def draw(rows, unit, title):
    """Return the figure; see :func:`curves`."""
    figure = new_figure(6, 4)
    axes = figure.add_subplot()
    epochs = [row["epoch"] for row in rows]
    for name in rows[0]:
        if not name.endswith(f"_{unit}"):
            continue
        style = "--" if name.startswith("train") else "-"
        marker = "o" if len(rows) == 1 else None
        label = name.partition("_")[0]
        axes.plot(
            epochs, [row[name] for row in rows], style, marker=marker, label=label
        )
    axes.set_xlabel("epoch")
    axes.set_ylabel({"bpc": "bits per character", "nll": "nats"}.get(unit, unit))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
