"""The resume state's file: intact or refused, and never lost."""

import json
import zipfile

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import RunError
from common.files import read_json, replacing
from runs import state
from runs.folder import RunFolder
from runs.history import History
from runs.state import StateError

ARRAYS = {
    "0000 W": numpy.arange(6, dtype="float32").reshape(2, 3),
    "0001 rng": numpy.array([1, 2, 3], dtype="int32"),
    "0002 time": numpy.array(7.0),
    "0003 none": numpy.zeros((0, 4)),
}
CONTENT = {"history": {"updates": 3}, "text": "h\u00e9"}


def equal(arrays):
    return list(arrays) == list(ARRAYS) and all(
        arrays[name].dtype == ARRAYS[name].dtype
        and arrays[name].shape == ARRAYS[name].shape
        and (arrays[name] == ARRAYS[name]).all()
        for name in ARRAYS
    )


def fail(sentence):
    raise AssertionError(f"unexpected warning: {sentence}")


def test_round_trip(tmp_path):
    path = tmp_path / "state.npz"
    assert state.load(path, warn=fail) is None
    state.save(path, ARRAYS, CONTENT)
    arrays, content = state.load(path, warn=fail)
    assert equal(arrays) and content == CONTENT


def test_the_previous_state_is_kept(tmp_path):
    path = tmp_path / "state.npz"
    for step in (1, 2, 3):
        state.save(path, ARRAYS, {"step": step})
    assert state.read(path)[1] == {"step": 3}
    assert state.read(state.previous(path))[1] == {"step": 2}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_kill_between_the_two_moves_loses_nothing(tmp_path):
    path = tmp_path / "state.npz"
    state.save(path, ARRAYS, {"step": 1})
    path.rename(state.previous(path))
    (tmp_path / "state.next.npz").write_bytes(b"half of a state")
    warnings = []
    assert state.load(path, warn=warnings.append)[1] == {"step": 1}
    assert "missing" in warnings[0]
    state.save(path, ARRAYS, {"step": 2})
    assert state.load(path, warn=fail)[1] == {"step": 2}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "state.npz"
    state.write(path, ARRAYS, CONTENT)
    return path


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_changed_byte_is_noticed_or_harmless(saved, data):
    good = saved.read_bytes()
    where = data.draw(st.integers(0, len(good) - 1))
    mask = data.draw(st.integers(1, 255))
    damaged = saved.with_name("damaged.npz")
    damaged.write_bytes(good[:where] + bytes([good[where] ^ mask]) + good[where + 1 :])
    try:
        arrays, content = state.read(damaged)
    except StateError:
        return
    # A byte of the zip archive's own that nobody reads, such as a date.
    assert equal(arrays) and content == CONTENT


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_truncated_state_is_refused(saved, data):
    good = saved.read_bytes()
    damaged = saved.with_name("truncated.npz")
    damaged.write_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(StateError):
        state.read(damaged)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04}."])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "state.npz"
    path.write_bytes(content)
    with pytest.raises(StateError, match="state.npz"):
        state.read(path)
    with pytest.raises(StateError, match="cannot be continued"):
        state.load(path, warn=fail)


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    numpy.savez(str(path), record=numpy.array([{"a": 1}], dtype=object))
    with pytest.raises(StateError, match="damaged"):
        state.read(path)


def test_another_archive_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    numpy.savez(str(path), W=numpy.zeros(2))
    with pytest.raises(StateError, match="not a resume state"):
        state.read(path)
    record = numpy.frombuffer(json.dumps({"format": "x"}).encode(), dtype="uint8")
    numpy.savez(str(path), record=record)
    with pytest.raises(StateError, match="unknown format"):
        state.read(path)


def test_swapped_arrays_are_noticed(tmp_path, saved):
    path = tmp_path / "state.npz"
    with numpy.load(str(saved)) as file:
        entries = {name: file[name] for name in file.files}
    entries["0002 time"] = numpy.array(8.0)
    numpy.savez(str(path), **entries)
    with pytest.raises(StateError, match="checksum"):
        state.read(path)


def test_a_damaged_state_falls_back_to_the_previous_one(tmp_path):
    path = tmp_path / "state.npz"
    for step in (1, 2):
        state.save(path, ARRAYS, {"step": step})
    path.write_bytes(path.read_bytes()[:100])
    warnings = []
    assert state.load(path, warn=warnings.append)[1] == {"step": 1}
    assert "damaged" in warnings[0] and "state.npz" in warnings[0]


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(RunError, match="file"), replacing(path) as file:
        file.write(b"new")
        raise OSError(28, "No space left on device")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("text", ["", "[1]", "{", "\udcff"])
def test_damaged_json_is_named(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunError, match="run.json is damaged"):
        read_json(path)


