"""Making .venv, and recognising in no time that it is complete."""

import contextlib
import fcntl
import filecmp
import glob
import hashlib
import os
import shutil
import tempfile
import time

from common import ROOT
from common.errors import RunError
from common.files import read_json, write_json
from install import blas, blocks, pip, python38, steps

VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
PIP = [PYTHON, "-m", "pip"]
CACHE = os.path.dirname(steps.LOG)
STAMP = os.path.join(VENV, "setup.json")
BLOCKS = os.path.join(VENV, "blocks.json")
INSTALL = os.path.dirname(os.path.abspath(__file__))
PACKAGES = os.path.join(ROOT, "requirements.txt")
BUILD, FUEL = (os.path.join(INSTALL, name) for name in ("build.txt", "fuel.txt"))
# Characters of a path that Theano's settings, or the compiler's, take for others.
CANNOT = " ,:;'\"$`\\#%"
SPACE = 1.5e9  # bytes free before a new .venv: it takes 0.5e9, building takes more

# Imports everything, has Theano compile and link, and checks a product.
CHECK = """
import sys
sys.path.insert(0, sys.argv[1])
from common import theano_flags
theano_flags.configure("cpu", "float32")
import blocks, fuel, fuel.streams, h5py, matplotlib, numpy, theano
x = theano.tensor.matrix()
product = theano.function([x], theano.tensor.dot(x, x.T))
op = product.maker.fgraph.toposort()[-1].op
a = numpy.arange(12, dtype="float32").reshape(3, 4)
if not theano.config.cxx or "Dot22" not in str(op):
    sys.exit("Theano did not compile a BLAS product, but %s" % op)
if not (product(a) == numpy.dot(a, a.T)).all():
    sys.exit("Theano's BLAS gives a wrong product")
print(blocks.__version__)
"""


def _key():
    names = sorted(n for n in os.listdir(INSTALL) if n.endswith((".py", "txt", "cpp")))
    return key(
        PACKAGES, blas.PRODUCTS, *(os.path.join(INSTALL, name) for name in names)
    )


def key(*paths):
    """Hash of what is installed; of a checkout that was moved it is another one."""
    digest = hashlib.sha256(os.fsencode(str(ROOT)))
    for path in paths:
        with open(path, "rb") as file:
            digest.update(os.path.basename(path).encode() + b"\0" + file.read())
    return digest.hexdigest()


def read(path):
    """Read what :func:`write` wrote; empty if that is not there, or damaged."""
    with contextlib.suppress(RunError):
        return read_json(path)
    return {}


def write(path, content):
    write_json(path, content, "run `./reproduce setup` again")


def _base_complete(stamp):
    """Whether .venv without Blocks is what it should be."""
    needs = stamp.get("needs", [])
    return stamp.get("key") == _key() and all(map(os.path.exists, needs + [PYTHON]))


def _blocks_complete(stamp, wanted):
    """Whether the Blocks that is installed is the one wanted (None: any)."""
    have = stamp.get("blocks")
    if not have:
        return False
    if have["source"] == "standin" and have["digest"] != blocks.standin_digest():
        return False
    if wanted in (None, have["source"]):
        return True
    # Another path may hold anything; the same clone has the same commit.
    return have["source"] == "upstream" and have["from"] == wanted


def ensure(wanted=None, report=False):
    """Set up whatever is still to be set up.

    Parameters
    ----------
    wanted : str, optional
        As for `blocks.choose`; None keeps what is installed.
    report : bool
        Say so if there is nothing to do.

    Returns
    -------
    str
        The path of .venv's Python.

    Raises
    ------
    RunError, Interrupted
    """
    if wanted not in (None, "upstream", "standin"):
        wanted = os.path.abspath(os.path.expanduser(wanted))
    stamp = read(STAMP)
    if not (_base_complete(stamp) and _blocks_complete(stamp, wanted)):
        try:
            os.makedirs(CACHE, exist_ok=True)
            with lock():
                _set_up(wanted)
        except OSError as error:
            raise RunError(f"cannot set up in {ROOT}: {error}") from None
    elif report:
        have = read(BLOCKS)
        steps.say(f".venv is complete; Blocks {have['version']} ({have['source']})")
    return PYTHON


@contextlib.contextmanager
def lock():
    """Let one set-up run at a time.

    Child processes hold the lock too, so that a set-up that was killed does not meet
    the next one while its pip is still writing.
    """
    with open(os.path.join(ROOT, ".cache", "setup.lock"), "w") as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    steps.say("waiting for another set-up of this checkout to end ...")
                waiting = True
                steps.check()
                time.sleep(0.2)
            except OSError as error:
                steps.say(f"  no lock ({error.strerror}): let no other set-up run here")
                break
        steps.held = (file.fileno(),)
        try:
            yield
        finally:
            steps.held = ()


