"""Train three models briefly on the built-in text: ``./reproduce quick``.

The code is that of the experiments; only the sizes differ.
"""

import os
import sys

import ptb_experiment
from training import cli, options, ptb_options
from training.run_folder import discard, folder_name

MODELS = ("baseline", "weight_norm", "norm_prop")
SIZE = (
    "--sample --units 64 --length 50 --batch-size 32 --epochs 2 --batches-per-epoch 100"
)
DESCRIPTION = """Train the baseline, weight normalisation and normalisation propagation
for 200 updates at a small size on the built-in text, and compare them. Nothing is
downloaded. The figures are not the paper's: they show that everything works here.
Results of an earlier time are replaced."""


def parse(arguments=None):
    parser = options.Parser(prog="./reproduce quick", description=DESCRIPTION)
    options.add_quick_options(parser)
    return parser.parse_args(arguments)


def run(options, interrupts):
    """Train the models one after the other and print the table."""
    # Threads only wait for each other with matrices as small as these.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    logs = {}
    for model in MODELS:
        print(f"\n== {model} ==", flush=True)
        arguments = [*SIZE.split(), "--model", model]
        for name, value in vars(options).items():
            arguments += [f"--{name.replace('_', '-')}", str(value)]
        chosen = ptb_options.parse(arguments)
        discard(folder_name(chosen, "quick"))
        folder = ptb_experiment.train(chosen, interrupts, experiment="quick")
        logs[model] = folder.history.rows
    print()
    print(table(logs))


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
