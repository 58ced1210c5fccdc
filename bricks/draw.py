"""DRAW, the Deep Recurrent Attentive Writer [DRAW], with normalised LSTMs [NP]."""

import theano
from blocks.bricks import Initializable
from blocks.bricks.base import application
from blocks.roles import INITIAL_STATE, has_roles
from blocks.select import Selector
from theano import tensor

from bricks.attention import AttentionWindow
from bricks.compensations import norm_prop_lstm
from bricks.draw_parts import Reader, Sampler, Writer
from bricks.initialization import Orthogonal
from bricks.layer_norm import LayerNormLSTM
from bricks.linear import Linear
from bricks.lstm import LSTM
from bricks.roles import UNIT_NORM
from bricks.weight_norm import WeightNormLSTM

#: Initial gammas of the runs behind Table 3 and Figure 3 [NP-code].
PUBLISHED_GAMMAS = {
    "baseline": {},
    "weight_norm": {"gamma_x": 1.0, "gamma_h": 1.0},
    "layer_norm": {"gamma_c": 1.0},
    "norm_prop": {"gamma_x": 0.5, "gamma_h": 0.5, "gamma_c": 0.5},
}


class UnitOrthogonal(Orthogonal):
    """Orthogonal, then every incoming weight vector scaled to norm 1 [NP-code].

    In DRAW the baseline starts from unit norms too, but is not held to them.
    """

    def generate(self, rng, shape):
        matrix = super().generate(rng, shape)
        return matrix / (matrix**2).sum(axis=0, keepdims=True) ** 0.5


def initial_gammas(model, **given):
    """The published gammas of `model`, or those `given` instead where not None.

    Raises
    ------
    ValueError
        If there is no such model, or it does not have a gamma that is given.
    """
    if model not in PUBLISHED_GAMMAS:
        names = ", ".join(PUBLISHED_GAMMAS)
        raise ValueError(f"there is no model {model!r}; there are {names}")
    gammas = dict(PUBLISHED_GAMMAS[model])
    for name, value in given.items():
        if value is not None:
            if name not in gammas:
                raise ValueError(f"{model} has no {name}")
            gammas[name] = value
    return gammas


def draw_lstm(model, dim, gammas, moments, compensation, **frame):
    """Make the encoder's or the decoder's LSTM.

    Parameters
    ----------
    model : str
        One of :data:`PUBLISHED_GAMMAS`. `layer_norm` is as released: it normalises
        the cell only.
    dim : int
        Number of units.
    gammas : dict
        Initial gammas that the model has.
    moments, compensation : str
        See :func:`bricks.models.lstm_with_input`.
    **frame
        More options of :class:`bricks.lstm.LSTM`.
    """
    if model == "baseline":
        return LSTM(dim, **frame)
    if model == "weight_norm":
        return WeightNormLSTM(dim, gamma_h=gammas["gamma_h"], **frame)
    if model == "layer_norm":
        return LayerNormLSTM(dim, gamma_h=None, epsilon=1e-6, **gammas, **frame)
    return norm_prop_lstm(compensation, dim, **gammas, moments=moments, **frame)


