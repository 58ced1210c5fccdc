"""The options of ``draw_experiment.py``; defaults as published."""

from common.arguments import Parser, count, folder, number
from common.errors import UsageError
from experiments import options as shared
from experiments import presets
from experiments.gammas import GAMMAS, NAMES, have

MODELS = tuple(GAMMAS["draw"])
SIDE = 28  # of the images, in pixels

# Options that not every model has, and the value that stands for "not given".
ONLY_FOR = {
    **{name: have("draw", name) for name in NAMES},
    "moments": ("norm_prop",),
    "compensation": ("norm_prop",),
}
# Table 3 most likely shows the form of the released code (docs/ERRATA.md).
DEFAULTS = {"moments": "printed", "compensation": "released"}
PUBLISHED = {"epochs": 200, "batch_size": 128, "clipping": 10.0}
SHORTHANDS = {"preset": presets.DRAW}
# Learning rate and its decay. The released layer normalisation has its own.
RATES = dict.fromkeys(MODELS, (1e-2, 1e-3))
RATES["layer_norm"] = (1e-3, 1e-5)
NOT_THE_RUN = ("evaluate", "noise_samples", "importance_samples")

DESCRIPTION = """Train DRAW on binarized MNIST (Table 3, Figure 3 of Laurent, Ballas and
Vincent, arXiv:1702.00537). Defaults are the published values; docs/PROVENANCE.md says
what is not published. Results, with pictures that the model draws, go to
results/draw-MODEL-SEED[-TAG]; Ctrl-C stops after the current update and saves."""


def rates_in_words():
    """The published learning rates and decays, for people."""
    others, own = RATES["norm_prop"], RATES["layer_norm"]
    pairs = zip(others, own)
    return [f" (default: {other:g}; layer_norm {value:g})" for other, value in pairs]


def build_parser():
    """Return the parser of ``draw_experiment.py``."""
    parser = Parser(prog="draw_experiment.py", description=DESCRIPTION)
    presets.add_option(parser, presets.DRAW)
    add_model_options(parser)
    shared.add_training_options(parser, PUBLISHED, rates_in_words())
    shared.add_run_options(parser)
    add_trained_options(parser)
    return parser


def add_model_options(parser):
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", choices=MODELS, default="norm_prop", help="which LSTMs"
    )
    group.add_argument(
        "--glimpses", type=count, default=64, help="looks and strokes for an image"
    )
    size = number(int, 2, SIDE)
    group.add_argument(
        "--read-size", type=size, default=2, help="filters along an axis, in reading"
    )
    group.add_argument(
        "--write-size", type=size, default=5, help="filters along an axis, in writing"
    )
    group.add_argument(
        "--units", type=count, default=256, help="of the encoder and of the decoder"
    )
    group.add_argument("--latent-dim", type=count, default=100, help="dimension of z")
    shared.add_normalisation_options(group, "draw", DEFAULTS)


def add_trained_options(parser):
    group = parser.add_argument_group("a trained model")
    group.add_argument(
        "--evaluate",
        type=folder,
        metavar="RUN",
        help="score the best epoch of this run folder and draw its pictures again; "
        "nothing is trained",
    )
    group.add_argument(
        "--noise-samples",
        type=count,
        metavar="N",
        default=5,
        help="with --evaluate: how often the bound is estimated; their spread gives "
        "the standard error",
    )
    group.add_argument(
        "--importance-samples",
        type=count,
        metavar="K",
        help="with --evaluate: also a tighter bound, from K weighted samples of z for "
        "each image",
    )


def parse(arguments=None, parser=None):
    """Parse and check a command line; see :func:`experiments.options.parse`."""
    return shared.parse(parser or build_parser(), arguments, SHORTHANDS, check)


def check(options):
    """Refuse options that the model does not have; fill in those it has."""
    if options.importance_samples and not options.evaluate:
        raise UsageError("--importance-samples is for --evaluate RUN")
    shared.check_model_options(options, ONLY_FOR, DEFAULTS)
    rate, decay = RATES[options.model]
    if options.learning_rate is None:
        options.learning_rate = rate
    if options.decay is None:
        options.decay = decay
    return options
