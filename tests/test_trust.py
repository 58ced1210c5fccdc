"""Links, pipes and folders that somebody else has laid out."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from common import files, trust
from common.errors import RunError, report
from docker import entry
from runs import folder as run_folder
from runs import parcels as pieces
from tests import small
from tests.test_faults_runs import refused, run
from tests.test_gpu_bundle import gpu_bundle, run_file
from workflow import run as slots

MORE = ("--epochs", 4, "--resume")
# Of a run folder, what is read, and what is only written.
READ = ("lock", "state.npz", "best.npz")
WRITTEN = (
    *("run.json", "metrics.jsonl", "plot.png", "state.next.npz"),
    *(".run.json.part", ".metrics.jsonl.part", ".state.next.npz.part"),
    *(".best.npz.part", ".plot.png.part"),
)


def link(path, tmp_path):
    """Put a link in a file's place; return what it points to."""
    secret = tmp_path / "secret"
    secret.write_text("precious")
    if path.exists():
        path.unlink()
    path.symlink_to(secret)
    return secret


def pipe(path, tmp_path):
    if path.exists():
        path.unlink()
    os.mkfifo(str(path))


def socket(path, tmp_path):
    from socket import AF_UNIX, socket

    if path.exists():
        path.unlink()
    before = os.getcwd()
    os.chdir(str(path.parent))  # its name may not be long
    socket(AF_UNIX).bind(path.name)
    os.chdir(before)


@pytest.fixture
def copied(small_runs, tmp_path):
    """A copy of a finished run."""
    path = small.folder("ptb", tmp_path)
    shutil.copytree(str(small_runs["ptb"]), str(path))
    return path


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("lay", [link, pipe, socket])
def test_what_is_written_takes_the_place_of_a_link(copied, tmp_path, name, lay):
    secret = lay(copied / name, tmp_path)
    assert run("ptb", tmp_path, *MORE)[0] == 0
    assert secret is None or secret.read_text() == "precious"
    left = [path for path in copied.iterdir() if not path.is_file()]
    assert not left and not list(copied.glob("*.part"))


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("lay", [link, pipe, socket])
def test_what_is_read_is_refused_as_a_link(copied, tmp_path, name, lay):
    secret = lay(copied / name, tmp_path)
    status, said = refused("ptb", tmp_path, *MORE)
    assert status == 1 and f"{name} is a link, a pipe" in said
    assert secret is None or secret.read_text() == "precious"


@pytest.mark.parametrize("name", ["run.json", "best.npz"])
@pytest.mark.parametrize("lay", [link, pipe])
def test_evaluation_follows_no_link(copied, tmp_path, name, lay):
    lay(copied / name, tmp_path)
    said = refused("ptb", tmp_path, "--evaluate", copied)[1]
    assert f"{name} is a link, a pipe" in said


def test_what_evaluation_writes_follows_no_link(copied, tmp_path):
    for name in ("evaluation.json", ".evaluation.json.part"):
        secret = link(copied / name, tmp_path)
        assert run("ptb", tmp_path, "--evaluate", copied)[0] == 0
        assert secret.read_text() == "precious"
    words = ("--generate", 3, "--prime", "a")
    for name in ("sample.txt", ".sample.txt.part"):
        secret = link(copied / name, tmp_path)
        assert run("ptb", tmp_path, "--evaluate", copied, *words)[0] == 0
        assert secret.read_text() == "precious" and (copied / "sample.txt").is_file()


def test_the_run_folder_itself_may_be_a_link(copied, tmp_path):
    copied.rename(tmp_path / "else")
    copied.symlink_to(tmp_path / "else")
    assert run("ptb", tmp_path, *MORE)[0] == 0
    assert len(small.rows(copied)) == 4


def test_a_lock_that_is_also_another_file_keeps_its_text(copied, tmp_path):
    (tmp_path / "precious").write_text("precious")
    (copied / "lock").unlink()
    os.link(str(tmp_path / "precious"), str(copied / "lock"))
    assert run("ptb", tmp_path, *MORE)[0] == 0
    assert (tmp_path / "precious").read_text() == "precious"


