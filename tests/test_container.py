"""The images' entry point, and `./reproduce images`: what needs no image to test."""

import argparse
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.errors import RunError
from install import environment, images

ROOT = Path(__file__).resolve().parent.parent
ENTRY = ROOT / "docker" / "entry.py"
spec = importlib.util.spec_from_file_location("entry", str(ENTRY))
entry = importlib.util.module_from_spec(spec)
spec.loader.exec_module(entry)

HEX = "0123456789abcdef" * 4
MOUNT = "36 35 98:0 {root} {folder} rw,noatime master:1 - ext4 /dev/root rw\n"


class Driver:
    """A CUDA driver, and a run-time compiler, that answer as told."""

    def __init__(
        self, number=1, version=12020, failing=0, capability=(5, 0), cuda=(11, 8)
    ):
        self.number, self.version, self.failing = number, version, failing
        self.capability, self.cuda = capability, cuda
        self.known = {(11, 8): [35, 50, 90], (12, 9): [50, 90, 121]}[cuda]

    def nvrtcVersion(self, major, minor):
        major._obj.value, minor._obj.value = self.cuda
        return 0

    def nvrtcGetNumSupportedArchs(self, out):
        out._obj.value = len(self.known)
        return 0

    def nvrtcGetSupportedArchs(self, out):
        out[:] = self.known
        return 0

    def cuInit(self, flags):
        return self.failing

    def cuDeviceGetCount(self, out):
        out._obj.value = self.number
        return 0

    def cuDeviceGetAttribute(self, out, attribute, device):
        out._obj.value = self.capability[{75: 0, 76: 1}[attribute]]
        return 0

    def cuDriverGetVersion(self, out):
        out._obj.value = self.version
        return 0

    def cuDeviceGetName(self, buffer, size, device):
        buffer.value = b"GeForce GTX 750"
        return 0

    def cuDeviceTotalMem_v2(self, out, device):
        assert isinstance(out._obj, ctypes.c_size_t)
        out._obj.value = 1 << 30
        return 0


@pytest.mark.parametrize(
    "driver, usable, words",
    [
        (Driver(), True, "GeForce GTX 750, 1.1 GB, driver of CUDA 12.2"),
        (Driver(version=11080), True, "driver of CUDA 11.8"),
        (Driver(version=11070), False, "is of CUDA 11.7, needed is CUDA 11.8"),
        (Driver(capability=(9, 0)), True, "GeForce"),
        (Driver(capability=(9, 0), cuda=(12, 9)), False, "needed is CUDA 12.9"),
        (
            Driver(capability=(12, 0)),
            True,
            "of compute capability 12.0: newer than CUDA 11.8, whose code the driver "
            "translates (./reproduce images --cuda 12.9 is for such cards)",
        ),
        (Driver(1, 13000, 0, (12, 0), (12, 9)), True, "1.1 GB, driver of CUDA 13.0"),
        (Driver(1, 13000, 0, (13, 0), (12, 9)), True, "13.0: newer than CUDA 12.9"),
        (
            Driver(1, 13000, 0, (3, 5), (12, 9)),
            False,
            "the GPU is of compute capability 3.5, and CUDA 12.9 begins with 5.0",
        ),
        (Driver(number=0), False, "shows no GPU"),
        (Driver(failing=100), False, "does not start"),
    ],
)
def test_the_driver_decides(driver, usable, words):
    found, sentence = entry.cuda(lambda name: driver)
    assert found is usable
    assert words in sentence
    assert ("translates" in sentence) is ("newer than" in words)
    assert ("--cuda" in sentence) is ("--cuda" in words)


def test_no_driver_or_no_compiler():
    def load(name):
        if name in there:
            return Driver()
        raise OSError(f"{name}: cannot open shared object file")

    there = []
    assert entry.cuda(load) == (
        False,
        "no NVIDIA driver is visible here (docker run --gpus all)",
    )
    there = ["libcuda.so.1"]
    assert entry.cuda(load)[1].startswith("CUDA's run-time compiler, libnvrtc.so, is")


@pytest.mark.parametrize(
    "roots, expected",
    [
        ([], False),
        (["/home/me/results"], True),
        (["/var/lib/docker/volumes/reproduce-results/_data"], True),
        ([f"/var/lib/docker/volumes/{HEX}/_data"], False),
        ([f"/home/me/{HEX}"], True),
        # The last mount is the one that is seen.
        ([f"/volumes/{HEX}/_data", "/home/me/results"], True),
        (["/home/me/results", f"/volumes/{HEX}/_data"], False),
    ],
)
def test_volumes_that_last(roots, expected):
    mounts = MOUNT.format(root="/", folder="/") + MOUNT.format(root="/a", folder="/re")
    mounts += "".join(MOUNT.format(root=root, folder="/results") for root in roots)
    assert entry.kept(Path("/results"), mounts) is expected


