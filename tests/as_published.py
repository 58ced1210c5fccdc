"""The models as the experiments make them, but for what a test asks for."""

from bricks.character_model import CharacterModel
from bricks.draw import DrawModel
from experiments.gammas import initial_gammas

OPTIONS = {"moments": "printed", "compensation": "paper", "forget_bias": 1.0}


def with_defaults(experiment, model, options):
    """Options of a model's brick, its gammas in a dictionary."""
    names = [name for name in options if name.startswith("gamma_")]
    given = {name: options.pop(name) for name in names}
    gammas = initial_gammas(experiment, model, **given)
    return {**OPTIONS, "gammas": gammas, **options}


def character_model(model, vocabulary, units, **options):
    options = {"softmax_gamma": 1.0, **with_defaults("ptb", model, options)}
    return CharacterModel(model, vocabulary, units, **options)


def draw_model(model, **options):
    sizes = {"height": 28, "width": 28, "read_size": 2, "write_size": 5}
    return DrawModel(model, **{**sizes, **with_defaults("draw", model, options)})
