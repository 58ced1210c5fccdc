"""The lock of a run folder, held while a program works in it."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from common.errors import RunError, because
from common.trust import regular


def take(folder):
    """Take a run folder's lock; the kernel drops it however the process ends.

    Where the file system has no locks, as on some clusters, that is said.

    Returns
    -------
    file
        To be closed, which drops the lock.

    Raises
    ------
    OSError
        If the folder cannot be written.
    RunError
        If another process has it.
    """
    file = open(Path(folder) / "lock", "a+", opener=regular)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        with file:
            file.seek(0)
            said = file.read(100).strip()
        raise RunError(
            f"another program works in {folder} ({said}): wait for it to end"
        ) from error
    except OSError as error:
        print(
            f"warning: {folder} cannot be locked {because(error)}; see that no other "
            "program works there",
            flush=True,
        )
    # A file with a second name (a hard link) may be somebody's elsewhere: not emptied.
    if os.fstat(file.fileno()).st_nlink == 1:
        # A full disk, which has no room for this, is met when something must be saved.
        with suppress(OSError):
            file.truncate(0)
            text = f"process {os.getpid()} on {os.uname().nodename}\n"
            os.write(file.fileno(), text.encode())
    return file
