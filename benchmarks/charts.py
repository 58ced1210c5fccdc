"""The measured numbers as one picture."""

from common.files import replacing
from common.rendering import new_figure, render


def draw(path, results):
    """Plot what there is: models of both experiments, and cost against size.

    Parameters
    ----------
    path : path-like
        A PNG file.
    results : dict
        As in ``benchmark.json``.
    """
    panels = [
        (bars, results[name], title)
        for name, title in (("ptb", "Penn Treebank"), ("draw", "DRAW"))
        if results.get(name)
    ]
    panels += [
        (curve, values, name.replace("_", " "))
        for name, values in results.get("scaling", {}).items()
        if all(values.values())
    ]
    if not panels:
        return False
    (content,) = render(("png",), side_by_side, panels)
    with replacing(path) as file:
        file.write(content)
    return True


def side_by_side(panels):
    """Return the figure: of each panel what draws it, its numbers and its title."""
    figure = new_figure(4.2 * len(panels), 3.6)
    for k, (show, values, title) in enumerate(panels, 1):
        show(figure.add_subplot(1, len(panels), k), values, title)
    return figure


def bars(axes, measured, title):
    names = list(measured)
    axes.barh(names, [one["median"] for one in measured.values()], color="tab:blue")
    for k, one in enumerate(measured.values()):
        axes.plot(one["seconds"], len(one["seconds"]) * [k], "k.", markersize=2)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds per update")
    axes.set_title(title, fontsize="medium")


def curve(axes, values, title):
    sizes = [int(size) for size in values]
    for name in next(iter(values.values())):
        seconds = [models[name]["median"] for models in values.values()]
        axes.loglog(sizes, seconds, "o-", label=name)
    axes.set_xticks(sizes)
    axes.set_xticklabels(sizes)
    axes.minorticks_off()
    axes.set_xlabel(title)
    axes.set_ylabel("seconds per update")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
