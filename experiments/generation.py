"""Write text with a trained character model."""

import sys
from pathlib import Path

import numpy
import theano
from theano import tensor

from common.files import replacing


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
    RunError
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


def write(brick, corpus, options):
    """Print generated text as it comes, and leave it in the run folder.

    The prime goes first, if one was given. Otherwise the text goes on from a newline,
    which ends a sentence in the corpus.
    """
    prime = options.prime or "\n"
    corpus.encode(prime, name="--prime")
    text = options.prime or ""
    sys.stdout.write(text)
    for character in generate(
        brick, corpus, options.generate, options.temperature, prime, options.seed
    ):
        text += character
        sys.stdout.write(character)
        sys.stdout.flush()
    sys.stdout.write("\n")
    with replacing(Path(options.evaluate) / "sample.txt") as file:
        file.write(text.encode("utf-8"))
