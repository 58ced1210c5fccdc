"""Use a trained character model: score text, write text."""

import sys

import numpy
import theano
from theano import tensor

from common.errors import RunError
from training.progress import Shown


def bits_per_character(bits, symbols):
    """Return a function that scores a stream of windows.

    Parameters
    ----------
    bits : Theano variable
        (time - 1, batch), the bits of each prediction.
    symbols : Theano variable
        (time, batch), the windows.

    Returns
    -------
    callable
        ``score(stream, description)``: bits per character over all predictions.
    """
    sums = theano.function([symbols], [bits.sum(dtype="float64"), bits.size])

    def score(stream, description):
        total = number = 0
        for batch in Shown(stream, description).get_epoch_iterator(as_dict=True):
            bits, predictions = sums(batch["symbols"])
            total, number = total + float(bits), number + int(predictions)
        return total / number

    return score


def load(parameters, arrays, path):
    """Set parameters to those of a run's best epoch.

    Parameters
    ----------
    parameters : dict of str to shared variable
    arrays : dict of str to ndarray
    path : path-like
        Where `arrays` come from.

    Raises
    ------
    RunError
        If they are those of another model.
    """
    expected = {n: v.get_value(borrow=True).shape for n, v in parameters.items()}
    if expected != {name: array.shape for name, array in arrays.items()}:
        raise RunError(f"{path} does not hold the parameters of this model")
    for name, variable in parameters.items():
        variable.set_value(arrays[name].astype(variable.dtype))


def choose(log_probabilities, temperature, random):
    """Draw a symbol from p^(1/temperature), or take the most probable one at 0."""
    if temperature == 0:
        return int(numpy.argmax(log_probabilities))
    scores = numpy.asarray(log_probabilities, dtype="float64") / temperature
    probabilities = numpy.exp(scores - scores.max())
    return int(random.choice(len(scores), p=probabilities / probabilities.sum()))


def generate(model, corpus, number, temperature, prime, seed):
    """Yield characters that the model continues `prime` with.

    Parameters
    ----------
    model : bricks.CharacterModel
    corpus : datasets.corpus.Corpus
        For its vocabulary.
    number : int
    temperature : float
    prime : str
        At least one character, of the vocabulary.
    seed : int

    Raises
    ------
    datasets.RunError
        If `prime` has a character that the vocabulary lacks.
    """
    given = corpus.encode(prime, name="--prime")
    symbols = tensor.imatrix("symbols")
    states, cells = tensor.matrix("states"), tensor.matrix("cells")
    step = theano.function(
        [symbols, states, cells], model.predict(symbols, states, cells)
    )
    start = theano.function([], model.lstm.initial_states(1))
    random = numpy.random.RandomState(seed)
    predicted, h, c = step(given.astype("int32")[:, None], *start())
    for _ in range(number):
        symbol = choose(predicted[-1, 0], temperature, random)
        yield corpus.vocabulary[symbol]
        predicted, h, c = step(numpy.full((1, 1), symbol, dtype="int32"), h, c)


def write(model, corpus, options):
    """Print generated text as it comes; the prime, if one was given, goes first.

    A newline, which ends a sentence in the corpus, is what comes before otherwise.

    Returns
    -------
    str
        What was printed.
    """
    prime = options.prime or "\n"
    corpus.encode(prime, name="--prime")
    text = options.prime or ""
    sys.stdout.write(text)
    for character in generate(
        model, corpus, options.generate, options.temperature, prime, options.seed
    ):
        text += character
        sys.stdout.write(character)
        sys.stdout.flush()
    sys.stdout.write("\n")
    return text
