"""The five models: which bricks each is made of."""

from blocks.bricks import Initializable
from blocks.bricks.base import application
from blocks.roles import has_roles
from blocks.select import Selector

from bricks.batch_norm import BatchNorm, BatchNormLSTM
from bricks.compensations import COMPENSATIONS
from bricks.layer_norm import LayerNorm, LayerNormLSTM
from bricks.linear import Linear
from bricks.lstm import LSTM
from bricks.norm import Norm
from bricks.roles import FIXED, UNIT_NORM
from bricks.weight_norm import WeightNormLSTM

#: The models whose linear layers carry a gamma.
WEIGHT_NORMALISED = ("weight_norm", "norm_prop")


class Model(Initializable):
    """What the models of both experiments have in common."""

    @property
    def all_parameters(self):
        """Ordered dictionary of all parameters by their path, fixed ones too."""
        return Selector([self]).get_parameters()

    @property
    def trained_parameters(self):
        """List of the parameters that gradient descent changes."""
        parameters = self.all_parameters.values()
        return [p for p in parameters if not has_roles(p, [FIXED])]

    @property
    def unit_norm_parameters(self):
        """List of the weight matrices that carry a gamma."""
        return [p for p in self.trained_parameters if has_roles(p, [UNIT_NORM])]


class InputTerm(Initializable):
    """The input term of the gates' pre-activations, outside of the recurrence.

    Parameters
    ----------
    model : str
        See :func:`make_lstm`.
    input_dim, dim : int
        Dimension of the inputs x_t, and number of units, d.
    gammas : dict of str to float
        Initial gammas, of which gamma_x is used if the model has it.
    length : int, optional
        Time steps with population statistics of their own; `batch_norm` needs it.
    """

    def __init__(self, model, input_dim, dim, gammas, length=None, **kwargs):
        super().__init__(**kwargs)
        gamma_x = gammas.get("gamma_x")
        weight_gamma = gamma_x if model in WEIGHT_NORMALISED else None
        self.linear = Linear(
            input_dim, 4 * dim, weight_gamma, use_bias=False, name="linear"
        )
        if model == "batch_norm":
            self.norm = BatchNorm(4 * dim, length, gamma_x, name="norm")
        elif model == "layer_norm":
            self.norm = LayerNorm(4 * dim, gamma_x, name="norm")
        else:
            self.norm = Norm(name="norm")
        self.children = [self.linear, self.norm]

    @property
    def populations(self):
        """List of the :class:`~bricks.population.PopulationStatistics`, if any."""
        return self.norm.populations

    @application(inputs=["input_", "mask"], outputs=["output"])
    def apply(self, input_, mask=None, training=False, first_step=0):
        """From (time, batch, inputs) to (time, batch, 4d).

        The other arguments are those of :meth:`bricks.norm.Norm.apply`.
        """
        return self.norm.apply(self.linear.apply(input_), mask, training, first_step)


def make_lstm(model, dim, gammas, moments, compensation, length=None, **options):
    """Make the LSTM of a model.

    Parameters
    ----------
    model : {'baseline', 'weight_norm', 'batch_norm', 'layer_norm', 'norm_prop'}
    dim : int
        Number of units, d.
    gammas : dict of str to float
        Initial gammas of the model, by name. A `layer_norm` without gamma_h is that of
        the authors' DRAW code, which normalises the cell only.
    moments : str
        For `norm_prop`; see :func:`bricks.moments.preactivation_scale`.
    compensation : str
        For `norm_prop`; one of :data:`bricks.compensations.COMPENSATIONS`.
    length : int, optional
        Time steps with population statistics of their own; `batch_norm` needs it.
    **options
        Of :class:`bricks.lstm.LSTM`.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    if model == "baseline":
        return LSTM(dim, **options)
    if model == "norm_prop":
        brick = COMPENSATIONS[compensation]
        return brick(dim, moments=moments, **gammas, **options)
    own = {name: value for name, value in gammas.items() if name != "gamma_x"}
    if model == "weight_norm":
        return WeightNormLSTM(dim, **own, **options)
    if model == "batch_norm":
        return BatchNormLSTM(dim, length, **own, **options)
    if model == "layer_norm":
        released = {} if "gamma_h" in own else {"gamma_h": None, "epsilon": 1e-6}
        return LayerNormLSTM(dim, **own, **released, **options)
    raise ValueError(f"there is no model {model!r}")
