"""Seconds per update and memory: of the models, with size, and without a rewrite."""

import contextlib

from benchmarks.processes import (
    Process,
    archive,
    environment,
    in_threads,
    pytorch,
    take_turns,
    told,
)
from common.bars import bar
from common.errors import RunError
from experiments.ptb_options import MODELS

PTB = {name: ["--model", name] for name in MODELS}
# The form of norm prop that the paper prints diverges in DRAW (docs/ERRATA.md), but an
# update takes its time all the same.
DRAW = {
    "baseline": ["--model", "baseline"],
    "weight_norm": ["--model", "weight_norm"],
    "layer_norm": ["--model", "layer_norm"],
    "norm_prop": ["--model", "norm_prop"],
    "norm_prop, paper": "--model norm_prop --compensation paper".split(),
}
PYTORCH = {"ptb": "PyTorch nn.LSTM", "draw": "PyTorch nn.LSTMCell"}

# What --quick replaces the published sizes by.
QUICK = {
    "ptb": "--units 8 --length 6 --batch-size 4".split(),
    "draw": "--units 4 --glimpses 2 --latent-dim 3 --batch-size 8".split(),
}

# What rewrites.register can leave out. Not asked there, for that imports Theano.
REWRITES = (
    "transpose_last",
    "sum_as_product",
    "transpose_once",
    "prefix_gradient",
    "fast_activations",
    "add_after_product",
    "split_as_slices",
    "merge_elementwise",
    "vectorise",
    "push_out_products",
    "copy_outputs",
    "keep_memory",
)

# What cost is measured against; the published size is among the values.
SCALING = {
    "units": [125, 250, 500, 1000, 2000],
    "length": [25, 50, 100, 200, 400, 800],
    "batch_size": [16, 32, 64, 128, 256],
}
SCALING_QUICK = {"units": [4, 8], "length": [4, 6], "batch_size": [2, 4]}


def compare(commands, options, title, places, env=None):
    """Measure several programs in turns.

    Parameters
    ----------
    commands : dict of str to list of str
    options : argparse.Namespace
    title : str
    places : list of (dict, dict)
        Sizes that each process is asked for, and where the results go.
    env : dict of str to dict, optional
        More environment variables, by program.
    """
    with contextlib.ExitStack() as stack:
        processes = {}
        with bar(len(commands), f"{title}: compiling", unit=" models") as shown:
            for name, command in commands.items():
                shown.set_postfix_str(name)
                variables = environment(options.threads, **(env or {}).get(name, {}))
                processes[name] = Process(command, variables)
                stack.callback(processes[name].close)
                shown.update()
        turns = options.rounds * len(commands) * len(places)
        with bar(turns, title, unit=" turns") as shown:
            for sizes, measured in places:
                take_turns(processes, options, shown, measured, sizes)


def updates(which, options, *arguments):
    """The command of an experiment: sizes, what all have in common, and arguments."""
    words = *sizes(which, options), "--math", options.math, *arguments
    return archive("updates", which, *words)


def peer(which, options, threads, *arguments):
    """The command of the same in PyTorch."""
    program = {"ptb": "torch_lstm", "draw": "torch_draw"}[which]
    words = *sizes(which, options), *arguments
    return pytorch(options.torch_python, program, threads, *words)


def sizes(which, options):
    """The options for the sizes, where they are not the published ones."""
    return QUICK[which] if options.quick else []


def ptb(options, measured):
    """Every model of the Penn Treebank, and PyTorch's LSTM."""
    commands = models("ptb", PTB, options)
    if options.torch_python:
        commands[PYTORCH["ptb"]] = peer("ptb", options, options.threads)
    compare(commands, options, "Penn Treebank", [({}, measured)])


def draw(options, measured):
    """Every model of DRAW, and PyTorch's baseline."""
    commands = models("draw", DRAW, options)
    if options.torch_python:
        commands[PYTORCH["draw"]] = peer("draw", options, options.threads)
    compare(commands, options, "DRAW", [({}, measured)])


def models(which, known, options):
    """The commands of the models that were chosen."""
    commands = {
        name: updates(which, options, *arguments)
        for name, arguments in known.items()
        if not options.models or name.partition(",")[0] in options.models
    }
    if not commands:
        raise RunError(f"{which} has none of the models {' '.join(options.models)}")
    return commands


def data(options, measured):
    """The data of both experiments, without a model.

    From the real data where they have been converted, else from the built-in sample;
    the result says which.
    """
    batches = 20 if options.quick else 391
    where = ["--data-dir", options.data_dir] if options.data_dir else []
    with bar(len(QUICK), "data", unit=" runs") as shown:
        for name in QUICK:
            measured[name] = told(options.threads, f"data={batches}", name, *where)
            shown.update()


def scaling(options, measured):
    """Norm prop, and PyTorch's LSTM, at other sizes, on one thread and on all."""
    values = SCALING_QUICK if options.quick else SCALING
    numbers = sorted({1, options.threads})
    names = "norm_prop", PYTORCH["ptb"]
    env = {f"{name} on {n}": in_threads(n) for name in names for n in numbers}

    def commands(*size):
        made = {}
        for n in numbers:
            ours, theirs = (f"{name} on {n}" for name in names)
            made[ours] = updates("ptb", options, "--model", "norm_prop", *size)
            if options.torch_python:
                made[theirs] = peer("ptb", options, n, *size)
        return made

    for name, wanted in values.items():
        measured[name] = {size: {} for size in wanted}
    for units, place in measured["units"].items():
        compare(
            commands("--units", units), options, f"{units} units", [({}, place)], env
        )
    for name in ("length", "batch_size"):
        places = [({name: size}, place) for size, place in measured[name].items()]
        compare(commands(), options, name.replace("_", " "), places, env)


def rewrites(options, measured):
    """Norm prop on the Penn Treebank without each of what makes it fast."""
    model = ["ptb", "--model", "norm_prop", *QUICK["ptb"] * options.quick]
    commands = {"all": archive("updates", *model)}
    for name in REWRITES:
        commands[f"without {name}"] = archive(f"without={name}", *model)
    strict = archive("updates", *model, "--math", "strict")
    commands["none (--math strict)"] = strict
    commands["without oneDNN"] = commands["all"]
    env = {"without oneDNN": {"REPRODUCE_ONEDNN": "0"}}
    compare(commands, options, "rewrites", [({}, measured)], env)
