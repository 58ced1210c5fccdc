"""Draw what was computed, kept as plain numbers."""

from report.curves import COLOURS, new_figure

# Norms beyond this, or below its inverse, have the last colour.
FURTHEST = 4.0


def figure_1(found):
    """Two heat maps as computed, and beside them the same as measured.

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

    kinds = [name for name in ("computed", "measured") if name in found]
    figure = new_figure(6.8, 3.1 * len(kinds))
    axes = figure.subplots(len(kinds), len(found["gamma_c"]), squeeze=False)
    gammas = found["gammas"]
    everything = [
        value
        for kind in kinds
        for plane in found[kind]
        for row in plane
        for value in row
    ]
    # Equally far from 1 on both sides, so that white is a gradient of norm 1.
    furthest = min(max(max(everything), 1 / min(everything)), FURTHEST)
    norm = LogNorm(1 / furthest, furthest)
    for line, kind in zip(axes, kinds):
        for axis, gamma_c, plane in zip(line, found["gamma_c"], found[kind]):
            # Rows of an image are its vertical axis, gamma_h.
            values = [list(column) for column in zip(*plane)]
            image = axis.pcolormesh(
                gammas,
                gammas,
                values,
                norm=norm,
                cmap="RdBu_r",
                shading="nearest",
                rasterized=True,
            )
            axis.contour(gammas, gammas, values, levels=[1.0], colors="k", linewidths=1)
            axis.set_title(f"{kind}, $\\gamma_c$ = {gamma_c:g}", fontsize="medium")
            axis.set_xlabel("$\\gamma_x$")
            axis.set_ylabel("$\\gamma_h$")
            axis.set_aspect("equal")
    bar = figure.colorbar(
        image, ax=axes, label="norm of $∂h_t / ∂h_{t-1}$", extend="both"
    )
    ticks = (0.1, 0.25, 0.5, 1, 2, 4, 10)
    bar.set_ticks([tick for tick in ticks if 1 / furthest <= tick <= furthest])
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.minorticks_off()
    return figure


def figure_1_caption(found):
    words = (
        "Norm of the gradient of h_t in h_{t-1} over gamma_x and gamma_h; the line is "
        f"norm 1. Computed: {found['samples']:,} samples of the paper's assumptions, "
        "weights neglected (eq. 26)."
    )
    if "measured" in found:
        words += (
            f" Measured: the brick itself with its weights, {found['units']} units, "
            f"step {found['steps']} of {found['batch']} sequences of noise."
        )
    return words + f" Moments {found['moments']}, forget bias {found['forget_bias']:g}."


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
    for column, when in enumerate(moments):
        for curve in found["curves"]:
            if curve["when"] != when:
                continue
            colour = COLOURS[curve["model"]]
            steps = range(1, len(curve["states"]) + 1)
            for axis, name in zip(axes[:, column], ("states", "cells")):
                axis.plot(steps, curve[name], color=colour, label=curve["model"])
            if curve["assumed_cells"]:
                axes[1, column].axhline(
                    curve["assumed_cells"],
                    color=colour,
                    linestyle=":",
                    label="Var[c] of norm_prop",
                )
        axes[0, column].axhline(1.0, color="k", linestyle=":", linewidth=0.8)
        axes[0, column].set_title(when, fontsize="medium")
        axes[1, column].set_xlabel("time step")
    for line, name in zip(axes, ("Var[$h_t$]", "Var[$c_t$]")):
        line[0].set_ylabel(name)
        for axis in line:
            axis.set_yscale("log")
            axis.grid(alpha=0.3)
    axes[1, 0].legend(fontsize="x-small")
    return figure


def variances_caption(found):
    sources = list(dict.fromkeys(curve["source"] for curve in found["curves"]))
    return (
        "Variance over windows and units of the hidden state and of the cell at each "
        "step of a window of validation text. Dotted: 1, which norm_prop aims at for "
        "h_t, and the Var[c] that it divides by. The lines are of "
        + "; ".join(f"`{source}`" for source in sources)
        + "."
    )


def stability(found):
    """The growth of a small change in each form, with its standard error.

    Parameters
    ----------
    found : dict
        ``forms``: see :func:`figures.stability.at_initialisation`.
    """
    figure = new_figure(6.8, 0.35 * len(found["forms"]) + 0.9)
    axis = figure.subplots()
    for line, entry in enumerate(found["forms"]):
        colour = COLOURS[entry["form"].partition(",")[0]]
        axis.barh(line, entry["growth"], xerr=entry["error"], color=colour)
    axis.set_yticks(range(len(found["forms"])))
    axis.set_yticklabels([entry["form"] for entry in found["forms"]])
    axis.invert_yaxis()
    axis.axvline(0.0, color="k", linewidth=0.8)
    axis.set_xlabel("logarithm of the growth per time step")
    axis.grid(alpha=0.3, axis="x")
    return figure


def stability_caption(found):
    return (
        "Growth per time step of a small change of the state at initialisation, with "
        f"its standard error: the largest Lyapunov exponent, over {found['steps']} "
        f"steps of random symbols, {found['units']} units. Right of 0 a change grows "
        "until it has nothing to do with its cause, and so does its gradient."
    )
