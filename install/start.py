"""Run a program of the archive in .venv's Python: `start.py MODULE [options]`.

Not `python -m`, which would take modules from the folder that the user is in, and not
its path, for the archive's folders would not be found from there.
"""

import _signal
import sys

# Within an import, Ctrl-C would be taken for a fault of what is imported.
ignored = _signal.getsignal(_signal.SIGINT) == _signal.SIG_IGN
if not ignored:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
_signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGINT])

import os  # noqa: E402
from importlib import import_module  # noqa: E402

sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def terminate(number, frame):
    """End as Ctrl-C does, so that half-written files are removed."""
    sys.exit(128 + number)


module = import_module(sys.argv.pop(1))
if not ignored:
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
_signal.signal(_signal.SIGTERM, terminate)
try:
    sys.exit(module.main())
except KeyboardInterrupt:
    print("\nstopped", file=sys.stderr)
    sys.exit(130)
