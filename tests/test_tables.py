"""The tables of obtained values beside the published ones."""

from experiments.published import published
from experiments.table_1 import table_1


def test_table_1():
    logs = {
        "baseline": [
            {"valid_bpc": 2.0, "seconds": 100.0},
            {"valid_bpc": 1.5, "seconds": 102.0},
            {"valid_bpc": 1.6, "seconds": 500.0},
        ],
        "batch_norm": [{"valid_bpc": 1.7, "seconds": 153.0}],
        "norm_prop": [],
    }
    exact = {"valid_bpc": 1.65, "moving_average": {"valid_bpc": 1.7}}
    exact["batch"] = {"valid_bpc": 1.72}
    scores = {"baseline": {}, "batch_norm": exact}
    heading, _, _, *rows, last = table_1(logs, scores, "a note").splitlines()
    assert heading.endswith("a note")
    assert [row.split() for row in rows] == [
        ["baseline", "1.500", "1.455", "102", "386", "1.00", "1.00", "3"],
        ["batch_norm", "1.650", "1.433", "153", "545", "1.50", "1.41", "1"],
    ]
    assert last.startswith("batch_norm with exact statistics; 1.700 with the moving")
    assert last.endswith("1.720 with the batch's own")


def test_published_ratios():
    """The specification's 1.04, 1.41, 1.37, 1.07 follow from the seconds."""
    table = published()["table_1"]
    ratios = [
        round(
            table[model]["seconds_per_epoch"] / table["baseline"]["seconds_per_epoch"],
            2,
        )
        for model in ("weight_norm", "batch_norm", "layer_norm", "norm_prop")
    ]
    assert ratios == [1.04, 1.41, 1.37, 1.07]
