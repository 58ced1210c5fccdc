"""Put the report together from what the run folders hold."""

from pathlib import Path

from common.errors import RunError
from common.files import read_json
from experiments.published import published
from report import claims, facts, other_tables, pictures, tables
from report.document import Document
from report.groups import kinds as sort_into_kinds
from report.runs import find

# What `./reproduce figures` leaves for the report, and what has to be in it.
MEASURED = {
    "figure_1": {"gammas", "gamma_c", "computed", "measured", "published"},
    "variances": {"curves"},
    "stability": {"forms", "steps", "units"},
}


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
    opening(document, runs, kinds, numbers)
    findings(document, kinds, numbers, measured)
    ladder(document, kinds)
    published_tables(document, kinds, numbers)
    other_sizes(document, kinds, numbers)
    readings(document, kinds)
    pictures.figures(document, kinds, measured)
    pictures.samples(document, runs)
    facts.environment(document, runs)
    facts.all_runs(document, runs, repeats, problems + more)
    return document


def read_measured(folders):
    """Read what ``./reproduce figures`` left, the first of each name."""
    measured, problems = {}, []
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
                    measured.setdefault(name, content)
                else:
                    problems.append(f"{path} is not what `./reproduce figures` writes.")
    return measured, problems


def opening(document, runs, kinds, numbers):
    """The first screen: what was obtained, at a glance, and the curves."""
    document.note(
        "C. Laurent, N. Ballas, P. Vincent, Recurrent Normalization Propagation, "
        "ICLR 2017 workshop, arXiv:1702.00537: what the paper reports, and what the "
        "runs in this archive's folders gave."
    )
    full = tables.full_runs(kinds, numbers)
    real = [run for run in runs if not run.sample]
    document.text(
        f"**{len(runs)} run{'s' if len(runs) != 1 else ''}: {len(full)} of the "
        f"published size, at their end; {len(real) - len(full)} partial, smaller or of "
        f"another reading, on the real data; {len(runs) - len(real)} on built-in "
        "sample data.**"
        + (
            ""
            if full
            else " Nothing here confirms or refutes a number of the paper yet."
        )
    )
    shown = [tables.published_kind(kinds, name) for name in ("table_1", "table_3")]
    with document.division("columns"):
        with document.division():
            tables.glance(document, numbers, kinds)
        with document.division():
            for kind in filter(None, shown):
                pictures.curves(document, kind, small=True)
    document.note(
        "Coloured: partial runs; their figures and differences are not the "
        "experiment's. Best: the epoch with the lowest validation figure."
    )


def findings(document, kinds, numbers, measured):
    document.heading("What the paper claims, and what the runs say")
    document.note(
        "The claims are in our words. A verdict needs runs of the published size that "
        "went to their end, on both sides; of the time of an epoch, runs of the "
        "published size. All else is described: figures after as many epochs as both "
        "sides have done. One model is better than another if the means over the seeds "
        "differ by more than two standard errors; with one seed that is not known. "
        "Where the sides differ in more than the normalisation, in gammas or in the "
        "softmax layer, that is named. The paper does not say weight_norm's gammas on "
        "Penn Treebank. In DRAW the other linear layers are weight-normalised in "
        "weight_norm and norm_prop, and plain in baseline."
    )
    measurements = [measured.get(name) for name in ("variances", "figure_1")]
    for claim, sentences, lines in claims.all_claims(kinds, numbers, *measurements):
        document.text(f"**{claim}**")
        if sentences:
            document.listing(sentences)
        if lines:
            document.table("", claims.HEADER, lines, look="texts flowing")


def ladder(document, kinds):
    document.heading("What of norm_prop's gain comes from what")
    document.note(
        "From weight_norm to norm_prop in steps of one change each: the gammas, "
        "gamma_c, and what the states are divided by. All of a table after as many "
        "epochs as all its runs have done. The last three are alternatives."
    )
    real = [kind for kind in kinds if not kind.sample and not kind.regularised]
    if not any([other_tables.ladder(document, kind) for kind in real]):
        document.text("No runs yet of three of the steps.")


def published_tables(document, kinds, numbers):
    document.heading("The paper's tables")
    document.note(
        "Obtained is the mean over the seeds ± the standard deviation (n − 1); the "
        "lowest validation figure in Table 1, the test bound of the last epoch in "
        "Table 3. Ratio is the time of an epoch over the baseline's on the same "
        "device; times are wall-clock time of training, other programs included. "
        "Coloured rows are partial: their difference, in parentheses, says nothing of "
        "the paper's figure yet."
    )
    for name in tables.TABLES:
        kind = tables.published_kind(kinds, name)
        tables.published_table(document, name, numbers, kind)


def other_sizes(document, kinds, numbers):
    others = [kind for kind in kinds if not kind.published and any(kind.rows())]
    if not others:
        return
    document.heading("At small size, and other runs")
    document.note(
        "These runs are not the paper's experiments: only differences between rows "
        "can be compared with it, and with care."
    )
    for kind in others:
        other_tables.other_runs(document, numbers, kind)


def readings(document, kinds):
    document.heading("Other readings of the paper")
    document.note(
        "Where the paper can be read in several ways, or contradicts itself, and what "
        "it argues for without an experiment. What norm_prop divides by: eq. 13-15; as "
        "released in the authors' DRAW code; as in their early Penn Treebank code; or "
        "nothing, which leaves weight normalisation with norm_prop's gammas. Moments "
        "printed: Var[c] from (gamma_x + gamma_h) z, eq. 9-10, with the forget gate's "
        "bias; zero-bias: without it; variance: from gamma_x^2 + gamma_h^2, eq. 22, "
        "with it. The others are options of the same names; "
        "docs/PROVENANCE.md says where each comes from."
    )
    if not any([other_tables.readings(document, kind) for kind in kinds]):
        document.text("No runs yet that differ in these.")
