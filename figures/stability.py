"""What becomes of a small change of h from one time step to the next.

The mean logarithm of its growth is the largest Lyapunov exponent of the recurrence
under random inputs. Above 0 the model starts in chaos: its gradient over a window is
noise. Far below 0 nothing is remembered.
"""

from collections import OrderedDict

import numpy
import theano
from theano import tensor

import ptb_experiment
from training import ptb_options

# The five models, and the other readings of norm_prop.
FORMS = {
    "baseline": [],
    "weight_norm": [],
    "batch_norm": [],
    "layer_norm": [],
    "norm_prop, eq. 13-15, printed moments": ["--compensation", "paper"],
    "norm_prop, eq. 13-15, variance moments": [
        *("--compensation", "paper", "--moments", "variance"),
    ],
    "norm_prop, as released": ["--compensation", "released"],
    "norm_prop, early code": ["--compensation", "early"],
    "norm_prop, no compensation": ["--compensation", "none"],
}
SYMBOLS = 50  # as many as the Penn Treebank has
# Steps that are measured, and those before and after them that are not: the states
# have to leave zero, and the change has to turn to the direction that grows most.
STEPS, SETTLING = 150, 50
PIECE = 10


def options_of(form, units):
    """Options of the published experiment for one of :data:`FORMS`."""
    model = form.partition(",")[0]
    return ptb_options.parse(["--model", model, "--units", str(units), *FORMS[form]])


def at_initialisation(form, units, batch=16):
    """The growth of one of :data:`FORMS`, with its seed 1.

    Returns
    -------
    dict
        ``form``, and ``growth`` and ``error`` of :func:`growth`.
    """
    brick = ptb_experiment.build_model(options_of(form, units), SYMBOLS)
    mean, error = growth(brick, batch)
    return {"form": form, "growth": round(mean, 5), "error": round(error, 5)}


def growth(brick, batch=16, seed=1):
    """Mean growth per step of a small change of h and c, as a logarithm.

    The change is followed backwards, as a gradient is: what multiplies it is the same
    Jacobian, transposed, which has the same exponents.

    Parameters
    ----------
    brick : bricks.CharacterModel
        Initialised.
    batch : int
        Sequences of symbols drawn uniformly.
    seed : int
        Of the symbols and of the change.

    Returns
    -------
    mean, error : float
        Over the sequences, and its standard error. In ``batch_norm`` the sequences
        depend on each other: there it is over pieces of :data:`PIECE` steps.
    """
    random = numpy.random.RandomState(seed)
    steps = STEPS + 2 * SETTLING
    symbols = random.randint(SYMBOLS, size=(steps, batch)).astype("int32")
    run, back = compiled(brick)
    inputs, states, cells = run(symbols)
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


def compiled(brick):
    """Compile the recurrence, and one step's gradient.

    Returns
    -------
    run : function
        From symbols (time, batch) to the input term (time, batch, 4d), and h and c
        (time, batch, d).
    back : function
        From one step's input term, h and c before it, and the gradient in h and c
        after it, to the gradient in h and c before it.
    """
    symbols = tensor.imatrix("symbols")
    term = brick.input_term.apply(brick.encoding.apply(symbols), training=True)
    run = theano.function([symbols], [term, *brick.lstm.apply(term, training=True)])
    inputs, *before = (tensor.matrix(name) for name in ("inputs", "h", "c"))
    after = brick.lstm.apply(
        inputs, states=before[0], cells=before[1], iterate=False, training=True
    )
    change = [tensor.matrix(f"d{name}") for name in "hc"]
    back = theano.function(
        [inputs, *before, *change],
        tensor.grad(None, before, known_grads=OrderedDict(zip(after, change))),
        on_unused_input="ignore",
    )
    return run, back