def _set_up(wanted):
    """`ensure`'s slow way, with the lock held."""
    stamp, started = read(STAMP), time.time()
    base_complete = _base_complete(stamp)
    if base_complete and _blocks_complete(stamp, wanted):
        return  # by the set-up that this one waited for
    if wanted is None:
        wanted = stamp.get("wanted")
    if base_complete:
        steps.say("setting up Blocks")
    else:
        steps.say("setting up .venv, which takes 0.5 GB and a minute or two, once")
    if not base_complete:
        wrong = {c for c in str(ROOT) if c in CANNOT or not c.isprintable()}
        if wrong:
            raise RunError(
                f"the path of this checkout, {ROOT}, contains {wrong.pop()!r}, which "
                "Theano's settings cannot carry; move it"
            )
        compiler = blas.check_compiler()
        python, wheel = python38.find()
        # Before the long part, for a clone may turn out not to do.
        choice = blocks.choose(wanted)
        stamp = _make_base(python, wheel, compiler, wanted)
    else:
        choice = blocks.choose(wanted)
    _install_blocks(choice, dict(stamp, wanted=wanted))
    steps.say(f"set up in {time.time() - started:.0f} s")


def _make_base(python, wheel, compiler, wanted):
    """Make .venv with everything but Blocks; return its stamp."""
    free = shutil.disk_usage(ROOT).free
    if free < SPACE:
        raise RunError(
            f"{ROOT} has {free / 1e9:.1f} GB free and the set-up needs {SPACE / 1e9} GB"
        )
    if os.path.lexists(VENV):
        # Renamed first: what an interruption leaves is not taken for an environment.
        old = tempfile.mkdtemp(prefix="old-venv-", dir=CACHE)
        os.rename(VENV, os.path.join(old, "venv"))
    for old in glob.glob(os.path.join(glob.escape(CACHE), "old-venv-*")):
        shutil.rmtree(old, ignore_errors=True)
    command = [python, "-m", "venv", "--without-pip", VENV]
    steps.run(f"making .venv from {python}", command)
    write(STAMP, {"wanted": wanted})

    install = ["install", *pip.LOCKED, "-r"]
    # A pip can be run from inside its wheel, here to install another one.
    first = [PYTHON, os.path.join(wheel, "pip")]
    pip.run("installing pip and setuptools", first, *install, BUILD)
    pip.run("installing the packages", PIP, *install, PACKAGES)
    # Fuel's sdist has C code generated for older Pythons, for an image transformer
    # that is not used here. `true` compiles it to nothing and Fuel does without.
    none = {"CC": "true", "LDSHARED": "true"}
    pip.run("installing Fuel", PIP, *install, FUEL, "--no-deps", **none)

    _link_copies(os.path.join(VENV, "lib"))
    with steps.Progress("measuring BLAS") as progress:
        code = "import scipy_openblas32 as wheel; print(wheel.get_lib_dir())"
        status, wheel = steps.call([PYTHON, "-c", code])
        settings, library, progress.note = blas.choose(
            None if status else wheel, compiler, os.path.join(VENV, "lib")
        )
    with open(os.path.join(VENV, "theanorc"), "w") as file:
        file.write("# Written by ./reproduce setup for this machine.\n")
        file.write(f"[global]\ncxx = {compiler}\n\n" + settings)
    needs = [os.path.realpath(PYTHON), compiler, library]
    stamp = {"wanted": wanted, "key": _key(), "needs": [path for path in needs if path]}
    write(STAMP, stamp)
    return stamp


def _link_copies(folder):
    """Make one file of a library that a wheel, which has no links, has three times."""
    if not os.path.isdir(folder):
        return
    names = sorted(name for name in os.listdir(folder) if ".so" in name)
    for short, long in zip(names, names[1:]):
        paths = [os.path.join(folder, name) for name in (short, long)]
        if long.startswith(short + ".") and filecmp.cmp(*paths, shallow=False):
            os.remove(paths[0])
            os.symlink(long, paths[0])


def _install_blocks(choice, stamp):
    """Install Blocks, check that everything works together, and say so in .venv."""
    kept = {name: value for name, value in stamp.items() if name != "blocks"}
    write(STAMP, kept)
    with contextlib.suppress(FileNotFoundError):
        os.remove(BLOCKS)
    digest = blocks.standin_digest()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        source = os.path.join(folder, "blocks")
        blocks.write_folder(choice["files"], source)
        steps.call([*PIP, "uninstall", "-y", "blocks"])
        local = ["--no-deps", "--no-build-isolation", "--no-index"]
        pip.run("installing Blocks", PIP, "install", *local, source)
    with steps.Progress("compiling a first function with Theano") as progress:
        command = [PYTHON, "-c", CHECK, str(ROOT)]
        status, said = steps.call(command, timeout=300, tick=progress.tick, cwd=VENV)
        with open(steps.LOG, "a", encoding="utf-8") as log:
            log.write(said)
        version = said.rpartition("\n")[2].strip('"')
        if status or not version:
            raise RunError(
                steps.explain("the environment does not work", status, said.split("\n"))
            )
    have = {name: choice[name] for name in ["source", "commit", "from"]}
    write(BLOCKS, dict(have, version=version))
    write(STAMP, dict(kept, blocks=dict(have, digest=digest)))
