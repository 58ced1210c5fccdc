"""What the system refuses is told in its words, with the advice of that cause."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from common import ROOT, files, npz
from common.errors import ADVICE, RunError, UsageError
from runs import facts, parcels
from runs.folder import RunFolder, discard


def failing(number):
    """A function of the system that fails."""

    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path, monkeypatch, capsys, number):
    monkeypatch.setattr(fcntl, "flock", failing(number))
    with RunFolder(tmp_path / "run", {"epochs": 1}, resume=False) as folder:
        folder.history.updates = 1
        folder.save_state({})
    said = capsys.readouterr().out
    assert f"run cannot be locked ({os.strerror(number)})" in said
    assert "another program" not in said and said.count("\n") == 1
    parcels.split(folder.path, tmp_path / "parcel", 10**6)
    discard(folder.path)
    assert not folder.path.exists()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_syncs_no_folders(tmp_path, monkeypatch, number):
    fsync = os.fsync

    def files_only(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    with RunFolder(tmp_path / "run", {"epochs": 1}, resume=False) as folder:
        folder.save_best({})
        folder.save_state({})
    assert (folder.path / "state.npz").exists()


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_sync_that_fails_is_a_failed_save(tmp_path, monkeypatch, number):
    (tmp_path / "a.json").write_text("before")
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(RunError) as caught:
        files.write_json(tmp_path / "a.json", {})
    said = str(caught.value)
    assert f"a.json ({os.strerror(number)}): {ADVICE[number]}" in said
    assert (tmp_path / "a.json").read_text() == "before"


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_best_epoch_that_cannot_be_read_is_not_called_damaged(
    tmp_path, monkeypatch, number
):
    monkeypatch.setattr(npz, "regular", failing(number))
    with pytest.raises(npz.Damaged) as caught:
        dict(npz.read_npz(tmp_path / "best.npz"))
    assert f"best.npz cannot be read ({os.strerror(number)})" in str(caught.value)
    assert "damaged" not in str(caught.value)


def test_a_file_in_the_run_folders_place(tmp_path):
    (tmp_path / "run").write_text("precious")
    with pytest.raises(RunError, match=r"run \(Not a directory\): choose another name"):
        RunFolder(tmp_path / "run", {}, resume=True)
    with pytest.raises(UsageError, match="exists"):
        RunFolder(tmp_path / "run", {}, resume=False)
    with pytest.raises(RunError, match="Not a directory"):
        RunFolder(tmp_path / "run" / "below", {}, resume=False)
    with pytest.raises(UsageError, match="not a run folder"):
        discard(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "precious"


@pytest.mark.parametrize("resume", [False, True])
def test_a_name_that_is_too_long(tmp_path, resume):
    with pytest.raises(RunError, match=r"\(File name too long\): choose a shorter"):
        RunFolder(tmp_path / ("x" * 300), {}, resume)
    with pytest.raises(RunError, match="File name too long"):
        discard(tmp_path / ("x" * 300))


def test_a_link_to_nowhere_in_the_run_folders_place(tmp_path):
    (tmp_path / "run").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"\(File exists\)"):
        RunFolder(tmp_path / "run", {}, resume=True)


def commit_of(root, monkeypatch, **environment):
    monkeypatch.setattr(facts, "ROOT", root)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    return facts.archive_commit()


def git(*words):
    words = ["-c", "user.email=a@b", "-c", "user.name=n", *map(str, words)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return subprocess.check_output(["git", *words], env=environment)


@pytest.fixture
def repository(tmp_path):
    """Somebody's own repository, with the archive's files in one of its folders."""
    git("init", "-q", tmp_path / "outer")
    git("-C", tmp_path / "outer", "commit", "-q", "--allow-empty", "-m", "x")
    (tmp_path / "outer" / "inner").mkdir()
    return tmp_path / "outer"


def test_another_repositorys_commit_is_not_ours(repository, monkeypatch):
    assert commit_of(repository / "inner", monkeypatch) is None
    monkeypatch.setattr(facts, "COMMIT", "0123456789abcdef" + 24 * "0")
    assert commit_of(repository / "inner", monkeypatch) == "0123456789ab"
    inner = {"GIT_DIR": repository / ".git", "GIT_WORK_TREE": repository}
    assert commit_of(repository / "inner", monkeypatch, **inner) == "0123456789ab"


def test_git_is_asked_for_our_own_root_only(repository, monkeypatch):
    own = git("-C", repository, "rev-parse", "--short=12", "HEAD").decode().strip()
    other = repository.parent / "other"
    git("init", "-q", other)
    around = {"GIT_DIR": other / ".git", "GIT_TEST_ASSUME_DIFFERENT_OWNER": 1}
    assert commit_of(repository, monkeypatch, **around) == own
    git("clone", "-q", repository, other / "clone")
    git("-C", other / "clone", "worktree", "add", "-q", other / "tree")
    assert commit_of(other / "tree", monkeypatch) == own
    (other / "tree" / "new").write_text("x")
    git("-C", other / "tree", "add", "new")
    assert commit_of(other / "tree", monkeypatch) == own + "+"


def test_a_download_names_its_commit(tmp_path):
    """As `git archive` and GitHub make it, by .gitattributes."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is a download itself")
    command = ["git", "-C", str(ROOT), "archive", "HEAD", "runs", "common"]
    tar = subprocess.check_output(command)
    subprocess.run(["tar", "x", "-C", str(tmp_path)], input=tar, check=True)
    ask = "from runs import facts; print(facts.archive_commit())"
    command = [sys.executable, "-c", ask]
    said = subprocess.check_output(command, cwd=str(tmp_path)).decode().strip()
    assert said == git("-C", ROOT, "rev-parse", "HEAD").decode()[:12]


