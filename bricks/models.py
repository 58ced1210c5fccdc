"""The five models: which bricks, and with which initial gammas."""

from blocks.bricks import Initializable
from blocks.bricks.base import application

from bricks.batch_norm import BatchNorm, BatchNormLSTM
from bricks.compensations import norm_prop_lstm
from bricks.layer_norm import LayerNorm, LayerNormLSTM
from bricks.linear import Linear
from bricks.lstm import LSTM
from bricks.weight_norm import WeightNormLSTM

#: Initial gamma_x, gamma_h and gamma_c published for Penn Treebank.
PUBLISHED_GAMMAS = {
    "baseline": {},
    "weight_norm": {"gamma_x": 1.0, "gamma_h": 1.0},
    "batch_norm": {"gamma_x": 0.1, "gamma_h": 0.1, "gamma_c": 0.1},
    "layer_norm": {"gamma_x": 1.0, "gamma_h": 1.0, "gamma_c": 1.0},
    "norm_prop": {"gamma_x": 2.0, "gamma_h": 2.0, "gamma_c": 1.0},
}


class InputTerm(Initializable):
    """The input term of the gates' pre-activations, outside of the recurrence.

    Parameters
    ----------
    linear : :class:`bricks.linear.Linear`
        W_x, with its gamma_x if it is weight-normalised.
    norm : brick, optional
        Normalises what `linear` gives.
    """

    def __init__(self, linear, norm=None, **kwargs):
        super().__init__(**kwargs)
        self.linear = linear
        self.norm = norm
        self.children = [linear] + ([norm] if norm else [])

    @application(inputs=["input_", "mask"], outputs=["output"])
    def apply(self, input_, mask=None, **mode):
        """From (time, batch, inputs) to (time, batch, 4d).

        `mask` and `mode` are those of :meth:`bricks.batch_norm.BatchNorm.apply`;
        only batch normalisation uses them.
        """
        output = self.linear.apply(input_)
        if isinstance(self.norm, BatchNorm):
            return self.norm.apply(output, mask, **mode)
        return self.norm.apply(output) if self.norm else output


def lstm_with_input(
    model,
    input_dim,
    dim,
    gamma_x=None,
    gamma_h=None,
    gamma_c=None,
    moments="printed",
    compensation="paper",
    forget_bias=1.0,
    length=100,
):
    """Make the bricks of one of the five models.

    Parameters
    ----------
    model : str
        One of :data:`PUBLISHED_GAMMAS`.
    input_dim, dim : int
        Dimensions of the input x_t and of the states, d.
    gamma_x, gamma_h, gamma_c : float, optional
        Initial gammas; default: as published for the model.
    moments : str
        See :func:`bricks.moments.preactivation_scale`.
    compensation : str
        One of :data:`bricks.compensations.COMPENSATIONS`.
    forget_bias : float
        Initial bias of the forget gate.
    length : int
        Time steps with population statistics of their own, for `batch_norm`.

    Returns
    -------
    input_term : :class:`InputTerm`
    lstm : :class:`bricks.lstm.LSTM`

    Raises
    ------
    ValueError
        If there is no such model, or a gamma is given that the model does not have.
    """
    if model not in PUBLISHED_GAMMAS:
        names = ", ".join(PUBLISHED_GAMMAS)
        raise ValueError(f"there is no model {model!r}; there are {names}")
    gammas = dict(PUBLISHED_GAMMAS[model])
    given = {"gamma_x": gamma_x, "gamma_h": gamma_h, "gamma_c": gamma_c}
    for name, value in given.items():
        if value is not None:
            if name not in gammas:
                raise ValueError(f"{model} has no {name}")
            gammas[name] = value

    frame = {"forget_bias": forget_bias, "name": "lstm"}
    gamma_x = gammas.get("gamma_x")
    weight_gamma = gamma_x if model in ("weight_norm", "norm_prop") else None
    linear = Linear(input_dim, 4 * dim, weight_gamma, use_bias=False, name="linear")
    norm = None
    if model == "baseline":
        lstm = LSTM(dim, **frame)
    elif model == "weight_norm":
        lstm = WeightNormLSTM(dim, gamma_h=gammas["gamma_h"], **frame)
    elif model == "norm_prop":
        lstm = norm_prop_lstm(compensation, dim, **gammas, moments=moments, **frame)
    elif model == "layer_norm":
        norm = LayerNorm(4 * dim, gammas.pop("gamma_x"), name="norm")
        lstm = LayerNormLSTM(dim, **gammas, **frame)
    else:
        norm = BatchNorm(4 * dim, length, gammas.pop("gamma_x"), name="norm")
        lstm = BatchNormLSTM(dim, length, **gammas, **frame)
    return InputTerm(linear, norm, name="input_term"), lstm
