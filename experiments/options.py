"""Command-line options that the two experiments share, each checked for its range."""

import argparse
import hashlib
import json

from common import RESULTS
from common.arguments import count, device, folder, number, positive, tag
from common.errors import UsageError
from experiments.gammas import NAMES, in_words, initial_gammas
from runs.folder import RunFolder, folder_name
from training.schedule import SCHEDULES


def parse(parser, arguments, shorthands, check):
    """Parse and check a command line.

    A wrong option ends the program with status 2 and one sentence, or does what the
    parser's ``error`` does instead.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    arguments : list of str, or None
        Default: those of the program.
    shorthands : dict of str to dict
        For an option, what each of its values stands for: the defaults of others.
    check : callable
        ``check(options)`` returns them completed, or raises UsageError.

    Returns
    -------
    argparse.Namespace
        Options that the model does not have are None.
    """
    # Once to see which shorthands there are, whose values become defaults; then again,
    # so that what is given besides wins.
    options = parser.parse_args(arguments)
    for name, meanings in shorthands.items():
        parser.set_defaults(**meanings.get(getattr(options, name), {}))
    try:
        return check(parser.parse_args(arguments))
    except UsageError as error:
        parser.error(error)


def add_normalisation_options(group, experiment, defaults):
    """Add the options that some of the models have, without defaults.

    Parameters
    ----------
    group : argument group
    experiment : {'ptb', 'draw'}
    defaults : dict
        Said in the help.
    """
    for name in NAMES:
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=positive,
            metavar="G",
            default=argparse.SUPPRESS,
            help=f"initial {name} (default: {in_words(experiment, name)})",
        )
    group.add_argument(
        "--moments",
        choices=("printed", "zero-bias", "variance"),
        default=argparse.SUPPRESS,
        help="the pre-activations that Var[c] and Var[h] assume. printed: standard "
        "deviation gamma_x + gamma_h (eq. 9-10), and the forget gate's initial bias in "
        "Var[c]; zero-bias: the same with all biases 0, which is eq. 9-10 to the "
        "letter; variance: gamma_x^2 + gamma_h^2 (eq. 22), and that bias (norm_prop; "
        "default: "
        f"{defaults['moments']})",
    )
    group.add_argument(
        "--compensation",
        choices=("paper", "released", "early", "none"),
        default=argparse.SUPPRESS,
        help="what is divided by: eq. 13-15, or as in the released DRAW code, or as in "
        "the authors' early Penn Treebank code, or nothing, which leaves weight "
        "normalisation with a gamma_c (norm_prop; "
        f"default: {defaults['compensation']})",
    )
    group.add_argument(
        "--forget-bias",
        type=number(float),
        default=1.0,
        help="initial bias of the forget gate",
    )


def gammas(options, experiment):
    """The initial gammas of a run's model: those given, else as published."""
    given = {name: getattr(options, name) for name in NAMES}
    return initial_gammas(experiment, options.model, **given)


def model_options(options, experiment):
    """What both experiments' bricks are told of their LSTMs."""
    return {
        "gammas": gammas(options, experiment),
        "moments": options.moments,
        "compensation": options.compensation,
        "forget_bias": options.forget_bias,
        "seed": options.seed,
    }


def check_model_options(options, only_for, defaults):
    """Refuse options that the model does not have; fill in those it has.

    Parameters
    ----------
    options : argparse.Namespace
        Changed in place.
    only_for : dict of str to tuple of str
        The models that have an option.
    defaults : dict
        Of these options, where it is not None.

    Raises
    ------
    UsageError
    """
    if options.stop_after is not None and options.evaluate is not None:
        raise UsageError("--stop-after is for training: --evaluate saves no state")
    for name, models in only_for.items():
        given = name in options
        if given and options.model not in models and options.evaluate is None:
            raise UsageError(
                f"--{name.replace('_', '-')} has no effect on {options.model}: leave "
                f"it out, or use --model {' or '.join(models)}"
            )
        if not given or options.model not in models:
            setattr(options, name, defaults.get(name))


