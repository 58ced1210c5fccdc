"""Full disks and read-only folders: real ones, small file systems in memory."""

import gzip
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from blocks.extensions import SimpleExtension

from common import compile_cache
from common.errors import RunError
from common.published_files import BINARIZED_MNIST, PTB
from datasets import ptb
from datasets.convert_mnist import convert_binarized_mnist
from datasets.convert_ptb import convert_ptb
from datasets.corpus import SPLITS
from experiments import cli
from runs.folder import RunFolder
from tests import small
from tests.test_training_loop import Loop, rows_on_disk

ROOT = small.ROOT


def mount(*arguments):
    return subprocess.call(["mount", *map(str, arguments)], stderr=subprocess.DEVNULL)


@pytest.fixture
def disk(tmp_path):
    """Make a small disk: ``disk(megabytes)`` returns its folder."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    made = []

    def make(size):
        folder = tmp_path / f"disk{len(made)}"
        folder.mkdir()
        if mount(
            "-t", "tmpfs", "-o", f"size={int(size * 1024)}k,mode=755", "none", folder
        ):
            pytest.skip("nothing can be mounted here")
        made.append(folder)
        return folder

    yield make
    for folder in made:
        subprocess.check_call(["umount", "-l", str(folder)])


def fill(folder):
    """Use up what is free; return the file that does it."""
    junk = folder / "junk"
    with open(str(junk), "ab", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return junk


def read_only(folder):
    assert mount("-o", "remount,ro", folder) == 0


@contextmanager
def nothing_left(folder):
    """What is in the folder afterwards is what was there before."""
    before = sorted(folder.rglob("*"))
    yield
    assert sorted(folder.rglob("*")) == before


def test_results_on_a_full_disk(disk):
    folder = disk(0.5)
    loop = Loop(folder / "run")
    with pytest.raises(RunError, match="needs 2 MB, but only 1 MB are free: make room"):
        loop.folder.require_disk(loop.variables, {"W": loop.W})
    fill(folder)
    with pytest.raises(RunError, match="run.json.*No space left on device.*make room"):
        loop.run()
    assert not list((folder / "run").glob(".*"))


def test_results_on_a_disk_that_becomes_full(disk, tmp_path):
    """What was saved is kept, and the run goes on when there is room again."""
    folder = disk(3)
    whole = Loop(tmp_path / "whole", epochs=4).run()
    Loop(folder / "run", epochs=2).run()

    class Fill(SimpleExtension):
        def do(self, *arguments):
            fill(folder)

    # In the middle of the third epoch, which ends with update 12.
    extra = [Fill(after_n_batches=10)]
    loop = Loop(folder / "run", epochs=4, resume=True, extra=extra)
    with pytest.raises(RunError, match="No space left on device.*make room"):
        loop.run()
    assert loop.history.updates == 12
    assert len(rows_on_disk(folder / "run")) == 2
    (folder / "junk").unlink()
    assert Loop(folder / "run", epochs=4, resume=True).run().result == whole.result


@pytest.mark.parametrize("experiment", small.EXPERIMENTS)
def test_an_experiment_on_a_disk_that_becomes_full(experiment, disk, tmp_path):
    folder, epochs = disk(3), 20
    assert small.start(experiment, tmp_path, "--epochs", epochs).wait(300) == 0
    process = small.start(experiment, folder, "--epochs", epochs)
    assert small.wait_for(process, "epoch")
    junk = fill(folder)
    error = process.communicate(timeout=300)[1]
    assert process.returncode == 1, error
    assert "No space left on device" in error and "Traceback" not in error
    run = small.folder(experiment, folder)
    saved = small.rows(run)
    assert 1 <= len(saved) < epochs
    junk.unlink()
    more = small.start(experiment, folder, "--epochs", epochs, "--resume")
    assert more.wait(300) == 0
    assert small.rows(run)[: len(saved)] == saved
    assert small.outcome(run) == small.outcome(small.folder(experiment, tmp_path))


def test_results_in_a_read_only_folder(disk, capsys):
    folder = disk(1)
    Loop(folder / "run", epochs=1).run()
    read_only(folder)
    for name in ("run", "new"):
        with pytest.raises(RunError, match="Read-only file system.*--results-dir"):
            RunFolder(folder / name, {}, resume=True)


@pytest.mark.parametrize("experiment", small.EXPERIMENTS)
def test_read_only_results_from_the_command_line(disk, experiment, capsys):
    folder = disk(1)
    read_only(folder)
    assert small.main(experiment, small.arguments(experiment, folder)) == 1
    error = capsys.readouterr().err
    assert "Read-only file system" in error and error.count("\n") == 1


def texts(folder):
    for name in PTB.checksums:
        (folder / name).write_bytes(b" the cat sat on the mat \n" * 10000)
    return lambda path: convert_ptb(folder, path, dict.fromkeys(PTB.checksums))


def digits(folder):
    numbers = dict.fromkeys(SPLITS, 500)
    line = b"0 1 " * 391 + b"0 0\n"
    for name in BINARIZED_MNIST.checksums:
        with gzip.open(str(folder / (name + ".gz")), "wb", 1) as file:
            file.write(line * 500)
    checksums = dict.fromkeys(BINARIZED_MNIST.checksums)
    return lambda path: convert_binarized_mnist(folder, path, checksums, numbers)


@pytest.mark.parametrize("write", [texts, digits])
def test_data_on_a_full_or_read_only_disk(disk, tmp_path, write):
    convert = write(tmp_path)
    folder = disk(0.25)
    with nothing_left(folder), pytest.raises(RunError, match="cannot write"):
        convert(folder / "data.hdf5")
    read_only(folder)
    with nothing_left(folder), pytest.raises(RunError, match="Read-only file system"):
        convert(folder / "data.hdf5")
    # A process that has met this ends as any other.
    folder = disk(3)
    convert(folder / "data.hdf5")
    read_only(folder)
    if write is texts:
        assert len(ptb.read_corpus(folder / "data.hdf5").train) == 240_000


CACHE = """
import sys
from engine import device
from experiments import cli
sys.exit(cli.carry_out("me", lambda *_: device.prepare("cpu", "float64"), None))
"""


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_compile_cache_that_cannot_be_written(disk, fault):
    folder = disk(0.1)
    fill(folder) if fault == "full" else read_only(folder)
    for arguments in (["-c", CACHE], ["-m", "datasets", "ptb"]):
        done = subprocess.run(
            [sys.executable, *arguments],
            env={
                **os.environ,
                "REPRODUCE_COMPILEDIR": str(folder),
                "THEANO_FLAGS": "",
            },
            cwd=str(ROOT),
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
        )
        assert done.returncode == 1
        assert f"compile cache, {folder}, cannot be used" in done.stderr
        assert "REPRODUCE_COMPILEDIR" in done.stderr and done.stderr.count("\n") == 1


def test_a_compile_cache_that_becomes_full(disk, monkeypatch, capsys):
    folder = disk(80)
    check = compile_cache.check
    monkeypatch.setattr(compile_cache, "check", lambda: check(folder))

    def compile(*arguments):
        fill(folder)
        raise Exception("Compilation failed (return status=1): cc1plus: error")

    assert cli.carry_out("me", compile, None) == 1
    error = capsys.readouterr().err
    assert (
        "cannot be used (No space left on device)" in error and error.count("\n") == 1
    )
    (folder / "junk").unlink()
    with pytest.raises(ValueError):  # anything else is not explained away
        cli.carry_out("me", lambda *_: int("x"), None)


STALE = """
from common import theano_flags
theano_flags.configure("cpu", "float64")
import theano
from theano.gof import compilelock
compilelock.get_lock()
compilelock.release_lock()
"""


def test_a_stale_lock_of_theanos(tmp_path):
    """Of a process that was killed while it compiled."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    environment = {
        **os.environ,
        "THEANO_FLAGS": f"compiledir={tmp_path},cxx=,base_compiledir={tmp_path}",
    }
    (tmp_path / "lock_dir").mkdir()
    (tmp_path / "lock_dir" / "lock").write_text(
        f"{dead.pid}_0123456789_{os.uname().nodename}\n"
    )
    start = time.monotonic()
    subprocess.check_call(
        [sys.executable, "-W", "ignore", "-c", STALE], env=environment, cwd=str(ROOT)
    )
    assert time.monotonic() - start < 60
