"""`./reproduce state`: a run in pieces, and together again."""

import json

import numpy
import pytest

from common.errors import RunError, UsageError
from runs import parcels as pieces
from runs import state
from runs.folder import RunFolder


@pytest.fixture
def run(tmp_path):
    """A run folder with a state of 0.2 MB."""
    folder = RunFolder(tmp_path / "run", {"units": 3, "epochs": 1}, resume=False)
    random = numpy.random.RandomState(0)
    content = {
        "history": folder.history.as_json(),
        "configuration": folder.configuration,
    }
    with folder:
        state.write(folder.path / "state.npz", {"W": random.rand(25000)}, content)
        (folder.path / "metrics.jsonl").write_text("")
    return folder.path


def split(run, *more):
    """Split from the command line, into pieces of 0.03 MB; return their folder."""
    folder = run.parent / "parcel"
    words = ["split", str(run), str(folder), "--size", "0.03", *more]
    assert pieces.main(words) == 0
    return folder


def test_there_and_back(run, tmp_path, capsys):
    folder = split(run)
    sizes = [path.stat().st_size for path in folder.glob("state.npz.*")]
    assert max(sizes) == 30000 and len(sizes) == 7
    again = tmp_path / "elsewhere" / "run"
    assert pieces.main(["join", str(folder), str(again)]) == 0
    assert "run, 1 MB in 8 pieces" in capsys.readouterr().out
    for name in ("state.npz", "run.json", "metrics.jsonl"):
        assert (again / name).read_bytes() == (run / name).read_bytes()
    # It is a run folder: the state is found, and checked.
    resumed = RunFolder(again, {"units": 3, "epochs": 1}, resume=True)
    assert (resumed.arrays["W"] == state.read(run / "state.npz")[0]["W"]).all()
    assert [path.name for path in again.parent.iterdir()] == ["run"]


def test_the_default_is_16_megabytes():
    assert pieces.parse(["split", "a", "b"]).size == 16


def test_nothing_is_overwritten(run, capsys):
    folder = split(run)
    before = (run / "state.npz").read_bytes()
    assert pieces.main(["split", str(run), str(folder)]) == 2
    assert f"{folder} is there already" in capsys.readouterr().err
    assert pieces.main(["join", str(folder), str(run)]) == 2
    assert "state.npz is there already" in capsys.readouterr().err
    assert (run / "state.npz").read_bytes() == before


@pytest.mark.parametrize(
    "damage, reason",
    [
        (lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is damaged"),
        (lambda path: path.unlink(), "is missing"),
    ],
)
def test_a_piece_that_is_not_what_it_was(run, tmp_path, damage, reason):
    folder = split(run)
    damage(folder / "state.npz.003")
    with pytest.raises(RunError, match=f"state.npz.003 {reason}"):
        pieces.join(folder, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parcel", "run"]


def test_pieces_that_are_left_out_or_in_another_order(run, tmp_path):
    folder = split(run)
    content = json.loads((folder / "pieces.json").read_text())
    (entry,) = [e for e in content["files"] if e["name"] == "state.npz"]
    for order in (entry["pieces"][:-1], entry["pieces"][::-1]):
        entry["pieces"] = order
        (folder / "pieces.json").write_text(json.dumps(content))
        with pytest.raises(RunError, match="does not match"):
            pieces.join(folder, tmp_path / "again")


def test_a_list_that_names_other_files(run, tmp_path):
    folder = split(run)
    content = json.loads((folder / "pieces.json").read_text())
    content["files"][0]["name"] = "../evil"
    (folder / "pieces.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="no file of a run"):
        pieces.join(folder, tmp_path / "again")


def test_what_cannot_be_split(run, tmp_path):
    with pytest.raises(RunError, match="has no state.npz"):
        pieces.split(tmp_path, tmp_path / "parcel", 10)
    with pytest.raises(RunError, match="no pieces.json"):
        pieces.join(run, tmp_path / "again")
    with RunFolder(run, {"units": 3, "epochs": 1}, resume=True):
        with pytest.raises(RunError, match="another program"):
            pieces.split(run, tmp_path / "parcel", 10)
    data = (run / "state.npz").read_bytes()
    (run / "state.npz").write_bytes(data[:-100])
    with pytest.raises(RunError, match="damaged"):
        pieces.split(run, tmp_path / "parcel", 10)
    with pytest.raises(UsageError):
        pieces.split(run, run, 10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
