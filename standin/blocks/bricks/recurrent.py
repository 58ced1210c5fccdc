"""Recurrent bricks: a step, repeated by Theano's scan."""

import functools
import inspect
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

        Parameters
        ----------
        batch_size : int or :class:`~theano.Variable`
        *args, **kwargs
            What the recurrent application was called with.

        Returns
        -------
        list of :class:`~theano.Variable`
            For each state (batch, dim), or (batch,) if its dimension is 0.
        """
        dims = self.get_dims(self.apply.states)
        shapes = [(batch_size, dim) if dim else (batch_size,) for dim in dims]
        return [tensor.zeros(shape) for shape in shapes]

    @initial_states.property("outputs")
    def initial_states_outputs(self):
        return self.apply.states


def recurrent(*args, **attributes):
    """Make the method that computes one step a recurrent application.

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

    Returns
    -------
    :class:`~blocks.bricks.base.Application`
        Its arguments are those of the method, all optional, and these:

        iterate : bool
            False does one step only.
        reverse : bool
            Go through the sequences from their end. The outputs are in the order
            of the steps.
        return_initial_states : bool
            Put the initial states in front of the states.
        n_steps, batch_size : int or :class:`~theano.Variable`
            Needed if no sequence is given, which otherwise has both.

        States that are not given come from the brick's ``initial_states``. Other
        arguments of the method reach every step as they are.
    """

    def decorate(step):
        names = list(inspect.signature(step).parameters)[1:]

        @functools.wraps(step)
        def apply(brick, application_call, *args, **kwargs):
            iterate = kwargs.pop("iterate", True)
            if not iterate:
                return step(brick, *args, **kwargs)
            reverse = kwargs.pop("reverse", False)
            return_initial_states = kwargs.pop("return_initial_states", False)
            if len(args) > len(names):
                raise TypeError(f"{step.__name__} takes {len(names)} arguments")
            given = OrderedDict(zip(names, args))
            for name, value in kwargs.items():
                if name in given:
                    raise TypeError(f"{step.__name__} got {name!r} twice")
                given[name] = value
            given = OrderedDict((n, v) for n, v in given.items() if v is not None)
            return _scan(
                application_call, given, reverse=reverse, prepend=return_initial_states
            )

        for name in ("sequences", "states", "contexts", "outputs"):
            attributes.setdefault(name, [])
        return Application(apply, pass_call=True, **attributes)

    if args:
        (step,) = args
        return decorate(step)
    return decorate


def _scan(call, given, reverse, prepend):
    """Iterate the application of `call`; `given` are its arguments by name."""
    step = call.application
    brick = step.brick
    sequences = _pop_given(given, step.sequences)
    if sequences:
        first = next(iter(sequences.values()))
        n_steps, batch_size = first.shape[0], first.shape[1]
    else:
        n_steps, batch_size = given.pop("n_steps"), given.pop("batch_size")
    everything = OrderedDict(sequences)
    everything.update(given)
    initial = brick.initial_states(batch_size, as_dict=True, **everything)
    states = _pop_given(given, step.states)
    contexts = _pop_given(given, step.contexts)
    state_names = [name for name in step.outputs if name in step.states]
    initial = {name: states.get(name, initial.get(name)) for name in state_names}
    scan_names = list(sequences) + state_names + list(contexts)

    def inner(*arguments):
        named = dict(zip(scan_names, arguments))
        named.update(given)
        outputs = step(iterate=False, as_list=True, **named)
        call.inner_inputs = list(arguments)
        call.inner_outputs = list(outputs)
        return outputs

    results, updates = theano.scan(
        inner,
        sequences=list(sequences.values()),
        outputs_info=[initial.get(name) for name in step.outputs],
        non_sequences=list(contexts.values()),
        n_steps=n_steps,
        go_backwards=reverse,
        name=f"{brick.name}_{step.name}_scan",
    )
    call.updates.update(updates)
    results = pack(results)
    if prepend:
        results = [
            (
                tensor.concatenate([initial[name][None], result])
                if name in initial
                else result
            )
            for name, result in zip(step.outputs, results)
        ]
    return results


def _pop_given(arguments, names):
    """Take those of `names` that are there out of `arguments`, in this order."""
    return OrderedDict((n, arguments.pop(n)) for n in names if n in arguments)
