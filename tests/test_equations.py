"""docs/EQUATIONS.md names functions that exist, on the lines that it links.

After a change to the bricks, `python -m tests.test_equations` puts the lines right.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "EQUATIONS.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[`([\w.]+)`\]\(\.\./([\w/]+\.py)#L(\d+)\)")
LINKS = LINK.findall(PAGE)


def line_of(path, name):
    """The line on which a dotted name is defined."""
    body, node = ast.parse(path.read_text(encoding="utf-8")).body, None
    for part in name.split("."):
        found = [node for node in body if getattr(node, "name", None) == part]
        assert found, f"{path} has no {name}"
        node, body = found[0], found[0].body
    return node.lineno


@pytest.mark.parametrize("name, file, line", sorted(set(LINKS)))
def test_names(name, file, line):
    expected = line_of(ROOT / file, name)
    assert expected == int(line), f"{name} is on line {expected} of {file} now"


def test_every_equation_of_the_paper_has_a_place():
    first = PAGE.split("The equations of other papers")[0]
    rows = re.findall(r"^\| \**(\d+)\** \|.*\|(.*)\|$", first, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 27))
    assert all("#L" in places for _, places in rows)


def test_equation_15_is_two_clicks_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/EQUATIONS.md)" in readme
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| **15** |")]
    name, file, line = LINK.findall(row)[0]
    assert (name, file) == ("NormPropLSTM.output", "bricks/norm_prop.py")
    source = (ROOT / file).read_text(encoding="utf-8").splitlines()
    assert source[int(line) - 1] == "    def output(self, o, cells):"


def link(match):
    name, file, _ = match.groups()
    return f"[`{name}`](../{file}#L{line_of(ROOT / file, name)})"


if __name__ == "__main__":
    path = ROOT / "docs" / "EQUATIONS.md"
    path.write_text(LINK.sub(link, PAGE), encoding="utf-8")
