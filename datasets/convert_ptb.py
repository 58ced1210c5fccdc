"""Convert the Penn Treebank's three text files to one HDF5 file for Fuel."""

import hashlib
import json
from pathlib import Path

import h5py
import numpy
from fuel.converters.base import fill_hdf5_file

from common.errors import RunError
from common.published_files import PTB
from datasets.corpus import PREPARATION, SPLITS, corpus_from_texts
from datasets.download import Failure, unpack
from datasets.hdf5 import digest, written_whole
from datasets.originals import find, original

ARCHIVE = "simple-examples.tgz"


def convert_ptb(directory, output_path, checksums=PTB.checksums):
    """Convert the text files and store what was done beside the symbols.

    The file has one source, ``symbols`` (``uint8``, one byte per symbol), the
    splits ``train``, ``valid`` and ``test`` as Fuel's ``H5PYDataset`` reads them,
    and the attributes ``vocabulary`` (the characters in the order of their
    symbols), ``preparation`` (in words), ``checksums`` (JSON: SHA-256 of each
    text file) and ``sha256`` (of all symbols).

    Parameters
    ----------
    directory : str or Path
        Folder with the text files, as they are or with ``.gz`` at the end, under
        their names or as ``train.txt`` and so on; or with ``simple-examples.tgz``;
        or that archive.
    output_path : str or Path
        The HDF5 file to write.
    checksums : dict, optional
        Names of the three text files, in the order training, validation, test,
        and the SHA-256 that each must have; None where any text will do.

    Returns
    -------
    Corpus

    Raises
    ------
    RunError
        If a text file is missing or not the published one, or if the output
        cannot be written.

    """
    texts = {}
    for name, expected in checksums.items():
        path, texts[name] = _read(Path(directory), name)
        if expected is not None:
            texts[name] = texts[name].replace(b"\r\n", b"\n")
            check(path, texts[name], expected, PTB.sizes[name])
    corpus = corpus_from_texts("ptb", texts)
    splits = [corpus.train, corpus.valid, corpus.test]
    with written_whole(output_path) as file:
        fill_hdf5_file(
            file,
            [(split, "symbols", data) for split, data in zip(SPLITS, splits)],
        )
        file["symbols"].dims[0].label = "time"
        file.attrs["vocabulary"] = numpy.array(
            corpus.vocabulary, dtype=h5py.string_dtype()
        )
        file.attrs["preparation"] = PREPARATION
        file.attrs["checksums"] = json.dumps(corpus.checksums)
        file.attrs["sha256"] = digest(splits)
    return corpus


def check(path, text, sha256, size):
    """Refuse a text that is not the published one.

    Raises
    ------
    RunError
    """
    found = hashlib.sha256(text).hexdigest()
    if len(text) < size:
        reason = f"it has {len(text):,} bytes of {size:,}"
    elif len(text) > size:
        reason = f"it has more than {size:,} bytes"
    else:
        reason = f"its SHA-256 is {found}, not {sha256}"
    if found != sha256:
        raise RunError(f"{path} is not the published file: {reason}")


def _read(directory, name):
    """Return a text file, and where it was: other projects have other names for it."""
    size = PTB.sizes[name]
    archive = directory if directory.is_file() else directory / ARCHIVE
    if archive.is_file() and not (directory / name).is_file():
        try:
            return archive, unpack(archive, name, (PTB.checksums[name], size))
        except Failure as failure:
            raise RunError(f"{archive}: {failure}") from None
    path = find(directory, name, name[len("ptb.") :])
    with original(path) as file:
        # Not all of a file that unpacks to any length; twice, for carriage returns.
        return path, file.read(2 * size)
