"""Convert the Penn Treebank's three text files to one HDF5 file for Fuel."""

import json
from pathlib import Path

import h5py
import numpy
from fuel.converters.base import fill_hdf5_file

from common.errors import RunError
from common.published_files import PTB
from datasets.corpus import PREPARATION, SPLITS, corpus_from_texts
from datasets.hdf5 import written_whole
from datasets.ptb import symbols_digest


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
        Folder with the text files.
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
    texts = {name: _read(Path(directory) / name) for name in checksums}
    corpus = corpus_from_texts("ptb", texts)
    for name, expected in checksums.items():
        if expected is not None and corpus.checksums[name] != expected:
            raise RunError(
                f"{Path(directory) / name} is not the published file: its SHA-256 is "
                f"{corpus.checksums[name]}, not {expected}"
            )
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
        file.attrs["sha256"] = symbols_digest(splits)
    return corpus


def _read(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
