"""Tables 1 to 3, published beside obtained, and the tables of all other runs."""

from report.groups import mean_deviation, ratio, variation_words
from report.runs import UNIT
from training.ptb_options import MODELS as PTB_MODELS

DIGITS = {"ptb": 3, "draw": 2}
NOTHING = "–"
# What is not the default in DRAW.
PAPER_FORM = (("compensation", "paper"),)
HERE = ["Seeds", "Epochs", "s/epoch", "Ratio", "Device"]


def score(mean, deviation, digits):
    """``mean ± deviation``, the latter where there is one."""
    if mean != mean:
        return "diverged"
    spread = f" ± {deviation:.{digits}f}" if deviation is not None else ""
    return f"{mean:.{digits}f}{spread}"


def difference(here, there, digits):
    """``here - there`` with its sign; nothing where one is missing."""
    if here is None or there is None or here != here:
        return NOTHING
    return f"{here - there:+.{digits}f}".replace("-", "−")


def times(value):
    return NOTHING if value is None else f"{value:.2f}"


def epoch_words(number):
    return f"{number} epoch" + ("s" if number > 1 else "")


def epochs(row):
    """Epochs done of those published; runs that are not full say so."""
    words = f"{row.epochs} of {row.published_epochs}"
    return words if row.complete else f"**partial** {words}"


def machine(row, kind):
    """The last columns of every table: see :data:`HERE`."""
    return [
        ", ".join(map(str, row.seeds)),
        epochs(row),
        f"{row.seconds:.3g}" if row.seconds < 100 else f"{row.seconds:.0f}",
        times(ratio(row, kind)),
        "; ".join(row.devices),
    ]


def published_kind(kinds, experiment, regularised=False):
    """The kind of the published experiment, None without runs."""
    for kind in kinds:
        if kind.published and (kind.experiment, kind.regularised) == (
            experiment,
            regularised,
        ):
            return kind
    return None


def beside_published(document, table, entries, kind, score_name, experiment):
    """Add Table 1 or Table 3.

    A published row holds full runs only. Runs of the published settings that have not
    done all epochs stand below, marked, and are not compared with the paper.

    Parameters
    ----------
    table : dict
        Of ``published.yaml``.
    entries : list of tuple
        Name of the row, model, variation.
    kind : report.groups.Kind or None
    score_name : str
        Key of the published figure.
    """
    digits = DIGITS[experiment]
    rows = list(kind.rows()) if kind else []
    lines, marked = [], set()
    base = table["baseline"]
    timed = "seconds_per_epoch" in base
    for name, model, variation in entries:
        there = table[model][score_name]
        line = [name, f"{there:.{digits}f}"]
        full = [
            row
            for row in rows
            if row.full and (row.model, row.variation) == (model, variation)
        ]
        if full:
            row = full[0]
            line += [
                score(row.mean, row.deviation, digits),
                difference(row.mean, there, digits),
                *machine(row, kind),
            ]
        else:
            line += ["no full run", NOTHING] + [NOTHING] * len(HERE)
        if timed:
            seconds = table[model]["seconds_per_epoch"]
            line += [str(seconds), f"{seconds / base['seconds_per_epoch']:.2f}"]
        lines.append(line)
    for row in rows:
        if not row.full:
            marked.add(len(lines))
            line = [f"{row.name}, {epoch_words(row.epochs)}", NOTHING]
            line += [score(row.mean, row.deviation, digits), NOTHING]
            line += machine(row, kind)
            lines.append(line + [NOTHING] * (2 if timed else 0))
    unit = UNIT[experiment]
    header = ["", f"Published, {unit}", f"Obtained, {unit}", "Difference", *HERE]
    if timed:
        header += ["s/epoch GTX 750", "Ratio GTX 750"]
    document.table(table["caption"], header, lines, marked)


def table_1(document, published, kind):
    document.heading("Table 1: Penn Treebank, validation", 3)
    entries = [(model, model, ()) for model in PTB_MODELS]
    beside_published(document, published["table_1"], entries, kind, "valid_bpc", "ptb")


def table_3(document, published, kind):
    document.heading("Table 3: DRAW on binarized MNIST, test", 3)
    entries = [
        ("baseline", "baseline", ()),
        ("layer_norm", "layer_norm", ()),
        ("weight_norm", "weight_norm", ()),
        ("norm_prop, as released", "norm_prop", ()),
        ("norm_prop, eq. 13-15", "norm_prop", PAPER_FORM),
    ]
    beside_published(document, published["table_3"], entries, kind, "test_nll", "draw")
    document.note(
        "The published figure of layer_norm is Ba et al.'s own, and the run here is "
        "the released code's, which normalises the cell only. The published figure of "
        "norm_prop most likely comes from the released form, so it stands beside both."
    )


