"""``./reproduce figures``: the paper's figures, as PDF and PNG."""

import sys
from pathlib import Path

from common.arguments import Parser, count
from common.errors import RunError
from common.files import replacing, write_json
from engine import device
from experiments import cli
from experiments.options import add_machine_options
from experiments.published import FIGURES

DESCRIPTION = """Compute and draw the paper's figures, as PDF and PNG, with the numbers
of those that are computed as JSON, which the report reads. 1: norm of one step's
gradient. 2 and 3: learning curves of the runs, Penn Treebank and DRAW. variances: of
h_t and c_t over time, at initialisation and after training. stability: how a small
change of h grows from step to step at initialisation."""

NAMES = tuple(FIGURES)
FORMATS = ("pdf", "png")
# Axes of Figure 1, and what it is sampled with.
GAMMAS = [round(0.2 * step, 1) for step in range(1, 21)]
GAMMA_C = [0.1, 1.0]
SAMPLES = 40000
# The real brick's size and sequences.
UNITS, STEPS, BATCH = 100, 30, 64


def parse(arguments=None):
    parser = Parser(prog="./reproduce figures", description=DESCRIPTION)
    parser.usage = "%(prog)s [1] [2] [3] [variances] [stability] [options]"
    parser.add_argument(
        "names", nargs="*", metavar="FIGURE", help="which (all if none is named)"
    )
    parser.add_argument(
        "--results-dir",
        metavar="DIR",
        nargs="+",
        default=["results"],
        help="folders with run folders in them",
    )
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
        "--data-dir", metavar="DIR", help="folder of the converted data, if not Fuel's"
    )
    add_machine_options(parser)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no figure {unknown[0]}; there are {', '.join(NAMES)}")
    options.all = not options.names
    options.names = options.names or list(NAMES)
    options.output = options.output or Path(options.results_dir[0]) / "figures"
    return options


def save(folder, name, figure):
    from report.curves import encode

    for kind in FORMATS:
        with replacing(folder / f"{name}.{kind}") as file:
            file.write(encode(figure, kind))
    print(f"{folder / name}.pdf and .png", flush=True)


def figure_1(options):
    """Compute both maps and measure both on the real brick."""
    from report.figures import drawing, gradient, measured
    from training.progress import bar

    print("Figure 1: compiling takes about a minute the first time.", flush=True)
    found = {
        "gammas": GAMMAS,
        "gamma_c": GAMMA_C,
        "samples": SAMPLES,
        "moments": "variance",
        "forget_bias": 0.0,
        "units": UNITS,
        "steps": STEPS,
        "batch": BATCH,
        "seed": 1,
    }
    z = gradient.standard_normal(SAMPLES, found["seed"])
    measure = measured.MeasuredGradient(UNITS, STEPS, BATCH, found["seed"])
    total = 2 * len(GAMMA_C) * len(GAMMAS) ** 2
    with bar(total, "Figure 1", unit=" points") as shown:

        def plane(norm, gamma_c):
            values = []
            for gamma_x in GAMMAS:
                values.append([])
                for gamma_h in GAMMAS:
                    values[-1].append(round(norm(gamma_x, gamma_h, gamma_c), 5))
                    shown.update()
            return values

        def computed(*gammas):
            return gradient.gradient_norm(*gammas, z)

        found["computed"] = [plane(computed, gamma_c) for gamma_c in GAMMA_C]
        found["measured"] = [plane(measure, gamma_c) for gamma_c in GAMMA_C]
    found["published"] = at_published_gammas(z)
    write_json(options.output / "figure_1.json", found)
    save(options.output, "figure_1", drawing.figure_1(found))


def at_published_gammas(z):
    """The norm at the two experiments' gammas and forget bias, with both moments."""
    from experiments.gammas import GAMMAS as PUBLISHED
    from report.figures import gradient, measured

    measure = measured.MeasuredGradient(UNITS, STEPS, BATCH, forget_bias=1.0)
    points = []
    for experiment, name in (("Penn Treebank", "ptb"), ("DRAW", "draw")):
        gammas = list(PUBLISHED[name]["norm_prop"].values())
        for measure.moments in ("printed", "variance"):
            norm = gradient.gradient_norm(*gammas, z, measure.moments, 1.0)
            points.append(
                {
                    "experiment": experiment,
                    "gammas": gammas,
                    "moments": measure.moments,
                    "computed": round(norm, 5),
                    "measured": round(measure(*gammas), 5),
                }
            )
    return points


def learning_curves(options, name, experiment):
    """Draw Figure 2 or 3, of the first kind of runs: full size first, samples last."""
    from report.curves import learning_curves as draw
    from report.groups import kinds
    from report.runs import find

    runs, problems = find(options.results_dir)
    for problem in problems:
        print(f"warning: {problem}", flush=True)
    chosen = [
        kind
        for kind in kinds(runs)[0]
        if kind.experiment == experiment and not kind.regularised and any(kind.rows())
    ]
    if not chosen:
        print(f"Figure {name}: no runs yet.", flush=True)
        return
    print(f"Figure {name}: {chosen[0].words}.", flush=True)
    save(options.output, f"figure_{name}", draw(chosen[0]))


def variances(options):
    """Measure the variances of the five models, untrained and trained."""
    from datasets.ptb import open_corpus
    from report.figures import drawing
    from report.figures import variances as module
    from report.runs import find
    from training.progress import bar

    corpus = open_corpus(options.sample, options.data_dir)
    if options.sample:
        print("Variances: built-in sample text, not the Penn Treebank.", flush=True)
    runs = module.trained_runs(find(options.results_dir)[0])
    total = len(module.ptb_options.MODELS) + len(runs)
    with bar(total, "variances", unit=" models") as shown:
        curves = module.at_initialisation(corpus, options.units, shown.update)
        more, problems = module.after_training(runs, options.data_dir, shown.update)
    for problem in problems:
        print(f"warning: {problem}", flush=True)
    if not more:
        print("Variances after training: no run has its parameters here.", flush=True)
    found = {"curves": curves + more}
    write_json(options.output / "variances.json", found)
    save(options.output, "variances", drawing.variances(found))


def stability(options):
    """Measure how a small change grows in the five models, and norm_prop's forms."""
    from report.figures import drawing
    from report.figures import stability as module
    from training.progress import bar

    found = {"units": options.units, "steps": module.STEPS, "forms": []}
    with bar(len(module.FORMS), "stability", unit=" models") as shown:
        for form in module.FORMS:
            found["forms"].append(module.at_initialisation(form, options.units))
            shown.update()
    write_json(options.output / "stability.json", found)
    save(options.output, "stability", drawing.stability(found))


def run(options, interrupts):
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {options.output} ({error.strerror})") from error
    with interrupts.at_once():
        if {"1", "variances", "stability"} & set(options.names):
            device.prepare(options.device, options.floatX)
        if "1" in options.names:
            figure_1(options)
        if "2" in options.names:
            learning_curves(options, "2", "ptb")
        if "3" in options.names:
            learning_curves(options, "3", "draw")
        if "stability" in options.names:
            stability(options)
        if "variances" in options.names:
            try:
                variances(options)
            except RunError as error:
                if not options.all:
                    raise
                print(f"Variances: not measured, for {error}; --sample needs no data.")


def main(arguments=None):
    return cli.carry_out("./reproduce figures", run, parse(arguments))


if __name__ == "__main__":
    sys.exit(main())
