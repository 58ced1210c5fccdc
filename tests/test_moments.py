"""Var[c] and Var[h]: values worked out before, and SciPy's quadrature."""

import numpy
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

from bricks.moments import (
    cell_variance,
    logistic,
    mean_and_variance,
    preactivation_scale,
    state_variance,
)

# gamma_x = gamma_h, gamma_c, kind: Var[c] at b_f = 0 and 1, Var[h].
VALUES = [
    (2.0, 1.0, "variance", 0.4480519, 0.5596013, 0.1498295),
    (2.0, 1.0, "printed", 0.5569487, 0.6605983, 0.1611936),
    (0.5, 0.5, "variance", 0.1040045, 0.1584783, 0.0477823),
    (0.5, 0.5, "printed", 0.1637055, 0.2403899, 0.0509060),
]


@pytest.mark.parametrize("gamma, gamma_c, kind, cell_0, cell_1, state", VALUES)
def test_known_values(gamma, gamma_c, kind, cell_0, cell_1, state):
    scale = preactivation_scale(gamma, gamma, kind)
    assert_allclose(cell_variance(scale, forget_bias=0.0), cell_0, atol=1e-7)
    assert_allclose(cell_variance(scale, forget_bias=1.0), cell_1, atol=1e-7)
    assert_allclose(state_variance(scale, gamma_c), state, atol=1e-7)


@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("function", [numpy.tanh, logistic])
def test_quadrature_has_converged(function, scale):
    """Against SciPy's adaptive quadrature, split where the gate is steep."""
    bias = 1.0
    points = [-bias / scale + step for step in (-3 / scale, 0, 3 / scale)]

    def integral(power):
        def integrand(z):
            return function(bias + scale * z) ** power * norm.pdf(z)

        edges = sorted({-12.0, 12.0, *numpy.clip(points, -12, 12)})
        pieces = zip(edges[:-1], edges[1:])
        return sum(quad(integrand, *piece, epsabs=1e-12)[0] for piece in pieces)

    mean, variance = mean_and_variance(function, bias, scale)
    assert_allclose(mean, integral(1), atol=1e-9)
    assert_allclose(variance, integral(2) - integral(1) ** 2, atol=1e-9)


def test_unknown_kind():
    with pytest.raises(ValueError, match="'printed', 'zero-bias' or 'variance'"):
        preactivation_scale(1.0, 1.0, "sum")
