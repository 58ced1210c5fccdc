"""The options of ``ptb_experiment.py``; defaults as published."""

import argparse

from common.arguments import Parser, count, folder, number, positive
from common.errors import UsageError
from experiments import options as shared
from experiments import presets
from experiments.gammas import GAMMAS, NAMES, have

MODELS = tuple(GAMMAS["ptb"])

# Options that not every model has, and the value that stands for "not given".
ONLY_FOR = {
    **{name: have("ptb", name) for name in NAMES},
    "moments": ("norm_prop",),
    "compensation": ("norm_prop",),
    "softmax_gamma": ("weight_norm", "norm_prop"),
}
DEFAULTS = {"moments": "printed", "compensation": "paper", "softmax_gamma": 1.0}
NOT_THE_RUN = ("evaluate", "whole_sequence", "generate", "temperature", "prime")

PUBLISHED = {
    "epochs": 50,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "decay": 1e-3,
    "clipping": 1.0,
}
# What --regularise stands for: the run of Table 2.
TABLE_2 = {
    "input_dropout": 0.1,
    "recurrent_dropout": 0.1,
    "output_dropout": 0.1,
    "data_norm": True,
    "decay": 1e-4,
}
SHORTHANDS = {"preset": presets.PTB, "regularise": {True: TABLE_2}}

DESCRIPTION = """Train a normalised LSTM on the characters of the Penn Treebank
(Tables 1 and 2, Figure 2 of Laurent, Ballas and Vincent, arXiv:1702.00537). Defaults
are the published values; docs/PROVENANCE.md says what is not published. Results go to
results/ptb-MODEL-SEED[-TAG]; Ctrl-C stops after the current update and saves."""


def positive_or_none(text):
    return None if text == "none" else positive(text)


def build_parser():
    """Return the parser of ``ptb_experiment.py``."""
    parser = Parser(prog="ptb_experiment.py", description=DESCRIPTION)
    presets.add_option(parser, presets.PTB)
    add_model_options(parser)
    shared.add_training_options(parser, PUBLISHED)
    add_regularisation_options(parser)
    shared.add_run_options(parser)
    add_trained_options(parser)
    return parser


def add_model_options(parser):
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        choices=(*MODELS, "all"),
        default="norm_prop",
        help="which LSTM; all trains the five in turn and ends with Table 1",
    )
    group.add_argument("--units", type=count, default=1000, help="LSTM units")
    group.add_argument(
        "--length", type=number(int, 2), default=100, help="symbols in a window"
    )
    shared.add_normalisation_options(group, "ptb", DEFAULTS)
    group.add_argument(
        "--input-scale",
        type=positive,
        default=argparse.SUPPRESS,
        help="of the fixed orthogonal input matrix (default: the square root of the "
        "number of distinct symbols, which is this archive's choice)",
    )
    group.add_argument(
        "--softmax-gamma",
        type=positive_or_none,
        default=argparse.SUPPRESS,
        help="initial gamma of the softmax layer, or none for a plain layer "
        f"(weight_norm, norm_prop; default: {DEFAULTS['softmax_gamma'] or 'none'})",
    )
    # If not given, these two are not in run.json either.
    group.add_argument(
        "--recurrent-init",
        choices=("blocks", "whole"),
        default=argparse.SUPPRESS,
        help="of W_h: an orthogonal matrix for each gate, or a single one of d x 4d "
        "for all (default: blocks)",
    )
    group.add_argument(
        "--unit-norms",
        action="store_true",
        default=argparse.SUPPRESS,
        help="hold the incoming weight vectors of W_x and W_h at norm 1 in the "
        "baseline too, which has no gamma to make up for it (baseline)",
    )


def add_regularisation_options(parser):
    group = parser.add_argument_group("regularisation")
    group.add_argument(
        "--regularise",
        action="store_true",
        help=f"the run of Table 2: {presets.words(TABLE_2)}, unless given otherwise; "
        "ends with the score of the whole test sequence",
    )
    for name, what in (
        ("input", "a component of the LSTM's input"),
        ("recurrent", "a component of the candidate g"),
        ("output", "a component of the LSTM's output"),
    ):
        group.add_argument(
            f"--{name}-dropout",
            type=number(float, 0, 0.99),
            metavar="P",
            default=0.0,
            help=f"probability of dropping {what}, afresh at every time step",
        )
    group.add_argument(
        "--data-norm",
        action="store_true",
        help="standardise each input feature over batch and time",
    )


def add_trained_options(parser):
    group = parser.add_argument_group("a trained model")
    group.add_argument(
        "--evaluate",
        type=folder,
        metavar="RUN",
        help="score the best epoch of this run folder; nothing is trained",
    )
    group.add_argument(
        "--whole-sequence",
        action="store_true",
        help="with --evaluate: score the whole test text as one sequence too, the "
        "state carried from its start to its end (some ten minutes at 1000 units)",
    )
    group.add_argument(
        "--generate",
        type=count,
        metavar="N",
        help="write N characters when training ends or, with --evaluate, instead of "
        "scoring",
    )
    group.add_argument(
        "--temperature",
        type=number(float, 0),
        default=1.0,
        help="of the generated text; 0 takes the most probable character",
    )
    group.add_argument("--prime", metavar="TEXT", help="what the text goes on from")


def parse(arguments=None, parser=None):
    """Parse and check a command line; see :func:`experiments.options.parse`."""
    return shared.parse(parser or build_parser(), arguments, SHORTHANDS, check)


def check(options):
    """Refuse options that the model does not have; fill in those it has."""
    if options.model == "all":
        options.each = [
            check(argparse.Namespace(**{**vars(options), "model": model}))
            for model in MODELS
        ]
    if options.prime is not None and options.generate is None:
        raise UsageError("--prime is for --generate N")
    if options.whole_sequence and options.evaluate is None:
        raise UsageError("--whole-sequence is for --evaluate RUN")
    if "unit_norms" in options and options.model != "baseline":
        raise UsageError(
            f"--unit-norms has no effect on {options.model}: leave it out, or use "
            "--model baseline"
        )
    shared.check_model_options(options, ONLY_FOR, DEFAULTS)
    if "input_scale" not in options:
        options.input_scale = None
    return options