def test_discarding_follows_no_link(copied, tmp_path):
    secret = link(copied / "lock", tmp_path)
    with pytest.raises(RunError, match="lock is a link"):
        run_folder.discard(copied)
    (copied / "lock").unlink()
    (copied / "lock").touch()
    (copied / "elsewhere").symlink_to(tmp_path)
    run_folder.discard(copied)
    assert secret.read_text() == "precious" and not copied.exists()


@pytest.mark.parametrize("name", ["lock", *pieces.FILES])
@pytest.mark.parametrize("lay", [link, pipe])
def test_a_parcel_takes_no_link(copied, tmp_path, name, lay):
    secret = lay(copied / name, tmp_path)
    with pytest.raises(RunError, match="is a link, a pipe"):
        pieces.split(copied, tmp_path / "parcel", 10**6)
    assert not (tmp_path / "parcel").exists()
    assert secret is None or secret.read_text() == "precious"


@pytest.mark.parametrize("lay", [link, pipe])
def test_pieces_that_are_none(copied, tmp_path, lay):
    pieces.split(copied, tmp_path / "parcel", 10**6)
    for name in ("state.npz.000", "pieces.json"):
        lay(tmp_path / "parcel" / name, tmp_path)
        with pytest.raises(RunError, match=f"{name} is a link, a pipe"):
            pieces.join(tmp_path / "parcel", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("lay", [link, pipe])
def test_a_slot_follows_no_link(tmp_path, lay):
    """And what is of another type, or nothing that can be read, says nothing."""
    folder = tmp_path / "run"
    folder.mkdir()
    secret = lay(folder / "slot.json.new", tmp_path)
    configured = tmp_path / "configured.json"
    about = {"folder": str(folder), "epochs": 1, "words": [], "log": ""}
    content = {"runs": {"run": about}, "minutes": 0, "until": None}
    configured.write_text(json.dumps(content))
    slots.main(str(configured), "run")
    assert slots.read(str(folder), slots.SLOT)["state"] == "stopped"
    assert secret is None or secret.read_text() == "precious"
    for text in ("[1]", "[" * 10**5, "\x00"):
        (folder / "slot.json").write_text(text)
        assert slots.read(str(folder), slots.SLOT) == {}
    for name in ("slot.json", "run.json", "metrics.jsonl"):
        lay(folder / name, tmp_path)
    for name in (slots.SLOT, slots.FACTS):
        assert slots.read(str(folder), name) == {}
    assert slots.epochs(str(folder)) == 0


def test_names_do_not_speak_to_the_terminal(capsys):
    report("me", "cannot read a\x1b[2Jb\n\x07 of \udc80 é")
    assert capsys.readouterr().err == (
        "me: error: cannot read a\\x1b[2Jb \\x07 of \\udc80 é\n"
    )


# Folders that somebody else could have made.


def given_away(folder):
    os.chown(str(folder), 666, 666)


def opened_up(folder):
    folder.chmod(0o777)


def to_the_group(folder):
    folder.chmod(0o770)


def foreign_link(folder):
    """A link of somebody else's, to a folder of ours."""
    folder.rename(folder.parent / "ours")
    folder.symlink_to(folder.parent / "ours")
    os.chown(str(folder), 666, 666, follow_symlinks=False)


FOREIGN = [opened_up, to_the_group, given_away, foreign_link]


@pytest.fixture(params=FOREIGN)
def foreign(request, tmp_path):
    """A folder under the name that is foreseen, which is not this user's alone."""
    if request.param in (given_away, foreign_link) and os.geteuid():
        pytest.skip("only root can give a folder away")
    folder = tmp_path / f"theano-{os.getuid()}"
    folder.mkdir(0o700)
    request.param(folder)
    return folder


START = "from common import theano_flags as t; t.configure(); import theano"


def start(folder, **variables):
    env = {k: v for k, v in os.environ.items() if k != "THEANO_FLAGS"}
    env.update(REPRODUCE_COMPILEDIR=str(folder), **variables)
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START],
        env=env,
        cwd=str(small.ROOT),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_theano_does_not_start_on_it(foreign):
    done = start(foreign)
    assert done.returncode and list(foreign.iterdir()) == []
    last = done.stderr.strip().splitlines()[-1]
    assert f"{foreign}, cannot be used (" in last and "REPRODUCE_COMPILEDIR" in last
    flags = f"base_compiledir={foreign}"
    assert start("", THEANO_FLAGS=flags).returncode and not list(foreign.iterdir())


