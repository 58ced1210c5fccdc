"""The character-level language model of the Penn Treebank experiment."""

import math

from blocks.bricks import Initializable
from blocks.bricks.base import application
from theano import config, tensor
from theano.sandbox.rng_mrg import MRG_RandomStreams

from bricks.batch_norm import DataNorm
from bricks.initialization import Orthogonal
from bricks.linear import Linear
from bricks.models import WEIGHT_NORMALISED, InputTerm, Model, make_lstm
from bricks.norm import Norm
from bricks.roles import FIXED, allocate


class CharacterEncoding(Initializable):
    """One-hot symbols times a fixed orthogonal matrix [NP, section 5.1].

    The one-hot vectors are never made: a symbol s selects the vector ``W[s]``.
    The paper asks for normalised inputs. W[s] of an orthogonal matrix has norm 1.
    Multiplied by sqrt(vocabulary), its components have a mean square of 1.

    Parameters
    ----------
    vocabulary : int
        Number of symbols.
    scale : float, optional
        What the orthogonal matrix is multiplied by; default: sqrt(vocabulary).
    """

    def __init__(self, vocabulary, scale=None, **kwargs):
        kwargs.setdefault("weights_init", Orthogonal())
        super().__init__(**kwargs)
        self.vocabulary = vocabulary
        self.scale = math.sqrt(vocabulary) if scale is None else scale

    def _allocate(self):
        self.W = allocate(self, "W", (self.vocabulary, self.vocabulary), FIXED)

    def _initialize(self):
        self.weights_init.initialize(self.W, self.rng)
        matrix = self.W.get_value()
        matrix *= self.scale
        self.W.set_value(matrix)

    @application(inputs=["symbols"], outputs=["output"])
    def apply(self, symbols):
        """Encode integers (time, batch) as vectors (time, batch, vocabulary)."""
        vectors = self.W[symbols.flatten()]
        return vectors.reshape((symbols.shape[0], symbols.shape[1], self.vocabulary))


