"""Files that are either the old version or the new one, never half of one.

They may lie in a stranger's run folder: links are not followed. Standard library only,
and for Pythons from 3.6 on: set-up uses it.
"""

import errno
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import RunError, because
from common.trust import read_bytes, regular

# Bytes of a file that is read whole; ours are far smaller.
LARGEST = 16 * 1024**2
# What a file system says that does not know how to wait for its disk.
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
RESUME = "a run goes on with --resume"


def beside(path):
    """Return the name under which the next version of a file is written."""
    path = Path(path)
    return path.with_name(f".{path.name}.part")


def megabytes(size):
    """Write a number of bytes for people."""
    return f"{max(1, round(size / 1e6)):,} MB"


def sha256_of(file, between=lambda: None):
    """SHA-256 of an open binary file, in hexadecimal.

    It is read in pieces, and `between` is called after each.
    """
    digest = hashlib.sha256()
    for piece in iter(lambda: file.read(1 << 20), b""):
        digest.update(piece)
        between()
    return digest.hexdigest()


def make_folder(path, advice=""):
    """Make a folder, and those that it lies in, if they are not there.

    Raises
    ------
    RunError
        With what the system said, and the caller's advice.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder {path} {because(error)}"
        raise RunError("; ".join(filter(None, [message, advice]))) from error


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


def write_json(path, value, advice=RESUME):
    """Write a JSON object; see :func:`replacing`."""
    with replacing(path, advice) as file:
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
