"""What the paper published: its tables, and its figures."""

import yaml

from common import ROOT

#: The figures by name, each with the experiment that it is about.
FIGURES = {
    "1": "ptb",
    "2": "ptb",
    "3": "draw",
    "variances": "ptb",
    "stability": "ptb",
}


def published():
    """Return ``published.yaml``."""
    return yaml.safe_load((ROOT / "published.yaml").read_text(encoding="utf-8"))
