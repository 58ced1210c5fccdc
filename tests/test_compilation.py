"""Theano compiles faster: cached modules, compiled headers, no collections."""

import gc
import os
import shlex
import subprocess
import sys

import pytest
from theano import config

PROGRAM = """
from training import device
device.prepare("cpu", "float32")
import theano
from theano.gof.cc import CLinker

compiled = []
before = CLinker.compile_cmodule


def compile_cmodule(self, *arguments):
    compiled.append(self.fgraph)
    return before(self, *arguments)


CLinker.compile_cmodule = compile_cmodule
x, w = theano.tensor.fmatrices("x", "w")
theano.function([x, w], theano.tensor.dot(x, w))
print(len(compiled))
"""


def test_a_product_is_compiled_once(tmp_path):
    env = {**os.environ, "REPRODUCE_COMPILEDIR": str(tmp_path)}
    env.pop("THEANO_FLAGS")
    times = [
        int(subprocess.check_output([sys.executable, "-c", PROGRAM], env=env))
        for _ in range(2)
    ]
    assert times == [1, 0]


def test_the_headers_are_compiled():
    flags = shlex.split(config.gcc.cxxflags)
    if not any("headers-" in flag for flag in flags):
        pytest.skip("this compiler does not compile headers")
    from training.compilation import header_flags

    source = "#include <Python.h>\n#include <numpy/arrayobject.h>\nint main() {}"
    command = [config.cxx, *header_flags(), "-H", "-c", "-o", os.devnull, "-x", "c++"]
    said = subprocess.run(
        [*command, "-"], input=source, stderr=subprocess.PIPE, text=True, check=True
    ).stderr
    assert said.startswith("! ") and "Python.h.gch" in said.split("\n")[0]


def test_collections_wait():
    from training.compilation import uncollected

    assert gc.isenabled()
    assert uncollected(lambda number: (number, gc.isenabled()))(3) == (3, False)
    with pytest.raises(ZeroDivisionError):
        uncollected(lambda: 1 / 0)()
    assert gc.isenabled()
