"""Character-level Penn Treebank: open it, stream it.

Windows, offsets and batches are those of Cooijmans et al., arXiv:1603.09025,
which the paper follows in its Section 5.1: non-overlapping windows of 100
symbols, shuffled, from a fresh random offset each epoch, in batches of 64.
"""

import json
import os

import numpy

from common.errors import RunError
from common.published_files import PTB
from datasets import locate
from datasets.corpus import Corpus, corpus_from_texts
from datasets.hdf5 import digest, opened, read_splits
from datasets.sample_text import sample_texts
from datasets.streams import PositionedStream, batches
from datasets.windows import Windows

FILENAME = "penn_treebank_characters.hdf5"
# The fingerprint of the published corpus: a file's own checksums are only its claim.
SHA256 = "b04a18137ea1fab8107ac82d67958bb14de43f405122f9347a1775ddcd6872b1"
# In a container it is another one (docker/entry.py).
COMMAND = os.environ.get("REPRODUCE_DATA_COMMAND", "./reproduce data ptb")


def open_ptb(data_dir=None):
    """Open the converted corpus and check it.

    Parameters
    ----------
    data_dir : str or Path, optional
        Folder with the converted file; see :func:`datasets.locate.data_folders`.

    Returns
    -------
    Corpus
        5,059,550, 396,412 and 446,184 symbols, 50 of them distinct.

    Raises
    ------
    RunError
        If the file is missing, damaged, or made from anything but the published
        files.

    """
    path = locate.find(FILENAME, COMMAND, data_dir)
    corpus = read_corpus(path)
    if fingerprint(corpus) != SHA256 or corpus.checksums != PTB.checksums:
        raise RunError(
            f"{path} was not made from the published files: move it away and run "
            f"`{COMMAND}`"
        )
    return corpus


def read_corpus(path):
    """Read a corpus from the HDF5 file that `datasets.convert_ptb` writes."""
    with opened(path, COMMAND) as file:
        vocabulary = list("".join(file.attrs["vocabulary"]))
        checksums = json.loads(file.attrs["checksums"])
        splits = read_splits(file, "symbols")
        if file.attrs["sha256"] != digest(splits):
            raise ValueError("the symbols do not have the checksum stored with them")
    return Corpus("ptb", vocabulary, splits, checksums)


def fingerprint(corpus):
    """SHA-256 of all that a corpus consists of."""
    splits = [corpus.train, corpus.valid, corpus.test]
    layout = [(str(symbols.dtype), symbols.shape) for symbols in splits]
    return digest([ascii((corpus.vocabulary, layout)).encode(), *splits])


def open_sample(symbols=None):
    """Make the built-in sample corpus, in memory.

    Parameters
    ----------
    symbols : int, optional
        Size of the vocabulary: characters that do not occur are added to it, so that
        a model has the size that it has on another text.

    Returns
    -------
    Corpus
        About 400,000 symbols of simple English-like sentences; no real text.

    """
    corpus = corpus_from_texts("sample", sample_texts())
    others = [c for c in map(chr, range(128)) if c not in corpus.vocabulary]
    corpus.vocabulary += others[: max(0, (symbols or 0) - len(corpus.vocabulary))]
    return corpus


def open_corpus(sample=False, data_dir=None):
    """Open the built-in sample, or the Penn Treebank; see the two functions above."""
    return open_sample() if sample else open_ptb(data_dir)


def training_stream(corpus, length=100, batch_size=64, seed=1, batches_per_epoch=None):
    """Stream shuffled windows of the training set, other ones every epoch.

    Each epoch draws an offset in ``[0, length)`` and an order of the windows from
    `seed` and its own number, and nothing else. One window's room is left for the
    offset, so every epoch has ``len(corpus.train) // length - 1`` windows. The
    last batch has those that remain.

    Parameters
    ----------
    corpus : Corpus
        Where the training set comes from.
    length : int, optional
        Number of symbols in a window.
    batch_size : int, optional
        Number of windows in a batch.
    seed : int, optional
        In ``[0, 2**32)``.
    batches_per_epoch : int, optional
        End every epoch after at most this many batches.

    Returns
    -------
    PositionedStream
        Of ``{'symbols': (length, batch_size) int32}``.

    Raises
    ------
    RunError
        If the training set is too short for two windows.

    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed}: use 0 or more, and less than 2**32")
    dataset = Windows(corpus.train, length)
    number = dataset.num_examples - 1
    if number < 1:
        raise RunError(
            f"the training set has {len(corpus.train)} symbols, but windows of "
            f"{length} from a random offset need {2 * length}: use a smaller length"
        )

    def plan(epoch):
        # Two words seed the legacy generator, whose numbers NumPy keeps the same
        # in all its versions.
        random = numpy.random.RandomState([seed, epoch])
        offset = random.randint(length)
        return batches(offset + length * random.permutation(number), batch_size)

    return PositionedStream(dataset, plan, batches_per_epoch)


def windows_stream(symbols, length=100, batch_size=64):
    """Stream the windows of a sequence in order, from its first symbol on.

    Symbols after the last whole window are left out; a last batch with fewer
    windows is not.

    Parameters
    ----------
    symbols : ndarray
        ``uint8``, ``(time,)``: a validation or test set.
    length : int, optional
        Number of symbols in a window.
    batch_size : int, optional
        Number of windows in a batch.

    Returns
    -------
    PositionedStream
        Of ``{'symbols': (length, batch_size) int32}``.

    Raises
    ------
    RunError
        If the sequence is too short for one window.

    """
    dataset = Windows(symbols, length)
    requests = batches(length * numpy.arange(dataset.num_examples), batch_size)
    return PositionedStream(dataset, lambda epoch: requests)
