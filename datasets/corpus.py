"""Text as sequences of symbols, one byte each."""

import hashlib

import numpy

from common.errors import RunError

SPLITS = ("train", "valid", "test")

PREPARATION = (
    "characters of the word-level text; the leading blank of each line removed, "
    "the newline kept"
)


def prepare(text, name):
    """Turn a word-level file into the text whose characters are modelled.

    One blank is removed where a line starts with one; everything else stays,
    newlines included. A last line without a newline is left without one.

    Parameters
    ----------
    text : bytes
        What the file contains.
    name : str
        Name of the file, for error messages.

    Raises
    ------
    RunError
        If there is no text, or it has characters outside ASCII or carriage
        returns (Windows line endings), which would become symbols of their own.

    """
    if not text.strip():
        raise RunError(f"{name} has no text in it")
    if b"\r" in text:
        line = text.count(b"\n", 0, text.index(b"\r")) + 1
        raise RunError(
            f"{name}, line {line}: there is a carriage return; the file needs Unix "
            "line endings"
        )
    try:
        text.decode("ascii")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise RunError(
            f"{name}, line {line}: byte 0x{text[error.start]:02x} is not ASCII"
        ) from None
    return (b"\n" + text).replace(b"\n ", b"\n")[1:]


class Corpus:
    """Three splits of a text as symbols, and the vocabulary they refer to.

    Parameters
    ----------
    name : str
        What to call the corpus.
    vocabulary : list of str
        The character that each symbol stands for.
    splits : sequence of ndarray
        Symbols of the training, validation and test set: ``uint8``, ``(time,)``.
    checksums : dict
        SHA-256 of each file that the corpus was made from.

    Attributes
    ----------
    train, valid, test : ndarray
        ``uint8``, ``(time,)``.

    """

    def __init__(self, name, vocabulary, splits, checksums):
        self.name = name
        self.vocabulary = list(vocabulary)
        self.train, self.valid, self.test = splits
        self.checksums = dict(checksums)

    def encode(self, text, name="the text"):
        """Turn text into symbols.

        Parameters
        ----------
        text : str
            Characters of the vocabulary.
        name : str, optional
            Where the text comes from, for the error message.

        Returns
        -------
        ndarray
            ``uint8``, ``(time,)``.

        Raises
        ------
        RunError
            If a character is not in the vocabulary.

        """
        unknown = set(text) - set(self.vocabulary)
        if unknown:
            place = min(text.index(character) for character in unknown)
            line = text.count("\n", 0, place) + 1
            raise RunError(
                f"{name}, line {line}: the symbol {text[place]!r} does not occur in "
                "the training set"
            )
        characters = "".join(self.vocabulary).encode("ascii")
        table = bytes.maketrans(characters, bytes(range(len(characters))))
        symbols = text.encode("ascii").translate(table)
        return numpy.frombuffer(symbols, dtype="uint8")

    def decode(self, symbols):
        """Turn symbols, an integer array ``(time,)``, back into a string."""
        return "".join(self.vocabulary[symbol] for symbol in numpy.asarray(symbols))


def corpus_from_texts(name, texts):
    """Make a corpus from three word-level texts.

    The vocabulary is that of the training text, in the order of the character
    codes (so the newline comes first, then the blank).

    Parameters
    ----------
    name : str
        What to call the corpus.
    texts : dict
        Maps three file names to their contents (bytes), in the order training,
        validation, test.

    Raises
    ------
    RunError
        See :func:`prepare`; also if the validation or test text has a symbol
        that the training text has not.

    """
    texts = dict(texts)
    checksums = {file: hashlib.sha256(text).hexdigest() for file, text in texts.items()}
    prepared = {file: prepare(text, file).decode() for file, text in texts.items()}
    train = next(iter(prepared.values()))
    corpus = Corpus(name, sorted(set(train)), (None, None, None), checksums)
    corpus.train, corpus.valid, corpus.test = (
        corpus.encode(text, file) for file, text in prepared.items()
    )
    return corpus
