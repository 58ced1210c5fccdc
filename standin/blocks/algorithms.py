"""Training algorithms and step rules."""

import logging
from collections import OrderedDict
from collections.abc import Mapping

import theano
from theano import tensor

from blocks.graph import ComputationGraph
from blocks.roles import ALGORITHM_BUFFER, ALGORITHM_HYPERPARAMETER, add_role
from blocks.theano_expressions import l2_norm
from blocks.utils import shared_floatx, shared_floatx_zeros_matching

logger = logging.getLogger(__name__)


class TrainingAlgorithm:
    """Base class: what the main loop needs."""

    def initialize(self, **kwargs):
        """Called once before training; usually it compiles."""
        raise NotImplementedError

    def process_batch(self, batch):
        """Train on a batch, a dictionary from source names to arrays."""
        raise NotImplementedError


class UpdatesAlgorithm(TrainingAlgorithm):
    """An algorithm that is a list of Theano updates, as tuples or a dictionary."""

    def __init__(self, updates=None):
        self.updates = []
        self.add_updates(updates or [])

    def add_updates(self, updates):
        """Add a list or dictionary of updates, before :meth:`initialize`."""
        if isinstance(updates, Mapping):
            updates = list(updates.items())
        if not isinstance(updates, list):
            raise ValueError("updates must be a list of tuples or a dictionary")
        self.updates = self.updates + updates

    def initialize(self):
        """Compile the updates."""
        logger.info("Initializing the training algorithm")
        values = [tensor.as_tensor_variable(value) for _, value in self.updates]
        self.inputs = ComputationGraph(values).inputs
        self._function = theano.function(self.inputs, [], updates=self.updates)

    def process_batch(self, batch):
        """Apply the updates; a ValueError if the batch has other sources."""
        names = [variable.name for variable in self.inputs]
        if set(names) != set(batch):
            raise ValueError(
                "mismatch of variable names and data sources: "
                f"{', '.join(map(str, names))} and {', '.join(batch)}"
            )
        self._function(*[batch[name] for name in names])


class GradientDescent(UpdatesAlgorithm):
    """Gradient descent with a step rule.

    Parameters
    ----------
    cost : :class:`~theano.Variable`, optional
        Scalar; not needed with `gradients`.
    parameters : list of shared variables, optional
        Default: all parameters of the cost. With `gradients` it is their keys.
    step_rule : :class:`StepRule`, optional
        Default: ``Scale()``.
    gradients : OrderedDict, optional
        From parameters to their gradients. Default: those of the cost.
    """

    def __init__(
        self, cost=None, parameters=None, step_rule=None, gradients=None, **kwargs
    ):
        super().__init__(**kwargs)
        if gradients is None:
            if cost is None:
                raise ValueError("can't compute gradients: no cost given")
            parameters = parameters or ComputationGraph(cost).parameters
            if not parameters:
                raise ValueError("can't compute gradients: no parameters")
            gradients = zip(parameters, tensor.grad(cost, parameters))
        self.cost = cost
        self.gradients = OrderedDict(gradients)
        self.parameters = list(self.gradients)
        self.step_rule = step_rule or Scale()
        self.steps, step_updates = self.step_rule.compute_steps(self.gradients)
        self.add_updates([(p, p - step) for p, step in self.steps.items()])
        self.add_updates(step_updates)


class StepRule:
    """Turn gradients, or the steps of another rule, into steps.

    Override one of the methods. A step is subtracted from its parameter.
    """

    def compute_step(self, parameter, previous_step):
        """The step of one parameter, and a list of updates of the rule's state."""
        raise NotImplementedError

    def compute_steps(self, previous_steps):
        """The same for an ordered dictionary from parameters to their steps."""
        steps, updates = OrderedDict(), []
        for parameter, previous_step in previous_steps.items():
            steps[parameter], more = self.compute_step(parameter, previous_step)
            updates.extend(more)
        return steps, updates


class CompositeRule(StepRule):
    """Several step rules, one after the other."""

    def __init__(self, components):
        self.components = components

    def compute_steps(self, previous_steps):
        steps, updates = previous_steps, []
        for rule in self.components:
            steps, more = rule.compute_steps(steps)
            updates.extend(more)
        return steps, updates


class Scale(StepRule):
    """Multiply the steps by a learning rate, a shared variable."""

    def __init__(self, learning_rate=1.0):
        self.learning_rate = _hyperparameter(learning_rate, "learning_rate")

    def compute_step(self, parameter, previous_step):
        return self.learning_rate * previous_step, []


class StepClipping(StepRule):
    """Rescale all steps together so that their norm is at most a threshold."""

    def __init__(self, threshold=None):
        self.threshold = threshold
        if threshold is not None:
            self.threshold = _hyperparameter(threshold, "threshold")

    def compute_steps(self, previous_steps):
        if self.threshold is None:
            return previous_steps, []
        norm = l2_norm(previous_steps.values())
        factor = tensor.switch(norm < self.threshold, 1, self.threshold / norm)
        return OrderedDict((p, s * factor) for p, s in previous_steps.items()), []


class Adam(StepRule):
    """Adam (Kingma & Ba, 2014, arXiv:1412.6980, algorithm 1).

    The hyperparameters are shared variables.
    """

    def __init__(self, learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.learning_rate = _hyperparameter(learning_rate, "learning_rate")
        self.beta1 = _hyperparameter(beta1, "beta1")
        self.beta2 = _hyperparameter(beta2, "beta2")
        self.epsilon = _hyperparameter(epsilon, "epsilon")

    def compute_step(self, parameter, previous_step):
        mean = _buffer(parameter, "mean")
        variance = _buffer(parameter, "variance")
        time = shared_floatx(0.0, name="time")
        add_role(time, ALGORITHM_BUFFER)
        next_time = time + 1
        next_mean = self.beta1 * mean + (1 - self.beta1) * previous_step
        next_variance = self.beta2 * variance + (1 - self.beta2) * previous_step**2
        # The order of the paper's section 2, which rounds as upstream does.
        corrected = self.learning_rate * tensor.sqrt(1 - self.beta2**next_time)
        rate = corrected / (1 - self.beta1**next_time)
        step = rate * next_mean / (tensor.sqrt(next_variance) + self.epsilon)
        updates = [(mean, next_mean), (variance, next_variance), (time, next_time)]
        return step, updates


def _hyperparameter(value, name):
    variable = shared_floatx(value, name=name)
    add_role(variable, ALGORITHM_HYPERPARAMETER)
    return variable


def _buffer(parameter, name):
    """Zeros like a parameter, for a step rule's own use."""
    buffer = shared_floatx_zeros_matching(parameter, name=name)
    buffer.tag.for_parameter = parameter
    add_role(buffer, ALGORITHM_BUFFER)
    return buffer
