"""Write an HDF5 file whole or not at all; say what is wrong with one.

HDF5 itself gets no file to open: it would lock it, which not every disk can do, and it
tells little of what goes wrong.
"""

import hashlib
import io
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy
from fuel.datasets import H5PYDataset

from common.errors import RunError, because
from common.files import make_folder, replacing
from datasets.corpus import SPLITS

ADVICE = "--data-dir chooses another folder"
# More than any data set of the archive has in it.
LARGEST = 200 * 2**20


@contextmanager
def written_whole(path):
    """Make an HDF5 file in memory, and write it once the block has ended well.

    Parameters
    ----------
    path : str or Path
        Where the file shall be. Its folder is made if need be.

    Yields
    ------
    h5py.File

    Raises
    ------
    RunError
        If the file cannot be written; an older one is then as it was.

    """
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        yield file
    make_folder(Path(path).parent, ADVICE)
    with replacing(path, ADVICE) as file:
        file.write(image.getbuffer())


@contextmanager
def opened(path, command):
    """Open an HDF5 file; whatever h5py or Fuel raise in the block becomes a RunError.

    Parameters
    ----------
    path : str or Path
    command : str
        The command that makes this file again.

    Yields
    ------
    h5py.File

    Raises
    ------
    RunError

    """
    try:
        with open(path, "rb") as raw, h5py.File(raw, "r") as file:
            # It may have been made to claim any size.
            if sum(part.size * part.dtype.itemsize for part in file.values()) > LARGEST:
                raise ValueError("there is more in it than there can be")
            yield file
    except (
        *(OSError, KeyError, ValueError, TypeError, RuntimeError),
        *(AttributeError, MemoryError, OverflowError),
    ) as error:
        if isinstance(error, OSError) and error.errno:
            raise RunError(f"{path} cannot be read {because(error)}") from None
        raise RunError(
            f"{path} is damaged ({error}): run `{command}` to make it again"
        ) from None


def read_splits(file, source):
    """Return an array for each of the splits ``train``, ``valid`` and ``test``."""
    splits = [
        H5PYDataset(file, (split,), sources=(source,), load_in_memory=True)
        for split in SPLITS
    ]
    return [numpy.ascontiguousarray(split.data_sources[0]) for split in splits]


def digest(arrays):
    """SHA-256 of arrays, one after the other."""
    sha256 = hashlib.sha256()
    for array in arrays:
        sha256.update(array)
    return sha256.hexdigest()
