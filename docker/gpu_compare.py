"""How far the results of two devices are apart, and whether that is near enough."""

import numpy

# How far the GPU may be from the CPU: gradients relative to the largest entry of the
# CPU's gradient of that parameter, and losses relative to the CPU's.
GRADIENT, LOSS = 1e-4, 5e-3
# In single precision, or so many times what single precision does to the CPU's.
FACTOR = 3.0
USELESS = 0.1  # an allowance above which agreement says nothing
# Of the length of all gradients: below it a double-precision entry is mere rounding.
# Before batch normalisation, for instance, a bias has no effect.
ZERO = 1e-12


def distances(candidate, reference):
    """Say how far results are from others.

    Parameters
    ----------
    candidate, reference : dict of str to ndarray
        ``losses`` and the gradients by their parameters' names.

    Returns
    -------
    dict of str to float
        For each gradient the largest difference, in units of the largest entry of the
        reference, or of the length of all gradients where that entry is zero but for
        rounding; for ``losses`` the largest relative difference.
    """
    found = {}
    gradients = [array for name, array in reference.items() if name != "losses"]
    length = float(numpy.sqrt(sum(numpy.sum(array**2) for array in gradients)))
    for name, wanted in reference.items():
        difference = abs(candidate[name] - wanted)
        if name == "losses":
            found[name] = float(numpy.max(difference / abs(wanted)))
        else:
            largest = float(abs(wanted).max())
            if largest <= ZERO * length:
                largest = length or 1.0
            found[name] = float(difference.max()) / largest
    return found


def compare(candidate, reference, rounding=None, gradient=GRADIENT, loss=LOSS):
    """Say whether results are near enough to others.

    Parameters
    ----------
    candidate, reference : dict of str to ndarray
        See :func:`distances`.
    rounding : dict of str to ndarray, optional
        Results of the reference's device in the candidate's precision, where that is
        not the reference's: how far these are off is allowed for.
    gradient, loss : float
        How far they may be apart.

    Returns
    -------
    dict
    """
    apart = distances(candidate, reference)
    found = {"apart": apart, "allowed": {}}
    alone = {} if rounding is None else distances(rounding, reference)
    if rounding is not None:
        found["apart_by_rounding_alone"] = alone
    for name in apart:
        tolerance = loss if name == "losses" else gradient
        found["allowed"][name] = max(tolerance, FACTOR * alone.get(name, 0.0))
    # Written so that what is not a number fails.
    agrees = [name for name in apart if apart[name] <= found["allowed"][name]]
    found["disagree"] = sorted(set(apart) - set(agrees))
    found["undecided"] = sorted(n for n in apart if found["allowed"][n] > USELESS)
    for name in ("first", "last"):
        index = {"first": 0, "last": -1}[name]
        both = (candidate["losses"][index], reference["losses"][index])
        found[f"{name}_loss"] = list(map(float, both))
    return found
