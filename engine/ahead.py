"""Compile the C code of a graph on all cores, ahead of Theano.

Theano compiles one module after the other, each when it comes to it. Here compilers are
started on all modules of a graph, as many at a time as there are cores, and Theano
takes what they have made.
"""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path
from unittest import mock

from theano import config
from theano.gof import CLinker, FunctionGraph, Op, cmodule
from theano.gof.cc import get_module_cache
from theano.gof.utils import MethodNotDefined

compile_one = cmodule.GCC_compiler.compile_str

# What is being compiled: a module's name, the digest of its code, and its folder.
jobs = {}


@functools.lru_cache(maxsize=None)
def compilers():
    """Threads that each wait for a compiler, one for each core, and a folder for all.

    The program does not wait for them when it ends.
    """
    # What a kill leaves there is removed: see `common.compile_cache`.
    pool, folder = ThreadPool(cores()), tempfile.mkdtemp(dir=config.compiledir)

    @atexit.register
    def stop():
        pool.terminate()
        pool.join()
        shutil.rmtree(folder, ignore_errors=True)

    return pool, folder


def cores():
    return len(os.sched_getaffinity(0))


def compile_ahead(fgraph):
    """Start to compile what a graph needs and the cache lacks.

    Parameters
    ----------
    fgraph : theano.gof.FunctionGraph
        Rewritten.
    """
    if not config.cxx or cores() == 1:
        return
    cache, keys = get_module_cache(), set()
    for node in fgraph.toposort():
        if not isinstance(node.op, Op):
            continue
        try:
            node.op.prepare_node(node, storage_map=None, compute_map=None, impl="c")
            linker = CLinker().accept(FunctionGraph(node.inputs, node.outputs))
            key = linker.cmodule_key()
            if key in keys or key in cache.entry_from_key:
                continue
            keys.add(key)
            module = linker.get_dynamic_module()
        except (NotImplementedError, MethodNotDefined):
            continue  # it has no C code
        source = module.code()
        name = module.code_hash
        known = cmodule.get_module_hash(source, key) in cache.module_hash_to_key_data
        if known or name in jobs:
            continue
        settings = {
            "include_dirs": linker.header_dirs(),
            "lib_dirs": linker.lib_dirs(),
            "libs": linker.libraries(),
            "preargs": linker.compile_args(),
        }
        try:
            pool, folder = compilers()
            place = tempfile.mkdtemp(dir=folder)
            command = written(name, source, place, settings)
        except OSError:
            return  # no room; there may be where Theano compiles
        jobs[name] = place, pool.apply_async(compiled, (command,))


def written(name, source, place, settings):
    """Write a module's code to the folder `place`; return the compiler's command."""
    commands = []

    def note(command):
        commands.append(command)
        return b"", b"", 0

    with mock.patch.object(cmodule, "output_subprocess_Popen", note):
        compile_one(name, source, place, py_module=False, **settings)
    return commands[0]


def compiled(command):
    """Run the compiler, out of Ctrl-C's reach; return whether it succeeded."""
    done = subprocess.run(command, capture_output=True, start_new_session=True)
    return done.returncode == 0


def compile_str(module_name, src_code, location=None, **settings):
    """Import a module that has been compiled, or compile it now.

    Where compiling ahead has failed, it is tried again here, and the error reported.
    """
    place, job = jobs.pop(module_name, (None, None))
    if job is None or not job.get():
        return compile_one(module_name, src_code, location, **settings)
    for file in Path(place).iterdir():
        shutil.move(str(file), location)
    Path(location, "__init__.py").touch()  # as Theano does
    file = f"{module_name}.{cmodule.get_lib_extension()}"
    return cmodule.dlimport(os.path.join(location, file))
