"""The five LSTMs in NumPy, one step after the other, from the equations alone."""

import numpy


def logistic(x):
    return 1.0 / (1.0 + numpy.exp(-x))


def unit(W):
    """Incoming weight vectors of norm one, each a column of W."""
    return W / numpy.linalg.norm(W, axis=0)


def standardise(x, axis, epsilon=1e-5, weights=None):
    """Zero mean, unit variance over an axis; `weights` leave examples out."""
    mean = numpy.average(x, axis=axis, weights=weights)
    mean = numpy.expand_dims(mean, axis)
    variance = numpy.average((x - mean) ** 2, axis=axis, weights=weights)
    return (x - mean) / numpy.sqrt(numpy.expand_dims(variance, axis) + epsilon)


def run(model, p, x, mask=None, drop=None):
    """States and cells, (time, batch, d), of `model` with the parameters `p`.

    `x` (time, batch, inputs); `p` holds W_x, W_h, b, h0, c0 and what the model has
    of gamma_x, gamma_h, gamma_c, beta_c. For norm_prop it may hold variances, whose
    roots divide: var_gates the sum of both terms, var_g tanh(g), var_sum the new cell,
    var_c what goes into the outer tanh, and var_h the new state.
    """
    batch, d = x.shape[1], len(p["h0"])
    h = numpy.repeat(p["h0"][None], batch, axis=0)
    c = numpy.repeat(p["c0"][None], batch, axis=0)
    states, cells = [], []

    def std(name):
        return numpy.sqrt(p.get(f"var_{name}", 1.0))

    for t, x_t in enumerate(x):
        present = numpy.ones(batch) if mask is None else mask[t]
        if model in ("weight_norm", "norm_prop"):
            z = x_t @ (p["gamma_x"] * unit(p["W_x"]))
            z = z + h @ (p["gamma_h"] * unit(p["W_h"]))
            z = z / std("gates") + p["b"]
        else:
            z_x, z_h = x_t @ p["W_x"], h @ p["W_h"]
            if model == "batch_norm":
                z_x = p["gamma_x"] * standardise(z_x, 0, weights=present)
                z_h = p["gamma_h"] * standardise(z_h, 0, weights=present)
            elif model == "layer_norm":
                z_x = p["gamma_x"] * standardise(z_x, 1)
                z_h = p["gamma_h"] * standardise(z_h, 1)
            z = z_x + z_h + p["b"]
        i, f, g, o = z[:, :d], z[:, d : 2 * d], z[:, 2 * d : 3 * d], z[:, 3 * d :]
        candidate = numpy.tanh(g) / std("g") * (1.0 if drop is None else drop[t])
        new_c = (logistic(i) * candidate + logistic(f) * c) / std("sum")
        inner = new_c
        if model == "batch_norm":
            inner = p["gamma_c"] * standardise(new_c, 0, weights=present) + p["beta_c"]
        elif model == "layer_norm":
            inner = p["gamma_c"] * standardise(new_c, 1) + p["beta_c"]
        elif model == "norm_prop":
            inner = p["gamma_c"] * new_c / std("c")
        new_h = logistic(o) * numpy.tanh(inner) / std("h")
        keep = present[:, None] == 0
        h, c = numpy.where(keep, h, new_h), numpy.where(keep, c, new_c)
        states.append(h)
        cells.append(c)
    return numpy.array(states), numpy.array(cells)
