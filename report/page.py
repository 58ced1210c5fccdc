"""Put the report together from what the run folders hold.

``page.md`` is the report: its text as it stands, notes as quotations, and in braces the
function of this package that writes what goes there, with its arguments.
"""

import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from report import calculated, groups, runs
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
        mark = re.match(r"#+ |> |\{(\w+)\.(\w+)(.*?)\}\s*|", block)
        text = block[mark.end() :].replace("\n> ", " ").replace("\n", " ")
        module, part, arguments = mark.groups()
        if part:
            before = len(document)
            part = getattr(import_module(f"report.{module}"), part)
            part(document, evidence, *arguments.split(), *[text] * bool(text))
            if len(document) == before:
                document.text("None yet.")
        elif mark[0].startswith("#"):
            document.heading(text, len(mark[0]) - 1)
        elif mark[0]:
            document.note(text)
        else:
            document.text(text)
    return document


def read(folders):
    """What all parts of the report are made of."""
    found, problems = runs.find(folders)
    kinds, repeats = groups.kinds(found)
    figures, more = calculated.read_figures(folders)
    problems += more
    return SimpleNamespace(
        runs=found, kinds=kinds, repeats=repeats, calculated=figures, problems=problems
    )
