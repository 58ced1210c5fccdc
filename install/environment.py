"""Making .venv, and recognising in no time that it is complete."""

import contextlib
import fcntl
import filecmp
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time

from common import ROOT
from common.errors import RunError
from install import blas, blocks, python38, steps

VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "setup.json")
BLOCKS = os.path.join(VENV, "blocks.json")
INSTALL = os.path.dirname(os.path.abspath(__file__))
SPACE = 1.5e9  # bytes free before a new .venv: it takes 0.5e9, building takes more

# Imports everything, has Theano compile and link, and checks a product.
CHECK = """
import json, sys
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
print(json.dumps(blocks.__version__))
"""


def variables():
    """The environment of what runs in .venv: the user's, less other Pythons' paths."""
    drop = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    env = {key: value for key, value in os.environ.items() if key not in drop}
    # A user's `pip install --user` default does not work in a virtual environment.
    for name in ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"]:
        env.pop(name, None)
    env["PIP_USER"] = "0"
    return env


def _key():
    """Hash of what .venv is made from; a checkout that was moved is another one."""
    digest = hashlib.sha256(str(ROOT).encode())
    names = [
        n for n in sorted(os.listdir(INSTALL)) if n.endswith((".py", "txt", "cpp"))
    ]
    paths = [os.path.join(ROOT, "requirements.txt")]
    for path in paths + [os.path.join(INSTALL, name) for name in names]:
        with open(path, "rb") as file:
            digest.update(os.path.basename(path).encode() + b"\0" + file.read())
    return digest.hexdigest()


def _read(path):
    with contextlib.suppress(OSError, ValueError):
        with open(path) as file:
            content = json.load(file)
        if isinstance(content, dict):
            return content
    return {}


