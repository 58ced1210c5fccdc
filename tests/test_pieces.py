"""`./reproduce state`: a run in pieces, and together again."""

import json
import os
from pathlib import Path

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
    assert pieces.main(["split", str(run), str(folder)]) == 2
    assert f"{folder} is there already" in capsys.readouterr().err
    for name in ("metrics.jsonl", "state.npz"):
        other = run.parent / f"other {name}"
        other.mkdir()
        (other / name).write_bytes(b"mine")
        assert pieces.main(["join", str(folder), str(other)]) == 2
        assert f"{name} is there already" in capsys.readouterr().err
        assert [path.name for path in other.iterdir()] == [name]
        assert (other / name).read_bytes() == b"mine"


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


MOVES = ("state.npz", "run.json", "metrics.jsonl")


@pytest.mark.parametrize("moved", range(len(MOVES) + 1))
def test_a_join_that_was_killed_goes_on(run, tmp_path, moved, monkeypatch):
    """Between two moves of its files, and after the last."""
    folder, again, rename = split(run), tmp_path / "again", Path.rename
    done = []

    def die(path, target):
        if len(done) == moved:
            raise KeyboardInterrupt
        done.append(path.name)
        rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", die)
        patch.setattr(pieces.shutil, "rmtree", lambda *args, **kwargs: None)
        if moved < len(MOVES):
            with pytest.raises(KeyboardInterrupt):
                pieces.join(folder, again)
        else:
            pieces.join(folder, again)
    assert done == list(MOVES[:moved])
    assert pieces.main(["join", str(folder), str(again)]) == 0
    for name in MOVES:
        assert (again / name).read_bytes() == (run / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again",
        "parcel",
        "run",
    ]


def test_somebodys_own_folder_stays(run, tmp_path):
    for name in (".parcel.part", ".again.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("precious")
    folder = split(run)
    pieces.join(folder, tmp_path / "again")
    for name in (".parcel.part", ".again.part"):
        assert (tmp_path / name / "mine").read_text() == "precious"


def test_a_parcel_has_the_rights_of_other_folders(run, tmp_path):
    before = os.umask(0o027)
    try:
        folder = split(run)
        pieces.join(folder, tmp_path / "again")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "again").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("size", ["1e-7", "0", "-1", "1e300", "nan", "0.0009"])
def test_a_size_that_makes_no_pieces(run, tmp_path, size, capsys):
    with pytest.raises(SystemExit) as end:
        pieces.main(["split", str(run), str(tmp_path / "parcel"), "--size", size])
    assert end.value.code == 2 and "--size" in capsys.readouterr().err
    assert not (tmp_path / "parcel").exists()


@pytest.mark.parametrize("damage", [None, b"", b"x", "other"])
def test_a_best_epoch_that_is_not_intact_is_not_sent(tmp_path, damage):
    folder = RunFolder(tmp_path / "run", {"units": 3, "epochs": 1}, resume=False)
    with folder:
        folder.history.updates = 2
        folder.history.finish_epoch({"valid_bpc": 1.0}, by="valid_bpc")
        folder.save_best({})
        folder.save_state({})
    best = folder.path / "best.npz"
    pieces.split(folder.path, tmp_path / "whole", 10**6)
    if damage is None:
        best.unlink()
    elif damage == "other":
        folder.configuration["seed"] = 7
        folder.save_best({})
    else:
        best.write_bytes(damage)
    with pytest.raises(RunError, match="best.npz is (missing|damaged|of a run)"):
        pieces.split(folder.path, tmp_path / "parcel", 10**6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "whole"]


@pytest.mark.parametrize(
    "changes",
    [
        {"files": []},
        {"files": None},
        {"files": {"a": 1}},
        {"files": [{}]},
        {"files": ["state.npz"]},
        {"files": 2 * [{"name": "state.npz", "size": 0, "sha256": "", "pieces": []}]},
        {"files": [{"name": "state.npz", "size": "x", "sha256": "", "pieces": []}]},
        {"files": [{"name": "state.npz", "size": 1, "sha256": 1, "pieces": [{}]}]},
        {"files": [{"name": "state.npz", "size": 1, "sha256": 1, "pieces": 5}]},
        {"files": [{"name": ["state.npz"], "size": 1, "sha256": 1, "pieces": []}]},
        {"files": [{"name": "run.json", "size": 1, "sha256": 1, "pieces": []}]},
    ],
)
def test_a_list_that_split_has_not_written(run, tmp_path, changes, capsys):
    folder = split(run)
    content = json.loads((folder / "pieces.json").read_text())
    (folder / "pieces.json").write_text(json.dumps({**content, **changes}))
    capsys.readouterr()
    assert pieces.main(["join", str(folder), str(tmp_path / "again")]) == 1
    error = capsys.readouterr().err
    assert "pieces.json" in error and error.count("\n") == 1
    assert not (tmp_path / "again").exists()
