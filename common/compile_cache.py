"""The folder where Theano keeps what it compiled: this user's own, and whole.

Theano loads the programs that it finds there and unpickles what lies beside them. It
is looked through before Theano is imported, which already loads some of them.
"""

import atexit
import fcntl
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from common import ROOT
from common.errors import RunError
from common.temporary import find_place, lacks
from common.trust import check_own, own_folder

# What one experiment leaves in it is less than this.
CACHE_BYTES = 70e6
# What the compilers of all cores need at a time.
COMPILER_BYTES = 20e6

DEFAULT = ROOT / ".cache" / "theano"

# In a module's folder: the digest of what is loaded from it.
DIGEST, NEW = "digest", "digest.new"
KEY = "key.pkl"
LOADED = (".so", ".pkl", ".gch")

# The file that says that the cache is in use, as long as this process lives.
in_use = []


def check(folder=None):
    """See that Theano's compile cache can be used.

    Theano itself would end in a traceback, or wait for ever for a lock that it cannot
    write.

    Parameters
    ----------
    folder : path-like, optional
        Default: that of Theano, if it is running.

    Raises
    ------
    RunError
        If it cannot be written, it is not this user's own, its disk is nearly full, or
        no programs can be run from it.
    """
    if folder is None:
        if "theano" not in sys.modules:
            return
        folder = sys.modules["theano"].config.base_compiledir
    folder, reason = Path(folder), None
    try:
        # Who may write in the archive can write programs there.
        allowed = ROOT.stat().st_mode if folder == DEFAULT else 0
        own_folder(folder, allowed)
        if folder.stat().st_mode & 0o011:
            for compiled in folder.glob("compiledir_*"):
                check_own(compiled, allowed)
        reason = lacks(folder, CACHE_BYTES)
        with tempfile.TemporaryFile(dir=str(folder)) as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror
    if reason:
        raise RunError(
            f"Theano's compile cache, {folder}, cannot be used ({reason}): make room "
            "or set REPRODUCE_COMPILEDIR to a folder of your own"
        )


def prepare(folder):
    """Check the cache, remove from it what cannot be believed, and note its use.

    What was compiled has a digest from when it was. Where that differs, Theano compiles
    again; also where it is missing, for a kill or somebody else has left it, unless
    another process uses the cache, which may be about to write it.
    """
    check(folder)
    folder = Path(folder)
    alone = taken(folder)
    if alone:
        shutil.rmtree(str(folder / "tmp"), ignore_errors=True)
        for left in folder.glob("compiledir_*/graphs/tmp*"):
            shutil.rmtree(str(left), ignore_errors=True)
        atexit.register(sign_all, folder)
    for place in modules(folder):
        good = whole(place, unsigned=not alone)
        if not (good or alone):
            time.sleep(0.1)  # it may be just being written
            good = whole(place, unsigned=True)
        if not good:
            shutil.rmtree(str(place), ignore_errors=True)
    if alone:
        fcntl.flock(in_use[-1], fcntl.LOCK_SH)
    # Theano also runs programs there, to learn what this processor can do.
    find_place(folder / "tmp", COMPILER_BYTES)


def taken(folder):
    """Note that the cache is in use; return whether no other process uses it."""
    in_use.append(os.open(str(folder / "in-use"), os.O_RDWR | os.O_CREAT, 0o600))
    try:
        fcntl.flock(in_use[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        fcntl.flock(in_use[-1], fcntl.LOCK_SH)
    except OSError:
        pass  # no locks there
    return False


def modules(folder):
    """The folders of compiled modules, and what killed compilations have left."""
    for place in folder.glob("compiledir_*/*"):
        if place.name.startswith("tmp") or (place / "__init__.py").exists():
            yield place


def digest(place, key=None):
    """The digest of what is loaded from a module's folder.

    Parameters
    ----------
    place : pathlib.Path
    key : bytes, optional
        What will be in ``key.pkl``; default: what is.
    """
    paths = [path for path in place.iterdir() if path.suffix in LOADED]
    contents = {path.name: path.read_bytes() for path in paths}
    if key is not None:
        contents[KEY] = key
    found = hashlib.sha256()
    for name, content in sorted(contents.items()):
        found.update(name.encode() + b"\0" + content)
    return found.hexdigest()


def whole(place, unsigned=False):
    """Whether what is in a folder is what was compiled.

    Parameters
    ----------
    place : pathlib.Path
    unsigned : bool
        What to say of a folder without a digest.
    """
    with suppress(OSError, ValueError):
        found = digest(place)
        paths = [path for path in (place / DIGEST, place / NEW) if path.exists()]
        return found in [path.read_text() for path in paths] if paths else unsigned
    return False


def sign(place, key=None):
    """Write the digest of a folder in which something was compiled; see `digest`."""
    (place / NEW).write_text(digest(place, key))
    if key is not None:
        # Whenever this stops, one of the two digests is right.
        (place / "new").write_bytes(key)
        (place / "new").replace(place / KEY)
    (place / NEW).replace(place / DIGEST)


def sign_all(folder):
    """Sign Theano's own modules, which it compiles when it needs them first."""
    for place in modules(Path(folder)):
        if not place.name.startswith("tmp") and not (place / DIGEST).exists():
            with suppress(OSError):
                sign(place)


def save_pkl(data):
    """Add a module to the cache, and sign it: Theano's ``KeyData.save_pkl``."""
    sign(Path(data.key_pkl).parent, pickle.dumps(data, pickle.HIGHEST_PROTOCOL))
