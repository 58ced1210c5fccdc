"""Put the report together from what the run folders hold."""

import json
from pathlib import Path

from figures import drawing
from report import claims, tables
from report.curves import encode, learning_curves
from report.document import Document
from report.groups import kinds as sort_into_kinds
from report.runs import UNIT, find
from training.errors import RunError
from training.files import read_json
from training.tables import published

# What `./reproduce figures` leaves for the report, and what has to be in it.
MEASURED = {
    "figure_1": {"gammas", "gamma_c", "computed", "measured", "published"},
    "variances": {"curves"},
}
FIGURES = {"ptb": "Figure 2", "draw": "Figure 3"}


def write(folders):
    """Write the report of all runs in `folders`.

    Parameters
    ----------
    folders : list of path-like

    Returns
    -------
    report.document.Document
    """
    runs, problems = find(folders)
    kinds, repeats = sort_into_kinds(runs)
    measured, more = read_measured(folders)
    numbers = published()
    document = Document("Recurrent Normalization Propagation, reproduced")
    opening(document, runs, kinds)
    findings(document, kinds, numbers, measured)
    published_tables(document, kinds, numbers)
    other_tables(document, kinds, numbers)
    readings(document, kinds)
    figures(document, kinds, measured)
    samples(document, runs)
    environment(document, runs)
    all_runs(document, runs, repeats, problems + more)
    return document


def read_measured(folders):
    """Read what ``./reproduce figures`` left, the first of each name."""
    found, problems = {}, []
    for folder in map(Path, folders):
        for name in MEASURED:
            paths = [
                *folder.glob(f"figures/{name}.json"),
                *sorted(folder.glob(f"*/figures/{name}.json")),
            ]
            for path in paths:
                try:
                    content = read_json(path)
                except RunError as error:
                    problems.append(f"{error}.")
                    continue
                if set(content) >= MEASURED[name]:
                    found.setdefault(name, content)
                else:
                    problems.append(f"{path} is not what `./reproduce figures` writes.")
    return found, problems


def opening(document, runs, kinds):
    document.text(
        "C. Laurent, N. Ballas, P. Vincent, Recurrent Normalization Propagation, "
        "ICLR 2017 workshop, arXiv:1702.00537. What the paper reports stands beside "
        "what the runs in this archive's folders gave."
    )
    full = [run for run in runs if full_run(run)]
    real = [run for run in runs if not run.sample]
    sizes = (
        f"{len(runs)} run{'s' if len(runs) != 1 else ''}: {len(full)} of the published "
        f"size, {len(real) - len(full)} smaller or partial on the real data, "
        f"{len(runs) - len(real)} on built-in sample data."
    )
    document.text(f"**{sizes}**")
    if not full:
        document.text(
            "**No full run of the published size is here, so nothing below confirms "
            "or refutes a number of the paper.** Smaller runs are in tables of their "
            "own."
        )
    standin = [run for run in runs if (run.facts.get("blocks") or {}).get("standin")]
    if standin:
        document.note(
            f"{len(standin)} of the runs used this archive's stand-in for Blocks, not "
            "the upstream library."
        )


def full_run(run):
    return not run.sample and not run.changes and len(run.rows) == run.published_epochs


def findings(document, kinds, numbers, measured):
    document.heading("What the paper claims, and what the runs say")
    document.note(
        "The claims are in our words. What is said of a claim holds for the runs that "
        "are named, at their size. One model is better than another if the means over "
        "the seeds differ by more than two standard errors."
    )
    found = [measured.get(name) for name in ("variances", "figure_1")]
    for claim, sentences in claims.all_claims(kinds, numbers, *found):
        document.text(f"**{claim}**")
        document.listing(sentences)


def published_tables(document, kinds, numbers):
    document.heading("The paper's tables")
    document.note(
        "Obtained is the mean over the seeds ± the standard deviation (n − 1); the "
        "lowest validation figure in Table 1, the test bound of the last epoch in "
        "Table 3. Ratio is the time of an epoch over the baseline's on the same "
        "device; times are wall-clock time of training, other programs included. "
        "Coloured rows are partial and not to be read beside the published ones."
    )
    ptb = tables.published_kind(kinds, "ptb")
    tables.table_1(document, numbers, ptb)
    tables.table_2(
        document, numbers, tables.published_kind(kinds, "ptb", regularised=True)
    )
    tables.table_3(document, numbers, tables.published_kind(kinds, "draw"))


