"""Build what ``device=cuda`` needs where there is no card, and say how to run on it.

Everything lies in ``.cache/cuda-on-cpu``: libgpuarray 0.7.6 from Debian's packages,
pygpu built of Debian's C as in the images, and in ``lib`` the library of
tests/cuda/library under the names of NVIDIA's. Nothing is installed, and root is not
needed. Where pygpu is installed, as in an image, that is used.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from common import ROOT

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / ".cache" / "cuda-on-cpu"
LIBRARY = FOLDER / "lib"
VERSION = "0.7.6"
PACKAGES = ("libgpuarray3", "libgpuarray-dev", "python3-pygpu")
# As libgpuarray, entry.py and the bundle for machines with a GPU look for them.
NAMES = "libcuda.so libcuda.so.1 libnvrtc.so libcublas.so libcublas.so.12 "
NAMES += "libcublasLt.so.12"
PREFIX = "CUDA_ON_CPU_"


class Unavailable(Exception):
    """What the rig is built of cannot be had; the message is one sentence."""


def call(command, what, **options):
    """Run a command; its last words are the reason if it fails."""
    try:
        done = subprocess.run(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        lines = done.stdout.decode(errors="replace").strip().splitlines()
    except OSError as error:
        raise Unavailable(f"{what} failed: {error}") from error
    if done.returncode:
        raise Unavailable(f"{what} failed: {lines[-1] if lines else done.returncode}")


def build(compiler="g++"):
    """Make what is missing or older than its source.

    Raises
    ------
    Unavailable
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(str(FOLDER / "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if importlib.util.find_spec("pygpu") is None:
            build_pygpu()
        build_library(LIBRARY, compiler)


def build_pygpu():
    """Fetch Debian's packages of libgpuarray and build pygpu for this Python."""
    recipe = [ROOT / "docker" / name for name in ("pygpu_setup.py", "pygpu.txt")]
    done, current = FOLDER / "pygpu-built", digest(recipe)
    if done.exists() and done.read_text() == current:
        return
    debian, site = FOLDER / "debian", FOLDER / "site"
    for path in (debian, site):
        shutil.rmtree(str(path), ignore_errors=True)
        path.mkdir()
    for package in PACKAGES:
        command = ["apt-get", "download", "--quiet=2", f"{package}={VERSION}-*"]
        call(command, f"apt-get download {package}", cwd=str(debian))
    for file in debian.glob("*.deb"):
        call(["dpkg", "--extract", file, debian], f"unpacking {file.name}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", site]
    hashes = ["--require-hashes", "--only-binary", ":all:", "-r"]
    call([*pip, *hashes, recipe[1]], "pip install -r docker/pygpu.txt")
    sources = debian / "usr/lib/python3/dist-packages"
    shutil.copy(str(recipe[0]), str(sources / "setup.py"))
    call(
        [*pip, "--no-deps", "--no-index", "--no-build-isolation", sources],
        "building pygpu",
        env={**os.environ, **libgpuarray()},
    )
    done.write_text(current)


def digest(paths):
    """Of the files' contents."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes() + b"\0")
    return found.hexdigest()


def build_library(folder, compiler="g++", changed=()):
    """Compile tests/cuda/library, and give it the names of NVIDIA's libraries.

    Parameters
    ----------
    folder : Path
    compiler : path-like
    changed : tuple of str, optional
        A file of the library, a text in it, and another one in its place: to see
        whether an error there is noticed.
    """
    sources = sorted((HERE / "library").iterdir())
    done, current = folder / "built", digest(sources)
    if done.exists() and done.read_text() == current and not changed:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy(str(source), str(folder))
    if changed:
        name, text, other = changed
        content = (folder / name).read_text()
        if content.count(text) != 1:
            raise ValueError(f"{name} does not have {text!r} once")
        (folder / name).write_text(content.replace(text, other))
    level = "-O0" if changed else "-O3"
    flags = (
        f"-std=c++17 {level} -march=native -fPIC -shared -fvisibility=hidden".split()
    )
    made = folder / "libcuda_on_cpu.so"
    modules = sorted(folder.glob("*.cpp"))
    call([compiler, *flags, *modules, "-o", f"{made}.new"], "building CUDA")
    os.replace(f"{made}.new", str(made))
    for name in NAMES.split():
        link = folder / name
        if not link.exists():
            link.symlink_to(made.name)
    # What libgpuarray has kept of the compiler is of the library before.
    shutil.rmtree(str(folder / "ptx"), ignore_errors=True)
    if not changed:
        done.write_text(current)


def libgpuarray():
    """The variables with which compiler and loader find libgpuarray."""
    root = FOLDER / "debian" / "usr"
    if not root.exists():
        return {}
    places = {"CPATH": "include", "LIBRARY_PATH": "lib", "LD_LIBRARY_PATH": "lib"}
    return {
        name: os.pathsep.join(filter(None, [str(root / place), os.environ.get(name)]))
        for name, place in places.items()
    }


def variables(flags="", library=LIBRARY, **settings):
    """The environment of a program that runs on the rig.

    Parameters
    ----------
    flags : str
        For ``THEANO_FLAGS``.
    library : Path
        The folder of the library, or of another build of it.
    **settings
        Of the library, see the heads of its files: ``guard="after"``.
    """
    found = {**os.environ, **libgpuarray()}
    for name, path in (("LD_LIBRARY_PATH", library), ("PYTHONPATH", FOLDER / "site")):
        found[name] = os.pathsep.join(filter(None, [str(path), found.get(name)]))
    found["REPRODUCE_COMPILEDIR"] = str(FOLDER / "theano")
    found[f"{PREFIX}CACHE"] = str(FOLDER / "kernels")
    for name, value in settings.items():
        found[PREFIX + name.upper()] = str(value)
    # libgpuarray keeps what the compiler gives for a source, whatever the settings.
    kept = library / "ptx" / hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
    given = f"gpuarray.cache_path={kept}", flags
    found["THEANO_FLAGS"] = ",".join(filter(None, given))
    return found
