"""What went wrong, in one sentence, and the exit status that tells.

Standard library only, and for Pythons from 3.6 on: set-up uses it.
"""

import errno
import sys

ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EACCES: "change its permissions",
    errno.EPERM: "change its permissions",
    errno.EROFS: "choose a place that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "choose another name, for there is a file in the way",
    errno.EEXIST: "choose another name, for there is a file in the way",
    errno.ENOENT: "look whether the name is right",
    errno.EIO: "see what is wrong with the disk",
    errno.EMFILE: "close other programs",
    errno.ENFILE: "close other programs",
}


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


def because(error):
    """What the system said of an OSError, in brackets, and what to do about it."""
    said = f"({error.strerror or str(error) or type(error).__name__})"
    return said + (f": {ADVICE[error.errno]}" if error.errno in ADVICE else "")


def report(program, error):
    """Print an error as one line on stderr; return its exit status."""
    print(f"{program}: error: {one_line(error)}", file=sys.stderr)
    return getattr(error, "status", 1)
