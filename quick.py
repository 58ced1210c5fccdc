"""Train briefly on the built-in text and digits: ``./reproduce quick``.

The code is that of the experiments; only the sizes differ.
"""

import os
import sys

import draw_experiment
import ptb_experiment
from common.arguments import Parser
from engine import device
from experiments import cli, draw_options, options, ptb_options
from runs.folder import discard, folder_name

MODELS = ("baseline", "weight_norm", "norm_prop")
SIZE = (
    "--sample --units 64 --length 50 --batch-size 32 --epochs 2 --batches-per-epoch 100"
)
DRAW = (
    "--sample --glimpses 12 --units 64 --latent-dim 20 --batch-size 32 --epochs 6 "
    "--model norm_prop"
)
DESCRIPTION = """Train the baseline, weight normalisation and normalisation propagation
for 200 updates at a small size on the built-in text, and compare them; then train DRAW
on the built-in digits, and let it draw some. Nothing is downloaded. The figures are
not the paper's: they show that everything works here. Results of an earlier time are
replaced."""


def parse(arguments=None):
    parser = Parser(prog="./reproduce quick", description=DESCRIPTION)
    parser.add_argument(
        "--experiment",
        choices=("both", "ptb", "draw"),
        default="both",
        help="train on the text, the digits, or both",
    )
    options.add_quick_options(parser)
    return parser.parse_args(arguments)


def run(options, interrupts):
    """Train what the options ask for, with the other options for each."""
    # Threads only wait for each other with matrices as small as these.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    common = []
    for name, value in vars(options).items():
        if name != "experiment":
            common += [f"--{name.replace('_', '-')}", str(value)]
    if options.experiment != "draw":
        ptb(common, interrupts)
    if options.experiment != "ptb":
        draw(common, interrupts)


def ptb(common, interrupts):
    """Train the models one after the other and print the table."""
    logs = {}
    for model in MODELS:
        print(f"\n== {model} ==", flush=True)
        chosen = ptb_options.parse([*SIZE.split(), "--model", model, *common])
        discard(folder_name(chosen, "quick"))
        folder = ptb_experiment.train(chosen, interrupts, experiment="quick")
        logs[model] = folder.history.rows
    print()
    print(table(logs), flush=True)


def draw(common, interrupts):
    """Train DRAW; to optimise so small a graph takes longer than it saves."""
    print("\n== DRAW ==", flush=True)
    chosen = draw_options.parse([*DRAW.split(), *common])
    discard(folder_name(chosen, "quick-draw"))
    device.prepare(chosen.device, chosen.floatX, chosen.math)

    from theano.compile import mode
    from theano.configparser import change_flags

    with change_flags(linker="cvm", optimizer="fast_compile"):
        # Theano keeps the first default mode that it makes.
        mode.instantiated_default_mode = None
        folder = draw_experiment.train(chosen, interrupts, experiment="quick-draw")
    print(f"What it draws: {folder.path / 'samples.png'}")


def table(logs):
    """Lay out the last figures of each model.

    Parameters
    ----------
    logs : dict of str to list of dict
        Rows of ``metrics.jsonl`` by model.
    """
    lines = [f"{'':12s} {'train bpc':>10s} {'valid bpc':>10s} {'s/epoch':>8s}"]
    for model, rows in logs.items():
        seconds = sum(row["seconds"] for row in rows) / len(rows)
        lines.append(
            f"{model:12s} {rows[-1]['train_bpc']:10.3f} {rows[-1]['valid_bpc']:10.3f} "
            f"{seconds:8.1f}"
        )
    return "\n".join(lines)


def main(arguments=None):
    return cli.carry_out("./reproduce quick", run, parse(arguments))


if __name__ == "__main__":
    sys.exit(main())
