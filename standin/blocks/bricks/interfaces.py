"""What kinds of bricks have in common."""

import numpy
from theano.sandbox.rng_mrg import MRG_RandomStreams

from blocks.bricks.base import Brick
from blocks.config import config


class Activation(Brick):
    """An elementwise function with the application ``apply``."""


class Feedforward(Brick):
    """A brick with an ``input_dim`` and an ``output_dim``, which can be set."""


def _seed_property(attribute):
    """A seed that is given to the brick, or comes from a stream that bricks share."""

    def get(self):
        if getattr(self, attribute) is None:
            seed = self.seed_rng.randint(numpy.iinfo(numpy.int32).max)
            setattr(self, attribute, seed)
        return getattr(self, attribute)

    def refuse(self, value):
        raise AttributeError("seed already set")

    return property(get, refuse)


class Initializable(Brick):
    """A brick whose parameters are drawn.

    What is given here is passed on to the children when they are initialised.

    Parameters
    ----------
    weights_init, biases_init : :class:`~blocks.initialization.NdarrayInitialization`
    use_bias : bool, optional
    seed : int, optional
        Default: drawn from a stream that all bricks without a seed share, so that
        it depends on the order they are used in.
    """

    has_biases = True
    seed_rng = numpy.random.RandomState(config.default_seed)
    seed = _seed_property("_seed")

    def __init__(
        self, weights_init=None, biases_init=None, use_bias=None, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.weights_init = weights_init
        self.biases_init = biases_init
        self.use_bias = self.has_biases if use_bias is None else use_bias
        if not self.has_biases and (self.use_bias or biases_init):
            raise ValueError(f"{type(self).__name__} has no biases")
        self._seed = seed
        self._rng = None

    @property
    def rng(self):
        """The random state that the initial values are drawn from."""
        if self._rng is None:
            self._rng = numpy.random.RandomState(self.seed)
        return self._rng

    @rng.setter
    def rng(self, rng):
        self._rng = rng

    def _push_initialization_config(self):
        for child in self.children:
            if isinstance(child, Initializable):
                child.rng = self.rng
                if self.weights_init:
                    child.weights_init = self.weights_init
                if self.biases_init and child.has_biases:
                    child.biases_init = self.biases_init


class LinearLike(Initializable):
    """A brick whose parameters are weights and maybe a bias, in this order."""

    @property
    def W(self):
        """The weights."""
        return self.parameters[0]

    @property
    def b(self):
        """The bias."""
        if not self.use_bias:
            raise AttributeError("use_bias is False")
        return self.parameters[1]

    def _initialize(self):
        # Not self.W, which subclasses replace by an expression.
        self.weights_init.initialize(self.parameters[0], self.rng)
        if self.use_bias:
            self.biases_init.initialize(self.parameters[1], self.rng)


class Random(Brick):
    """A brick that draws random numbers in the graph, from `theano_rng`."""

    seed_rng = numpy.random.RandomState(config.default_seed)
    theano_seed = _seed_property("_theano_seed")

    def __init__(self, theano_seed=None, **kwargs):
        super().__init__(**kwargs)
        self._theano_seed = theano_seed
        self._theano_rng = None

    @property
    def theano_rng(self):
        """The :class:`~theano.sandbox.rng_mrg.MRG_RandomStreams` to draw from."""
        if self._theano_rng is None:
            self._theano_rng = MRG_RandomStreams(self.theano_seed)
        return self._theano_rng
