"""``.npz`` files that may be a stranger's: no pickles, and no more than they say."""

import io
import math
import os
import zipfile
from contextlib import contextmanager

import numpy

from common.errors import RunError, because
from common.files import megabytes
from common.trust import regular

# Bytes of the header of an array; NumPy has Python parse it.
LONGEST_HEADER = 1000


def write_npz(file, arrays, note=""):
    """Write an ``.npz`` file as ``numpy.savez`` does.

    Where the disk is full, that leaves an open archive behind, which prints a
    traceback when it is thrown away.

    Parameters
    ----------
    file : binary file
    arrays : dict of str to ndarray
        No objects.
    note : str
        Kept as the comment of the zip archive, where NumPy does not look.
    """
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = note.encode()
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                numpy.lib.format.write_array(entry, array, allow_pickle=False)


class Damaged(RunError):
    """A file that cannot be read, whatever the reason is."""


@contextmanager
def opened_npz(path):
    """Open what :func:`write_npz` has written.

    Raises
    ------
    FileNotFoundError
    Damaged
        If it cannot be read, or anything goes wrong within the block.
    RunError
        If it is no file.
    """
    try:
        with open(path, "rb", opener=regular) as file, zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            # Ours are not compressed: what unpacks to more than it is is a stranger's.
            if size > os.fstat(file.fileno()).st_size:
                raise ValueError(f"it would unpack to {megabytes(size)}")
            yield archive
    except (FileNotFoundError, RunError):
        raise
    except OSError as error:
        raise Damaged(f"{path} cannot be read {because(error)}") from error
    except Exception as error:  # what a stranger's file may provoke is not known
        said = str(error)[:200] or type(error).__name__
        raise Damaged(f"{path} is damaged ({said})") from error


def read_npz(path):
    """Yield the names and arrays of an ``.npz`` file, whole and without pickles.

    ``numpy.load`` prints a traceback of its own when the archive is damaged, and
    does not read as far as the checksums that a zip archive ends its files with. For
    errors see :func:`opened_npz`.
    """
    with opened_npz(path) as archive:
        for name in archive.namelist():
            yield name[: -len(".npy")], read_array(archive.read(name))


def read_array(content):
    """Return the array in the bytes of an ``.npy`` file; memory for no other is taken.

    Raises
    ------
    ValueError
        If it is another size than it says.
    """
    file, layout = io.BytesIO(content), numpy.lib.format
    # NumPy has Python parse the header, which a stranger may make of any length.
    ours = layout.read_magic(file) == (1, 0)
    if not ours or int.from_bytes(content[8:10], "little") > LONGEST_HEADER:
        raise ValueError("an array has a header that NumPy would not write")
    shape, _, dtype = layout.read_array_header_1_0(file)
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array is not of the size that it says")
    file.seek(0)
    return layout.read_array(file, allow_pickle=False)


def read_note(path):
    """Return what :func:`write_npz` has noted in a file; empty if nothing."""
    with opened_npz(path) as archive:
        return archive.comment.decode("utf-8", "replace")
