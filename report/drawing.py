"""Draw what was computed, kept as plain numbers."""

import numpy

from common.rendering import new_figure
from report.curves import COLOURS

# Norms beyond this, or below its inverse, have the last colour.
FURTHEST = 4.0


def figure_1(found):
    """Two heat maps as computed, and below them the same as measured.

    Parameters
    ----------
    found : dict
        ``gammas``: the values of both axes; ``gamma_c``: of the columns;
        ``computed`` and ``measured``: norms, [gamma_c][gamma_x][gamma_h].

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.colors import LogNorm

    kinds = {name: numpy.array(found[name]) for name in ("computed", "measured")}
    gammas, columns = found["gammas"], found["gamma_c"]
    figure = new_figure(6.8, 6.2)
    axes = figure.subplots(2, len(columns), squeeze=False)
    # Equally far from 1 on both sides, so that white is a gradient of norm 1.
    furthest = max(abs(numpy.log(norms)).max() for norms in kinds.values())
    furthest = min(numpy.exp(furthest), FURTHEST)
    look = {"norm": LogNorm(1 / furthest, furthest), "cmap": "RdBu_r"}
    look.update(shading="nearest", rasterized=True)
    for line, (kind, planes) in zip(axes, kinds.items()):
        for axis, gamma_c, plane in zip(line, columns, planes):
            # Rows of an image are its vertical axis, gamma_h.
            image = axis.pcolormesh(gammas, gammas, plane.T, **look)
            axis.contour(
                gammas, gammas, plane.T, levels=[1.0], colors="k", linewidths=1
            )
            axis.set_title(f"{kind}, $\\gamma_c$ = {gamma_c:g}", fontsize="medium")
            axis.set_xlabel("$\\gamma_x$")
            axis.set_ylabel("$\\gamma_h$")
            axis.set_aspect("equal")
    label = "norm of $∂h_t / ∂h_{t-1}$"
    bar = figure.colorbar(image, ax=axes, label=label, extend="both")
    ticks = (0.1, 0.25, 0.5, 1, 2, 4, 10)
    bar.set_ticks([tick for tick in ticks if 1 / furthest <= tick <= furthest])
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.minorticks_off()
    return figure


def variances(found):
    """Var[h_t] above Var[c_t], at initialisation on the left, trained on the right.

    Parameters
    ----------
    found : dict
        ``curves``: see :func:`figures.variances.measure`.
    """
    moments = list(dict.fromkeys(curve["when"] for curve in found["curves"]))
    figure = new_figure(3.6 * len(moments) + 0.6, 5.6)
    axes = figure.subplots(2, len(moments), squeeze=False, sharex="col", sharey="row")
    for curve in found["curves"]:
        column = axes[:, moments.index(curve["when"])]
        look = {"color": COLOURS[curve["model"]], "label": curve["model"]}
        steps = range(1, len(curve["states"]) + 1)
        for axis, name in zip(column, ("states", "cells")):
            axis.plot(steps, curve[name], **look)
        if curve["assumed_cells"]:
            look["label"] = "Var[c] of norm_prop"
            column[1].axhline(curve["assumed_cells"], linestyle=":", **look)
    for (above, below), when in zip(axes.T, moments):
        above.axhline(1.0, color="k", linestyle=":", linewidth=0.8)
        above.set_title(when, fontsize="medium")
        below.set_xlabel("time step")
    for line, name in zip(axes, ("Var[$h_t$]", "Var[$c_t$]")):
        line[0].set_ylabel(name)
        for axis in line:
            axis.set_yscale("log")
            axis.grid(alpha=0.3)
    axes[1, 0].legend(fontsize="x-small")
    return figure


def stability(found):
    """The growth of a small change in each form, with its standard error.

    Parameters
    ----------
    found : dict
        ``forms``: see :func:`figures.stability.compute`.
    """
    forms = found["forms"]
    names = [entry["form"] for entry in forms]
    figure = new_figure(6.8, 0.35 * len(forms) + 0.9)
    axis = figure.subplots()
    axis.barh(
        names,
        [entry["growth"] for entry in forms],
        xerr=[entry["error"] for entry in forms],
        color=[COLOURS[name.partition(",")[0]] for name in names],
    )
    axis.invert_yaxis()
    axis.axvline(0.0, color="k", linewidth=0.8)
    axis.set_xlabel("logarithm of the growth per time step")
    axis.grid(alpha=0.3, axis="x")
    return figure
