"""The resume state: one ``.npz`` of arrays and JSON, with a checksum inside.

A state file holds one entry for each array, named as in the program, and a last one,
``record``: JSON text in UTF-8 as an array of bytes, an object with

``format``
    ``"recurrent normalization propagation, resume state 1"``
``names``
    the arrays' names in their order
``sha256``
    over every array's name, type, shape and content, and over ``content``
``content``
    what the program wants to know again: position, log, configuration

Nothing in it is a pickle, and it is read with pickles refused, so that a stranger's
run folder is safe to open.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

import numpy

from common.errors import RunError, because
from common.files import flush_folder, replacing
from common.npz import Damaged, read_npz, write_npz

FORMAT = "recurrent normalization propagation, resume state 1"


class StateError(RunError):
    """A file that is no resume state, or a damaged one."""


def checksum(arrays, content):
    """Return the SHA-256 of a state, in hexadecimal."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, array in arrays.items():
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(numpy.ascontiguousarray(array).data)
    return digest.hexdigest()


def write(path, arrays, content):
    """Write a state beside `path`, then move it there.

    Parameters
    ----------
    path : path-like
        Where to.
    arrays : dict of str to ndarray
        In an order that the reader expects; no objects.
    content : dict
        What JSON can hold.

    Raises
    ------
    RunError
        If it cannot be written; an older file at `path` is untouched.
    """
    arrays = {name: numpy.asarray(array) for name, array in arrays.items()}
    record = {
        "format": FORMAT,
        "names": list(arrays),
        "content": content,
        "sha256": checksum(arrays, content),
    }
    text = json.dumps(record, sort_keys=True).encode()
    entries = {**arrays, "record": numpy.frombuffer(text, dtype="uint8")}
    with replacing(path) as file:
        write_npz(file, entries)


def read(path):
    """Read a state and check it.

    Returns
    -------
    arrays : dict of str to ndarray
    content : dict

    Raises
    ------
    StateError
        If the file is missing, truncated, changed, or something else.
    """
    try:
        entries = dict(read_npz(path))
        record = json.loads(entries["record"].tobytes().decode())
        if record["format"] != FORMAT:
            raise StateError(f"{path} has an unknown format")
        arrays = {name: entries[name] for name in record["names"]}
        content = record["content"]
        intact = record["sha256"] == checksum(arrays, content)
    except FileNotFoundError as error:
        raise StateError(f"{path} is missing") from error
    except Damaged as error:
        raise StateError(error) from error
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise StateError(f"{path} is not a resume state of this archive") from error
    if not intact:
        raise StateError(f"{path} is damaged (its checksum is wrong)")
    return arrays, content


def variables(algorithm, parameters, *others):
    """Name everything that training changes or that the seed alone has made.

    Parameters
    ----------
    algorithm : GradientDescent
        With all its updates; those of random streams (``default_update``) are found
        in the expressions.
    parameters : dict of str to shared variable
        All of the model's, whether they are trained or not: an orthogonal matrix
        made again on another machine may differ in the last bits.
    *others : shared variables
        What else must be as it was, such as the learning rate and the sum of the cost.

    Returns
    -------
    dict of str to shared variable
        The names are numbered, for several of Blocks' variables may have the same.
    """
    from theano.gof.graph import inputs

    updates = dict(algorithm.updates)
    random = [
        variable
        for variable in inputs(list(updates.values()))
        if getattr(variable, "default_update", None) is not None
    ]
    everything = [*parameters.values(), *updates, *random, *others]
    distinct = dict.fromkeys(everything)
    return {f"{i:04d} {variable.name}": variable for i, variable in enumerate(distinct)}


def previous(path):
    return Path(path).with_suffix(".previous.npz")


def following(path):
    return Path(path).with_suffix(".next.npz")


def save(path, arrays, content):
    """Replace the state at `path`; the one before is kept until this one is read back.

    The order is: write ``next``, read it back, move the current one to ``previous``,
    move ``next`` to `path`. After a kill :func:`load` finds ``next``. A current one
    that is damaged does not take the place of the one before.
    """
    path, new = Path(path), following(path)
    write(new, arrays, content)
    read(new)
    try:
        with suppress(StateError):
            read(path)
            os.replace(path, previous(path))
        os.replace(new, path)
        flush_folder(path.parent)
    except OSError as error:
        raise RunError(f"cannot write {path} {because(error)}") from error


def load(path, warn):
    """Read the newest state that is intact.

    Parameters
    ----------
    path : path-like
        Where :func:`save` put it.
    warn : callable
        Told, in a sentence, when the one at `path` is unusable and another is taken.

    Returns
    -------
    (dict of str to ndarray, dict) or None
        None where no state was ever saved.

    Raises
    ------
    StateError
        If there are states and none of them is intact.
    """
    path = Path(path)
    with suppress(RunError):
        return read(following(path))  # whole, but not moved into place
    if not path.exists() and not previous(path).exists():
        return None
    try:
        return read(path)
    except StateError as error:
        try:
            state = read(previous(path))
        except StateError as older:
            raise StateError(
                f"{error}, and so is the one before it ({older}): this run cannot be "
                "continued, start it again under another --tag"
            ) from error
        warn(f"{error}; continuing from the state saved before it")
        return state