@pytest.fixture
def container(tmp_path, monkeypatch):
    """The entry point with folders of its own; returns what it ran."""
    for name in ("DATA", "RESULTS"):
        (tmp_path / name.lower()).mkdir()
        monkeypatch.setattr(entry, name, tmp_path / name.lower())
    for name in ("FUEL_DATA_PATH", "REPRODUCE_COMPILEDIR", "REPRODUCE_DATA_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(entry, "cuda", lambda: (False, "no driver"))

    class Recorder:
        def __init__(self):
            self.ran, self.variables, self.statuses = [], [], []

        def run(self, arguments, variables):
            self.ran.append([word.replace(str(ROOT) + "/", "") for word in arguments])
            self.variables.append(variables)
            return self.statuses.pop(0) if self.statuses else 0

        def __call__(self, experiment, *words):
            return entry.main(experiment, list(words), self.run)

    recorder = Recorder()
    recorder.data, recorder.results = tmp_path / "data", tmp_path / "results"
    return recorder


def test_a_first_run_fetches_the_data_and_can_be_resumed(container, capsys):
    assert container("ptb", "--model", "baseline") == 0
    data, results = str(container.data), str(container.results)
    assert container.ran[0] == ["-m", "datasets", "ptb", "--data-dir", data]
    assert container.ran[1] == [
        *["ptb_experiment.py", "--model", "baseline", "--device", "cpu"],
        *["--results-dir", results, "--resume"],
    ]
    variables = container.variables[1]
    assert variables["FUEL_DATA_PATH"] == data
    assert variables["REPRODUCE_COMPILEDIR"] == f"{data}/theano-{os.getuid()}"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Device: cpu: no driver"
    assert [line.split(":")[0] for line in lines[1:]] == ["Warning", "Warning"]
    assert "the results stay in this container" in lines[1]


def test_data_that_cannot_be_had_end_it(container):
    container.statuses = [1]
    assert container("draw") == 1
    assert len(container.ran) == 1


@pytest.mark.parametrize("experiment, module", [("ptb", "ptb"), ("draw", "mnist")])
def test_data_that_are_there_are_not_fetched(container, experiment, module):
    source = (ROOT / "datasets" / f"{module}.py").read_text()
    filename = entry.EXPERIMENTS[experiment][2]
    assert f'FILENAME = "{filename}"' in source
    (container.data / filename).write_bytes(b"")
    assert container(experiment) == 0
    assert container.ran[0][0] == f"{experiment}_experiment.py"


@pytest.mark.parametrize(
    "words", [["--sample"], ["--data-dir", "/elsewhere"], ["quick"]]
)
def test_nothing_is_fetched_that_is_not_needed(container, words):
    assert container("draw", *words) == 0
    assert len(container.ran) == 1


def test_quick(container):
    assert container("ptb", "quick", "--seed", "3") == 0
    assert container("draw", "quick", "--seed", "3") == 0
    for words, experiment in zip(container.ran, ["ptb", "draw"]):
        start = ["-m", "quick", "--experiment", experiment, "--seed", "3"]
        assert words[:6] == start and "--resume" not in words


def test_gpu(container):
    assert container("draw", "gpu", "--updates", "9") == 0
    assert container.ran == [
        ["docker/gpu_check.py", "--experiment", "draw", "--updates", "9"]
    ]


def test_report(container):
    assert container("ptb", "report") == 0
    assert container.ran == [["-m", "report", "--results-dir", str(container.results)]]


def test_options_of_the_user_win(container, monkeypatch, capsys):
    monkeypatch.setattr(entry, "cuda", lambda: (True, "a card"))
    assert container("ptb", "--sample", "--device=cpu", "--results-dir=/x") == 0
    words = container.ran[0]
    assert words[words.index("--device") :] == ["--device", "cpu", "--resume"]
    assert capsys.readouterr().out.startswith("Device: cpu, as --device says (a card)")
    assert container("ptb", "--sample") == 0
    words = container.ran[1]
    assert words[words.index("--device") + 1] == "cuda"


def test_evaluation_is_not_a_resumption(container):
    (container.data / entry.EXPERIMENTS["ptb"][2]).write_bytes(b"")
    assert container("ptb", "--evaluate", "results/ptb-baseline-1") == 0
    assert "--resume" not in container.ran[0]


def test_a_wrong_option_ends_it_before_anything_is_done(container, capsys):
    with pytest.raises(SystemExit) as ending:
        container("ptb", "--modle", "baseline")
    assert ending.value.code == 2
    captured = capsys.readouterr()
    assert container.ran == [] and captured.out == ""
    assert captured.err.count("\n") == 1 and "--modle" in captured.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_results_that_may_not_be_written(container):
    container.results.chmod(0o555)
    with pytest.raises(RunError, match="may not be written by user"):
        container("ptb", "--sample")


def test_results_that_are_missing(container):
    container.results.rmdir()
    with pytest.raises(RunError, match="is not a folder"):
        container("ptb", "--sample")
    assert container.ran == []


CHILD = """
import signal, sys, time
def stop(number, frame):
    print("child stopped by", number, flush=True)
    sys.exit(128 + number)
if {handle}:
    signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("handle", [True, False])
def test_signals_reach_the_program(handle):
    """Also where it does not handle them yet: a first process would be spared."""
    code = f"""
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("entry", {str(ENTRY)!r})
entry = importlib.util.module_from_spec(spec)
spec.loader.exec_module(entry)
with entry.Signals(entry.subprocess.Popen.send_signal) as signals:
    words = ["-c", {CHILD.format(handle=handle)!r}]
    sys.exit(entry.run(signals, words, dict(os.environ)))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 143
    assert time.monotonic() - started < 5
    assert output == (b"child stopped by 15\n" if handle else b"")


def test_nobody_reads_the_help():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(ENTRY), "ptb", "--help"]
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(command, env=env, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert b"Traceback" not in done.stderr


def test_a_signal_before_the_program_starts():
    signals = entry.Signals()
    signals.received = signal.SIGTERM
    assert entry.run(signals, ["-c", "print('started')"], dict(os.environ)) == 143
    assert not signals.processes


# ./reproduce images


def options(**changes):
    parser = argparse.ArgumentParser()
    images.add_options(parser)
    return argparse.Namespace(**{**vars(parser.parse_args([])), **changes})


def test_both_images_are_built_under_their_names(tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    chosen = options(blocks="standin", base="mine", ca=str(ca))
    first, second = images.commands(chosen, ["docker", "build"])
    assert first[-5:-1] == ["--target", "reproduce-ptb", "--tag", "reproduce-ptb"]
    assert second[-5:-1] == ["--target", "reproduce-draw", "--tag", "reproduce-draw"]
    assert first[-1] == second[-1] == str(ROOT)
    for words in ["BLOCKS=standin", "BASE=mine", "CUDA=11.8", f"id=ca,src={ca}"]:
        assert words in first


def test_a_secret_that_is_missing(tmp_path):
    with pytest.raises(RunError, match="--pip: there is no file"):
        images.commands(options(pip=str(tmp_path / "none")), ["docker", "build"])


def executable(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_docker_if_it_answers_and_buildah_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="neither a Docker daemon"):
        images.builder(None)
    executable(tmp_path / "docker", "exit 1")
    executable(tmp_path / "buildah", "exit 0")
    assert images.builder(None)[0] == "buildah"
    with pytest.raises(RunError, match="docker does not answer"):
        images.builder("docker")
    executable(tmp_path / "docker", "exit 0")
    assert images.builder(None) == ["docker", "build"]
    assert images.builder("buildah")[0] == "buildah"


def test_each_cuda_has_its_wheels_by_hash_and_its_driver():
    parser = argparse.ArgumentParser()
    images.add_options(parser)
    for cuda in ("11.8", "12.9"):
        chosen = parser.parse_args(["--cuda", cuda])
        assert f"CUDA={cuda}" in images.commands(chosen, ["docker", "build"])[0]
        wheels = (ROOT / f"docker/cuda-{cuda}.txt").read_text()
        assert f"docker/cuda-{cuda}.txt" in copied()
        assert wheels.count("==") == 2 <= wheels.count("--hash=sha256:")
    with pytest.raises(SystemExit):
        parser.parse_args(["--cuda", "13.0"])


def copied():
    """Every file that the Dockerfile copies by name."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [
        word
        for line in text.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]


def test_what_the_images_are_made_from_is_there():
    assert len(copied()) > 8
    for name in copied():
        assert (ROOT / name).exists(), name


def test_the_set_up_in_the_image_has_the_modules_that_it_imports(tmp_path):
    """It is there before the rest of the archive."""
    assert "common/" in copied()
    shutil.copytree(str(ROOT / "common"), str(tmp_path / "common"))
    lines = [line for line in environment.CHECK.splitlines() if "common" in line]
    assert lines == ["from common import theano_flags"]
    # -I: neither this folder nor PYTHONPATH.
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {lines[0]}"
    subprocess.check_call([sys.executable, "-I", "-c", code], cwd=str(tmp_path))