def test_nor_on_what_lies_in_a_folder_that_others_may_enter(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "compiledir_x").mkdir()
    (tmp_path / "compiledir_x").chmod(0o770)
    assert "other users may write in it" in start(tmp_path).stderr
    tmp_path.chmod(0o700)
    assert start(tmp_path).returncode == 0


def test_a_new_folder_is_this_users_alone(tmp_path):
    folder = tmp_path / "a" / "b"
    before = os.umask(0o002)
    try:
        trust.own_folder(folder)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(folder)
    trust.own_folder(tmp_path / "link")  # of the user's own


def test_images_take_another_folder(foreign, monkeypatch, capsys):
    monkeypatch.setattr(entry, "DATA", foreign.parent)
    monkeypatch.delenv("REPRODUCE_COMPILEDIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(foreign.parent))
    monkeypatch.setattr(trust.tempfile, "tempdir", None)
    found = entry.environment("ptb")["REPRODUCE_COMPILEDIR"]
    assert found != str(foreign) and os.stat(found).st_mode & 0o777 == 0o700
    assert "what is compiled is not kept" in capsys.readouterr().out


def test_slots_in_images_take_another_folder(foreign, monkeypatch):
    monkeypatch.delenv("REPRODUCE_COMPILEDIR", raising=False)
    monkeypatch.setattr(trust.tempfile, "tempdir", str(foreign.parent))
    monkeypatch.setattr(slots.os, "access", lambda *_: False)
    told = []

    class Asked:
        def start(self, command, **options):
            told.append(options["env"]["REPRODUCE_COMPILEDIR"])

    about = {"folder": str(foreign.parent / "run"), "epochs": 1, "words": []}
    about["log"] = str(foreign.parent / "logs" / "run.log")
    slots.carry_out("run", about, None, Asked())
    assert told[0] != str(foreign) and os.stat(told[0]).st_mode & 0o777 == 0o700
    monkeypatch.setenv("REPRODUCE_COMPILEDIR", "/of/the/user")
    slots.carry_out("run", about, None, Asked())
    assert told[1] == "/of/the/user"


def test_the_gpu_bundle_does_not_start_from_it(foreign, monkeypatch):
    place = foreign.parent / f"reproduce-gpu-check-{os.getuid()}"
    foreign.rename(place)
    # The head of the file; there is nothing to unpack.
    numbers = {"first": 1, "length": 1, "second": 1, "digest": "d" * 64}
    head = foreign.parent / "check.run"
    head.write_text(gpu_bundle.HEAD.format(**numbers))
    monkeypatch.setenv("TMPDIR", str(place.parent))
    done = run_file(head)
    assert done.returncode == 1 and b"not this user's alone" in done.stdout
    other = place.parent / "other" / "place"
    for _ in range(2):
        assert b"alone" not in run_file(head, "--to", str(other)).stdout
    assert list(place.iterdir()) == [] and other.stat().st_mode & 0o777 == 0o700


def test_a_file_is_replaced_over_what_a_kill_left(tmp_path):
    files.beside(tmp_path / "a").write_text("half")
    files.write_json(tmp_path / "a", {"x": 1})
    assert files.read_json(tmp_path / "a") == {"x": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    files.beside(tmp_path / "a").mkdir()
    with pytest.raises(RunError, match="cannot write"):
        files.write_json(tmp_path / "a", {"x": 2})
    assert files.read_json(tmp_path / "a") == {"x": 1}
