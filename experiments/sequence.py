"""Score a text as one sequence, the state carried from its start to its end.

This is how Table 2 is scored. Every step needs the state before it, so the steps
follow one another; only what comes before and after the recurrence is done for a
piece of the text at once.

A model in which a small change of the state grows from step to step amplifies rounding
until its bits are another number on every machine. So a start that is moved a little
is followed, too, for the first steps.
"""

import math

import numpy
import theano
from theano import tensor

from training.progress import bar

# How far h_0 is moved: above rounding, and below all that matters.
MOVED = {"float32": 1e-6, "float64": 1e-12}
# Steps in which that is followed: growth by 0.2% a step shows.
FOLLOWED = 10000


def score(model, sequence, piece=1000, description="test"):
    """Bits per character of a whole sequence, from h_0 and c_0.

    Parameters
    ----------
    model : bricks.CharacterModel
    sequence : ndarray
        Integers, (time,); the first symbol is given, each later one is predicted.
    piece : int
        How many steps are computed in one call. The state and the number of the
        time step are carried, so that it changes the memory needed and not the
        result: about 40 kB a step at 1000 units.
    description : str
        Shown at the progress bar.

    Returns
    -------
    bpc : float
        -log2 of the probabilities given to the symbols, averaged over the
        ``len(sequence) - 1`` predictions.
    apart : float
        By how many bits a prediction differs, on average, if h_0 is moved by
        :data:`MOVED`: over the second half of the first :data:`FOLLOWED` steps. Where
        this is not small, floating point does not determine `bpc`.

    Raises
    ------
    ValueError
        If there is nothing to predict.
    """
    predictions = len(sequence) - 1
    if predictions < 1:
        raise ValueError("a sequence to score needs two symbols or more")
    inputs, targets = tensor.ivector("inputs"), tensor.ivector("targets")
    states, cells = tensor.matrix("states"), tensor.matrix("cells")
    first = tensor.iscalar("first_step")
    logs, last_states, last_cells = model.predict(
        inputs[:, None], states, cells, first_step=first
    )
    chosen = logs[tensor.arange(inputs.shape[0]), 0, targets]
    advance = theano.function(
        [inputs, targets, states, cells, first],
        [chosen, last_states, last_cells],
        on_unused_input="ignore",  # only batch_norm looks at the time step
    )
    h, c = theano.function([], model.lstm.initial_states(1))()
    moved = [h + numpy.asarray(MOVED[h.dtype.name], h.dtype), c]
    sequence = numpy.asarray(sequence, dtype="int32")
    nats, differences = [], []
    with bar(predictions, description, unit=" characters") as shown:
        for start in range(0, predictions, piece):
            stop = min(start + piece, predictions)
            given, wanted = sequence[start:stop], sequence[start + 1 : stop + 1]
            chosen, h, c = advance(given, wanted, h, c, start)
            nats.append(chosen)
            if start < FOLLOWED:
                also, *moved = advance(given, wanted, *moved, start)
                differences.append(abs(also - chosen))
            shown.update(stop - start)
    total = numpy.concatenate(nats).sum(dtype="float64")
    apart = numpy.concatenate(differences)
    apart = apart[len(apart) // 2 :].mean(dtype="float64")
    return -float(total) / predictions / math.log(2.0), float(apart) / math.log(2.0)
