"""Score a text as one sequence, the state carried from its start to its end.

This is how Table 2 is scored. Every step needs the state before it, so the steps
follow one another; only what comes before and after the recurrence is done for a
piece of the text at once.
"""

import math

import numpy
import theano
from theano import tensor

from training.progress import bar


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
    float
        -log2 of the probabilities given to the symbols, averaged over the
        ``len(sequence) - 1`` predictions.

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
    sequence = numpy.asarray(sequence, dtype="int32")
    nats = []
    with bar(predictions, description, unit=" characters") as shown:
        for start in range(0, predictions, piece):
            stop = min(start + piece, predictions)
            given, wanted = sequence[start:stop], sequence[start + 1 : stop + 1]
            chosen, h, c = advance(given, wanted, h, c, start)
            nats.append(chosen)
            shown.update(stop - start)
    total = numpy.concatenate(nats).sum(dtype="float64")
    return -float(total) / predictions / math.log(2.0)