def _write(path, content):
    """Write JSON so that an interruption leaves the old file or the new one."""
    with open(path + ".new", "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def installed_blocks():
    """What set-up noted of the Blocks in .venv; empty if there is none."""
    return _read(STAMP).get("blocks", {})


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
    stamp = _read(STAMP)
    if not (_base_complete(stamp) and _blocks_complete(stamp, wanted)):
        try:
            os.makedirs(os.path.dirname(steps.LOG), exist_ok=True)
            with _lock():
                _set_up(wanted)
        except OSError as error:
            raise RunError(f"cannot set up in {ROOT}: {error}") from None
    elif report:
        have = _read(BLOCKS)
        steps.say(f".venv is complete; Blocks {have['version']} ({have['source']})")
    return PYTHON


@contextlib.contextmanager
def _lock():
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
        steps.held = (file.fileno(),)
        try:
            yield
        finally:
            steps.held = ()


def _set_up(wanted):
    """`ensure`'s slow way, with the lock held."""
    stamp, started = _read(STAMP), time.time()
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
        for character in " \t\n,:":
            if character in str(ROOT):
                raise RunError(
                    f"the path of this checkout, {ROOT}, contains {character!r}, which "
                    "Theano's settings cannot carry; move it"
                )
        compiler = blas.check_compiler()
        python, pip = python38.find()
        # Before the long part, for a clone may turn out not to do.
        choice = blocks.choose(wanted)
        stamp = _make_base(python, pip, compiler, wanted)
    else:
        choice = blocks.choose(wanted)
    _install_blocks(choice, dict(stamp, wanted=wanted))
    steps.say(f"set up in {time.time() - started:.0f} s")


def _pip(text, *arguments, **options):
    command = [PYTHON, "-m", "pip", "--no-input", "--disable-pip-version-check"]
    steps.run(text, command + list(arguments), **options)


def _make_base(python, pip, compiler, wanted):
    """Make .venv with everything but Blocks; return its stamp."""
    free = shutil.disk_usage(ROOT).free
    if free < SPACE:
        raise RunError(
            f"{ROOT} has {free / 1e9:.1f} GB free and the set-up needs {SPACE / 1e9} GB"
        )
    env, hint = variables(), ""
    if (sys.platform, os.uname().machine) != ("linux", "x86_64"):
        hint = "Only x86-64 Linux has all the pinned packages ready made."
    else:
        hint = "If it was the network, the same command tries again."
    if os.path.lexists(VENV):
        # Renamed first: what an interruption leaves is not taken for an environment.
        old = tempfile.mkdtemp(prefix="old-venv-", dir=os.path.dirname(steps.LOG))
        os.rename(VENV, os.path.join(old, "venv"))
    for name in os.listdir(os.path.dirname(steps.LOG)):
        if name.startswith("old-venv-"):
            shutil.rmtree(os.path.join(os.path.dirname(steps.LOG), name), True)
    command = [python, "-m", "venv", "--without-pip", VENV]
    steps.run(f"making .venv from {python}", command, env=env)
    _write(STAMP, {"wanted": wanted})

    locked = ["install", "--require-hashes", "--no-build-isolation"]
    build, fuel = (os.path.join(INSTALL, name) for name in ["build.txt", "fuel.txt"])
    packages = os.path.join(ROOT, "requirements.txt")
    # A pip can be run from inside its wheel, here to install another one.
    command = [PYTHON, os.path.join(pip, "pip"), *locked, "-r", build]
    steps.run("installing pip and setuptools", command, env=env, hint=hint)
    _pip("installing the packages", *locked, "-r", packages, env=env, hint=hint)
    # Fuel's sdist has C code generated for older Pythons, for an image transformer
    # that is not used here. `true` compiles it to nothing and Fuel does without.
    fake = dict(env, CC="true", LDSHARED="true")
    _pip("installing Fuel", *locked, "--no-deps", "-r", fuel, env=fake, hint=hint)

    _link_copies(os.path.join(VENV, "lib"))
    progress = steps.Progress("measuring BLAS")
    settings, library, reason = blas.choose(
        _wheel_folder(), compiler, os.path.join(VENV, "lib")
    )
    progress.done(reason)
    with open(os.path.join(VENV, "theanorc"), "w") as file:
        file.write("# Written by ./reproduce setup for this machine.\n" + settings)
    needs = [os.path.realpath(PYTHON), compiler, library]
    stamp = {"wanted": wanted, "key": _key(), "needs": [path for path in needs if path]}
    _write(STAMP, stamp)
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


def _wheel_folder():
    """The folder of the BLAS wheel's library, or None."""
    code = "import scipy_openblas32 as wheel; print(wheel.get_lib_dir())"
    status, output = steps.capture([PYTHON, "-c", code])
    return output.strip() if status == 0 else None


def _install_blocks(choice, stamp):
    """Install Blocks, check that everything works together, and say so in .venv."""
    env, kept = variables(), {k: v for k, v in stamp.items() if k != "blocks"}
    _write(STAMP, kept)
    with contextlib.suppress(FileNotFoundError):
        os.remove(BLOCKS)
    digest = blocks.standin_digest()
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "blocks")
        blocks.fetch(choice, source)
        steps.capture([PYTHON, "-m", "pip", "uninstall", "-y", "blocks"], env=env)
        _pip(
            "installing Blocks",
            *["install", "--no-deps", "--no-build-isolation", "--no-index", source],
            env=env,
        )
    progress = steps.Progress("compiling a first function with Theano")
    command = [PYTHON, "-c", CHECK, str(ROOT)]
    status, output = steps.capture(
        command, env=env, timeout=300, tick=progress.tick, cwd=VENV
    )
    lines = output.strip().split("\n")
    try:
        version = json.loads(lines[-1])
    except ValueError:
        version = None
    with open(steps.LOG, "a") as log:
        log.write(output)
    if status or not isinstance(version, str):
        progress.failed()
        raise RunError(
            f"the environment does not work (exit status {status}): {lines[-1]}; all "
            f"that it said is in {steps.LOG}"
        )
    progress.done()
    have = {name: choice[name] for name in ["source", "commit", "from"]}
    _write(BLOCKS, dict(have, version=version))
    _write(STAMP, dict(kept, blocks=dict(have, digest=digest)))
