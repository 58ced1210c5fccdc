"""DRAW, the Deep Recurrent Attentive Writer [DRAW], with normalised LSTMs [NP]."""

import theano
from blocks.bricks.base import application
from blocks.roles import INITIAL_STATE, has_roles
from theano import tensor

from bricks.attention import AttentionWindow
from bricks.draw_parts import Reader, Sampler, Writer
from bricks.initialization import UnitOrthogonal
from bricks.linear import Linear
from bricks.models import WEIGHT_NORMALISED, Model, make_lstm

# What a glimpse leaves: canvas, states and cells of the LSTMs, z and its distribution.
GLIMPSE = "canvas h_enc c_enc h_dec c_dec z mean log_sigma".split()


def lstm_step(lstm, inputs, before, weights):
    """One step of an LSTM: h_t, c_t and the gates' pre-activations, (batch, ...).

    `inputs` are W_x x_t, `before` h and c of the step before, and `weights` what
    ``lstm.recurrent_weights()`` has returned outside of the recurrence.
    """
    states, cells, gates, _ = lstm.recurrence(
        inputs=lstm.b + lstm.input_term(inputs),
        states=before[0],
        cells=before[1],
        weights=weights,
        iterate=False,
    )
    return states, cells, gates


class DrawModel(Model):
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
        See :func:`bricks.models.make_lstm`; any but `batch_norm`.
    height, width : int
        Of the images, in pixels.
    read_size, write_size : int
        Filters along each axis of the windows.
    encoder_dim, decoder_dim, latent_dim : int
        Units of the LSTMs and of z.
    gammas : dict of str to float
        Initial gammas of the model, by name. gamma_x is that of the two linear layers
        that feed the LSTMs.
    moments, compensation : str
        See :func:`bricks.models.make_lstm`.
    forget_bias : float
        Initial bias of the forget gates.
    seed : int
        Of the initialisation.
    """

    def __init__(
        self,
        model,
        *,
        height,
        width,
        read_size,
        write_size,
        encoder_dim,
        decoder_dim,
        latent_dim,
        gammas,
        moments,
        compensation,
        forget_bias,
        seed=1,
    ):
        super().__init__(seed=seed, name="draw_model")

        def layer(gamma):
            gamma = gamma if model in WEIGHT_NORMALISED else None
            return {"gamma": gamma, "weights_init": UnitOrthogonal()}

        into_lstm, other = layer(gammas.get("gamma_x")), layer(1.0)
        lstm_options = gammas, moments, compensation
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
        self.encoder = make_lstm(
            model, encoder_dim, *lstm_options, forget_bias=forget_bias, name="encoder"
        )
        self.sampler = Sampler(encoder_dim, latent_dim, other, name="sampler")
        self.decoder_input = Linear(
            latent_dim, 4 * decoder_dim, name="decoder_input", **into_lstm
        )
        self.decoder = make_lstm(
            model, decoder_dim, *lstm_options, forget_bias=forget_bias, name="decoder"
        )
        self.writer = Writer(
            decoder_dim,
            AttentionWindow(height, width, write_size, name="window"),
            other,
            name="writer",
        )
        self.shape = height, width
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
        """The weight matrices of a glimpse, in order, made once for all glimpses."""
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
        parameters = super().all_parameters.items()
        return {k: p for k, p in parameters if not has_roles(p, [INITIAL_STATE])}

    def _zeros(self, batch_size, dim):
        # Theano takes a dimension of one to broadcast, which no state does.
        return tensor.unbroadcast(tensor.zeros((batch_size, dim)), 0, 1)

    def _glimpse(self, u, canvas, h_enc, c_enc, h_dec, c_dec, *given):
        """One glimpse; the results are as in `apply`.

        `u` is the noise of this glimpse, (batch, latent_dim), then come the five
        states, and of `given` x and :meth:`weights`, in their order.
        """
        x, reader, into_encoder, encoder, mean, log_sigma, *more = given
        into_decoder, decoder, *writer = more
        error = x - tensor.nnet.sigmoid(canvas)
        read = tensor.concatenate(
            [self.reader.apply(x, error, h_dec, reader), h_dec], axis=1
        )
        h_enc, c_enc, encoder_gates = lstm_step(
            self.encoder,
            self.encoder_input.affine(read, into_encoder),
            (h_enc, c_enc),
            encoder,
        )
        z, mean, log_sigma = self.sampler.apply(h_enc, u, mean, log_sigma)
        h_dec, c_dec, decoder_gates = lstm_step(
            self.decoder,
            self.decoder_input.affine(z, into_decoder),
            (h_dec, c_dec),
            decoder,
        )
        canvas = canvas + self.writer.apply(h_dec, *writer)
        # The gates are returned for the backward pass: see `saved_for_backward`.
        gates = encoder_gates, decoder_gates
        return (canvas, h_enc, c_enc, h_dec, c_dec, z, mean, log_sigma, *gates)

    @application(inputs=["x", "u"], outputs=GLIMPSE)
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
        return results[: len(GLIMPSE)]

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