def add_training_options(parser, published, notes=("", "")):
    """Add the options of the optimiser.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    published : dict
        Values of the options that the experiments differ in.
    notes : pair of str
        What follows the help of the learning rate and of its decay: where these depend
        on the model, they are not in `published`, and the help shows no default.
    """
    group = parser.add_argument_group("training")
    group.add_argument("--epochs", type=count, help="at most this many")
    group.add_argument(
        "--patience",
        type=count,
        metavar="N",
        help="end when N epochs in a row have brought no better validation figure "
        "(if not given, all epochs are done)",
    )
    group.add_argument("--batch-size", type=count, help="examples in an update")
    group.add_argument(
        "--batches-per-epoch",
        type=count,
        metavar="N",
        help="end every epoch after N updates (all of the data if not given)",
    )
    group.add_argument("--learning-rate", type=positive, help="of Adam" + notes[0])
    group.add_argument(
        "--decay",
        type=number(float, 0, 1),
        help="of the learning rate, per update" + notes[1],
    )
    group.add_argument(
        "--decay-schedule",
        choices=SCHEDULES,
        default="inverse",
        help="rate/(1 + decay*updates), or rate*(1 - decay)^updates",
    )
    group.add_argument(
        "--clipping",
        type=number(float, 0),
        help="largest norm of the gradient; 0 does not clip",
    )
    parser.set_defaults(**published)
    add_seed(group)


def add_run_options(parser):
    """Add the options that say where and how a run is done, and nothing of what."""
    group = parser.add_argument_group("data and results")
    group.add_argument(
        "--sample",
        action="store_true",
        help="use the small built-in sample instead of the real data",
    )
    group.add_argument(
        "--data-dir",
        type=folder,
        metavar="DIR",
        help="folder of the converted data, if not Fuel's",
    )
    add_results_dir(group)
    group.add_argument("--tag", type=tag, help="appended to the name of the run folder")
    group.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in the folder; a new one starts if there is none",
    )
    group.add_argument(
        "--save-every",
        type=positive,
        metavar="MINUTES",
        default=10.0,
        help="save the state within an epoch this often (and after every epoch)",
    )
    group.add_argument(
        "--stop-after",
        type=number(float, 1e-4, 1e6),
        metavar="MINUTES",
        help="so long after the start of the program, save after the current update "
        "and leave, with exit status 75 while there is more to do; --resume goes on",
    )
    add_machine_options(parser)


def add_quick_options(parser):
    """Add the few options of ``./reproduce quick``."""
    add_seed(parser)
    add_results_dir(parser)
    add_machine_options(parser)


def add_seed(group):
    group.add_argument(
        "--seed",
        type=number(int, 0, 2**32 - 1),
        default=1,
        help="of the initialisation and of the order of the data",
    )


def add_results_dir(group):
    group.add_argument(
        "--results-dir",
        type=folder,
        metavar="DIR",
        default=RESULTS,
        help="parent of run folders",
    )


def add_machine_options(parser):
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--device",
        type=device,
        metavar="{auto,cpu,cuda,cudaN}",
        default="auto",
        help="auto takes the GPU if there is one that Theano can use",
    )
    group.add_argument(
        "--floatX", choices=("float32", "float64"), default="float32", help="precision"
    )
    group.add_argument(
        "--math",
        choices=("fast", "strict"),
        default="fast",
        help="fast rewrites graphs in single precision for speed on CPUs, which "
        "rounds differently; strict is Theano as released, its compilation too",
    )


def configuration(options, data, leave_out=()):
    """Return what defines a run, for ``run.json`` and to compare with a saved one.

    Parameters
    ----------
    options : argparse.Namespace
    data : object
        With ``name`` and ``checksums``; the latter become one short number.
    leave_out : iterable of str
        More options that say where or how, and not what.
    """
    where = {"data_dir", "results_dir", "tag", "resume", "stop_after", *leave_out}
    values = {name: value for name, value in vars(options).items() if name not in where}
    digest = hashlib.sha256(json.dumps(data.checksums, sort_keys=True).encode())
    return {**values, "data": f"{data.name} {digest.hexdigest()[:12]}"}


def run_folder(options, experiment, data, leave_out):
    """The folder of a run; arguments as for :func:`configuration`.

    `experiment` begins its name.
    """
    return RunFolder(
        folder_name(options, experiment),
        configuration(options, data, leave_out),
        options.resume,
    )
