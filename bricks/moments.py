"""The variances that Norm Prop divides by [NP, eq. 7-12].

The paper assumes that the pre-activations of a gate are Gaussian. Then the mean and
the variance of a gate are integrals in one variable, and Var[c] and Var[h] follow from
them. They are computed once, by quadrature, and stay fixed.
"""

import numpy

# The trapezoidal rule converges geometrically for an analytic integrand whose
# tails are negligible: at this step it is exact to double precision for any
# scale up to 50. (Gauss-Hermite converges far slower for steep gates.)
_Z = numpy.linspace(-12.0, 12.0, 24001)
_DENSITY = numpy.exp(-0.5 * _Z**2)
_DENSITY /= _DENSITY.sum()


def logistic(x):
    """Logistic function that does not overflow."""
    return 0.5 * (1.0 + numpy.tanh(0.5 * x))


def mean_and_variance(function, bias, scale):
    """Mean and variance of ``function(N(bias, scale ** 2))`` [NP, eq. 9-10].

    Parameters
    ----------
    function : callable
        Elementwise, on NumPy arrays.
    bias, scale : float
        Mean and standard deviation of the pre-activation.

    Returns
    -------
    mean, variance : float
    """
    values = function(bias + scale * _Z)
    mean = numpy.dot(_DENSITY, values)
    return float(mean), float(numpy.dot(_DENSITY, (values - mean) ** 2))


def preactivation_scale(gamma_x, gamma_h, kind="printed"):
    """Standard deviation of a gate's pre-activation.

    Parameters
    ----------
    gamma_x, gamma_h : float
        Initial gammas of the input and the recurrent term.
    kind : {'printed', 'zero-bias', 'variance'}
        ``printed`` and ``zero-bias`` are gamma_x + gamma_h, as in [NP, eq. 9-10];
        ``variance`` is sqrt(gamma_x^2 + gamma_h^2), as in [NP, eq. 22], which is what
        independent terms give. The paper contradicts itself here. With ``zero-bias``
        the bricks take all biases as 0, too, as eq. 9-10 do; with the others the
        forget gate's initial bias enters Var[c].

    Raises
    ------
    ValueError
        If `kind` is none of these.
    """
    if kind in ("printed", "zero-bias"):
        return gamma_x + gamma_h
    if kind == "variance":
        return (gamma_x**2 + gamma_h**2) ** 0.5
    raise ValueError(
        f"moments must be 'printed', 'zero-bias' or 'variance', not {kind!r}"
    )


def cell_variance(scale, input_bias=0.0, forget_bias=0.0, candidate_bias=0.0):
    """Var[c], the fixed point of the cell's variance [NP, eq. 8].

    c_t = s(i) tanh(g) + s(f) c_{t-1} with independent gates and E[tanh(g)] = 0
    gives Var[c] = Var[tanh(g)] E[s(i)^2] / (1 - E[s(f)^2]), where
    E[s^2] = Var[s] + E[s]^2.
    """
    _, candidate = mean_and_variance(numpy.tanh, candidate_bias, scale)
    return (
        candidate
        * second_moment(input_bias, scale)
        / (1.0 - second_moment(forget_bias, scale))
    )


def state_variance(scale, gamma_c, output_bias=0.0):
    """Var[h] of h_t = s(o) tanh(gamma_c z), z ~ N(0, 1) [NP, eq. 12]."""
    _, squashed = mean_and_variance(numpy.tanh, 0.0, gamma_c)
    return squashed * second_moment(output_bias, scale)


def second_moment(bias, scale):
    """E[s(a)^2] = Var[s(a)] + E[s(a)]^2 of a gate, a ~ N(bias, scale^2).

    The variance of a product [NP, eq. 7] needs nothing else of a gate, because what the
    gate multiplies has mean 0.
    """
    mean, variance = mean_and_variance(logistic, bias, scale)
    return variance + mean**2
