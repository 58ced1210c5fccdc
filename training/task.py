"""What is handed to the training loop: a task, and the session that does it."""

from typing import Any, NamedTuple


class Task(NamedTuple):
    """What is trained, and on what. An experiment makes it.

    Attributes
    ----------
    brick : brick
        The model, initialised; with ``all_parameters``, ``trained_parameters`` and
        ``unit_norm_parameters``.
    cost : Theano scalar
        In nats.
    stream : datasets.streams.PositionedStream
        Of the training data; it gives the inputs of `cost` by their names.
    reported : Theano scalar
        The training figure, whose mean over an epoch is logged.
    monitoring : list of extensions
        They leave figures in the log after each epoch.
    metrics : list of str
        See :class:`training.extensions.Record`; what follows the last underscore of
        the first is the unit.
    plan : dict of str to str
        In words, what the ``model``, the ``data`` and an ``update`` are.
    """

    brick: Any
    cost: Any
    stream: Any
    reported: Any
    monitoring: list
    metrics: list
    plan: dict


class Session(NamedTuple):
    """One training of a task: how, where, on what machine.

    Attributes
    ----------
    options : argparse.Namespace
    interrupts : training.interrupt.Interrupts
    folder : runs.folder.RunFolder
        Entered.
    device : str
        ``cpu``, or the GPU's name.
    data : object
        With ``name`` and ``checksums``.
    """

    options: Any
    interrupts: Any
    folder: Any
    device: str
    data: Any
