"""Theano compiles faster: on all cores, compiled headers, no collections."""

import ast
import gc
import os
import subprocess
import sys

import pytest

PROGRAM = """
from engine import device
device.prepare("cpu", "float32")
import theano
from theano.gof import cmodule

theano.config.gcc.cxxflags += " -H"  # the compiler names the headers that it reads
run, said = cmodule.output_subprocess_Popen, []


def output_subprocess_Popen(command, **settings):
    found = run(command, **settings)
    # Not the modules of Theano's own, which have folders with names.
    if any("/tmp" in part[-21:] and part.endswith("mod.cpp") for part in command):
        said.append(found[1].decode())
    return found


cmodule.output_subprocess_Popen = output_subprocess_Popen
x, w = theano.tensor.fmatrices("x", "w")
theano.function([x, w], [theano.tensor.dot(x, w), w.dimshuffle(1, "x", 0)])
# "!" stands before a compiled header that was taken.
print(len(said), sum("Python.h.gch" in text and text[0] == "!" for text in said))
"""


def test_modules_are_compiled_once_with_compiled_headers(tmp_path):
    env = {**os.environ, "REPRODUCE_COMPILEDIR": str(tmp_path)}
    env.pop("THEANO_FLAGS", None)
    command = [sys.executable, "-c", PROGRAM]
    first, again = (subprocess.check_output(command, env=env) for _ in range(2))
    assert first.split() == [b"3", b"3"]  # the two, and the copy of a view
    assert again.split() == [b"0", b"0"]


def test_collections_wait():
    from engine.compilation import uncollected

    assert gc.isenabled()
    assert uncollected(lambda number: (number, gc.isenabled()))(3) == (3, False)
    with pytest.raises(ZeroDivisionError):
        uncollected(lambda: 1 / 0)()
    assert gc.isenabled()


AHEAD = """
import os
os.sched_getaffinity = lambda process: {0, 1}
from engine import device
device.prepare("cpu", "float64")
import numpy, theano
from engine import ahead, rewritten

rewritten.LARGE = 2
compile_one, calls = ahead.compile_one, []


def counted(name, *arguments, py_module=True, **settings):
    if name != "cutils_ext":  # Theano's own
        calls.append("here" if py_module else "ahead")
    return compile_one(name, *arguments, py_module=py_module, **settings)


ahead.compile_one = counted
x = theano.tensor.dmatrix("x")
value = numpy.arange(6.0).reshape(2, 3)


def compute(*outputs):
    calls.clear()
    print(*[numpy.ravel(y).tolist() for y in theano.function([x], outputs)(value)])
    print(calls.count("ahead"), calls.count("here"), len(ahead.jobs))


compute(x.sum(axis=0), x.argmax(axis=1), x.cumsum(axis=0))
ahead.compiled = lambda command: False
compute(x.max(axis=0), theano.tensor.sqr(x).prod(axis=1))
folder = ahead.compilers()[1]


def full():
    raise OSError(28, "No space left on device")


ahead.compilers = full
compute(x.cumprod(axis=1), x.T)
print(os.path.exists(folder), folder)
"""


def test_modules_are_compiled_ahead_and_one_that_fails_once_more(tmp_path):
    env = {**os.environ, "REPRODUCE_COMPILEDIR": str(tmp_path)}
    env.pop("THEANO_FLAGS", None)
    done = subprocess.check_output([sys.executable, "-c", AHEAD], env=env)
    good, counts, bad, bad_counts, *full, place = done.decode().strip().split("\n")
    assert good == "[3.0, 5.0, 7.0] [2, 2] [0.0, 1.0, 2.0, 3.0, 5.0, 7.0]"
    assert counts == "3 0 0"  # ahead of Theano, when it asked, and left over
    assert bad == "[3.0, 4.0, 5.0] [0.0, 3600.0]"
    assert bad_counts == "3 3 0"
    assert full == [
        "[0.0, 0.0, 0.0, 3.0, 12.0, 60.0] [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]",
        "0 2 0",
    ]
    there, folder = place.split()
    assert there == "True" and not os.path.exists(folder)


def test_python_h_may_be_included_again():
    """As pygpu's header does, after the compiled one."""
    from theano import config

    from engine.compilation import HEADERS, header_flags

    folder = config.gcc.cxxflags.split("-I")[1].split()[0]
    code = f'{HEADERS}\n#include "Python.h"\nPyObject* found = Py_None;\n'
    command = [config.cxx, f"-I{folder}", *header_flags(), "-fsyntax-only", "-H"]
    done = subprocess.run(
        [*command, "-x", "c++", "-"], input=code.encode(), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr.startswith(b"! ")


PARTS = """
import sys

from common import theano_flags

theano_flags.configure("cpu", "float32")
import theano
import theano.gpuarray
from theano import config
from theano.scan_module.scan_opt import scan_seqopt1


def parts():
    held = {"cxxflags": config.gcc.cxxflags}
    held["rewrites"] = sorted(theano.compile.optdb.__position__)
    held["scans' rewrites"] = sorted(scan_seqopt1.__position__)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "theano":
            for key, value in list(vars(module).items()):
                held[name, key] = id(value)
                if isinstance(value, type) and value.__module__.startswith("theano"):
                    for attribute, method in list(vars(value).items()):
                        if not attribute.startswith("_abc_"):
                            held[value, attribute] = id(method)
    return held


before = parts()
from engine import device

device.prepare("cpu", "float32", sys.argv[1])
after = parts()
changed = [key for key in before if before[key] != after[key]]
print(sorted({k[1] if isinstance(k, tuple) else k for k in changed}))
# Functions that replace others have no place in Theano's classes before.
print(sorted(k[1] for k in set(after) - set(before) if isinstance(k[0], type)))
"""


def test_what_is_replaced_in_theano():
    def replaced(math, cache="1"):
        env = {**os.environ, "REPRODUCE_CACHE": cache}
        env.pop("THEANO_FLAGS", None)
        said = subprocess.check_output([sys.executable, "-c", PARTS, math], env=env)
        changed, added = map(ast.literal_eval, said.decode().splitlines())
        return {*changed, *added}

    # Theano as released, its list of rewrites and its compiler's flags included.
    assert replaced("strict") == replaced("strict", "0") == set()
    caches = {"__init__", "compile_str"}
    fast, uncached = replaced("fast"), replaced("fast", "0")
    assert caches < fast and {"cmodule_key", "orig_function", "cxxflags"} < uncached
    assert fast - uncached == caches