def table_2(document, published, kind):
    """Table 2: the whole test text as one sequence, by the best validation epoch."""
    document.heading("Table 2: Penn Treebank, test", 3)
    table = published["table_2"]
    runs = [run for run in (kind.runs if kind else []) if not run.variation]
    lines, marked = [], set()
    for name, figures in table.items():
        if name in ("caption", "section"):
            continue
        line = [name, f"{figures['test_bpc']:.3f}"]
        done = scored(runs, name, full=True)
        if done:
            line += test_cells(done, figures["test_bpc"])
        else:
            words = "no full run" if name == "norm_prop" else "not a model here"
            line += [words, NOTHING, NOTHING, NOTHING]
        lines.append(line)
    for model in PTB_MODELS:
        full = scored(runs, model, full=True)
        rest = [run for run in runs if run.model == model and run.rows]
        if model in table:
            rest = [run for run in rest if run not in full]
        for run in rest:
            marked.add(len(lines))
            line = [f"{model}, seed {run.seed}", NOTHING]
            lines.append(line + test_cells([run], None, mark=run not in full))
    document.table(
        table["caption"],
        ["", "Published, bpc", "Obtained, bpc", "Difference", "Seeds", "Epochs"],
        lines,
        marked,
    )


def scored(runs, model, full):
    """Runs of `model` that have been scored on the test text as one sequence."""
    return [
        run
        for run in runs
        if run.model == model
        and "test_sequence_bpc" in run.evaluation
        and (not full or len(run.rows) == run.published_epochs)
    ]


def test_cells(runs, there, mark=False):
    """Obtained, difference, seeds and epochs of a row of Table 2."""
    run = runs[0]
    figures = [run.evaluation.get("test_sequence_bpc") for run in runs]
    if None in figures:
        words, value = "not scored yet", None
    else:
        value, deviation = mean_deviation(figures)
        words = score(value, deviation, 3)
    count = f"{len(run.rows)} of {run.published_epochs}"
    return [
        words,
        difference(value, there, 3),
        ", ".join(str(run.seed) for run in runs),
        f"**partial** {count}" if mark else count,
    ]


def other_runs(document, published, kind):
    """A table of runs that are not of the published size, by themselves."""
    experiment = kind.experiment
    digits, unit = DIGITS[experiment], UNIT[experiment]
    table = published["table_1" if experiment == "ptb" else "table_3"]
    key = "valid_bpc" if experiment == "ptb" else "test_nll"
    baselines = {
        row.epochs: row.mean
        for row in kind.rows()
        if row.model == "baseline" and not row.variation
    }
    lines, marked = [], set()
    for row in kind.rows():
        if row.variation and row.model in kind.compared:
            continue  # they have a table of their own
        if not row.complete:
            marked.add(len(lines))
        line = [
            row.name,
            score(row.mean, row.deviation, digits),
            difference(row.mean, baselines.get(row.epochs), digits),
        ]
        if not kind.sample:
            there = table[row.model][key], table["baseline"][key]
            line.append(difference(*there, digits))
        if kind.regularised:
            line.append(test_cells(row.runs, None)[0])
        lines.append(line + machine(row, kind))
    where = "validation" if experiment == "ptb" else "test, last epoch"
    header = ["", f"{unit}, {where}", "Less the baseline"]
    if not kind.sample:
        header.append("The same, published")
    if kind.regularised:
        header.append("Test, one sequence")
    what = "Penn Treebank" if experiment == "ptb" else "DRAW"
    what += ", regularised" if kind.regularised else ""
    document.table(f"{what}: {kind.words}", header + HERE, lines, marked)


def readings(document, kind):
    """The runs of a kind that differ in how the paper is read, beside the default's.

    Returns
    -------
    bool
        Whether there are any.
    """
    if not kind.compared:
        return False
    digits = DIGITS[kind.experiment]
    lines = []
    for row in kind.rows():
        defaults = kind.of(row.model)
        # The ablation that leaves the compensation out is all but weight_norm.
        if row.model not in {*kind.compared, "weight_norm"}:
            continue
        line = [row.model, variation_words(row.variation) or "the default"]
        line.append(score(row.mean, row.deviation, digits))
        there = None
        if defaults and len(defaults[0].rows) >= row.epochs and row.variation:
            there, _ = mean_deviation([run.score(row.epochs) for run in defaults])
        line += [difference(row.mean, there, digits), ", ".join(map(str, row.seeds))]
        lines.append([*line, epochs(row)])
    unit = UNIT[kind.experiment]
    header = ["", "Differs in", unit, "Less the default's, after as many epochs"]
    what = "Penn Treebank" if kind.experiment == "ptb" else "DRAW"
    document.table(f"{what}: {kind.words}", [*header, "Seeds", "Epochs"], lines)
    return True
