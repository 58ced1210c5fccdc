"""Files that are either the old version or the new one, never half of one.

They may lie in a stranger's run folder: links are not followed.
"""

import io
import json
import math
import os
import zipfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy

from common.errors import RunError
from common.trust import read_bytes, regular

# Bytes of a file that is read whole; ours are far smaller.
LARGEST = 16 * 1024**2
# What reading a damaged .npz file may raise.
UNREADABLE = (
    OSError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
RESUME = "make room or give the folder write permission, then continue with --resume"


def beside(path):
    """Return the name under which the next version of a file is written."""
    path = Path(path)
    return path.with_name(f".{path.name}.part")


def megabytes(size):
    """Write a number of bytes for people."""
    return f"{max(1, round(size / 1e6)):,} MB"


def make_folder(path):
    """Make a folder, and those that it lies in, if they are not there.

    Raises
    ------
    RunError
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {path} ({error.strerror})") from error


def flush_folder(folder):
    """Make the renames in a folder last through a power failure."""
    descriptor = os.open(str(folder), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path, advice=RESUME):
    """Open a binary file that takes the place of `path` once it is complete.

    Raises
    ------
    RunError
        If the disk is full, or the folder cannot be written; `path` is then what
        it was before.
    """
    path = Path(path)
    part = beside(path)
    try:
        with suppress(FileNotFoundError):
            part.unlink()  # left by a kill, or a stranger's
        with open(part, "xb", opener=regular) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        flush_folder(path.parent)
    except OSError as error:
        try:
            part.unlink()
        except OSError:
            pass
        raise RunError(
            f"cannot write {path} ({error.strerror or error}); what was there before "
            f"is kept: {advice}"
        ) from error


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


def read_npz(path):
    """Yield the names and arrays of an ``.npz`` file, whole and without pickles.

    ``numpy.load`` prints a traceback of its own when the archive is damaged, and
    does not read as far as the checksums that a zip archive ends its files with.

    Raises
    ------
    Exception
        One of ``UNREADABLE``; or RunError, if it is no file.
    """
    with open(path, "rb", opener=regular) as file, zipfile.ZipFile(file) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        # Ours are not compressed: what unpacks to more than it is comes from elsewhere.
        if size > os.fstat(file.fileno()).st_size:
            raise ValueError(f"it would unpack to {megabytes(size)}")
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
    first = layout.read_magic(file) == (1, 0)
    read = layout.read_array_header_1_0 if first else layout.read_array_header_2_0
    shape, _, dtype = read(file)
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array is not of the size that it says")
    file.seek(0)
    return layout.read_array(file, allow_pickle=False)


def read_note(path):
    """Return what :func:`write_npz` has noted in a file; empty if nothing."""
    with open(path, "rb", opener=regular) as file, zipfile.ZipFile(file) as archive:
        return archive.comment.decode("utf-8", "replace")


def write_json(path, value):
    with replacing(path) as file:
        file.write(json.dumps(value, indent=2, sort_keys=True).encode() + b"\n")


def read_json(path):
    """Read a JSON object.

    Raises
    ------
    RunError
        If the file is missing, unreadable or not a JSON object.
    """
    try:
        value = json.loads(read_bytes(path, LARGEST).decode("utf-8"))
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error})") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged (it should hold one JSON object)")
    return value
