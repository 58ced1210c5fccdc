"""``./reproduce benchmark``: time and memory, as JSON, tables and a plot."""

import os
import sys
from pathlib import Path

from benchmarks import charts as plot
from benchmarks import machine, numerics, startup
from benchmarks import speed as models
from benchmarks import summary as tables
from common import RESULTS
from common.arguments import Parser, count
from common.errors import RunError
from common.files import replacing, write_json
from experiments import cli
from experiments.ptb_options import MODELS

DESCRIPTION = """Measure seconds per update and peak memory of every model at the
published sizes (ptb, draw), start-up with a cold and a warm cache of compiled code
(startup), the data alone (data), and how cost grows with units, length and batch size
(scaling): about 15 minutes on two cores, 5 for `ptb draw data`, twice that with PyTorch
beside them. Only on request: what each graph rewrite gains (rewrites), and what fast
maths changes in the numbers (numerics). Needs no data set. Programs that are compared
take turns; medians count. Leaves benchmark.json, tables.md and plot.png, also after
Ctrl-C, of what has been measured by then."""

PARTS = {
    "ptb": models.ptb,
    "draw": models.draw,
    "startup": startup.startup,
    "data": models.data,
    "scaling": models.scaling,
    "rewrites": models.rewrites,
    "numerics": numerics.numerics,
}
DEFAULT = ("ptb", "draw", "startup", "data", "scaling")


def parse(arguments=None):
    parser = Parser(prog="./reproduce benchmark", description=DESCRIPTION)
    parser.usage = f"%(prog)s [{'] ['.join(PARTS)}] [options]"
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"what to measure ({' '.join(DEFAULT)} if nothing is named)",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        metavar="MODEL",
        help="in ptb and draw, only these: " + ", ".join(MODELS),
    )
    parser.add_argument(
        "--torch-python",
        metavar="PATH",
        help="a Python that has PyTorch, whose LSTMs are measured beside ours",
    )
    parser.add_argument(
        "--threads",
        type=count,
        default=len(os.sched_getaffinity(0)),
        help="of all programs; scaling measures one thread, too",
    )
    parser.add_argument(
        "--rounds", type=count, default=5, help="how often each program has its turn"
    )
    parser.add_argument(
        "--updates", type=count, default=2, help="timed in each turn of a program"
    )
    parser.add_argument(
        "--math",
        choices=("fast", "strict"),
        default="fast",
        help="as in the experiments; rewrites and numerics measure both",
    )
    parser.add_argument(
        "--data-dir",
        type=os.path.abspath,
        metavar="DIR",
        help="folder of the converted data, if not Fuel's; without data the built-in "
        "sample is read",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path(RESULTS, "benchmark"),
        help="where the results go",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="tiny models, one round: shows that everything runs, measures nothing",
    )
    options = parser.parse_args(arguments)
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}; there are {', '.join(PARTS)}")
    options.parts = options.parts or list(DEFAULT)
    if options.quick:
        options.rounds = options.updates = 1
    return options


def run(options, interrupts):
    """Measure part by part, and save after each."""
    results = {"machine": machine.describe(options)}
    for line in machine.lines(results["machine"]):
        print(line, flush=True)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"--output {options.output}: {error.strerror}") from error
    for part in options.parts:
        results[part] = {}
        try:
            PARTS[part](options, results[part])
        finally:
            with interrupts.deferred():
                complete(results, options)
                save(results, options.output)
                print(f"\n{part}\n\n{getattr(tables, part)(results[part])}")
        interrupts.check()
    print(f"Numbers, tables and plot are in {options.output}")


def complete(results, options):
    """Put in what is computed from several measurements."""
    for name, one in results.get("data", {}).items():
        update = results.get(name, {}).get("norm_prop")
        share = one["mean"] / update["median"] if update else None
        one["share"] = "" if share is None else f"{100 * share:.2f}%"
    if options.quick:
        length, batch_size = 6, 4
    else:
        length, batch_size = 100, 64
    for what, values in results.get("scaling", {}).items():
        for value, measured in values.items():
            size = {"length": length, "batch_size": batch_size, what: int(value)}
            symbols = (size["length"] - 1) * size["batch_size"]
            for one in measured.values():
                one["symbol"] = 1e6 * one["median"] / symbols


def save(results, folder):
    """Write ``benchmark.json``, ``tables.md`` and ``plot.png``."""
    write_json(folder / "benchmark.json", results)
    text = ["\n".join(machine.lines(results["machine"])) + "\n"]
    text += [
        f"## {part}\n\n{getattr(tables, part)(results[part])}"
        for part in PARTS
        if part in results
    ]
    with replacing(folder / "tables.md") as file:
        file.write("\n".join(text).encode())
    plot.draw(folder / "plot.png", results)


def main(arguments=None):
    return cli.carry_out("./reproduce benchmark", run, parse(arguments))


if __name__ == "__main__":
    sys.exit(main())