def other_tables(document, kinds, numbers):
    others = [kind for kind in kinds if not kind.published and any(kind.rows())]
    if not others:
        return
    document.heading("At small size, and other runs")
    document.note(
        "These runs are not the paper's experiments: only differences between rows "
        "can be compared with it, and with care."
    )
    for kind in others:
        tables.other_runs(document, numbers, kind)


def readings(document, kinds):
    document.heading("Other readings of the paper")
    document.note(
        "Where the paper can be read in several ways, or contradicts itself, and what "
        "it argues for without an experiment. Compensation, what norm_prop divides "
        "by: paper, eq. 13-15; released, as in the authors' DRAW code; none, which "
        "leaves weight normalisation with norm_prop's gammas. Moments printed: Var[c] "
        "from (gamma_x + gamma_h) z, eq. 9-10; variance: from gamma_x^2 + gamma_h^2, "
        "eq. 22. The others are options of the same names; docs/PROVENANCE.md says "
        "where each comes from."
    )
    if not any([tables.readings(document, kind) for kind in kinds]):
        document.text("No runs yet that differ in these.")


def figures(document, kinds, measured):
    document.heading("Figures")
    calculated(document, measured)
    # Curves on sample data are of interest as long as there are no others.
    real = [kind for kind in kinds if not kind.sample]
    for kind in real or kinds:
        figure = learning_curves(kind)
        if figure is None or kind.regularised:
            continue
        number = FIGURES[kind.experiment]
        size = "" if kind.published else f" at another size ({kind.words})"
        style = (
            "training dashed, validation solid"
            if kind.experiment == "ptb"
            else "on test; norm_prop by eq. 13-15 dotted"
        )
        full = all(row.full for row in kind.rows())
        partial = ", not all runs of full length" if kind.published and not full else ""
        document.picture(
            encode(figure, "svg"),
            "svg+xml",
            f"**{number}{size}{partial}.** {UNIT[kind.experiment]} per epoch, {style}; "
            "the mean over the seeds, and one standard deviation around it.",
            f"{number}: learning curves of {len(kind.runs)} runs",
        )
    if not any(kind.runs for kind in kinds):
        document.text("Figures 2 and 3: no runs yet.")


def calculated(document, measured):
    """Figure 1 and the variances, which ``./reproduce figures`` computes."""
    if "figure_1" in measured:
        found = measured["figure_1"]
        document.picture(
            encode(drawing.figure_1(found), "svg"),
            "svg+xml",
            f"**Figure 1.** {drawing.figure_1_caption(found)}",
            "Figure 1: norm of the one-step gradient over gamma_x and gamma_h",
        )
        document.table(
            "The same norm at the published gammas of norm_prop, forget bias 1",
            ["", "gamma_x, gamma_h, gamma_c", "Moments", "Computed", "Measured"],
            [
                [
                    point["experiment"],
                    ", ".join(f"{gamma:g}" for gamma in point["gammas"]),
                    point["moments"],
                    f"{point['computed']:.2f}",
                    f"{point['measured']:.2f}",
                ]
                for point in found["published"]
            ],
        )
    if "variances" in measured:
        found = measured["variances"]
        document.picture(
            encode(drawing.variances(found), "svg"),
            "svg+xml",
            f"**Variances over time.** {drawing.variances_caption(found)}",
            "Variance of h_t and c_t over time in each model",
        )
    missing = {"figure_1": "Figure 1", "variances": "the variances over time"}
    lacking = [words for name, words in missing.items() if name not in measured]
    if lacking:
        words = " and ".join(lacking)
        document.text(f"`./reproduce figures` computes {words}, which are not here.")


