"""Of a user's settings of Theano, what counts; and the cache of what it compiled."""

import fcntl
import json
import os
import shutil
import subprocess
import sys

import pytest

from common import ROOT, theano_flags

PROGRAM = """
import json, os, sys
from common import theano_flags
from common.errors import RunError, report
try:
    theano_flags.configure("cpu", "float32")
except RunError as error:
    sys.exit(report("me", error))
from theano import config, function, tensor
import numpy
x = tensor.fmatrix()
product = function([x], tensor.dot(x, x.T))
assert (product(numpy.eye(3, dtype="float32")) == numpy.eye(3)).all()
print(json.dumps({
    "product": str(product.maker.fgraph.toposort()[-1].op),
    "compiler": config.cxx,
    "linker": config.linker,
    "ldflags": config.blas.ldflags,
    "cxxflags": config.gcc.cxxflags,
    "floatX": config.floatX,
    "device": config.device,
    "allow_gc": config.allow_gc,
    "optimizer": config.optimizer,
    "cache": str(config.base_compiledir),
    "counted": theano_flags.recorded(),
    "threads": os.environ.get("OMP_NUM_THREADS"),
    "inherited": os.environ.get("THEANO_FLAGS"),
}))
"""


def start(tmp_path, program=PROGRAM, **variables):
    """Run a program with these variables; return status, output, errors' lines."""
    env = {k: v for k, v in os.environ.items() if k != "THEANO_FLAGS"}
    env.update({"HOME": str(tmp_path), "PYTHONWARNINGS": "ignore", **variables})
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=str(ROOT),
        env=env,
        capture_output=True,
        text=True,
    )
    lines = done.stderr.splitlines()
    # Of other tests that compile at the same time.
    lines = [line for line in lines if "theano.gof.compilelock" not in line]
    return done.returncode, done.stdout, lines


def configured(tmp_path, program=PROGRAM, **variables):
    status, said, errors = start(tmp_path, program, **variables)
    assert status == 0, errors
    return json.loads(said), errors


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    found, errors = configured(tmp_path_factory.mktemp("home"))
    assert not errors and found["counted"] == "" and "Dot22" in found["product"]
    assert found["linker"] == "cvm" and found["inherited"] is None
    return found


def test_the_compilers_flags_are_added(tmp_path, ours):
    flags = "gcc.cxxflags=-march=native -DX=1,optimizer=fast_compile"
    found, errors = configured(tmp_path, THEANO_FLAGS=flags)
    assert found["cxxflags"] == f"{ours['cxxflags']} -march=native -DX=1"
    assert found["optimizer"] == "fast_compile" and not errors
    assert found["counted"] == flags
    assert found["inherited"] == flags  # what it starts is told what the user said


def test_blas_and_compiler_are_set_ups_and_precision_the_options(tmp_path, ours):
    flags = "blas.ldflags=-lblas,cxx=,device=cuda,floatX=float64,compiledir=/x"
    found, errors = configured(tmp_path, THEANO_FLAGS=flags)
    for name in ("ldflags", "compiler", "device", "floatX", "cache", "product"):
        assert found[name] == ours[name]
    assert errors == [
        "Warning: of your settings of Theano, blas.ldflags, compiledir, cxx, device, "
        "floatX cannot be used here"
    ]
    found, errors = configured(tmp_path, THEANO_FLAGS="device=cpu,floatX=float32")
    assert not errors  # it is what they are


def test_files_of_settings(tmp_path, ours):
    file = tmp_path / "rc"
    file.write_text("[global]\nfloatX = float32\nallow_gc = False\n[gcc]\ncxxflags=-O1")
    found, errors = configured(tmp_path, THEANORC=f"{tmp_path}/missing:{file}")
    assert found["ldflags"] == ours["ldflags"] and found["product"] == ours["product"]
    assert not errors and not found["allow_gc"]
    assert found["cxxflags"] == f"{ours['cxxflags']} -O1"
    found, _ = configured(tmp_path, THEANORC=str(file), THEANO_FLAGS="allow_gc=True")
    assert found["allow_gc"]
    # Those of other projects are not read.
    (tmp_path / ".theanorc").write_text("nonsense")
    assert configured(tmp_path)[0] == {**ours, "inherited": None}


