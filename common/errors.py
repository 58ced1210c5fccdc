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


def one_line(message):
    """Write a message on one line, without the codes that a terminal would obey.

    A file's name may have some, and what a server or a run folder says.
    """
    message = " ".join(str(message).split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)


def report(program, error):
    """Print an error as one line on stderr; return its exit status."""
    print(f"{program}: error: {one_line(error)}", file=sys.stderr)
    return getattr(error, "status", 1)
