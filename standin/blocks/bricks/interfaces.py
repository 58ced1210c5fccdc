"""What kinds of bricks have in common."""

import numpy

from blocks.bricks.base import Brick
from blocks.config import config


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
    def seed(self):
        """The seed that was given, or one from the stream that bricks share."""
        if self._seed is None:
            self._seed = self.seed_rng.randint(numpy.iinfo(numpy.int32).max)
        return self._seed

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
