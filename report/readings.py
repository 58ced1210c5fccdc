"""How runs read the paper: what may differ between rows of a table, and its names.

A run is named and sorted by what it was given, never by the program's defaults: these
may change, and a run keeps its row.
"""

from experiments.gammas import GAMMAS, NAMES

# Options in which runs may differ and still be rows of the same table.
VARIATIONS = ("compensation", "moments", "decay_schedule", "forget_bias")
VARIATIONS += ("input_scale", "recurrent_init", "softmax_gamma", "unit_norms", *NAMES)
# What variations are counted from: a run that differs in nothing has the variation ().
REFERENCE = {
    "ptb": {"compensation": "paper", "moments": "printed", "softmax_gamma": 1.0},
    "draw": {"compensation": "released", "moments": "printed"},
}
COMPENSATIONS = {
    "paper": "eq. 13-15",
    "released": "as released",
    "early": "early code",
    "none": "no compensation",
}
RELEASED, EARLY = ("compensation", "released"), ("compensation", "early")
PLAIN = ("softmax_gamma", None)
# The forms of norm_prop that stand beside the paper's figure. In DRAW the released one
# comes first, for the paper's figure most likely is of it.
FORMS = {
    "ptb": ((), (PLAIN,), (RELEASED,), (RELEASED, PLAIN), (EARLY, PLAIN)),
    "draw": ((), (("compensation", "paper"),)),
}
# Those that have a row before there is a run of them.
WANTED = {"ptb": FORMS["ptb"][:4], "draw": FORMS["draw"]}


def forms(experiment, model):
    """Variations of a model that stand beside the paper's figure."""
    return FORMS[experiment] if model == "norm_prop" else ((),)


def raised_gammas(experiment):
    """The variation of weight_norm with norm_prop's gamma_x and gamma_h."""
    ours = GAMMAS[experiment]["norm_prop"]
    theirs = GAMMAS[experiment]["weight_norm"]
    return tuple((name, ours[name]) for name in theirs if ours[name] != theirs[name])


def reading(experiment, model, variation):
    """What distinguishes a reading; of norm_prop always what it divides by."""
    options = dict(variation)
    words = []
    if model == "norm_prop":
        value = options.pop("compensation", REFERENCE[experiment]["compensation"])
        words.append(COMPENSATIONS.get(value, f"compensation {value}"))
    for option, value in options.items():
        if (option, value) == PLAIN:
            words.append("plain softmax")
            continue
        shown = option if option in NAMES else option.replace("_", " ")
        if value is not True:
            shown += f" {value:g}" if isinstance(value, float) else f" {value}".lower()
        words.append(shown)
    return ", ".join(words)


def full_name(experiment, model, variation):
    """The model, and its reading where there is something to say."""
    words = reading(experiment, model, variation)
    return f"{model}, {words}" if words else model
