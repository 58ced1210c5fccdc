"""The paper's three experiments, a table each, and how runs read the paper.

A run is named and sorted by what it was given, never by the program's defaults: these
may change, and a run keeps its row.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from types import ModuleType

from experiments import draw_options, presets, ptb_options
from experiments.gammas import GAMMAS, NAMES
from experiments.published import published

PUBLISHED = published()
# Options in which runs may differ and still be rows of the same table.
VARIATIONS = ("compensation", "moments", "decay_schedule", "forget_bias")
VARIATIONS += ("input_scale", "recurrent_init", "softmax_gamma", "unit_norms", *NAMES)
# Options in which runs of the same kind may differ, or that say nothing of the kind.
NOT_THE_KIND = {"seed", "epochs", "patience", "device", "save_every", "preset"}
NOT_THE_KIND |= {"model", "data", "sample", "regularise"}
COMPENSATIONS = {
    "paper": "eq. 13-15",
    "released": "as released",
    "early": "early code",
    "none": "no compensation",
}
PRINTED, RELEASED = ("compensation", "paper"), ("compensation", "released")
EARLY, PLAIN = ("compensation", "early"), ("softmax_gamma", None)
# The statistics that batch_norm is validated with in training; and those that it is
# scored with again, by the attribute of a run.
MOVING = "moving average"
STATISTICS = {"exact_score": "exact statistics", "batch_score": "the batch's own"}


@lru_cache(maxsize=None)
def published_options(module, *arguments):
    return vars(module.parse(arguments))


@dataclass(frozen=True, eq=False)
class Experiment:
    """What the report has to know of an experiment."""

    name: str  #: ptb or draw
    title: str
    unit: str
    digits: int  #: that its figures are shown with
    table: str  #: of the paper
    figure: str  #: that is in this table
    #: Of metrics.jsonl: training, validation, which epochs are judged by, and the test
    #: where there is one. Runs are compared by the last.
    columns: tuple
    options: ModuleType
    small: dict  #: what `--preset small` stands for
    reference: dict  #: a run that differs from it in nothing has the variation ()
    #: The forms of norm_prop that stand beside the paper's figure. In DRAW the released
    #: one comes first, for the paper's figure most likely is of it.
    forms: tuple
    arguments: tuple = ()  #: of its command, beside the model

    def published(self, model):
        """The published experiment's configuration for a model."""
        return published_options(self.options, "--model", model, *self.arguments)

    def changes(self, configuration):
        """Options of a run that are not those of the published experiment.

        Returns
        -------
        dict of str to tuple
            The published value and the run's. An option that the run does not know, for
            it is older, does not count, nor does one that its model does not have.
        """
        model = configuration["model"]
        expected = {**self.published(model), **self.reference}
        differing = {}
        for name, value in sorted(configuration.items()):
            if name in NOT_THE_KIND or not self.has(model, name):
                continue
            # A gamma may be left to the model, or be given as what it is anyway.
            if name in NAMES and value == GAMMAS[self.name][model].get(name):
                value = None
            if expected.get(name) != value:
                differing[name] = expected.get(name), value
        return differing

    def has(self, model, option):
        return model in self.options.ONLY_FOR.get(option, (model,))

    def forms_of(self, model):
        """Variations of a model that stand beside the paper's figure."""
        return self.forms if model == "norm_prop" else ((),)

    def paper(self, model):
        """The figure of the paper's table."""
        return PUBLISHED[self.table][model][self.figure]

    def raised_gammas(self):
        """The variation of weight_norm with norm_prop's gamma_x and gamma_h."""
        ours, theirs = (GAMMAS[self.name][m] for m in ("norm_prop", "weight_norm"))
        return tuple((n, ours[n]) for n in theirs if ours[n] != theirs[n])

    def reading(self, model, variation):
        """What distinguishes a reading.

        Of norm_prop always what it divides by, and of batch_norm the statistics.
        """
        options = dict(variation)
        words = [MOVING] if model == "batch_norm" else []
        if model == "norm_prop":
            value = options.pop("compensation", self.reference["compensation"])
            words.append(COMPENSATIONS[value])
        for option, value in options.items():
            shown = option if option in NAMES else option.replace("_", " ")
            if value is not True:
                shown += f" {value:g}" if isinstance(value, float) else f" {value}"
            words.append("plain softmax" if (option, value) == PLAIN else shown)
        return ", ".join(words)

    def shown(self, mean, deviation=None):
        """``mean ± deviation``, the latter where there is one; None if not known."""
        if mean is None or math.isnan(mean):
            return mean and "diverged"
        spread = "" if deviation is None else f" ± {deviation:.{self.digits}f}"
        return f"{mean:.{self.digits}f}{spread}"

    def difference(self, here, there):
        """``here - there`` with its sign; None where one is missing."""
        if None in (here, there) or math.isnan(here - there):
            return None
        # Adding 0 makes +0 of -0, so that what rounds to nothing is not "lower".
        apart = round(here - there, self.digits) + 0.0
        return f"{apart:+.{self.digits}f}".replace("-", "−")


PTB = Experiment(
    name="ptb",
    title="Penn Treebank",
    unit="bpc",
    digits=3,
    table="table_1",
    figure="valid_bpc",
    columns=("train_bpc", "valid_bpc"),
    options=ptb_options,
    small=presets.PTB["small"],
    reference={"compensation": "paper", "moments": "printed", "softmax_gamma": 1.0},
    forms=((), (PLAIN,), (RELEASED,), (RELEASED, PLAIN), (EARLY, PLAIN)),
)
REGULARISED = replace(
    PTB,
    title="Penn Treebank, regularised",
    table="table_2",
    figure="test_bpc",
    arguments=("--regularise",),
)
DRAW = Experiment(
    name="draw",
    title="DRAW",
    unit="nats",
    digits=2,
    table="table_3",
    figure="test_nll",
    columns=("train_nll", "valid_nll", "test_nll"),
    options=draw_options,
    small=presets.DRAW["small"],
    reference={"compensation": "released", "moments": "printed"},
    forms=((), (PRINTED,)),
)
# In the order of the tables.
EXPERIMENTS = (PTB, REGULARISED, DRAW)
