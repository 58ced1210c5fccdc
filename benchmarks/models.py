"""Seconds per update and memory: of the models, with size, and without a rewrite."""

import contextlib

from benchmarks.processes import Process, archive, environment, pytorch, take_turns
from training.errors import RunError
from training.progress import bar
from training.ptb_options import MODELS

PTB = {name: ["--model", name] for name in MODELS}
# In the form that the paper prints, DRAW diverges (docs/ERRATA.md); its time counts.
DRAW = {
    "baseline": ["--model", "baseline"],
    "weight_norm": ["--model", "weight_norm"],
    "layer_norm": ["--model", "layer_norm"],
    "norm_prop": ["--model", "norm_prop"],
    "norm_prop, released": "--model norm_prop --compensation released".split(),
}
PYTORCH = "PyTorch nn.LSTM"

# What --quick replaces the published sizes by.
QUICK = {
    "ptb": "--units 8 --length 6 --batch-size 4".split(),
    "draw": "--units 4 --glimpses 2 --latent-dim 3 --batch-size 8".split(),
}
TORCH_SIZE = {"units": 1000, "length": 100, "batch-size": 64}
TORCH_QUICK = {"units": 8, "length": 6, "batch-size": 4}

# What cost is measured against; the published size is among the values.
SCALING = {
    "units": [125, 250, 500, 1000, 2000],
    "length": [25, 50, 100, 200, 400, 800],
    "batch_size": [16, 32, 64, 128, 256],
}
SCALING_QUICK = {"units": [4, 8], "length": [4, 6], "batch_size": [2, 4]}


def compare(commands, options, title, env=None, sizes=({},)):
    """Measure several programs in turns.

    Parameters
    ----------
    commands : dict of str to list of str
    options : argparse.Namespace
    title : str
    env : dict of str to dict, optional
        More environment variables, by program.
    sizes : sequence of dict
        Of what each process is asked for, one after the other.

    Returns
    -------
    list of dict
        For each of the sizes what :func:`benchmarks.processes.take_turns` returns,
        with what the process said of itself.
    """
    with contextlib.ExitStack() as stack:
        processes, found = {}, []
        with bar(len(commands), f"{title}: compiling", unit=" models") as shown:
            for name, command in commands.items():
                shown.set_postfix_str(name)
                variables = environment(options.threads, **(env or {}).get(name, {}))
                processes[name] = Process(command, variables)
                stack.callback(processes[name].close)
                shown.update()
        turns = options.rounds * len(commands) * len(sizes)
        with bar(turns, title, unit=" turns") as shown:
            for size in sizes:
                found.append(take_turns(processes, options, shown, size))
        for measured in found:
            for name, process in processes.items():
                measured[name].update(process.facts)
        return found


def experiment(which, options, *more):
    """The last arguments of the worker: sizes, and what is common to all models."""
    sizes = QUICK[which] if options.quick else []
    return [*sizes, "--math", options.math, *more]


def ptb(options):
    """Every model of the Penn Treebank, and PyTorch's LSTM."""
    commands = {
        name: archive("ptb", *arguments, *experiment("ptb", options))
        for name, arguments in PTB.items()
        if not options.models or name in options.models
    }
    if options.torch_python:
        size = TORCH_QUICK if options.quick else TORCH_SIZE
        commands[PYTORCH] = pytorch(options.torch_python, options.threads, **size)
    return chosen(commands, options, "Penn Treebank")


def draw(options):
    """Every model of DRAW."""
    commands = {
        name: archive("draw", *arguments, *experiment("draw", options))
        for name, arguments in DRAW.items()
        if not options.models or name.partition(",")[0] in options.models
    }
    return chosen(commands, options, "DRAW")


def chosen(commands, options, title):
    if not commands:
        raise RunError(f"{title} has none of the models {' '.join(options.models)}")
    return compare(commands, options, title)[0]


def scaling(options):
    """Norm prop, and PyTorch's LSTM, at other sizes; the other sizes as published."""
    values = SCALING_QUICK if options.quick else SCALING
    found = {"units": {}}
    base = TORCH_QUICK if options.quick else TORCH_SIZE

    def commands(units=base["units"]):
        sizes = experiment("ptb", options, "--units", str(units))
        made = {"norm_prop": archive("ptb", "--model", "norm_prop", *sizes)}
        if options.torch_python:
            size = {**base, "units": units}
            made[PYTORCH] = pytorch(options.torch_python, options.threads, **size)
        return made

    for units in values["units"]:
        (measured,) = compare(commands(units), options, f"{units} units")
        found["units"][units] = measured
    for name in ("length", "batch_size"):
        sizes = [{name: value} for value in values[name]]
        measured = compare(commands(), options, name.replace("_", " "), sizes=sizes)
        found[name] = dict(zip(values[name], measured))
    return found


def rewrites(options):
    """Norm prop on the Penn Treebank without each of what makes it fast."""
    import rewrites as package

    names = [rewrite.__name__ for rewrite, _ in package.POSITIONS] + ["keep_memory"]
    model = ["ptb", "--model", "norm_prop", *QUICK["ptb"] * options.quick]
    commands = {"all": archive(*model)}
    for name in names:
        commands[f"without {name}"] = archive("--leave-out", name, *model)
    commands["none (--math strict)"] = archive(*model, "--math", "strict")
    commands["without oneDNN"] = commands["all"]
    env = {"without oneDNN": {"REPRODUCE_ONEDNN": "0"}}
    return compare(commands, options, "rewrites", env)[0]
