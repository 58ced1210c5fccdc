"""Files that the user has already, as they are or compressed."""

import gzip
import zlib
from contextlib import contextmanager
from pathlib import Path

from common.errors import RunError


def find(directory, *names):
    """Find a file under one of its names.

    Raises
    ------
    RunError
        If there is none.
    """
    wanted = [name + suffix for name in names for suffix in ("", ".gz")]
    for name in wanted:
        if (Path(directory) / name).is_file():
            return Path(directory) / name
    raise RunError(f"none of {', '.join(wanted)} is in {directory}")


@contextmanager
def original(path):
    """Open a file that may be compressed; what is wrong with it becomes a RunError."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            yield file
    except EOFError:
        raise RunError(f"{path} is cut off: get it again") from None
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{path} cannot be read: {reason}") from None
