"""Sizes for ``--preset``: the published experiments, scaled to what is at hand.

Only what is named here differs from the published experiment. Options that are given
beside ``--preset`` win. The report shows such runs in tables of their own.
"""

# ``small``: under 20 minutes a model on two CPU cores, on the real data. With 16
# glimpses and 100 units norm_prop has not left the mean image in 8 epochs, where
# baseline and weight_norm have (results/archive).
PTB = {"small": {"units": 256, "epochs": 3, "tag": "small"}}
DRAW = {"small": {"glimpses": 32, "units": 128, "epochs": 8, "tag": "small"}}


def words(changes):
    """Options as they are given on a command line, for people."""
    return " ".join(
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}")
        for name, value in changes.items()
    )


def add_option(parser, presets):
    """Add ``--preset``; what each stands for is in the help."""
    meanings = "; ".join(f"{name} is {words(it)}" for name, it in presets.items())
    parser.add_argument(
        "--preset",
        choices=tuple(presets),
        help=f"the published experiment at another size: {meanings}, unless given "
        "otherwise",
    )