@pytest.mark.parametrize(
    "flags, said",
    [
        ("gcc.cxxflags=-nonsense", "gcc.cxxflags of your Theano settings"),
        ("gcc.cxxflags=-fopenmp", "openmp=True takes the place"),
        ('allow_gc="True', "THEANO_FLAGS cannot be read"),
        ("allow_gc=perhaps", "does not start with your settings of allow_gc"),
        ("base_compiledir=/a b", "whose name has a blank"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, flags, said):
    status, _, errors = start(tmp_path, THEANO_FLAGS=flags)
    assert status == 1 and len(errors) == 1 and said in errors[0]


@pytest.mark.parametrize("content", [b"x\n", b"[a]\nb\n", b"\xff", None])
def test_files_that_cannot_be_read_are_one_sentence(tmp_path, content):
    file = tmp_path / "rc"
    file.write_bytes(content) if content else file.mkdir()
    status, _, errors = start(tmp_path, THEANORC=str(file))
    assert status == 1 and len(errors) == 1
    assert f"{file}, which THEANORC names, cannot be read" in errors[0]


@pytest.mark.parametrize(
    "value, used",
    [
        ("", None),
        (" ", None),
        ("3", "3"),
        ("4,2", "4"),
        ("0", None),
        ("x", None),
    ],
)
def test_threads_that_are_no_number(tmp_path, value, used):
    names = ("OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    program = PROGRAM + "import numexpr"
    status, said, errors = start(tmp_path, program, **dict.fromkeys(names, value))
    assert status == 0, errors
    assert json.loads(said)["threads"] == used
    warned = [line for line in errors if "instead of a number" in line]
    assert len(warned) == (3 if value in ("0", "x") else 0)


@pytest.mark.parametrize(
    "given, used",
    [({}, "20000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "x"}, None)],
)
def test_threads_without_work_sleep_soon(monkeypatch, given, used):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "before")  # put back afterwards
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    theano_flags.environment()
    assert os.environ.get("GOMP_SPINCOUNT") == used


def test_the_compiler_need_not_be_on_the_path(tmp_path, ours):
    found, errors = configured(tmp_path, PATH=str(tmp_path))
    assert found == ours and not errors
    program = f"import sys; sys.prefix = {str(tmp_path)!r}\n{PROGRAM}"
    status, _, errors = start(tmp_path, program, PATH=str(tmp_path))
    assert status == 1 and len(errors) == 1 and "C++ compiler g++" in errors[0]
    (tmp_path / "theanorc").write_text("[global]\ncxx = /gone/g++\n")
    status, _, errors = start(tmp_path, program)
    assert status == 1 and "C++ compiler /gone/g++, which" in errors[0]


NAMELESS = """
import os, pwd


def getpwuid(number):
    raise KeyError(number)


pwd.getpwuid = getpwuid
del os.environ["HOME"]
"""


def test_a_user_without_a_name_or_home(tmp_path):
    status, _, errors = start(tmp_path, NAMELESS + PROGRAM)
    assert status == 0, errors


# Folders that are full, or from which nothing can be run


@pytest.fixture
def mounted(tmp_path):
    """A function that mounts a file system of some size, in MB, and returns it."""
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount")
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(options):
        command = [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"mode=700,{options}",
            "reproduce",
            str(folder),
        ]
        if subprocess.run(command, stderr=subprocess.PIPE).returncode:
            pytest.skip("no file system can be mounted here")
        return folder

    yield mount
    subprocess.run(["umount", "-l", str(folder)], stderr=subprocess.PIPE)


def test_a_cache_from_which_nothing_can_be_run(tmp_path, mounted):
    folder = mounted("noexec,size=100m")
    status, _, errors = start(tmp_path, REPRODUCE_COMPILEDIR=str(folder))
    assert status == 1 and len(errors) == 1
    assert f"{folder}, cannot be used (it is mounted noexec" in errors[0]


@pytest.mark.parametrize("options", ["noexec,size=100m", "size=64k"])
def test_temporary_files_of_compilers_find_another_place(tmp_path, mounted, options):
    folder, cache = mounted(options), tmp_path / "cache"
    program = (
        PROGRAM
        + """
from theano.gof.cmodule import GCC_compiler
assert GCC_compiler.march_flags, "what this processor can do is not known"
"""
    )
    found, errors = configured(
        tmp_path, program=program, TMPDIR=str(folder), REPRODUCE_COMPILEDIR=str(cache)
    )
    assert "Dot22" in found["product"] and not errors and not list(folder.iterdir())


# What is read back

RUN = """
import os
from engine import device
device.prepare("cpu", "float32", os.environ["MATH"])
import numpy
from theano import function, tensor
from theano.gof.cc import get_module_cache
x = tensor.fmatrix()
outputs = [tensor.dot(x, x.T), x.sum(axis=0), x.argmax(axis=1), tensor.exp(x)]
results = function([x], outputs)(numpy.arange(6, dtype="float32").reshape(2, 3))
print(get_module_cache().stats[2], [result.tolist() for result in results])
"""


def run(folder, math="fast"):
    """Compute something; return how many modules that compiled, and the results."""
    variables = {"REPRODUCE_COMPILEDIR": str(folder), "MATH": math}
    status, said, errors = start(folder, RUN, **variables)
    assert status == 0, errors
    compiled, _, results = said.partition(" ")
    return int(compiled), results


def flip(path):
    """Flip a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The folder of a cache, and what is computed with it."""
    folder = tmp_path_factory.mktemp("cache")
    compiled, results = run(folder)
    assert compiled > 3 and run(folder) == (0, results)
    return folder, results


@pytest.mark.parametrize(
    "name, compiled",
    [
        ("tmp*/m*.so", 1),
        ("tmp*/key.pkl", 1),
        ("tmp*/digest", 1),
        ("cutils_ext/*.so", 0),  # Theano does not count these
        ("lazylinker_ext/*.so", 0),
        ("headers-*/Python.h.gch", 0),
    ],
)
def test_a_flipped_bit_has_it_compiled_again(cache, name, compiled):
    folder, results = cache
    path = sorted(folder.glob(f"compiledir_*/{name}"))[0]
    flip(path)
    damaged = path.read_bytes()
    assert run(folder) == (compiled, results)
    assert not path.exists() or path.read_bytes() != damaged
    assert run(folder) == (0, results)


def test_what_theano_as_released_compiles_is_kept_too(tmp_path):
    compiled, results = run(tmp_path, "strict")
    again, same = run(tmp_path, "strict")
    # Theano takes products for unversioned, and keeps them for one process.
    assert again < compiled / 2 and same == results


def test_what_a_kill_has_left_is_removed_once_nobody_can_need_it(cache):
    folder, results = cache
    place = next(folder.glob("compiledir_*"))
    left = [place / "tmpleft", place / "graphs" / "tmpleft", folder / "tmp" / "left"]
    for path in left:
        path.mkdir(parents=True)
        (path / "mod.cpp").write_text("")
    unsigned = sorted(place.glob("tmp*/digest"))[0]
    unsigned.unlink()
    wrong = sorted(place.glob("tmp*/digest"))[0].parent
    flip(next(wrong.glob("*.so")))
    with open(str(folder / "in-use")) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # as another run does
        assert run(folder) == (1, results)
        assert not wrong.exists() and unsigned.parent.exists()
        assert all(path.exists() for path in left)
    assert run(folder) == (1, results)
    assert not unsigned.parent.exists() and not any(path.exists() for path in left)


QUICK = """
import json, os, draw_experiment, quick

def train(options, interrupts, experiment):
    from theano import config
    print(json.dumps([config.floatX, config.blas.ldflags, config.cxx]))

class Folder:
    path = draw_experiment.Path()

draw_experiment.train = lambda *args, **kwargs: train(*args, **kwargs) or Folder
quick.main(["--experiment", "draw", "--results-dir", os.environ["HOME"]])
"""


def test_quick_drawing_alone_has_the_settings(tmp_path, ours):
    _, said, _ = start(tmp_path, QUICK)
    found = next(line for line in said.splitlines() if line.startswith("["))
    assert json.loads(found) == ["float32", ours["ldflags"], ours["compiler"]]
