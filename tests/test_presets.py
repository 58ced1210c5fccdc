"""`--preset small` changes the size of the published experiment and nothing else."""

import pytest

from experiments import draw_options, presets, ptb_options
from experiments.options import configuration
from runs.folder import folder_name

EXPERIMENTS = [(ptb_options, presets.PTB), (draw_options, presets.DRAW)]


class Data:
    name, checksums = "data", {}


@pytest.mark.parametrize("options, sizes", EXPERIMENTS)
def test_only_the_size_differs(options, sizes):
    published, small = options.parse([]), options.parse(["--preset", "small"])
    differing = {
        name: value
        for name, value in vars(small).items()
        if value != getattr(published, name)
    }
    assert differing == {"preset": "small", **sizes["small"]}
    assert set(sizes["small"]) <= {"units", "epochs", "glimpses", "tag"}


@pytest.mark.parametrize("options, sizes", EXPERIMENTS)
def test_what_is_given_beside_it_wins(options, sizes):
    given = options.parse("--epochs 3 --preset small --tag mine".split())
    assert (given.epochs, given.tag) == (3, "mine")
    assert given.units == sizes["small"]["units"]
    assert given.seed == 1


def test_all_models_and_the_run_of_table_2():
    options = ptb_options.parse("--preset small --model all --regularise".split())
    size = presets.PTB["small"]
    assert [chosen.model for chosen in options.each] == list(ptb_options.MODELS)
    for chosen in options.each:
        assert (chosen.units, chosen.epochs) == (size["units"], size["epochs"])
        assert chosen.decay == 1e-4
        assert folder_name(chosen, "ptb").name == f"ptb-{chosen.model}-1-small"


@pytest.mark.parametrize("options, _", EXPERIMENTS)
def test_run_json_names_the_preset(options, _):
    for arguments, name in (["--preset", "small"], "small"), ([], None):
        assert configuration(options.parse(arguments), Data)["preset"] == name
