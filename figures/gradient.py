r"""Figure 1: the norm of the gradient of h_t in h_{t-1}, weights neglected.

The gradient of h_t, eq. 15, goes through the pre-activations of the four gates. With
:math:`u = \gamma_c c_t / \sqrt{Var[c]}`, its derivatives in them are (eq. 20-21)

.. math::
    \partial h / \partial c &= s(o) (1 - \tanh^2 u)
        \frac{\gamma_c}{\sqrt{Var[c] Var[h]}} \\
    \partial h / \partial i &= \partial h / \partial c \; s'(i) \tanh(g) \\
    \partial h / \partial f &= \partial h / \partial c \; s'(f) c_{t-1} \\
    \partial h / \partial g &= \partial h / \partial c \; s(i) (1 - \tanh^2 g) \\
    \partial h / \partial o &= s'(o) \tanh(u) / \sqrt{Var[h]}

where each pre-activation changes gamma_h times as much as h_{t-1} (eq. 24-25). Their
sum is eq. 26. What the paper leaves open is settled in docs/PROVENANCE.md.
"""

import numpy

from bricks.moments import (
    cell_variance,
    logistic,
    preactivation_scale,
    state_variance,
)


def derivatives(gates, cells, gamma_c, cell_std, state_std):
    """Derivatives of h_t in the pre-activations i, f, g, o [NP, eq. 20-21, 24-25].

    Parameters
    ----------
    gates : sequence of ndarray
        Pre-activations i, f, g, o.
    cells : ndarray
        c_{t-1}.
    gamma_c : float
    cell_std, state_std : float
        Roots of Var[c] and Var[h].

    Returns
    -------
    tuple of ndarray
    """
    i, f, g, o = gates
    in_gate, forget, out, candidate = (
        logistic(i),
        logistic(f),
        logistic(o),
        numpy.tanh(g),
    )
    squashed = numpy.tanh(gamma_c * (in_gate * candidate + forget * cells) / cell_std)
    by_cell = out * (1 - squashed**2) * gamma_c / (cell_std * state_std)
    return (
        by_cell * in_gate * (1 - in_gate) * candidate,
        by_cell * forget * (1 - forget) * cells,
        by_cell * in_gate * (1 - candidate**2),
        out * (1 - out) * squashed / state_std,
    )


def standard_normal(samples, seed):
    """z of the four gates and of the cell, (5, samples)."""
    return numpy.random.RandomState(seed).normal(size=(5, samples))


def gradient_norm(gamma_x, gamma_h, gamma_c, z, moments="variance", forget_bias=0.0):
    """Root mean square of eq. 26, over samples of what the paper assumes.

    Inputs and h_{t-1} are standard normal, so a gate's pre-activation is normal with
    variance gamma_x^2 + gamma_h^2 (eq. 22); those of the gates are independent (eq. 8)
    and c_{t-1} ~ N(0, Var[c]).

    Parameters
    ----------
    gamma_x, gamma_h, gamma_c : float
    z : ndarray
        From :func:`standard_normal`.
    moments : {'variance', 'printed'}
        Of Var[c] and Var[h] alone; see :func:`bricks.moments.preactivation_scale`.
    forget_bias : float

    Returns
    -------
    float
    """
    scale = preactivation_scale(gamma_x, gamma_h, moments)
    cell_std = cell_variance(scale, forget_bias=forget_bias) ** 0.5
    state_std = state_variance(scale, gamma_c) ** 0.5
    i, f, g, o = preactivation_scale(gamma_x, gamma_h, "variance") * z[:4]
    gates = i, f + forget_bias, g, o
    found = derivatives(gates, cell_std * z[4], gamma_c, cell_std, state_std)
    return float(gamma_h * (sum(found) ** 2).mean() ** 0.5)
