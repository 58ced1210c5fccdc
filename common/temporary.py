"""A place for temporary files where programs can be compiled and run."""

import os
import shutil
import tempfile

from common.errors import RunError


def lacks(folder, needed):
    """Say why programs cannot be compiled and run in a folder; None if they can.

    Parameters
    ----------
    folder : path-like
    needed : float
        Bytes.

    Raises
    ------
    OSError
        If there is no such folder.
    """
    if os.statvfs(str(folder)).f_flag & os.ST_NOEXEC:
        return "it is mounted noexec, and no program can be run from it"
    free = shutil.disk_usage(str(folder)).free
    if free < needed:
        return f"{free / 1e6:.0f} MB are free, {needed / 1e6:,.0f} MB needed"
    return None


def find_place(otherwise, needed):
    """Have temporary files made in another folder if TMPDIR does not do.

    Compilers take TMPDIR, TMP or TEMP as it is; Python's ``tempfile`` would go on to
    ``/tmp`` by itself.

    Parameters
    ----------
    otherwise : path-like
        The other folder; it is made.
    needed : float
        Bytes.
    """
    names = [name for name in ("TMPDIR", "TMP", "TEMP") if os.environ.get(name)]
    try:
        place = os.environ[names[0]] if names else tempfile.gettempdir()
        if lacks(place, needed) is None:
            return
    except OSError:
        pass
    os.makedirs(str(otherwise), exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(otherwise)


def check():
    """Write something to the folder in which the C++ compiler keeps its own files.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    folder = os.environ.get("TMPDIR") or "/tmp"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        raise RunError(
            f"the C++ compiler cannot write in {folder} ({error.strerror}): make room, "
            "or set TMPDIR to another folder"
        ) from error