def test_a_state_that_was_not_moved_into_place_is_found(tmp_path):
    """After a kill between writing it and the two moves, or between those."""
    path = tmp_path / "state.npz"
    for step in (1, 2):
        state.save(path, ARRAYS, {"step": step})
    state.write(state.following(path), ARRAYS, {"step": 3})
    assert state.load(path, warn=fail)[1] == {"step": 3}
    path.unlink()
    assert state.load(path, warn=fail)[1] == {"step": 3}
    state.previous(path).unlink()
    assert state.load(path, warn=fail)[1] == {"step": 3}
    state.save(path, ARRAYS, {"step": 4})
    assert state.load(path, warn=fail)[1] == {"step": 4}
    assert not state.following(path).exists()


@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_a_damaged_state_does_not_replace_the_one_before(tmp_path, damage):
    """Else a kill after the first move leaves no state that is intact."""
    path = tmp_path / "state.npz"
    for step in (1, 2):
        state.save(path, ARRAYS, {"step": step})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    state.save(path, ARRAYS, {"step": 3})
    assert state.read(path)[1] == {"step": 3}
    assert state.read(state.previous(path))[1] == {"step": 1}


def npy(header, data=b"", version=b"\1\0"):
    length = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + length + header + data


HEADER = b"{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }\n"


@pytest.mark.parametrize(
    "entry",
    [
        npy(HEADER % (b"<f4", 10**12)),
        npy(HEADER % (b"<f8", 2**62)),
        npy(HEADER % (b"<f8", 10**30)),
        npy(HEADER % (b"|V2147483647", 2), b"x"),
        npy(HEADER % (b"<f4", 2), b"1234567"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,\n", bytes(8)),
        npy(b"  a\n b\n"),
        npy(b"\0\0"),
        npy(b"{'descr': [('a',)], 'fortran_order': False, 'shape': (2,), }\n"),
        npy(b"(" * 900),
        npy(b"-" * 60000 + b"1"),
        npy(b"(" * 60000, version=b"\2\0"),
        npy(b"", version=b"\x09\0"),
        b"",
    ],
)
def test_an_array_with_an_odd_header_is_refused(tmp_path, entry):
    path = tmp_path / "state.npz"
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("a.npy", entry)
    with pytest.raises(StateError, match="is damaged") as caught:
        state.read(path)
    assert len(str(caught.value)) < 500


def test_an_archive_larger_than_its_file_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy(HEADER % (b"|u1", 10**8), bytes(10**8)))
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *arguments: fail("unpacked"))
    with pytest.raises(StateError, match="would unpack to 100 MB"):
        state.read(path)


GOOD = {
    "rows": [{"epoch": 1, "updates": 4, "seconds": 1.0, "valid_bpc": 2.0}],
    "best": {"epoch": 1, "updates": 4, "seconds": 1.0, "valid_bpc": 2.0},
    "updates": 6,
    "seconds": 0.5,
}


@pytest.mark.parametrize(
    "content",
    [
        None,
        [1],
        {"history": GOOD},
        {"configuration": {}},
        {"history": [], "configuration": {}},
        {"history": GOOD, "configuration": None},
        {"history": GOOD, "configuration": [[1]]},
        *(
            {"history": {**GOOD, **change}, "configuration": {}}
            for change in (
                {"x": 1},
                {"rows": 3},
                {"rows": ["x"]},
                {"rows": [{}]},
                {"rows": [{**GOOD["best"], "epoch": 2}]},
                {"rows": [{**GOOD["best"], "updates": "4"}]},
                {"rows": [{**GOOD["best"], "valid_bpc": "2"}]},
                {"rows": [GOOD["best"], {**GOOD["best"], "epoch": 2}]},
                {"rows": []},
                {"best": None},
                {"best": "x"},
                {"best": {**GOOD["best"], "valid_bpc": 1.0}},
                {"updates": 3},
                {"updates": 6.5},
                {"updates": None},
                {"seconds": "x"},
            )
        ),
    ],
)
def test_a_right_checksum_over_odd_content(tmp_path, content):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "lock").write_text("")
    state.write(folder / "state.npz", ARRAYS, content)
    with pytest.raises(RunError, match="state.npz was saved by another version"):
        RunFolder(folder, {}, resume=True)


def test_a_history_of_other_figures(tmp_path):
    folder = RunFolder(tmp_path / "run", {}, resume=False)
    folder.history = History.from_json(GOOD)
    folder.require(["valid_bpc", "seconds"])
    for metrics in (["train_bpc", "valid_bpc"], ["valid_bpc", "test_bpc"]):
        with pytest.raises(RunError, match="was saved by another version.*epoch 1"):
            folder.require(metrics)
    folder.history.rows[0]["valid_bpc"] = [1.0]
    with pytest.raises(RunError, match="was saved by another version"):
        folder.require(["seconds", "valid_bpc"])
