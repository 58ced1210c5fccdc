"""Recurrent bricks: a step, repeated by Theano's scan."""

import functools
from collections import OrderedDict

import theano
from theano import tensor

from blocks.bricks.base import Application, Brick, application
from blocks.utils import pack


class BaseRecurrent(Brick):
    """A brick with a recurrent application ``apply``."""

    @application
    def initial_states(self, batch_size, *args, **kwargs):
        """The states before the first step: zeros. Override it for others.

        Each is of shape (batch, dim), or (batch,) if its dimension is 0. The other
        arguments are those of the recurrent application.
        """
        dims = self.get_dims(self.apply.states)
        shapes = [(batch_size, dim) if dim else (batch_size,) for dim in dims]
        return [tensor.zeros(shape) for shape in shapes]

    @initial_states.property("outputs")
    def initial_states_outputs(self):
        return self.apply.states


def recurrent(*args, **attributes):
    """Make the method that computes one step a recurrent application.

    The application's arguments are those of the method, all optional, and
    `iterate` (false does one step only), and `n_steps` and `batch_size`, needed if
    no sequence is given.

    States that are not given come from the brick's ``initial_states``. Arguments
    that are neither sequences, states nor contexts reach every step as they are.

    Parameters
    ----------
    sequences : list of str
        The arguments that run over time, of shape (time, batch, ...). Those not
        given, or None, keep the method's default: an optional mask for example.
    states : list of str
        The arguments that are outputs of the step before.
    contexts : list of str
        The arguments that are the same at all steps.
    outputs : list of str
        What the method returns; among them all states.
    """

    def decorate(step):
        @functools.wraps(step)
        def apply(brick, application_call, **kwargs):
            if not kwargs.pop("iterate", True):
                return step(brick, **kwargs)
            given = OrderedDict((n, v) for n, v in kwargs.items() if v is not None)
            return _scan(application_call, given)

        for name in ("sequences", "states", "contexts", "outputs"):
            attributes.setdefault(name, [])
        return Application(apply, pass_call=True, **attributes)

    return decorate(*args) if args else decorate


def _scan(call, given):
    """Iterate the application of `call`; `given` are its arguments by name."""
    step = call.application
    brick = step.brick
    arguments = OrderedDict(given)

    def take(names):
        return OrderedDict((n, given.pop(n)) for n in names if n in given)

    sequences = take(step.sequences)
    if sequences:
        first = next(iter(sequences.values()))
        n_steps, batch_size = first.shape[0], first.shape[1]
    else:
        n_steps, batch_size = (arguments.pop(n) for n in ("n_steps", "batch_size"))
        take(["n_steps", "batch_size"])
    states, contexts = take(step.states), take(step.contexts)
    initial = brick.initial_states(batch_size, as_dict=True, **arguments)
    initial.update(states)
    state_names = [name for name in step.outputs if name in step.states]
    # Without broadcastable axes, which the states after a step need not have.
    initial = OrderedDict(
        (n, tensor.unbroadcast(initial[n], *range(initial[n].ndim)))
        for n in state_names
    )
    scan_names = list(sequences) + state_names + list(contexts)

    def inner(*scan_arguments):
        named = dict(zip(scan_names, scan_arguments))
        return step(iterate=False, as_list=True, **named, **given)

    results, updates = theano.scan(
        inner,
        sequences=list(sequences.values()),
        outputs_info=[initial.get(name) for name in step.outputs],
        non_sequences=list(contexts.values()),
        n_steps=n_steps,
        name=f"{brick.name}_{step.name}_scan",
    )
    call.updates.update(updates)
    return pack(results)
