"""``./reproduce figures``: the paper's figures, as PDF and PNG."""

import sys
from importlib import import_module
from pathlib import Path

from common.arguments import Parser, count, folder
from common.errors import RunError, one_line
from common.files import make_folder, replacing, write_json
from common.rendering import render
from engine import device
from experiments import cli
from experiments.options import add_machine_options
from experiments.published import FIGURES
from report import drawing
from report.curves import learning_curves, shown
from report.experiment import DRAW, PTB
from report.groups import kinds
from report.options import add_results_dir
from report.runs import find

DESCRIPTION = """Compute and draw the paper's figures, as PDF and PNG, with the numbers
of those that are computed as JSON, which the report reads. 1: norm of one step's
gradient. 2 and 3: learning curves of the runs, Penn Treebank and DRAW. variances: of
h_t and c_t over time, at initialisation and after training. stability: how a small
change of h grows from step to step at initialisation."""

# Of those that are computed: the file, and the module; the others are learning curves.
COMPUTED = {
    "1": ("figure_1", "measured"),
    "variances": ("variances", "variances"),
    "stability": ("stability", "stability"),
}


def parse(arguments=None):
    parser = Parser(prog="./reproduce figures", description=DESCRIPTION)
    parser.usage = "%(prog)s [1] [2] [3] [variances] [stability] [options]"
    parser.add_argument(
        "names", nargs="*", metavar="FIGURE", help="which (all if none is named)"
    )
    add_results_dir(parser)
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        help="where the figures go (default: figures in the first results folder)",
    )
    parser.add_argument(
        "--units",
        type=count,
        default=200,
        help="of the models that are measured at initialisation",
    )
    parser.add_argument(
        "--sample",
        action="store_true",
        help="measure variances on the built-in text instead of the Penn Treebank",
    )
    parser.add_argument(
        "--data-dir",
        type=folder,
        metavar="DIR",
        help="folder of the converted data, if not Fuel's",
    )
    add_machine_options(parser)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in FIGURES]
    if unknown:
        parser.error(f"there is no figure {unknown[0]}; there are {', '.join(FIGURES)}")
    options.all = not options.names
    options.names = options.names or list(FIGURES)
    options.output = options.output or Path(options.results_dir[0]) / "figures"
    return options


def save(folder, name, draw, *arguments):
    """Draw a figure; what cannot be drawn is said, and nothing else is lost by it."""
    formats = ("pdf", "png")
    for kind, content in zip(formats, render(formats, draw, *arguments)):
        with replacing(folder / f"{name}.{kind}") as file:
            file.write(content)
    print(f"{folder / name}.pdf and .png", flush=True)


def curves(name, options):
    """Draw Figure 2 or 3, of the first kind of runs: full size first, samples last."""
    runs, problems = find(options.results_dir)
    for problem in problems:
        print(f"warning: {one_line(problem)}", flush=True)
    experiment = {"ptb": PTB, "draw": DRAW}[FIGURES[name]]
    for kind in kinds(runs)[0]:
        if kind.experiment is experiment and shown(kind):
            print(f"Figure {name}: {kind.label}.", flush=True)
            save(options.output, f"figure_{name}", learning_curves, kind)
            return
    print(f"Figure {name}: no runs yet.", flush=True)


def computed(name, options):
    """Compute a figure's numbers, and draw it."""
    file, module = COMPUTED[name]
    found = import_module(f"figures.{module}").compute(options)
    write_json(options.output / f"{file}.json", found)
    save(options.output, file, getattr(drawing, file), found)


def leave_out_what_lacks_data(options):
    """Where all figures are wanted those are made that can be."""
    from datasets.ptb import open_corpus

    try:
        open_corpus(options.sample, options.data_dir)
    except RunError as error:
        options.names.remove("variances")
        print(f"Variances: not measured, for {error}; --sample needs no data.")


def run(options, interrupts):
    make_folder(options.output)
    failures = []
    with interrupts.at_once():
        if set(COMPUTED) & set(options.names):
            device.prepare(options.device, options.floatX)
        if options.all:
            leave_out_what_lacks_data(options)
        for name in options.names:
            try:
                (computed if name in COMPUTED else curves)(name, options)
            except RunError as error:
                failures.append(f"figure {name}: {error}")
    if failures:
        raise RunError("; ".join(failures))


def main(arguments=None):
    return cli.carry_out("./reproduce figures", run, parse(arguments))


if __name__ == "__main__":
    sys.exit(main())