class DrawModel(Initializable):
    r"""DRAW with selective attention, for binary images [DRAW, section 2].

    At each of T glimpses, from states, canvas and z that start at zero,

    .. math::
        \hat{x}_t &= x - s(c_{t-1}) \\
        r_t &= read(x, \hat{x}_t, h^{dec}_{t-1}) \\
        h^{enc}_t &= LSTM^{enc}(h^{enc}_{t-1}, [r_t, h^{dec}_{t-1}]) \\
        z_t &\sim Q(Z_t | h^{enc}_t) \\
        h^{dec}_t &= LSTM^{dec}(h^{dec}_{t-1}, z_t) \\
        c_t &= c_{t-1} + write(h^{dec}_t)

    Parameters
    ----------
    model : str
        One of :data:`PUBLISHED_GAMMAS`.
    height, width : int
        Of the images, in pixels.
    read_size, write_size : int
        Filters along each axis of the windows.
    encoder_dim, decoder_dim, latent_dim : int
        Units of the LSTMs and of z.
    gamma_x, gamma_h, gamma_c : float, optional
        Initial gammas; default: as published for the model. gamma_x belongs to the
        two linear layers that feed the LSTMs.
    moments, compensation : str
        See :func:`bricks.models.lstm_with_input`.
    forget_bias : float
        Initial bias of the forget gates.
    seed : int
        Of the initialisation.

    Raises
    ------
    ValueError
        If there is no such model, or a gamma is given that the model does not have.
    """

    def __init__(
        self,
        model,
        height=28,
        width=28,
        read_size=2,
        write_size=5,
        encoder_dim=256,
        decoder_dim=256,
        latent_dim=100,
        gamma_x=None,
        gamma_h=None,
        gamma_c=None,
        moments="printed",
        compensation="paper",
        forget_bias=1.0,
        seed=1,
    ):
        super().__init__(seed=seed, name="draw_model")
        gammas = initial_gammas(
            model, gamma_x=gamma_x, gamma_h=gamma_h, gamma_c=gamma_c
        )
        weight_normalised = model in ("weight_norm", "norm_prop")

        def layer(gamma):
            return {
                "gamma": gamma if weight_normalised else None,
                "weights_init": UnitOrthogonal(),
            }

        def lstm(dim, name):
            return draw_lstm(
                model,
                dim,
                gammas,
                moments,
                compensation,
                forget_bias=forget_bias,
                name=name,
            )

        into_lstm, other = layer(gammas.get("gamma_x")), layer(1.0)
        self.reader = Reader(
            decoder_dim,
            AttentionWindow(height, width, read_size, name="window"),
            other,
            name="reader",
        )
        self.encoder_input = Linear(
            self.reader.output_dim + decoder_dim,
            4 * encoder_dim,
            name="encoder_input",
            **into_lstm,
        )
        self.encoder = lstm(encoder_dim, "encoder")
        self.sampler = Sampler(encoder_dim, latent_dim, other, name="sampler")
        self.decoder_input = Linear(
            latent_dim, 4 * decoder_dim, name="decoder_input", **into_lstm
        )
        self.decoder = lstm(decoder_dim, "decoder")
        self.writer = Writer(
            decoder_dim,
            AttentionWindow(height, width, write_size, name="window"),
            other,
            name="writer",
        )
        self.pixels = height * width
        self.latent_dim = latent_dim
        self.children = [
            self.reader,
            self.encoder_input,
            self.encoder,
            self.sampler,
            self.decoder_input,
            self.decoder,
            self.writer,
        ]

    def weights(self):
        """All that is made of weights alone, once for all glimpses, in order."""
        return [
            *self.reader.weights(),
            self.encoder_input.weights(),
            self.encoder.recurrent_weights(),
            *self.sampler.weights(),
            self.decoder_input.weights(),
            self.decoder.recurrent_weights(),
            *self.writer.weights(),
        ]

    @property
    def all_parameters(self):
        """Ordered dictionary of all parameters by their path.

        The LSTMs' own h_0 and c_0 are not among them: in DRAW all starts at zero.
        """
        parameters = Selector([self]).get_parameters()
        return {
            path: parameter
            for path, parameter in parameters.items()
            if not has_roles(parameter, [INITIAL_STATE])
        }

    @property
    def trained_parameters(self):
        """List of the parameters that gradient descent changes: all."""
        return list(self.all_parameters.values())

    @property
    def unit_norm_parameters(self):
        """List of the weight matrices that carry a gamma."""
        return [p for p in self.trained_parameters if has_roles(p, [UNIT_NORM])]

    def _zeros(self, batch_size, dim):
        # A dimension of one would else be taken to broadcast, which no state does.
        return tensor.unbroadcast(tensor.zeros((batch_size, dim)), 0, 1)

    def _glimpse(self, u, canvas, h_enc, c_enc, h_dec, c_dec, x, *weights):
        """One glimpse, given :meth:`weights`; arguments and results as in `apply`."""
        (
            reader_readout,
            encoder_input,
            encoder,
            mean,
            log_sigma,
            decoder_input,
            decoder,
            *writer,
        ) = weights
        error = x - tensor.nnet.sigmoid(canvas)
        read = self.reader.apply(x, error, h_dec, reader_readout)
        h_enc, c_enc, encoder_gates, _ = self.encoder.recurrence(
            inputs=self.encoder.b
            + self.encoder.input_term(
                self.encoder_input.affine(
                    tensor.concatenate([read, h_dec], axis=1), encoder_input
                )
            ),
            states=h_enc,
            cells=c_enc,
            weights=encoder,
            iterate=False,
        )
        z, mean, log_sigma = self.sampler.apply(h_enc, u, mean, log_sigma)
        h_dec, c_dec, decoder_gates, _ = self.decoder.recurrence(
            inputs=self.decoder.b
            + self.decoder.input_term(self.decoder_input.affine(z, decoder_input)),
            states=h_dec,
            cells=c_dec,
            weights=decoder,
            iterate=False,
        )
        canvas = canvas + self.writer.apply(h_dec, *writer)
        # The gates are returned so that they need not be computed again backwards.
        gates = encoder_gates, decoder_gates
        return (canvas, h_enc, c_enc, h_dec, c_dec, z, mean, log_sigma, *gates)

    @application(
        inputs=["x", "u"],
        outputs=[
            "canvas",
            "h_enc",
            "c_enc",
            "h_dec",
            "c_dec",
            "z",
            "mean",
            "log_sigma",
        ],
    )
    def apply(self, x, u):
        """Encode and draw images.

        Parameters
        ----------
        x : :class:`~theano.Variable`
            Binary images, (batch, height * width).
        u : :class:`~theano.Variable`
            Standard normal noise, (glimpses, batch, z).

        Returns
        -------
        canvas : :class:`~theano.Variable`
            Logits of the pixels after each glimpse, (glimpses, batch, height * width).
        h_enc, c_enc, h_dec, c_dec : :class:`~theano.Variable`
            States and cells of the LSTMs, (glimpses, batch, units) each.
        z, mean, log_sigma : :class:`~theano.Variable`
            z and the parameters of its distribution, (glimpses, batch, z) each.
        """
        batch = x.shape[0]
        encoder, decoder = self.encoder.dim, self.decoder.dim
        states = [
            self._zeros(batch, dim)
            for dim in (self.pixels, encoder, encoder, decoder, decoder)
        ]
        results, _ = theano.scan(
            self._glimpse,
            sequences=u,
            outputs_info=states + 5 * [None],
            non_sequences=[x, *self.weights()],
            name="draw",
        )
        return results[:8]

    @application(
        inputs=["x", "u"],
        outputs=["reconstruction", "divergence", "log_weights", "logits"],
    )
    def bound(self, x, u):
        """The terms of the bound on -log p(x), in nats [DRAW, eq. 9-12].

        Parameters
        ----------
        x, u : :class:`~theano.Variable`
            As for :meth:`apply`.

        Returns
        -------
        reconstruction : :class:`~theano.Variable`
            -log p(x | z) for each image, (batch,).
        divergence : :class:`~theano.Variable`
            KL(Q(z_t | h_enc_t) || P(z_t)) for each glimpse and image,
            (glimpses, batch).
        log_weights : :class:`~theano.Variable`
            log p(x, z) - log Q(z | x) for each image, (batch,). The logarithm of
            the mean of several such weights is a tighter bound on log p(x) than
            the mean of their logarithms (Burda et al. 2016, arXiv:1509.00519).
        logits : :class:`~theano.Variable`
            The last canvas, (batch, height * width).
        """
        canvas, _, _, _, _, z, mean, log_sigma = self.apply(x, u)
        logits = canvas[-1]
        reconstruction = (tensor.nnet.softplus(logits) - x * logits).sum(axis=1)
        # log N(z; 0, 1) - log N(z; mean, sigma^2), where z = mean + sigma u.
        ratio = 0.5 * (tensor.sqr(u) - tensor.sqr(z)) + log_sigma
        return (
            reconstruction,
            self.sampler.divergence(mean, log_sigma),
            ratio.sum(axis=(0, 2)) - reconstruction,
            logits,
        )

    @application(inputs=["x", "u"], outputs=["cost"])
    def cost(self, x, u):
        """The bound averaged over the images, in nats; as :meth:`bound`."""
        reconstruction, divergence, _, _ = self.bound(x, u)
        return (reconstruction + divergence.sum(axis=0)).mean()

    @application(inputs=["z"], outputs=["canvas", "h_dec"])
    def draw(self, z):
        """Draw images from z alone; z ~ N(0, 1) gives samples [DRAW, section 2.3].

        Parameters
        ----------
        z : :class:`~theano.Variable`
            (glimpses, batch, z).

        Returns
        -------
        canvas : :class:`~theano.Variable`
            Logits of the pixels after each glimpse, (glimpses, batch, height * width).
        h_dec : :class:`~theano.Variable`
            States of the decoder, (glimpses, batch, units).
        """
        zeros = self._zeros(z.shape[1], self.decoder.dim)
        h_dec, _ = self.decoder.apply(
            self.decoder_input.apply(z), states=zeros, cells=zeros
        )
        written = self.writer.apply(
            h_dec.reshape((-1, self.decoder.dim)), *self.writer.weights()
        )
        written = written.reshape((z.shape[0], z.shape[1], self.pixels))
        return tensor.cumsum(written, axis=0), h_dec
