"""The initial gammas of every model, as published; docs/PROVENANCE.md has the sources,
and says that weight_norm's on Penn Treebank are nobody's but ours.

A model without an entry for a gamma does not have that gamma.
"""

GAMMAS = {
    "ptb": {
        "baseline": {},
        "weight_norm": {"gamma_x": 1.0, "gamma_h": 1.0},
        "batch_norm": {"gamma_x": 0.1, "gamma_h": 0.1, "gamma_c": 0.1},
        "layer_norm": {"gamma_x": 1.0, "gamma_h": 1.0, "gamma_c": 1.0},
        "norm_prop": {"gamma_x": 2.0, "gamma_h": 2.0, "gamma_c": 1.0},
    },
    "draw": {
        "baseline": {},
        "weight_norm": {"gamma_x": 1.0, "gamma_h": 1.0},
        "layer_norm": {"gamma_c": 1.0},
        "norm_prop": {"gamma_x": 0.5, "gamma_h": 0.5, "gamma_c": 0.5},
    },
}


NAMES = ("gamma_x", "gamma_h", "gamma_c")


def have(experiment, name):
    """The models of an experiment that have a gamma."""
    return tuple(model for model, own in GAMMAS[experiment].items() if name in own)


def in_words(experiment, name):
    """The published values of a gamma, for people: ``weight_norm 1, norm_prop 2``."""
    values = GAMMAS[experiment]
    return ", ".join(
        f"{model} {values[model][name]:g}" for model in have(experiment, name)
    )


def initial_gammas(experiment, model, **given):
    """The published gammas of a model, each replaced by a given one that is not None.

    Raises
    ------
    ValueError
        If there is no such model, or it does not have a gamma that is given.
    """
    models = GAMMAS[experiment]
    if model not in models:
        raise ValueError(f"there is no model {model!r}; there are {', '.join(models)}")
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in models[model]:
            raise ValueError(f"{model} has no {name}")
    return {**models[model], **given}
