"""Write an HDF5 file whole or not at all; say what is wrong with one."""

import os
from contextlib import contextmanager
from pathlib import Path

import h5py

from common.errors import RunError


@contextmanager
def written_whole(path):
    """Open an HDF5 file for writing beside its place, and move it there.

    If anything goes wrong in the block, an older file at `path` is left as it is
    and the new one removed.

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
        If the file cannot be written.

    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with h5py.File(str(beside), mode="w") as file:
                yield file
            os.replace(beside, path)
        finally:
            if beside.exists():
                beside.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise RunError(
            f"{path} cannot be written ({reason}): make room or choose another folder "
            "with --data-dir"
        ) from error


@contextmanager
def damage_named(path, command):
    """Turn whatever a damaged HDF5 file makes h5py or Fuel raise into a RunError.

    Parameters
    ----------
    path : str or Path
        The file that the block reads.
    command : str
        The command that makes this file again.

    Raises
    ------
    RunError

    """
    try:
        yield
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        if not os.access(path, os.R_OK):
            message = "may not be read: check its permissions"
        elif "unable to lock" in str(error):
            message = (
                "cannot be locked, as on some network disks: set the environment "
                "variable HDF5_USE_FILE_LOCKING to FALSE"
            )
        else:
            message = f"is damaged ({error}): run `{command}` to make it again"
        raise RunError(f"{path} {message}") from None
