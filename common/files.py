"""Files that are either the old version or the new one, never half of one.

They may lie in a stranger's run folder: links are not followed.
"""

import errno
import io
import json
import math
import os
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy

from common.errors import RunError, because
from common.trust import read_bytes, regular

# Bytes of a file that is read whole; ours are far smaller.
LARGEST = 16 * 1024**2
# What a file system says that does not know how to wait for its disk.
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
# Bytes of the header of an array; NumPy has Python parse it.
LONGEST_HEADER = 1000
RESUME = "a run goes on with --resume"


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
        raise RunError(f"cannot make the folder {path} {because(error)}") from error


def sync(descriptor):
    """Make what was written last through a power failure, where that can be done."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def flush_folder(folder):
    """Make the renames in a folder last; see :func:`sync`."""
    descriptor = os.open(str(folder), os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path, advice=RESUME):
    """Open a binary file that takes the place of `path` once it is complete.

    Raises
    ------
    RunError
        If it cannot be written; `path` is then what it was before.
    """
    path = Path(path)
    part = beside(path)
    try:
        with suppress(FileNotFoundError):
            part.unlink()  # left by a kill, or a stranger's
        with open(part, "xb", opener=regular) as file:
            yield file
            file.flush()
            sync(file.fileno())
        os.replace(part, path)
        flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise RunError(
            f"cannot write {path} {because(error)}; what was there before is kept: "
            f"{advice}"
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
        raise RunError(f"cannot read {path} {because(error)}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error})") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged (it should hold one JSON object)")
    return value
