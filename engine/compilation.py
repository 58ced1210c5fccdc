"""Have Theano compile sooner what it compiles anyway.

Parts of Theano are replaced for that; ``--math strict`` leaves them as they are.
"""

import functools
import gc
import hashlib
import importlib
import os
import subprocess
import tempfile
from pathlib import Path

import numpy
from theano import config
from theano.compile import FunctionMaker
from theano.gof import COp, graph
from theano.gof.cc import CLinker
from theano.gof.cmodule import GCC_compiler, std_include_dirs
from theano.gof.utils import scratchpad

from common.compile_cache import sign, whole
from engine.ahead import compile_str
from engine.rewritten import remembered

# The package has a function of this name, which hides the module.
pfunc = importlib.import_module("theano.compile.pfunc")

# What every C module of Theano's begins with. Where the compiler finds a Python.h.gch
# in an earlier folder than Python.h, it takes that for all of them.
HEADERS = """
#include <Python.h>
#include <iostream>
#include "theano_mod_helper.h"
#include <math.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <vector>
#include <algorithm>
"""

# Where more objects than these are new, a collection, of a second or two, is worth it.
MANY = 10**6


def compile_faster():
    """Have Theano compile faster from now on. May be called again.

    With ``REPRODUCE_CACHE=0`` in the environment no graphs are kept, and nothing is
    compiled ahead.
    """
    if compile_faster.done:
        return
    CLinker.cmodule_key = versioned(CLinker.cmodule_key)
    COp.c_code_cache_version = code_version
    pfunc.orig_function = uncollected(pfunc.orig_function)
    scratchpad.__copy__ = copied
    graph.ancestors = ancestors(graph.ancestors)
    if os.environ.get("REPRODUCE_CACHE") != "0":
        FunctionMaker.__init__ = remembered(FunctionMaker.__init__)
        GCC_compiler.compile_str = staticmethod(compile_str)
    if config.cxx:
        precompile_headers()
    compile_faster.done = True


compile_faster.done = False


def versioned(cmodule_key):
    """Keep the C modules of operations without properties in Theano's cache.

    The version of a module is made of its operations' properties, among others. Where
    an operation has none, as a matrix product, Theano takes the empty tuple for a
    version that is missing, and compiles the module again in every process.
    """

    @functools.wraps(cmodule_key)
    def key(self):
        theanos = cmodule_key(self)
        if theanos is None or theanos[0]:
            return theanos
        version = []
        for node in self.node_order:
            version.append(node.op.c_code_cache_version_apply(node))
            for variable in node.inputs + node.outputs:
                version.append(variable.type.c_code_cache_version())
        return (tuple(version) if all(version) else ()), theanos[1]

    return key


def code_version(op):
    """The version of an operation with C code in files, ``DimShuffle`` for instance.

    Theano's is Python's hash of the code, which differs from process to process: each
    would compile the module again and add it to the cache.
    """
    code = hashlib.sha256("\0".join(op.func_codes).encode()).hexdigest()
    if hasattr(op, "params_type"):
        return code, op.params_type.c_code_cache_version()
    return (code,)


def uncollected(function):
    """Call `function` without Python's cyclic garbage collector.

    Graphs are millions of objects that point to each other. The collector would go
    through all of them dozens of times, which takes a third of the time of compilation;
    here it does so once, at the end.
    """

    @functools.wraps(function)
    def called(*arguments, **settings):
        if not gc.isenabled():
            return function(*arguments, **settings)
        gc.disable()
        try:
            return function(*arguments, **settings)
        finally:
            gc.enable()
            if gc.get_count()[0] > MANY:
                gc.collect()

    return called


def copied(pad):
    """Copy the notes on a variable, sooner than the ``copy`` module does."""
    new = scratchpad()
    new.__dict__.update(pad.__dict__)
    return new


def ancestors(function):
    """Look `blockers` up in a set; Theano goes through a list each time."""

    @functools.wraps(function)
    def called(variable_list, blockers=None):
        return function(variable_list, blockers and frozenset(blockers))

    return called


def header_flags():
    """Theano's flags for the compiler, those on which compiled headers depend."""
    flags = ["-g0", "-O3", "-fno-math-errno", "-fvisibility=hidden"]
    return [
        *flags,
        *GCC_compiler.compile_args(),
        *(f"-I{folder}" for folder in std_include_dirs()),
    ]


def precompile_headers():
    """Compile the C headers once and not in each of 200 modules.

    They are kept in the compile cache. Modules get no information for debuggers either.
    Where this fails, or a module is compiled with other flags, the compiler reads the
    headers themselves.
    """
    flags = header_flags()
    about = [config.cxx, GCC_compiler.version_str(), numpy.__version__, *flags, HEADERS]
    key = hashlib.sha256("\n".join(about).encode()).hexdigest()[:16]
    folder = Path(config.compiledir) / f"headers-{key}"
    if not whole(folder):
        with tempfile.TemporaryDirectory(dir=config.compiledir) as made:
            header, compiled = Path(made, "headers.h"), Path(made, "Python.h.gch")
            header.write_text(HEADERS)
            command = [config.cxx, *flags, "-x", "c++-header", header, "-o", compiled]
            if subprocess.run(command, capture_output=True).returncode:
                return
            # For code that includes Python.h twice, as pygpu's does, or not first.
            again = Path(made, "Python.h")
            again.write_text("#include_next <Python.h>\n")
            folder.mkdir(exist_ok=True)
            compiled.replace(folder / "Python.h.gch")
            again.replace(folder / "Python.h")
            sign(folder)
    config.gcc.cxxflags = f"-g0 -I{folder} {config.gcc.cxxflags}"
