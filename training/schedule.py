"""Learning-rate schedules; "exponential decay" in the paper, see docs.

The released DRAW code divides the rate by 1 + decay * updates; the early Penn
Treebank code and Cooijmans et al. define the exponential form.
"""

import numpy

SCHEDULES = ("inverse", "exponential", "none")


def rate(schedule, initial, decay, updates):
    """Return the learning rate of the update that follows `updates` updates.

    The first update, ``updates == 0``, has the undecayed rate.

    Parameters
    ----------
    schedule : {'inverse', 'exponential', 'none'}
        ``initial / (1 + decay * updates)``, ``initial * (1 - decay) ** updates`` or
        ``initial``.
    initial : float
    decay : float
        Per update.
    updates : int

    Raises
    ------
    ValueError
        If there is no such schedule.
    """
    if schedule == "inverse":
        return initial / (1.0 + decay * updates)
    if schedule == "exponential":
        return initial * (1.0 - decay) ** updates
    if schedule == "none":
        return initial
    raise ValueError(f"no schedule is called {schedule!r}")


def modifier(variable, schedule, initial, decay):
    """Return the extension that sets a shared learning rate after every update."""
    from blocks.extensions.training import SharedVariableModifier

    def value(updates):
        return numpy.asarray(
            rate(schedule, initial, decay, updates), dtype=variable.dtype
        )

    return SharedVariableModifier(variable, value)
