"""`./reproduce bundle` and `setup --offline`: the folder, its checksums, its Blocks."""

import argparse
import gzip
import os
import shutil
import subprocess

import pytest

from common import published_files
from common.errors import RunError
from install import blocks, bundle, environment, steps

TEXT = b" the cat\n"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "LOG", str(tmp_path / "log"))


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A repository whose only commit passes for upstream's."""
    folder = tmp_path / "clone"
    (folder / "blocks").mkdir(parents=True)
    (folder / "blocks" / "__init__.py").write_text("__version__ = '9'\n")
    (folder / "setup.py").write_text("")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.check_call([*GIT, *words], cwd=str(folder))
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=str(folder))
    monkeypatch.setattr(blocks, "COMMIT", commit.decode().strip())
    tree = subprocess.check_output(["git", "rev-parse", "HEAD:"], cwd=str(folder))
    monkeypatch.setattr(blocks, "TREE", tree.decode().strip())
    return folder


@pytest.fixture
def bundled(tmp_path, clone, log, monkeypatch):
    """Make a bundle without pip; returns its folder."""
    monkeypatch.setattr(environment, "ensure", lambda: "python")
    monkeypatch.setattr(environment, "read", lambda path: {})

    def wheels(folder):
        os.makedirs(folder)
        with open(os.path.join(folder, "a.whl"), "w") as file:
            file.write("wheel")

    monkeypatch.setattr(bundle, "_wheels", wheels)
    source = tmp_path / "data"
    source.mkdir()
    sums = {"ptb.train.txt": bundle.digest(write(source / "ptb.train.txt", TEXT))}
    published = published_files.PublishedSet(sums, (), {})
    monkeypatch.setattr(published_files, "PTB", published)
    plain = write(tmp_path / "train.amat", b"0 1\n")
    sums = {"binarized_mnist_train.amat": bundle.digest(plain), "missing.amat": "0"}
    monkeypatch.setattr(
        published_files, "BINARIZED_MNIST", published_files.PublishedSet(sums, (), {})
    )
    with gzip.open(str(source / "binarized_mnist_train.amat.gz"), "wb") as file:
        file.write(b"0 1\n")
    folder = tmp_path / "bundle"
    bundle.make(options(folder, str(clone), str(source)))
    return folder


def write(path, content):
    path.write_bytes(content)
    return str(path)


def options(folder, wanted, data):
    return argparse.Namespace(
        folder=str(folder), blocks=wanted, data=data, images=False, offline=str(folder)
    )


def test_what_is_in_it(bundled):
    assert set(bundle.files(str(bundled))) - {"source.tar"} == {
        "README.txt",
        "blocks.tar",
        "data/binarized_mnist_train.amat.gz",
        "data/ptb.train.txt",
        "wheels/a.whl",
    }
    subprocess.check_call(["sha256sum", "--check", "SHA256SUMS"], cwd=str(bundled))
    bundle.check(str(bundled))


def test_blocks_from_it_are_upstreams_commit(bundled, tmp_path):
    choice = blocks.choose(str(bundled / "blocks.tar"))
    assert (choice["source"], choice["commit"]) == ("upstream", blocks.COMMIT)
    blocks.write_folder(choice["files"], str(tmp_path / "out"))
    assert (tmp_path / "out/blocks/__init__.py").read_text() == "__version__ = '9'\n"


def test_another_commit_is_refused(bundled, monkeypatch):
    monkeypatch.setattr(blocks, "TREE", "0" * 40)
    with pytest.raises(RunError, match="its files are not those of commit"):
        blocks.choose(str(bundled / "blocks.tar"))


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_a_file_that_is_no_tar(tmp_path, content):
    with pytest.raises(RunError, match="--blocks"):
        blocks.choose(write(tmp_path / "x.tar", content))


def test_a_damaged_file_is_named(bundled):
    (bundled / "wheels/a.whl").write_text("whale")
    with pytest.raises(RunError, match="a.whl is damaged"):
        bundle.check(str(bundled))


def test_a_missing_file_is_named(bundled):
    (bundled / "blocks.tar").unlink()
    with pytest.raises(RunError, match="blocks.tar is missing"):
        bundle.check(str(bundled))


def test_a_bundle_that_was_not_finished(bundled):
    (bundled / bundle.SUMS).unlink()
    with pytest.raises(RunError, match="not a complete bundle"):
        bundle.check(str(bundled))


@pytest.mark.parametrize("harm", ["", "cut off", "no list\n", "../", "/"])
def test_a_list_of_sums_that_is_none(bundled, harm):
    path = bundled / bundle.SUMS
    lines = path.read_text().splitlines(True)
    outside = f"{'0' * 64}  {harm}etc/passwd\n"
    path.write_text(
        {
            "cut off": "".join(line for line in lines if "wheels" not in line),
            "../": "".join([*lines, outside]),
            "/": "".join([*lines, outside]),
        }.get(harm, harm)
    )
    with pytest.raises(RunError, match="no whole SHA256SUMS"):
        bundle.check(str(bundled))


def test_setup_uses_nothing_else(bundled, monkeypatch):
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.setenv(name, "https://elsewhere")
    monkeypatch.setenv("PIP_FIND_LINKS", "elsewhere")
    monkeypatch.setenv("PIP_CONFIG_FILE", "elsewhere")
    asked = []
    monkeypatch.setattr(
        environment, "ensure", lambda wanted, report: asked.append(wanted)
    )
    bundle.install(options(bundled, None, None))
    assert asked == [str(bundled / "blocks.tar")]
    assert "PIP_INDEX_URL" not in os.environ
    assert os.environ["PIP_NO_INDEX"] == "1"
    assert os.environ["PIP_FIND_LINKS"] == str(bundled / "wheels")
    assert os.environ["PIP_CONFIG_FILE"] == os.devnull


def test_without_upstream_the_stand_in_is_set_up(bundled, monkeypatch):
    (bundled / "blocks.tar").unlink()
    bundle._write_sums(str(bundled))
    asked = []
    monkeypatch.setattr(
        environment, "ensure", lambda wanted, report: asked.append(wanted)
    )
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
        monkeypatch.setenv(name, "")
    bundle.install(options(bundled, None, None))
    assert asked == ["standin"]


def test_a_folder_with_other_things_is_left_alone(tmp_path, log):
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine/thesis.tex", b"")
    for more in ("README.txt", bundle.SUMS, "wheels/mine.whl"):
        with pytest.raises(RunError, match="holds other things"):
            bundle.make(options(tmp_path / "mine", None, None))
        (tmp_path / "mine" / more).parent.mkdir(exist_ok=True)
        write(tmp_path / "mine" / more, b"my own\n")
    assert (tmp_path / "mine/wheels/mine.whl").exists()


def test_data_that_are_not_the_published_ones(bundled, tmp_path, clone):
    write(tmp_path / "data/ptb.train.txt", b"something else")
    with pytest.raises(RunError, match="not the published file"):
        bundle.make(options(bundled, str(clone), str(tmp_path / "data")))
    # What was complete no longer is, and says so.
    assert not (bundled / bundle.SUMS).exists()


def test_a_second_bundle_in_the_same_folder(bundled, tmp_path, clone):
    write(bundled / "wheels/old.whl", b"")
    shutil.rmtree(str(tmp_path / "data"))
    bundle.make(options(bundled, str(clone), str(tmp_path / "data")))
    assert "wheels/old.whl" not in bundle.files(str(bundled))
    bundle.check(str(bundled))
