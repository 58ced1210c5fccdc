"""What becomes of a small change of h from one time step to the next.

The mean logarithm of its growth is the largest Lyapunov exponent of the recurrence
under random inputs. Above 0 the model starts in chaos: its gradient over a window is
noise. Far below 0 nothing is remembered.
"""

import numpy

import ptb_experiment
from experiments import ptb_options
from figures.recurrence import backward, of_model
from training.progress import bar

# The five models, and the other readings of norm_prop.
FORMS = {
    "baseline": [],
    "weight_norm": [],
    "batch_norm": [],
    "layer_norm": [],
    "norm_prop, eq. 13-15, printed moments": ["--compensation", "paper"],
    "norm_prop, eq. 13-15, variance moments": (
        "--compensation paper --moments variance".split()
    ),
    "norm_prop, as released": ["--compensation", "released"],
    "norm_prop, early code": ["--compensation", "early"],
    "norm_prop, no compensation": ["--compensation", "none"],
}
SYMBOLS = 50  # as many as the Penn Treebank has
# Steps that are measured, and those before and after them that are not: the states
# have to leave zero, and the change has to turn to the direction that grows most.
STEPS, SETTLING = 150, 50
PIECE = 10
SEED = 1  # of the symbols and of the change


def compute(options):
    """The growth in each of :data:`FORMS`, and its standard error."""
    found = {"units": options.units, "steps": STEPS, "forms": []}
    with bar(len(FORMS), "stability", unit=" models") as shown:
        for form in FORMS:
            mean, error = growth(model(form, options.units), batch=16)
            entry = {"form": form, "growth": round(mean, 5), "error": round(error, 5)}
            found["forms"].append(entry)
            shown.update()
    return found


def model(form, units):
    """The brick of the published experiment in one of :data:`FORMS`."""
    arguments = ["--model", form.partition(",")[0], "--units", str(units)]
    options = ptb_options.parse([*arguments, *FORMS[form]])
    return ptb_experiment.build_model(options, SYMBOLS)


def growth(brick, batch):
    """Mean growth per step of a small change of h and c, as a logarithm.

    The change is followed backwards, as a gradient is: what multiplies it is the same
    Jacobian, transposed, which has the same exponents.

    Parameters
    ----------
    brick : bricks.CharacterModel
        Initialised.
    batch : int
        Sequences of symbols drawn uniformly.

    Returns
    -------
    mean, error : float
        Over the sequences, and its standard error. In ``batch_norm`` the sequences
        depend on each other: there it is over pieces of :data:`PIECE` steps.
    """
    random = numpy.random.RandomState(SEED)
    steps = STEPS + 2 * SETTLING
    symbols = random.randint(SYMBOLS, size=(steps, batch)).astype("int32")
    inputs, states, cells = of_model(brick)(symbols)
    back = backward(brick.lstm)
    change = [random.normal(size=states[0].shape).astype(states.dtype)] * 2
    logarithms = []
    # By example, where an example is a system of its own.
    axes = (0, 1, 2) if brick.populations else (0, 2)
    for t in range(steps - 1, SETTLING, -1):
        change = numpy.array(back(inputs[t], states[t - 1], cells[t - 1], *change))
        size = (change**2).sum(axis=axes, keepdims=True) ** 0.5
        change = change / size
        logarithms.append(numpy.log(size.ravel()))
    measured = numpy.array(logarithms[SETTLING - 1 :])
    if brick.populations:
        measured = measured.reshape((-1, PIECE)).T
    means = measured.mean(axis=0)
    return float(means.mean()), float(means.std(ddof=1) / len(means) ** 0.5)
