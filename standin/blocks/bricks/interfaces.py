"""What kinds of bricks have in common."""

import numpy
from theano.sandbox.rng_mrg import MRG_RandomStreams

from blocks.bricks.base import Brick
from blocks.config import config
from blocks.roles import BIAS, WEIGHT, has_roles

_LARGEST_SEED = numpy.iinfo(numpy.int32).max


class Activation(Brick):
    """An elementwise function with the application ``apply``."""


class Feedforward(Brick):
    """A brick with one input and one output, of dimensions that can be set.

    Attributes
    ----------
    input_dim, output_dim : int
    """


class Initializable(Brick):
    """A brick whose parameters are drawn.

    What is given here is passed on to the children when they are initialised.

    Parameters
    ----------
    weights_init, biases_init : :class:`~blocks.initialization.NdarrayInitialization`
    use_bias : bool, optional
        Default: true for bricks that have biases.
    seed : int, optional
        Seed of the initial values. Default: drawn from a stream that all bricks
        without a seed share, so that it depends on the order they are used in.
    """

    has_biases = True
    seed_rng = numpy.random.RandomState(config.default_seed)

    def __init__(
        self, weights_init=None, biases_init=None, use_bias=None, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.weights_init = weights_init
        if self.has_biases:
            self.biases_init = biases_init
            self.use_bias = True if use_bias is None else use_bias
            self._use_bias_given = use_bias is not None
        elif use_bias or biases_init:
            raise ValueError(f"{type(self).__name__} has no biases")
        self._seed = seed
        self._rng = None

    @property
    def seed(self):
        """The seed of :attr:`rng`; it can be set once, before it is used."""
        if self._seed is None:
            self._seed = self.seed_rng.randint(_LARGEST_SEED)
        return self._seed

    @seed.setter
    def seed(self, value):
        if self._seed is not None:
            raise AttributeError("seed already set")
        self._seed = value

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
            if not isinstance(child, Initializable):
                continue
            child.rng = self.rng
            if self.weights_init:
                child.weights_init = self.weights_init
            if self.has_biases and self.biases_init and child.has_biases:
                child.biases_init = self.biases_init


class LinearLike(Initializable):
    """A brick whose parameters are weights and maybe a bias."""

    @property
    def W(self):
        """The first parameter that is a weight."""
        return next(p for p in self.parameters if has_roles(p, [WEIGHT]))

    @property
    def b(self):
        """The first parameter that is a bias."""
        if not self.use_bias:
            raise AttributeError("use_bias is False")
        return next(p for p in self.parameters if has_roles(p, [BIAS]))

    def _initialize(self):
        self.weights_init.initialize(self.W, self.rng)
        if self.use_bias:
            self.biases_init.initialize(self.b, self.rng)


class Random(Brick):
    """A brick that draws random numbers in the graph.

    Parameters
    ----------
    theano_seed : int, optional
        Default: drawn from a stream that all bricks without a seed share.
    """

    seed_rng = numpy.random.RandomState(config.default_seed)

    def __init__(self, theano_seed=None, **kwargs):
        super().__init__(**kwargs)
        self._theano_seed = theano_seed
        self._theano_rng = None

    @property
    def theano_seed(self):
        """The seed of :attr:`theano_rng`; it can be set once, before it is used."""
        if self._theano_seed is None:
            self._theano_seed = self.seed_rng.randint(_LARGEST_SEED)
        return self._theano_seed

    @theano_seed.setter
    def theano_seed(self, value):
        if self._theano_seed is not None:
            raise AttributeError("seed already set")
        self._theano_seed = value

    @property
    def theano_rng(self):
        """The :class:`~theano.sandbox.rng_mrg.MRG_RandomStreams` to draw from."""
        if self._theano_rng is None:
            self._theano_rng = MRG_RandomStreams(self.theano_seed)
        return self._theano_rng

    @theano_rng.setter
    def theano_rng(self, theano_rng):
        self._theano_rng = theano_rng
