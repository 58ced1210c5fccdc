"""What somebody else may have laid out: links in run folders, folders of caches.

Standard library only: ``docker/entry.py`` and ``workflow/run.py`` use it, too.
"""

import errno
import os
import stat
import tempfile
from contextlib import suppress

from common.errors import RunError

OTHERS = stat.S_IWGRP | stat.S_IWOTH
# What opening says where there is a link, a pipe or socket, or a folder.
NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR)


def regular(path, flags):
    """Open a file in a folder that a stranger may have made; the `opener` of ``open``.

    Raises
    ------
    RunError
        If it is no file, or a link, which might lead out of the folder.
    """
    try:
        # Without O_NONBLOCK a pipe would be waited for.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno not in NO_FILE:
            raise
    else:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    raise RunError(
        f"{path} is a link, a pipe or a folder instead of a file: put the file itself "
        "there, or delete what is there"
    )


def read_bytes(path, limit=None):
    """Return what is in a file of at most `limit` bytes; see `regular`."""
    with open(path, "rb", opener=regular) as file:
        content = file.read(-1 if limit is None else limit + 1)
    if limit is not None and len(content) > limit:
        raise RunError(f"{path} is larger than any such file of the archive's")
    return content


def check_own(path, allowed=0):
    """Refuse what others can have written.

    Parameters
    ----------
    path : path-like
        Of a file or a folder.
    allowed : int
        Of the bits by which others may write, those that are no reason to refuse it.

    Raises
    ------
    PermissionError
        If it, or a link to it, belongs to somebody else, or others may write in it.
    """
    status = os.stat(path)
    if {status.st_uid, os.lstat(path).st_uid} != {os.geteuid()}:
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
    if status.st_mode & OTHERS & ~allowed:
        raise PermissionError(errno.EPERM, "other users may write in it", str(path))


def own_folder(path, allowed=0):
    """Make a folder for this user alone, or see that it is one; see `check_own`.

    Raises
    ------
    OSError
        If it is not, or cannot be made.
    """
    os.makedirs(path, 0o700, exist_ok=True)
    check_own(path, allowed)


def private_folder(path):
    """Return `path`, a name that others can foresee, or a new folder if it is theirs.

    Where no folder can be made either, `path` is returned for others to report.
    """
    try:
        own_folder(path)
    except OSError:
        with suppress(OSError):
            return tempfile.mkdtemp(prefix="theano-")
    return str(path)