def samples(document, runs):
    document.heading("Samples")
    nothing = True
    for run in best_of_each_model(runs):
        text = run.path / "sample.txt"
        if text.exists():
            nothing = False
            data = ", on sample data" if run.sample else ""
            document.heading(f"Text by `{run.name}`{data}", 3)
            document.code(text.read_text(encoding="utf-8", errors="replace"))
        picture = run.path / "samples.png"
        if picture.exists():
            nothing = False
            document.picture(
                picture.read_bytes(),
                "png",
                f"Images drawn by `{run.name}` (best epoch of {len(run.rows)}"
                f"{', on sample data' if run.sample else ''}), from z ~ N(0, 1).",
                f"100 images drawn by {run.name}",
            )
    if nothing:
        document.text("The run folders hold none.")


def best_of_each_model(runs):
    """One run for each experiment and model: of real data, then the longest."""
    chosen = {}
    order = {run: (run.sample, bool(run.changes), -len(run.rows)) for run in runs}
    for run in sorted(runs, key=order.get):
        has = any((run.path / name).exists() for name in ("sample.txt", "samples.png"))
        if has:
            chosen.setdefault((run.experiment, run.model), run)
    return [chosen[key] for key in sorted(chosen, key=lambda key: key[0] != "ptb")]


def environment(document, runs):
    document.heading("Environment and data")
    if not runs:
        document.text("No runs yet.")
        return
    for title, facts_of in (("Machine", machine), ("Software", software)):
        found = {}
        for run in runs:
            found.setdefault(facts_of(run), []).append(run.name)
        rows = [[words, str(len(names))] for words, names in found.items()]
        document.table("", [title, "Runs"], rows, texts=True)
    checksums = {}
    for run in runs:
        data = run.data
        for name, digest in sorted((data.get("checksums") or {}).items()):
            checksums[data.get("name"), name, digest] = None
    document.table(
        "",
        ["Data", "What", "SHA-256"],
        [[str(data), f"`{name}`", f"`{digest}`"] for data, name, digest in checksums],
        texts=True,
    )


def machine(run):
    host = run.facts.get("host") or {}
    return f"{run.device}; {host.get('system')}"


def software(run):
    versions = run.facts.get("versions") or {}
    blocks = run.facts.get("blocks") or {}
    words = ", ".join(f"{name} {version}" for name, version in versions.items())
    commit = f", commit {blocks['commit']}" if blocks.get("commit") else ""
    precision = run.configuration.get("floatX")
    return f"{words}; Blocks from {blocks.get('source')}{commit}; {precision}"


def all_runs(document, runs, repeats, problems):
    document.heading("All runs")
    if runs:
        header = ["Folder", "Status", "Epochs", "Best", "Seconds", "Blocks"]
        document.table("", header, [run_line(run) for run in runs], texts=True)
    else:
        document.text("None.")
    if repeats:
        document.heading("Runs done twice", 3)
        document.listing([repeat_words(*pair) for pair in repeats])
    if problems:
        document.heading("Folders that could not be read", 3)
        document.listing(problems)


def run_line(run):
    status = str(run.facts.get("status"))
    if status == "running":
        status = "running, or killed"
    if run.facts.get("error"):
        status += f": {run.facts['error']}"
    best = run.facts.get("best") or {}
    seconds = sum(row["seconds"] for row in run)
    return [
        f"`{run.name}`",
        status,
        f"{len(run.rows)} of {run.epochs_wanted}",
        f"epoch {best.get('epoch')}" if best else "none",
        f"{seconds:.0f}",
        str((run.facts.get("blocks") or {}).get("version")),
    ]


def repeat_words(first, second):
    """Say whether two runs of the same settings and seed gave the same figures."""
    pair = f"`{first.path}` and `{second.path}`"
    rows = [
        [{n: v for n, v in row.items() if n != "seconds"} for row in run]
        for run in (first, second)
    ]
    common = min(map(len, rows))
    if json.dumps(rows[0][:common]) == json.dumps(rows[1][:common]):
        return f"{pair}: the same to the last digit in {common} epochs."
    differences = [
        abs(a[name] - b[name])
        for a, b in zip(*rows)
        for name in a
        if isinstance(a[name], float) and isinstance(b.get(name), float)
    ]
    return f"{pair}: the figures differ by up to {max(differences):.3g}."
