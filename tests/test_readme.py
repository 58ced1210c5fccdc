"""What the README shows works."""

import re

import numpy
import yaml

from common import ROOT
from experiments.published import published
from report.page import write


def test_example():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names = {}
    exec(example, names)
    x = numpy.random.RandomState(0).normal(size=(50, 20, 20))
    states = names["run"](x.astype(names["x"].dtype))
    assert states.shape == (50, 20, 100)
    assert 0.8 < states[-1].var() < 1.4


def test_links():
    """Every relative link of the README and of docs/ leads to a file."""
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_citation():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    paper = citation["preferred-citation"]
    names = [author["family-names"] for author in paper["authors"]]
    assert names == ["Laurent", "Ballas", "Vincent"]
    assert citation["license"] == "MIT" and (ROOT / "LICENSE").is_file()


def test_the_published_table_of_the_readme():
    """The README prints what `published.yaml` holds."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    part = readme[readme.index("## Published and obtained") :]
    tables = published()
    for model, row in tables["table_1"].items():
        if isinstance(row, dict):
            assert re.search(rf"\n\| {model}[^|]* \| {row['valid_bpc']:.3f} \|", part)
    norm_prop = tables["table_2"]["norm_prop"]["test_bpc"]
    assert f"\n| norm_prop | {norm_prop:.3f} |" in part
    for model, row in tables["table_3"].items():
        if isinstance(row, dict):
            assert re.search(rf"\n\| {model}[^|]* \| {row['test_nll']:.2f} \|", part)


def test_the_obtained_table_of_the_readme():
    """The README's table is the first of the archive's report, our models' rows."""
    archive = ROOT / "results" / "archive"
    report = write([archive]).as_markdown()
    assert (archive / "report.md").read_text(encoding="utf-8") == report
    first = report[report.index("|  | Published |") :].partition("\n\n")[0]
    rows = [row for row in first.splitlines() if "not a model here" not in row]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n".join(rows) in readme, "take its rows from results/archive/report.md"
