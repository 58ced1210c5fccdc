"""Theano compiles faster: cached modules, compiled headers, no collections."""

import gc
import os
import subprocess
import sys

import pytest

PROGRAM = """
from training import device
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
theano.function([x, w], theano.tensor.dot(x, w))
# "!" stands before a compiled header that was taken.
print(len(said), sum("Python.h.gch" in text and text[0] == "!" for text in said))
"""


def test_a_product_is_compiled_once_with_compiled_headers(tmp_path):
    env = {**os.environ, "REPRODUCE_COMPILEDIR": str(tmp_path)}
    env.pop("THEANO_FLAGS")
    command = [sys.executable, "-c", PROGRAM]
    first, again = (subprocess.check_output(command, env=env) for _ in range(2))
    assert first.split() == [b"1", b"1"]
    assert again.split() == [b"0", b"0"]


def test_collections_wait():
    from training.compilation import uncollected

    assert gc.isenabled()
    assert uncollected(lambda number: (number, gc.isenabled()))(3) == (3, False)
    with pytest.raises(ZeroDivisionError):
        uncollected(lambda: 1 / 0)()
    assert gc.isenabled()
