"""What a run's run.json says passes the parser, whoever has written it."""

import json
import shutil
from pathlib import Path

import pytest

from common import theano_flags
from common.errors import RunError
from experiments import draw_options, ptb_options
from experiments.recorded import recorded
from tests import small
from tests.test_faults_runs import refused, run

ARCHIVE = Path(__file__).resolve().parent.parent / "results" / "archive"
EXPERIMENTS = {"ptb": ptb_options, "draw": draw_options}
COMMAND = 'float32,base_compiledir=/tmp/x,gcc.cxxflags="-wrapper sh,-c,id"'

# For both experiments, the option that the error names, and what the file says.
WRONG = [
    ("floatX", COMMAND),
    ("floatX", ["float32"]),
    ("math", "quick"),
    ("model", "gru"),
    ("model", "all"),
    ("model", None),
    ("model", ["norm_prop"]),
    ("units", -1),
    ("units", "x"),
    ("units", "16"),
    ("units", 16.5),
    ("units", True),
    ("units", None),
    ("units", 10**400),
    ("units", {"a": [1]}),
    ("seed", None),
    ("seed", -1),
    ("seed", "1 --device cuda"),
    ("batch_size", 0),
    ("forget_bias", float("nan")),
    ("forget_bias", "--"),
    ("sample", 1),
    ("sample", "yes"),
    ("compensation", 5),
    ("compensation", None),
    ("moments", None),
    ("gamma_x", 0),
    ("gamma_x", False),
    ("gamma_h", float("inf")),
    ("gamma_c", "\x1b[31m2"),
]


def write(folder, experiment, **changes):
    """Write the run.json of a Norm Prop run with some options changed."""
    options = vars(EXPERIMENTS[experiment].parse([]))
    leave_out = {*EXPERIMENTS[experiment].NOT_THE_RUN, "tag", "data_dir", "resume"}
    configuration = {n: v for n, v in options.items() if n not in leave_out}
    configuration.update(data="ptb 0dec1955896a", **changes)
    folder.mkdir(exist_ok=True)
    facts = {"configuration": configuration}
    (folder / "run.json").write_text(json.dumps(facts))
    return folder


@pytest.mark.parametrize("experiment", EXPERIMENTS)
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_option_is_named(tmp_path, experiment, name, value):
    path = write(tmp_path, experiment, **{name: value})
    with pytest.raises(RunError) as caught:
        recorded(EXPERIMENTS[experiment], path)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/run.json cannot be used")
    assert f"--{name.replace('_', '-')}" in said and len(said) < 500


@pytest.mark.parametrize("experiment", EXPERIMENTS)
@pytest.mark.parametrize("name", ["hyper_units", "help", "units=3", "-x", "gamma-x"])
def test_an_unknown_option_is_named(tmp_path, experiment, name, capsys):
    path = write(tmp_path, experiment, **{name: True})
    with pytest.raises(RunError, match=f"does not know \\({name}\\)"):
        recorded(EXPERIMENTS[experiment], path)
    path = write(tmp_path, experiment, **{name: None})
    assert recorded(EXPERIMENTS[experiment], path).units > 1
    assert capsys.readouterr() == ("", "")


def test_the_other_experiments_run_is_refused(tmp_path):
    for experiment, other in (("ptb", draw_options), ("draw", ptb_options)):
        with pytest.raises(RunError, match="use the experiment that it is of"):
            recorded(other, write(tmp_path, experiment))


def test_what_only_ptb_has(tmp_path):
    for name, value in (
        ("length", 1),
        ("softmax_gamma", "many"),
        ("input_dropout", 1),
        ("data_norm", 1),
        ("recurrent_init", "x"),
        ("unit_norms", True),
        ("input_scale", "1"),
    ):
        with pytest.raises(RunError, match=f"--{name.replace('_', '-')}"):
            recorded(ptb_options, write(tmp_path, "ptb", **{name: value}))
    assert recorded(ptb_options, write(tmp_path, "ptb")).softmax_gamma == 1
    plain = write(tmp_path, "ptb", softmax_gamma=None)
    assert recorded(ptb_options, plain).softmax_gamma is None


def test_where_and_how_come_from_the_command_line(tmp_path):
    path = write(
        tmp_path, "ptb", device="cuda,x", data_dir="/etc", results_dir=5, epochs="x"
    )
    options = recorded(ptb_options, path, data_dir="/data")
    assert (options.device, options.data_dir) == ("auto", "/data")
    assert (options.results_dir, options.epochs) == ("results", 50)


@pytest.mark.parametrize(
    "path", sorted(ARCHIVE.glob("*/run.json")), ids=lambda path: path.parent.name
)
def test_archived_runs_are_understood_as_before(path):
    configuration = json.loads(path.read_text())["configuration"]
    experiment = EXPERIMENTS["draw" if "glimpses" in configuration else "ptb"]
    found = vars(recorded(experiment, path.parent))
    ignored = ("epochs", "patience", "preset", "regularise", "decay", "decay_schedule")
    for name, value in configuration.items():
        if name not in ("data", "learning_rate", *ignored):
            assert found.get(name) == value, name


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_evaluation_ends_with_one_sentence(small_runs, tmp_path, experiment):
    """Before Theano starts, and whatever else the file holds."""
    path = small.folder(experiment, tmp_path)
    shutil.copytree(str(small_runs[experiment]), str(path))
    facts = json.loads((path / "run.json").read_text())
    for name, value in (("floatX", COMMAND), ("units", "x"), ("seed", None)):
        changed = {**facts["configuration"], name: value}
        (path / "run.json").write_text(json.dumps({"configuration": changed}))
        status, said = refused(experiment, tmp_path, "--evaluate", path)
        assert status == 1 and "run.json cannot be used" in said and name in said
    (path / "run.json").write_text("[" * 100000)
    assert "run.json is damaged" in refused(experiment, tmp_path, "--evaluate", path)[1]
    (path / "run.json").write_text(json.dumps({**facts, "best": [1]}))
    assert run(experiment, tmp_path, "--evaluate", path)[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("cpu,floatX=float64", None),
        ("cuda0\n", None),
        ("CPU", None),
        ("cpu", COMMAND),
        ("cpu", "float16"),
    ],
)
def test_flags_are_not_put_together_from_other_strings(monkeypatch, arguments):
    monkeypatch.delitem(theano_flags.sys.modules, "theano")
    before = dict(theano_flags.os.environ)
    with pytest.raises(RunError, match="is no (device|precision)"):
        theano_flags.configure(*arguments)
    assert dict(theano_flags.os.environ) == before


@pytest.mark.parametrize("name", ["a,device=cuda", "a'b", 'a"b', "a#b", "a\\b", "a b"])
def test_a_compile_cache_whose_name_makes_other_flags(monkeypatch, tmp_path, name):
    monkeypatch.delitem(theano_flags.sys.modules, "theano")
    monkeypatch.setenv("THEANO_FLAGS", "")
    monkeypatch.setenv("REPRODUCE_COMPILEDIR", str(tmp_path / name))
    with pytest.raises(RunError, match="set REPRODUCE_COMPILEDIR"):
        theano_flags.configure()
    assert not list(tmp_path.iterdir())