CLOSED = """
import os, sys
from common.output import forgiving, tell
with forgiving():
    with open(sys.argv[1], "w") as file:
        print("lost")
        sys.stdout.write("lost"), sys.stdout.flush(), sys.stderr.isatty()
        tell(b"lost"), os.write(1, b"lost")
        file.write(str(file.fileno()))
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_output_does_not_land_in_files(tmp_path, closed):
    words = f'exec "$0" -c "$1" "$2" {closed}'
    command = ["bash", "-c", words, sys.executable, CLOSED, str(tmp_path / "file")]
    done = subprocess.run(command, cwd=str(ROOT), stderr=subprocess.PIPE)
    assert done.returncode == 0 and b"Traceback" not in done.stderr
    assert int((tmp_path / "file").read_text()) > 2


def test_a_users_matplotlibrc_does_not_count(tmp_path, monkeypatch):
    """Such as one with text.usetex, where there is no LaTeX."""
    (tmp_path / "matplotlibrc").write_text("text.usetex : True")
    draw = (
        "import sys; from training.plots import curves; "
        "curves(sys.argv[1], [{'epoch': 1, 'train_bpc': 1.0}], 'bpc', 'a_title')"
    )
    command = [sys.executable, "-c", draw, str(tmp_path / "plot.png")]
    environment = {**os.environ, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
    subprocess.check_call(command, cwd=str(ROOT), env=environment)
    assert (tmp_path / "plot.png").read_bytes()[1:4] == b"PNG"


def test_a_picture_that_cannot_be_drawn_fails_no_run(tmp_path, capsys):
    with RunFolder(tmp_path / "run", {"epochs": 1}, resume=False) as folder:
        with folder.pictures("--evaluate draws it again"):
            raise ValueError("no font")
        with pytest.raises(KeyboardInterrupt), folder.pictures(""):
            raise KeyboardInterrupt
    said = capsys.readouterr().out
    assert said == (
        "warning: a picture was not drawn: no font; --evaluate draws it again\n"
    )
    assert files.read_json(folder.path / "run.json")["status"] == "finished"
