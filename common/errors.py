"""What went wrong, in one sentence, and the exit status that tells.

Standard library only, and for Pythons from 3.6 on: set-up uses it.
"""

import sys


class RunError(Exception):
    """Something the user can act on; the message is one sentence.

    `status` is the program's exit status, `ending` that of the run in ``run.json``.
    """

    status, ending = 1, "failed"


class UsageError(RunError):
    """An option, or a combination of options, that makes no sense."""

    status = 2


def report(program, error):
    """Print an error as one line on stderr; return its exit status."""
    message = " ".join(str(error).split())
    # A file's name may have codes that the terminal would obey.
    message = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    print(f"{program}: error: {message}", file=sys.stderr)
    return getattr(error, "status", 1)
