"""An LSTM run over a sequence, and one of its steps followed back, as in training.

There batch normalisation uses the statistics of the batch: at initialisation the
population's say nothing yet.
"""

from collections import OrderedDict

import theano
from theano import tensor


def forward(inputs, term, lstm):
    """Compile a run over a sequence.

    Parameters
    ----------
    inputs : Theano variable
        Anything that the term is made of.
    term : Theano variable
        The input term, (time, batch, 4d).
    lstm : bricks.LSTM

    Returns
    -------
    function
        From `inputs` to the term, h and c, (time, batch, 4d or d).
    """
    return theano.function([inputs], [term, *lstm.apply(term, training=True)])


def backward(lstm):
    """Compile the product of a vector with the Jacobian of one step.

    Returns
    -------
    function
        From the step's input term, h and c before it, and the gradient in h and c after
        it, to the gradient in h and c before it.
    """
    inputs, h, c, dh, dc = (tensor.matrix(name) for name in ("x", "h", "c", "dh", "dc"))
    after = lstm.apply(inputs, states=h, cells=c, iterate=False, training=True)
    known = OrderedDict(zip(after, (dh, dc)))
    return theano.function(
        [inputs, h, c, dh, dc],
        tensor.grad(None, [h, c], known_grads=known),
        on_unused_input="ignore",
    )


def of_model(brick):
    """The run of a character model over symbols (time, batch)."""
    symbols = tensor.imatrix("symbols")
    term = brick.input_term.apply(brick.encoding.apply(symbols), training=True)
    return forward(symbols, term, brick.lstm)
