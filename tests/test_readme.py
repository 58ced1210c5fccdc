"""What the README shows works."""

import re
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parent.parent


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
