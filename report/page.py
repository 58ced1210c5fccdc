"""Put the report together from what the run folders hold."""

from pathlib import Path
from types import SimpleNamespace

from report import (
    calculated,
    claims,
    facts,
    groups,
    other_tables,
    pictures,
    runs,
    tables,
)
from report.document import Document


def write(folders):
    """Write the report of all runs in `folders`, in the order of ``page.md``.

    Parameters
    ----------
    folders : list of path-like

    Returns
    -------
    report.document.Document
    """
    evidence = read(folders)
    document = Document("Recurrent Normalization Propagation, reproduced")
    document.problems += evidence.problems
    template = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    for block in template.strip().split("\n\n"):
        if block.startswith("## "):
            document.heading(block[3:])
        elif block.startswith("> "):
            document.note(block[2:])
        else:
            before = len(document)
            PARTS[block](document, evidence)
            if len(document) == before:
                document.text("None yet.")
    return document


def read(folders):
    """What all parts of the report are made of."""
    found, problems = runs.find(folders)
    kinds, repeats = groups.kinds(found)
    figures, more = calculated.read_figures(folders)
    return SimpleNamespace(
        runs=found,
        kinds=kinds,
        repeats=repeats,
        calculated=figures,
        problems=problems + more,
    )


def counts(document, evidence):
    number = len(evidence.runs)
    full = len(tables.full_runs(evidence.kinds))
    real = sum(not run.sample for run in evidence.runs)
    words = (
        f"**{number} run{'s' if number != 1 else ''}: {full} of the published size, at "
        f"their end; {real - full} partial, smaller or of another reading, on the real "
        f"data; {number - real} on built-in sample data.**"
    )
    if not full:
        words += " Nothing here confirms or refutes a number of the paper yet."
    document.text(words)


def at_a_glance(document, evidence):
    """What was obtained, and beside it the curves."""
    with document.division("columns"):
        with document.division():
            tables.glance(document, evidence)
        with document.division():
            for kind in tables.published_kinds(evidence.kinds):
                pictures.curves(document, kind, small=True)


PARTS = {
    "{counts}": counts,
    "{at a glance}": at_a_glance,
    "{claims}": claims.claims,
    "{ladders}": other_tables.ladders,
    "{published tables}": tables.published_tables,
    "{other runs}": other_tables.other_runs,
    "{readings}": other_tables.readings,
    "{figures}": pictures.figures,
    "{samples}": pictures.samples,
    "{environment}": facts.environment,
    "{all runs}": facts.all_runs,
}
