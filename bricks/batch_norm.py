"""The batch-normalised LSTM."""

from blocks.bricks.base import application, lazy
from blocks.bricks.recurrent import recurrent
from blocks.initialization import Constant
from blocks.roles import BIAS, WEIGHT, add_role
from theano import tensor

from bricks.lstm import LSTM, copy_masked, saved_for_backward
from bricks.norm import Norm
from bricks.population import PopulationStatistics, batch_statistics, time_steps
from bricks.roles import FIXED, allocate

EPSILON = 1e-5
# What the recurrence of BatchNormLSTM is given at inference, and else returns.
STATISTICS = ["recurrent_mean", "recurrent_variance", "cell_mean", "cell_variance"]


def normalise(x, mean, variance, gamma):
    """BN(x; gamma) [BN, eq. 5; NP, eq. 1], given the statistics."""
    mean, variance = (tensor.shape_padaxis(s, -2) for s in (mean, variance))
    return gamma * (x - mean) / tensor.sqrt(variance + EPSILON)


class BatchNorm(Norm):
    """Batch normalisation of the input term: BN(W_x x_t; gamma_x) [BN, eq. 6].

    Statistics are taken for each time step separately.

    Parameters
    ----------
    dim : int
        Number of features.
    length : int
        Number of time steps that have population statistics of their own.
    gamma : float
        Initial value of the trainable gamma_x.
    """

    @lazy(allocation=["dim", "length"])
    def __init__(self, dim, length, gamma, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.length = length
        self.initial_gamma = gamma

    def _allocate(self):
        self.gamma = allocate(self, "gamma", (self.dim,), WEIGHT)
        self.population = PopulationStatistics(self.length, self.dim, "population")
        self.populations = [self.population]
        self.parameters.extend(self.population.variables)

    def _initialize(self):
        Constant(self.initial_gamma).initialize(self.gamma, self.rng)
        self.population.initialize(self.rng)

    @application(inputs=["input_", "mask"], outputs=["output"])
    def apply(self, application_call, input_, mask=None, training=False, first_step=0):
        """Normalise each time step; see :meth:`bricks.norm.Norm.apply`."""
        if training:
            statistics = batch_statistics(input_, mask)
            application_call.updates.update(self.population.updates(statistics, mask))
        else:
            statistics = self.population.at(time_steps(input_, first_step))
        return normalise(input_, *statistics, self.gamma)


class DataNorm(Norm):
    """Batch Data Normalisation of a network's inputs [Arpit; NP, section 5.1].

    Each feature is standardised over batch and time in training, and with the
    population's statistics at inference. There is nothing to train.

    Parameters
    ----------
    dim : int
        Number of features.
    """

    @lazy(allocation=["dim"])
    def __init__(self, dim, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim

    def _allocate(self):
        self.population = PopulationStatistics(1, self.dim, "population")
        self.populations = [self.population]
        self.parameters.extend(self.population.variables)

    def _initialize(self):
        self.population.initialize(self.rng)

    @application(inputs=["input_", "mask"], outputs=["output"])
    def apply(self, application_call, input_, mask=None, training=False, first_step=0):
        """Standardise each feature; see :meth:`bricks.norm.Norm.apply`."""
        population = self.population
        if training:
            # All time steps together are one step with a larger batch.
            everything = input_.reshape((1, -1, self.dim))
            if mask is not None:
                mask = mask.reshape((1, -1))
            statistics = batch_statistics(everything, mask)
            application_call.updates.update(population.updates(statistics))
        else:
            statistics = population.mean, population.variance
        mean, variance = (statistic[0] for statistic in statistics)
        return normalise(input_, mean, variance, gamma=1.0)


class BatchNormLSTM(LSTM):
    r"""LSTM with recurrent batch normalisation [BN, eq. 6-8; NP, eq. 2-4].

    .. math::
        (i, f, g, o) &= BN(W_x x_t; \gamma_x) + BN(W_h h_{t-1}; \gamma_h) + b \\
        c_t &= s(i) \tanh(g) + s(f) c_{t-1} \\
        h_t &= s(o) \tanh(BN(c_t; \gamma_c, \beta_c))

    Statistics are taken over the batch, for each time step separately. At inference
    they are those of the population. BN(W_x x_t) comes from :class:`BatchNorm`. Of the
    initial states only c_0 is trained; h_0 stays zero.

    Parameters
    ----------
    dim : int
        Number of units, d.
    length : int
        Number of time steps that have population statistics of their own.
    gamma_h, gamma_c : float
        Initial values of the trainable gamma_h (4d) and gamma_c (d).
    """

    @lazy(allocation=["dim", "length"])
    def __init__(self, dim, length, gamma_h, gamma_c, **kwargs):
        super().__init__(dim, **kwargs)
        self.length = length
        self.initial_gamma_h = gamma_h
        self.initial_gamma_c = gamma_c

    def _allocate(self):
        super()._allocate()
        # BN(W_h h_0) is zero whatever h_0 is, the same in the whole batch. Its gradient
        # would be rounding alone, and Adam makes steps of full size of that: h_0 would
        # wander, and the moving average lag behind it.
        add_role(self.initial_state, FIXED)
        self.gamma_h = allocate(self, "gamma_h", (4 * self.dim,), WEIGHT)
        self.gamma_c = allocate(self, "gamma_c", (self.dim,), WEIGHT)
        self.beta_c = allocate(self, "beta_c", (self.dim,), BIAS)
        self.recurrent_population = PopulationStatistics(
            self.length, 4 * self.dim, "recurrent"
        )
        self.cell_population = PopulationStatistics(self.length, self.dim, "cell")
        self.populations = [self.recurrent_population, self.cell_population]
        for population in self.populations:
            self.parameters.extend(population.variables)

    def _initialize(self):
        super()._initialize()
        Constant(self.initial_gamma_h).initialize(self.gamma_h, self.rng)
        Constant(self.initial_gamma_c).initialize(self.gamma_c, self.rng)
        Constant(0.0).initialize(self.beta_c, self.rng)
        for population in self.populations:
            population.initialize(self.rng)

    @application(outputs=["states", "cells"])
    def apply(
        self,
        application_call,
        inputs,
        mask=None,
        candidate_mask=None,
        training=False,
        first_step=0,
        **kwargs,
    ):
        """Run over a sequence; see :meth:`LSTM.apply`.

        `training` and `first_step` are those of :meth:`bricks.norm.Norm.apply`.
        """
        given = {}
        if not training:
            steps = time_steps(inputs, first_step)
            pairs = [population.at(steps) for population in self.populations]
            given = dict(zip(STATISTICS, [*pairs[0], *pairs[1]]))
        states, cells, _, _, *statistics = self.recurrence(
            inputs=inputs + self.b,
            mask=mask,
            candidate_mask=candidate_mask,
            weights=self.recurrent_weights(),
            **given,
            **kwargs,
        )
        if training:
            pairs = statistics[:2], statistics[2:]
            for population, pair in zip(self.populations, pairs):
                application_call.updates.update(population.updates(pair, mask))
        return states, cells

    @recurrent(
        sequences=["inputs", "mask", "candidate_mask", *STATISTICS],
        states=["states", "cells"],
        contexts=["weights"],
        outputs=["states", "cells", "gates", "product", *STATISTICS],
    )
    def recurrence(
        self,
        inputs,
        states,
        cells,
        weights,
        mask=None,
        candidate_mask=None,
        **statistics,
    ):
        """One step, with the population's `statistics` if they are given."""

        def batch_norm(x, gamma, name):
            """BN(x; gamma), with the population's statistics or the batch's own.

            The batch's are then added to `statistics`, for the step returns them.
            """
            names = f"{name}_mean", f"{name}_variance"
            if names[0] not in statistics:
                statistics.update(
                    zip(names, batch_statistics(saved_for_backward(x), mask))
                )
            mean, variance = (saved_for_backward(statistics[n]) for n in names)
            return normalise(saved_for_backward(x), mean, variance, gamma)

        product = tensor.dot(states, weights)
        gates = inputs + batch_norm(product, self.gamma_h, "recurrent")
        o, next_cells = self.update_cells(
            saved_for_backward(gates), cells, candidate_mask
        )
        normalised = batch_norm(next_cells, self.gamma_c, "cell")
        next_states = self.output(o, normalised + self.beta_c)
        after = copy_masked(mask, (next_states, next_cells), (states, cells))
        return after + [gates, product] + [statistics[name] for name in STATISTICS]
