"""What is printed is never a reason for work to end.

Standard library only: ``workflow/run.py`` uses it, too.
"""

import contextlib
import os
import sys


class Forgiving:
    """A text stream that drops what it cannot write: its reader or its room is gone."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        with contextlib.suppress(OSError, ValueError):
            return self.stream.write(text)
        return len(text)

    def flush(self):
        with contextlib.suppress(OSError, ValueError):
            self.stream.flush()


@contextlib.contextmanager
def forgiving():
    """Within this block, and when the program ends after it, printing cannot fail."""
    before = sys.stdout, sys.stderr
    # Where output was closed, a file opened later would get its number, and be written.
    while True:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere > 2:
            break
    sys.stdout, sys.stderr = (
        Forgiving(stream or open(nowhere, "w", closefd=False)) for stream in before
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        os.close(nowhere)
        for stream in filter(None, before):
            try:
                stream.flush()
            except (OSError, ValueError):
                # What is left in it would be an error when Python ends.
                with contextlib.suppress(OSError, ValueError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tell(message):
    """Write to standard error from a handler of a signal, if there still is one."""
    with contextlib.suppress(OSError):
        os.write(2, message)
