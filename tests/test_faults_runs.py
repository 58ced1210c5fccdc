"""Determinism, and what happens to files between two starts; both experiments."""

import contextlib
import io
import json
import shutil

import pytest

from runs import state
from runs.folder import RunFolder
from tests import kill, small

BOTH = pytest.mark.parametrize("experiment", small.EXPERIMENTS)


def run(experiment, results, *more):
    """Run in this process; return the exit status and what was printed."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        status = small.main(experiment, small.arguments(experiment, results, *more))
    return status, said.getvalue()


def refused(experiment, results, *more):
    """Run what must end with an error; return the status and the sentence."""
    status, said = run(experiment, results, *more)
    lines = [line for line in said.splitlines() if ": error: " in line]
    assert status in (1, 2) and len(lines) == 1 and "Traceback" not in said
    return status, lines[0].partition(": error: ")[2]


@pytest.fixture
def copied(small_runs, tmp_path):
    """Copy a finished run: ``copied(experiment)`` returns the copy's folder."""

    def copy(experiment):
        path = small.folder(experiment, tmp_path)
        shutil.copytree(str(small_runs[experiment]), str(path))
        return path

    return copy


@BOTH
def test_same_numbers_with_another_hash_seed(small_runs, tmp_path, experiment):
    """And in another folder: the other run's order of sets was that of seed 1."""
    again = kill.finish(experiment, tmp_path / "else", "--epochs", 3, hashseed=2)
    assert again == small.outcome(small_runs[experiment])


@BOTH
def test_monitoring_and_the_folder_change_no_number(
    small_runs, tmp_path, monkeypatch, experiment
):
    from experiments import bound
    from training import extensions

    passes = []

    def thrice(do):
        def monitor(self, which_callback, *args):
            number = 1 if which_callback == "before_training" else 3
            passes.extend([which_callback] * number)
            for _ in range(number):
                do(self, which_callback, *args)

        return monitor

    for extension in (extensions.Validation, bound.Monitor):
        monkeypatch.setattr(extension, "do", thrice(extension.do))
    results = tmp_path / "of another name"
    assert run(experiment, results, "--epochs", 3, "--tag", "x")[0] == 0
    assert passes.count("after_epoch") == 9
    (path,) = results.iterdir()
    assert small.outcome(path) == small.outcome(small_runs[experiment])


@BOTH
def test_interrupted_at_an_epoch_and_its_state_damaged(
    small_runs, tmp_path, experiment
):
    """The state before is taken instead, and the outcome is the same."""
    assert run(experiment, tmp_path, "--epochs", 2, "--save-every", "1e-6")[0] == 0
    path = small.folder(experiment, tmp_path)
    content = bytearray((path / "state.npz").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(b ^ 1 for b in content[middle:][:300])
    (path / "state.npz").write_bytes(content)
    (path / "metrics.jsonl").write_text('{"epoch": 1, "upd')
    status, said = run(experiment, tmp_path, "--epochs", 3, "--resume")
    assert status == 0 and "state.npz is damaged" in said
    assert "continuing from the state saved before it" in said
    assert small.outcome(path) == small.outcome(small_runs[experiment])


@BOTH
def test_both_states_damaged(copied, experiment):
    path = copied(experiment)
    before = small.rows(path)
    for name in ("state.npz", "state.previous.npz"):
        (path / name).write_bytes((path / name).read_bytes()[:1000])
    status, said = refused(experiment, path.parent, "--epochs", 4, "--resume")
    assert status == 1 and "start it again under another --tag" in said
    assert small.rows(path) == before


@BOTH
def test_the_state_of_another_run(copied, experiment):
    path = copied(experiment)
    arrays, content = state.read(path / "state.npz")
    content["configuration"]["seed"] = 2
    state.write(path / "state.npz", arrays, content)
    status, said = refused(experiment, path.parent, "--epochs", 4, "--resume")
    assert status == 2 and "--seed (was 2, now 1)" in said


@BOTH
def test_a_run_folder_of_another_configuration(copied, experiment):
    path = copied(experiment)
    more = ("--resume", "--batch-size", 4)
    status, said = refused(experiment, path.parent, *more)
    assert status == 2 and "--batch-size (was 8, now 4)" in said
    assert refused(experiment, path.parent)[0] == 2  # without --resume


def swapped(path):
    """Put the best epoch of a run with another seed in place of this one's."""
    configuration = json.loads((path / "run.json").read_text())["configuration"]
    other = RunFolder(path.parent / "other", {**configuration, "seed": 2}, False)
    other.save_best({})
    shutil.copy(str(other.path / "best.npz"), str(path / "best.npz"))


def truncated(path):
    content = (path / "best.npz").read_bytes()
    (path / "best.npz").write_bytes(content[: len(content) // 2])


def flipped(path):
    content = bytearray((path / "best.npz").read_bytes())
    content[len(content) // 3] ^= 1
    (path / "best.npz").write_bytes(content)


@BOTH
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (swapped, "is of a run with other options"),
        (truncated, "is damaged"),
        (flipped, "is damaged"),
        (lambda path: (path / "best.npz").unlink(), "is missing"),
    ],
)
def test_a_best_epoch_that_is_not(copied, experiment, damage, reason):
    """Noticed when the run is continued and when it is evaluated."""
    path = copied(experiment)
    damage(path)
    for more in (("--epochs", 4, "--resume"), ("--evaluate", path)):
        status, said = refused(experiment, path.parent, *more)
        assert status == 1 and f"best.npz {reason}" in said


@BOTH
@pytest.mark.parametrize("damage", [b"", b'{"epoch": 1, "upd', b"\xff\xfe", None])
def test_a_damaged_log_is_written_again(copied, experiment, damage):
    path = copied(experiment)
    before = small.rows(path)
    if damage is None:
        (path / "metrics.jsonl").unlink()
    else:
        (path / "metrics.jsonl").write_bytes(damage)
    configuration = json.loads((path / "run.json").read_text())["configuration"]
    RunFolder(path, configuration, resume=True)
    assert small.rows(path) == before


@BOTH
def test_two_runs_in_one_folder_at_once(copied, experiment):
    path = copied(experiment)
    configuration = json.loads((path / "run.json").read_text())["configuration"]
    with RunFolder(path, configuration, resume=True):
        before = {p.name: p.read_bytes() for p in path.iterdir()}
        status, said = refused(experiment, path.parent, "--epochs", 4, "--resume")
        assert status == 1 and "another program works in" in said
        assert {p.name: p.read_bytes() for p in path.iterdir()} == before


@BOTH
def test_a_lost_loss(tmp_path, experiment):
    """The update, the norms, what to try; what was saved can be read."""
    more = ("--learning-rate", "1e308", "--save-every", "1e-6")
    status, said = refused(experiment, tmp_path, *more)
    assert status == 1
    for words in (
        "update 2 of epoch 1 has cost",
        "the update before had cost",
        "the parameters had norm",
        "try a lower --learning-rate",
    ):
        assert words in said
    path = small.folder(experiment, tmp_path)
    facts = json.loads((path / "run.json").read_text())
    assert facts["status"] == "diverged" and "update 2" in facts["error"]
    assert state.read(path / "state.npz")[1]["history"]["updates"] == 1
