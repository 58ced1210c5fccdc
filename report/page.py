"""Put the report together from what the run folders hold.

``page.md`` is the report: its text as it stands, notes as quotations, and in braces the
part of the report that goes there, with its arguments.
"""

import re
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
    """Write the report of all runs in `folders`.

    Parameters
    ----------
    folders : list of path-like

    Returns
    -------
    report.document.Document
    """
    evidence = read(folders)
    document = Document()
    document.problems += evidence.problems
    page = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    for block in page.strip().split("\n\n"):
        heading = re.match("#+ ", block)
        part = re.match(r"\{(\w+)(.*?)\}\s*", block)
        if heading:
            document.heading(block[heading.end() :], heading.end() - 1)
        elif part:
            name, arguments = part.group(1), part.group(2).split()
            text = block[part.end() :].replace("\n", " ")
            before = len(document)
            PARTS[name](document, evidence, *arguments, *[text] * bool(text))
            if len(document) == before:
                document.text("None yet.")
        elif block.startswith("> "):
            document.note(block[2:].replace("\n> ", " "))
        else:
            document.text(block.replace("\n", " "))
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


PARTS = {
    part.__name__: part
    for part in (
        tables.counts,
        pictures.at_a_glance,
        calculated.measured,
        claims.claim,
        claims.published_times,
        other_tables.ladders,
        tables.paper_table,
        other_tables.other_runs,
        other_tables.readings,
        pictures.figure,
        pictures.all_curves,
        pictures.samples,
        facts.environment,
        facts.all_runs,
    )
}
