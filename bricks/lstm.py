"""The LSTM that the normalised ones build on."""

import numpy
from blocks.bricks import Initializable
from blocks.bricks.base import application, lazy
from blocks.bricks.recurrent import BaseRecurrent, recurrent
from blocks.initialization import Constant
from blocks.roles import BIAS, INITIAL_STATE, WEIGHT
from theano import tensor

from bricks.initialization import OrthogonalBlocks
from bricks.roles import allocate


class LSTM(BaseRecurrent, Initializable):
    r"""Long short-term memory without peepholes [NP, eq. 2-4 without BN].

    .. math::
        (i, f, g, o) &= W_x x_t + W_h h_{t-1} + b \\
        c_t &= s(i) \tanh(g) + s(f) c_{t-1} \\
        h_t &= s(o) \tanh(c_t)

    The input term W_x x_t comes from a brick of its own, so that it is computed
    for all time steps at once. The blocks of the gates are stored in the order
    i, f, g, o along the last axis.

    The normalised LSTMs change some of :meth:`recurrent_weights`, :meth:`input_term`,
    :meth:`recurrent_term`, :meth:`candidate`, :meth:`update_cells` and :meth:`output`.
    Only that of :mod:`bricks.batch_norm` has a :meth:`recurrence` of its own.

    Parameters
    ----------
    dim : int
        Number of units, d.
    forget_bias : float
        Initial value of the forget gate's bias; the other biases start at zero.
    """

    #: The :class:`~bricks.population.PopulationStatistics`, if any.
    populations = ()

    @lazy(allocation=["dim"])
    def __init__(self, dim, forget_bias, **kwargs):
        kwargs.setdefault("weights_init", OrthogonalBlocks())
        super().__init__(**kwargs)
        self.dim = dim
        self.forget_bias = forget_bias

    def get_dim(self, name):
        if name == "inputs":
            return 4 * self.dim
        if name in ("states", "cells", "candidate_mask"):
            return self.dim
        if name == "mask":
            return 0
        return super().get_dim(name)

    def _allocate(self):
        d = self.dim
        self.W_h = allocate(self, "W_h", (d, 4 * d), WEIGHT)
        self.b = allocate(self, "b", (4 * d,), BIAS)
        self.initial_state = allocate(self, "initial_state", (d,), INITIAL_STATE)
        self.initial_cells = allocate(self, "initial_cells", (d,), INITIAL_STATE)

    def _initialize(self):
        self.weights_init.initialize(self.W_h, self.rng)
        bias = numpy.zeros(4 * self.dim, dtype=self.b.dtype)
        bias[self.dim : 2 * self.dim] = self.forget_bias
        self.b.set_value(bias)
        for initial in (self.initial_state, self.initial_cells):
            Constant(0.0).initialize(initial, self.rng)

    @application(outputs=["states", "cells"])
    def initial_states(self, batch_size, *args, **kwargs):
        """h_0 and c_0, repeated over the batch: (batch, d) each."""
        return [
            tensor.repeat(initial[None, :], batch_size, axis=0)
            for initial in (self.initial_state, self.initial_cells)
        ]

    def recurrent_weights(self):
        """The matrix (d, 4d) that multiplies h_{t-1}, made once per sequence."""
        return self.W_h

    def input_term(self, inputs):
        """The input term of the gates, (time, batch, 4d), from W_x x_t."""
        return inputs

    def recurrent_term(self, product):
        """The recurrent term of the gates, (batch, 4d), from h_{t-1} W_h."""
        return product

    def candidate(self, g):
        """What the input gate lets into the cell, (batch, d)."""
        return tensor.tanh(g)

    def update_cells(self, gates, cells, candidate_mask=None):
        """c_t = s(i) tanh(g) + s(f) c_{t-1}, as in all of the paper's models
        [NP, eq. 3, 6, 14].

        Returns the pre-activation of the output gate, which :meth:`output` needs, and
        c_t, (batch, d) each.
        """
        i, f, g, o = tensor.split(gates, 4 * [self.dim], 4, axis=1)
        candidate = self.candidate(g)
        if candidate_mask is not None:
            candidate = candidate * candidate_mask
        sigmoid = tensor.nnet.sigmoid
        return o, sigmoid(i) * candidate + sigmoid(f) * cells

    def output(self, o, cells):
        """The hidden state h_t, (batch, d)."""
        return tensor.nnet.sigmoid(o) * tensor.tanh(cells)

    @application(outputs=["states", "cells"])
    def apply(
        self,
        inputs,
        mask=None,
        candidate_mask=None,
        training=False,
        first_step=0,
        **kwargs,
    ):
        """Run over a sequence, or one step with ``iterate=False``.

        Parameters
        ----------
        inputs : :class:`~theano.Variable`
            The input term of the pre-activations, W_x x_t, (time, batch, 4d).
        mask : :class:`~theano.Variable`, optional
            1 where a sequence goes on and 0 where it has ended, (time, batch).
            Masked steps copy h and c.
        candidate_mask : :class:`~theano.Variable`, optional
            Multiplies the candidate: recurrent dropout [SD], (time, batch, d).
        training, first_step
            For the models that need it; see :meth:`bricks.norm.Norm.apply`.
        **kwargs
            ``states`` and ``cells`` (batch, d) to start from something else than
            the brick's own h_0 and c_0, and the options of Blocks' ``recurrent``,
            such as ``iterate``.

        Returns
        -------
        states, cells : :class:`~theano.Variable`
            h_t and c_t, (time, batch, d) each.
        """
        states, cells, *_ = self.recurrence(
            inputs=self.input_term(inputs) + self.b,
            mask=mask,
            candidate_mask=candidate_mask,
            weights=self.recurrent_weights(),
            **kwargs,
        )
        return states, cells

    @recurrent(
        sequences=["inputs", "mask", "candidate_mask"],
        states=["states", "cells"],
        contexts=["weights"],
        outputs=["states", "cells", "gates", "product"],
    )
    def recurrence(
        self, inputs, states, cells, weights, mask=None, candidate_mask=None
    ):
        """One step, given what :meth:`apply` makes outside of the recurrence.

        `inputs` include the bias here. The `weights` are an argument because inside
        they would be computed and differentiated at every step. The pre-activations
        and the product are returned for :func:`saved_for_backward`.
        """
        product = tensor.dot(states, weights)
        gates = inputs + self.recurrent_term(saved_for_backward(product))
        o, next_cells = self.update_cells(
            saved_for_backward(gates), cells, candidate_mask
        )
        next_states = self.output(o, saved_for_backward(next_cells))
        after = copy_masked(mask, (next_states, next_cells), (states, cells))
        return after + [gates, product]


def saved_for_backward(variable):
    """The form in which a step must use a variable that it also returns.

    The backward pass of a scan looks up what the scan has returned. It computes
    everything else again, the products with the weights too. Blocks returns a copy of
    the variable, so the step has to use a copy for Theano to see that it is the same.
    """
    return variable.copy()


def copy_masked(mask, after, before):
    """Take each state from `before` the step where `mask`, (batch,), is 0.

    Without a mask all are taken from `after` the step.
    """
    if mask is None:
        return list(after)
    return [tensor.switch(mask[:, None], new, old) for new, old in zip(after, before)]
