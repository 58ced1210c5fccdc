"""Graphs that Theano has rewritten, kept for the next process.

Theano keeps the C code that it compiled but not the graphs, and rewriting these is most
of what a start with a full cache takes. Here the rewritten graph is kept beside the C
code, under a digest of all that it depends on: the graph before with every operation,
the rewrites and their order, the versions, and Theano's whole configuration. Only
graphs for the CPU are kept.
"""

import copyreg
import functools
import hashlib
import io
import os
import pickle
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy
import theano
from theano import config, configparser
from theano.compile import Mode, SymbolicInput, optdb
from theano.gof import Apply, Constant, DestroyHandler, FunctionGraph, Query
from theano.gof.graph import io_toposort
from theano.misc.frozendict import frozendict
from theano.scalar import Composite
from theano.scan_module.scan_op import Scan
from theano.scan_module.scan_opt import scan_seqopt1

from common import ROOT
from common.errors import RunError
from common.trust import check_own, read_bytes
from engine.ahead import compile_ahead

# Graphs with fewer operations take less time to rewrite than to look up.
LARGE = 50

# Bytes of the digest before a graph.
DIGEST = hashlib.sha256().digest_size

# What an unreadable file, or a graph that cannot be written down, may raise.
FAILURES = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RecursionError,
    RunError,
    TypeError,
    ValueError,
    pickle.PickleError,
)


def remembered(init):
    """Have a ``FunctionMaker`` take the rewritten graph from the cache, if it is there.

    If it is not, it is put there, and taken from there all the same: what is computed
    does not depend on whether the cache was empty.

    Parameters
    ----------
    init : callable
        The class's ``__init__``, which rewrites no graph that it is given as `fgraph`.
    """

    @functools.wraps(init)
    def made(self, inputs, outputs, mode=None, **settings):
        path = None
        # Graphs for GPUs are not kept, but compiled at every start.
        ahead = config.device != "cpu"
        if settings.get("fgraph") is None:
            path = place(inputs, outputs, mode, settings.get("accept_inplace", False))
        if path:
            settings["fgraph"] = read(path)
        init(self, inputs, outputs, mode, **settings)
        if path and not settings["fgraph"]:
            write(path, self.fgraph)
            settings["fgraph"] = read(path)
            if settings["fgraph"]:
                init(self, inputs, outputs, mode, **settings)
            ahead = True
        if ahead and getattr(self.linker, "c_thunks", False):
            compile_ahead(self.fgraph)

    return made


def place(inputs, outputs, mode, accept_inplace):
    """Where the rewritten graph belongs.

    Parameters
    ----------
    inputs, outputs : lists of theano.In and theano.Out
        Of a function; shared variables are among the inputs.
    mode : theano.compile.Mode
    accept_inplace : bool

    Returns
    -------
    pathlib.Path
        None if graphs of this kind are not kept.
    """
    if (
        config.device != "cpu"
        or type(mode) is not Mode
        or not isinstance(mode.provided_optimizer, Query)
        or not isinstance(outputs, list)
        or not all(isinstance(spec, SymbolicInput) for spec in inputs)
    ):
        return None
    updates = [spec.update for spec in inputs if spec.update is not None]
    variables = [spec.variable for spec in inputs]
    results = [spec.variable for spec in outputs] + updates
    if len(io_toposort(variables, results)) < LARGE:
        return None
    try:
        graph = dumped((flat(variables, results), mode.provided_optimizer))
    except FAILURES:
        return None
    about = [
        [(spec.mutable, spec.borrow, spec.update is not None) for spec in inputs],
        [spec.borrow for spec in outputs],
        accept_inplace,
    ]
    digest = hashlib.sha256(circumstances().encode())
    digest.update(repr(about).encode())
    digest.update(graph)
    return folder() / digest.hexdigest()[:32]


def folder():
    return Path(config.compiledir) / "graphs"


