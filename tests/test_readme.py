"""What the README shows works."""

import re

import numpy
import yaml

from common import ROOT
from experiments.published import published


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
    part = readme[readme.index("## What the paper reports") :].replace("**", "")
    tables = published()
    for model, row in tables["table_1"].items():
        if isinstance(row, dict):
            seconds = row["seconds_per_epoch"]
            assert f"(`{model}`) | {row['valid_bpc']:.3f} | {seconds} |" in part
    for name, row in tables["table_2"].items():
        if isinstance(row, dict):
            name = {"norm_prop": "Norm Prop"}.get(name, name)
            assert re.search(rf"\| {name} \| {row['test_bpc']}0? \|", part), name
    for model, row in tables["table_3"].items():
        if isinstance(row, dict):
            assert f"| `{model}` | {row['test_nll']:.2f} |" in part