class CharacterModel(Model):
    """Fixed encoding, input term, one LSTM and a softmax.

    Parameters
    ----------
    model : str
        See :func:`bricks.models.make_lstm`.
    vocabulary, units : int
        Number of symbols and of LSTM units.
    gammas, moments, compensation, length
        See :func:`bricks.models.make_lstm`.
    forget_bias : float
        Initial bias of the forget gate.
    input_scale : float, optional
        See :class:`CharacterEncoding`.
    softmax_gamma : float or None
        Initial gamma of the softmax layer in `weight_norm` and `norm_prop`. ``None``
        leaves the layer plain, as it is in the other models.
    data_norm : bool
        Batch Data Normalisation of the encoded inputs [Arpit].
    input_dropout, recurrent_dropout, output_dropout : float
        Probabilities of dropping a component of the LSTM's input, of the
        candidate g [SD], and of the LSTM's output; a fresh mask at each time step.
    seed : int
        Of the initialisation and the dropout masks.
    """

    def __init__(
        self,
        model,
        vocabulary,
        units,
        *,
        gammas,
        moments,
        compensation,
        forget_bias,
        softmax_gamma,
        length=None,
        input_scale=None,
        data_norm=False,
        input_dropout=0.0,
        recurrent_dropout=0.0,
        output_dropout=0.0,
        seed=1,
    ):
        super().__init__(seed=seed, name="character_model")
        self.vocabulary = vocabulary
        self.units = units
        self.input_dropout = input_dropout
        self.recurrent_dropout = recurrent_dropout
        self.output_dropout = output_dropout
        self.random = MRG_RandomStreams(seed)
        self.encoding = CharacterEncoding(vocabulary, input_scale, name="encoding")
        self.data_norm = (
            DataNorm(vocabulary, name="data_norm")
            if data_norm
            else Norm(name="data_norm")
        )
        self.input_term = InputTerm(
            model, vocabulary, units, gammas, length, name="input_term"
        )
        self.lstm = make_lstm(
            model,
            units,
            gammas,
            moments,
            compensation,
            length,
            forget_bias=forget_bias,
            name="lstm",
        )
        if model not in WEIGHT_NORMALISED:
            softmax_gamma = None
        self.readout = Linear(units, vocabulary, gamma=softmax_gamma, name="readout")
        self.children = [
            self.encoding,
            self.data_norm,
            self.input_term,
            self.lstm,
            self.readout,
        ]

    @property
    def random_states(self):
        """List of the states of the random streams behind the dropout masks."""
        return [update[0] for update in self.random.state_updates]

    @property
    def populations(self):
        """List of the :class:`~bricks.population.PopulationStatistics`, if any."""
        bricks = self.data_norm, self.input_term, self.lstm
        return [population for brick in bricks for population in brick.populations]

    @property
    def drops(self):
        """Whether anything is dropped in training."""
        return any((self.input_dropout, self.recurrent_dropout, self.output_dropout))

    def dropout_mask(self, shape, rate):
        """0 with probability `rate`, else 1 / (1 - rate), of the given shape."""
        keep = 1.0 - rate
        return self.random.binomial(shape, p=keep, dtype=config.floatX) / keep

    @application(inputs=["symbols", "mask"], outputs=["bits"])
    def bits(self, symbols, mask=None):
        """The cost to train on: batch statistics, with dropout.

        Parameters
        ----------
        symbols : :class:`~theano.Variable`
            Integers, (time, batch).
        mask : :class:`~theano.Variable`, optional
            1 where there is a symbol and 0 after the end, (time, batch).

        Returns
        -------
        bits : :class:`~theano.Variable`
            -log2 of the probability given to each next symbol, from h_0 and c_0,
            (time - 1, batch); 0 where that symbol is masked.
        """
        return self._cost(symbols, mask, training=True)

    @application(inputs=["symbols", "mask"], outputs=["bits"])
    def inference_bits(self, symbols, mask=None):
        """As :meth:`bits`, with population statistics and without dropout."""
        return self._cost(symbols, mask, training=False)

    def _cost(self, symbols, mask, training):
        # Theano's cross-entropy takes signed integers only.
        inputs, targets = symbols[:-1], tensor.cast(symbols[1:], "int32")
        input_mask = None if mask is None else mask[:-1]
        states, _ = self._run(inputs, input_mask, training)
        probabilities = tensor.nnet.softmax(self._flat_logits(states))
        nats = tensor.nnet.categorical_crossentropy(probabilities, targets.flatten())
        bits = nats.reshape(targets.shape) / math.log(2.0)
        return bits if mask is None else bits * mask[1:]

    @application(outputs=["log_probabilities", "states", "cells"])
    def predict(self, symbols, states, cells, first_step=0):
        """Continue a sequence, for scoring in pieces and for sampling.

        Parameters
        ----------
        symbols : :class:`~theano.Variable`
            Integers, (time, batch).
        states, cells : :class:`~theano.Variable`
            h and c before the first of them, (batch, units).
        first_step : int or :class:`~theano.Variable`
            Number of symbols before the first of them.

        Returns
        -------
        log_probabilities : :class:`~theano.Variable`
            Of the symbol that follows each, in nats, (time, batch, vocabulary).
        states, cells : :class:`~theano.Variable`
            h and c after the last of them, (batch, units).
        """
        h, c = self._run(
            symbols,
            None,
            training=False,
            first_step=first_step,
            states=states,
            cells=cells,
        )
        logits = self._flat_logits(h)
        shape = (symbols.shape[0], symbols.shape[1], self.vocabulary)
        return tensor.nnet.logsoftmax(logits).reshape(shape), h[-1], c[-1]

    def _flat_logits(self, states):
        """Inputs of the softmax, (time * batch, vocabulary)."""
        return self.readout.apply(states.reshape((-1, self.units)))

    def _run(self, symbols, mask, training, first_step=0, **initial):
        """h and c at each time step, (time, batch, units) each."""
        mode = {"training": training, "first_step": first_step}
        x = self.data_norm.apply(self.encoding.apply(symbols), mask, **mode)
        if training and self.input_dropout:
            x = x * self.dropout_mask(x.shape, self.input_dropout)
        candidate_mask = None
        if training and self.recurrent_dropout:
            shape = (symbols.shape[0], symbols.shape[1], self.units)
            candidate_mask = self.dropout_mask(shape, self.recurrent_dropout)
        h, c = self.lstm.apply(
            self.input_term.apply(x, mask, **mode),
            mask=mask,
            candidate_mask=candidate_mask,
            **initial,
            **mode,
        )
        if training and self.output_dropout:
            h = h * self.dropout_mask(h.shape, self.output_dropout)
        return h, c