def circumstances():
    """All that decides how Theano rewrites a graph, besides the graph."""
    settings = [
        (setting.fullname, str(setting.__get__(config, type(config))))
        for setting in configparser._config_var_list
    ]
    rewrites = [
        sorted(positions.__position__.items()) for positions in (optdb, scan_seqopt1)
    ]
    versions = [sys.version, numpy.__version__, theano.__version__, sources()]
    return repr([versions, rewrites, settings])


@functools.lru_cache(maxsize=None)
def sources():
    """A digest of all that the archive makes Theano do."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "engine").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read(path):
    """The graph in a file; None if others may write in it, or a bit of it differs."""
    with suppress(*FAILURES):
        check_own(path.parent)
        check_own(path)
        content = read_bytes(path)
        if content != signed(content[DIGEST:]):
            return None
        graph, update_mapping = pickle.loads(content[DIGEST:])
        fgraph = FunctionGraph(
            *unflattened(graph), clone=False, update_mapping=update_mapping
        )
        # Keeps apart what is computed in place and whatever still needs the old value.
        fgraph.attach_feature(DestroyHandler())
        return fgraph
    return None


def write(path, fgraph):
    """Keep a graph. One that cannot be kept is rewritten again the next time."""
    with suppress(*FAILURES):
        graph = dumped((flat(fgraph.inputs, fgraph.outputs), fgraph.update_mapping))
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o700)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            new = Path(folder, path.name)
            new.write_bytes(signed(graph))
            new.chmod(0o600)
            os.replace(new, path)


def signed(graph):
    """What is in a file: the digest of a pickled graph, and the graph."""
    return hashlib.sha256(graph).digest() + graph


def flat(inputs, outputs):
    """A graph as a list, in which later steps name earlier results by number.

    Notes on variables, such as the line that made one, are left out.

    Returns
    -------
    tuple
        Types and names of the inputs; the steps; the outputs' numbers.
    """
    number, types, steps = {}, {}, []

    def described(variable):
        number[variable] = len(number)
        return types.setdefault(variable.type, variable.type), variable.name

    def named(variable):
        if variable not in number:
            if not isinstance(variable, Constant):
                raise ValueError(f"{variable} comes from nowhere")
            steps.append((type(variable), described(variable), variable.data))
        return number[variable]

    given = [described(variable) for variable in inputs]
    for node in io_toposort(inputs, outputs):
        arguments = [named(variable) for variable in node.inputs]
        results = [described(variable) for variable in node.outputs]
        steps.append((node.op, arguments, results))
    return given, steps, [named(variable) for variable in outputs]


def unflattened(graph):
    """The inputs and outputs of the graph that :func:`flat` has made a list of."""
    given, steps, outputs = graph
    variables = [type_(name) for type_, name in given]
    inputs = list(variables)
    for what, *rest in steps:
        if isinstance(what, type):
            (type_, name), data = rest
            variables.append(what(type_, data, name))
        else:
            arguments, results = rest
            made = [type_(name) for type_, name in results]
            Apply(what, [variables[k] for k in arguments], made)
            variables += made
    return inputs, [variables[k] for k in outputs]


def dumped(value):
    """Pickle what contains operations: graphs in them as lists, no stored hashes."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=4)
    pickler.dispatch_table = {
        **copyreg.dispatch_table,
        Scan: reduced_scan,
        Composite: lambda op: (composite, (flat(op.inputs, op.outputs),)),
        frozendict: lambda items: (frozendict, (dict(items),)),
    }
    pickler.dump(value)
    return file.getvalue()


def reduced_scan(op):
    """What :func:`scan` makes a scan of, for ``pickle``."""
    notes = dict(op.__dict__)
    for made in ("inputs", "outputs", "fn", "_hash_inner_graph"):
        notes.pop(made, None)
    return scan, (flat(op.inputs, op.outputs), notes)


def scan(graph, notes):
    """The scan over a graph."""
    op = Scan.__new__(Scan)
    op.inputs, op.outputs = unflattened(graph)
    op.__dict__.update(notes, _hash_inner_graph=hash(notes["_cmodule_key"]))
    return op


def composite(graph):
    """The elementwise operation of a graph of scalars."""
    return Composite(*unflattened(graph))
