"""The check of a GPU, and the file that carries it: what needs no GPU to test."""

import hashlib
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from importlib.machinery import SourceFileLoader
from pathlib import Path

import numpy
import pytest

DOCKER = Path(__file__).resolve().parent.parent / "docker"


def load(name):
    """A program of docker/ as a module."""
    loader = SourceFileLoader(name.replace("-", "_"), str(DOCKER / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def gpu_check():
    before = list(sys.path)
    module = load("gpu_check.py")
    sys.path[:] = before
    return module


@pytest.fixture
def gpu_train(monkeypatch, tmp_path):
    """The module, with a program in place of ptb_experiment.py."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    module = load("gpu_train.py")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    monkeypatch.setattr(module, "COMMAND", [sys.executable, str(program)])
    return module


# Waits for SIGTERM where the seed is 9, and else ends with the seed for a status.
PROGRAM = """\
import os, signal, sys
if sys.argv[-1] == "9":
    signal.signal(signal.SIGTERM, lambda *about: sys.exit(143))
    os.kill(os.getppid(), signal.SIGTERM)
    signal.pause()
print(os.environ["REPRODUCE_COMPILEDIR"], *sys.argv[1:])
sys.exit(int(sys.argv[-1]))
"""
gpu_start = load("gpu_start.py")
gpu_bundle = load("gpu-bundle")
gpu_pack, gpu_parts = map(sys.modules.get, ("gpu_pack", "gpu_parts"))


# The comparison


def results(**changes):
    found = {
        "W": numpy.array([[0.5, -2.0], [1e-3, 0.0]]),
        "b": numpy.array([1e-6, -1e-7]),
        "losses": numpy.array([4.0, 3.0, 2.0]),
    }
    return {**found, **changes}


def test_a_small_parameter_is_measured_by_its_own_gradient(gpu_check):
    found = gpu_check.compare(
        results(W=results()["W"] + 1e-4, b=results()["b"] + 2e-10), results()
    )
    assert found["apart"]["W"] == pytest.approx(5e-5)
    assert found["apart"]["b"] == pytest.approx(2e-4)
    assert found["disagree"] == ["b"]


def test_a_gradient_that_is_zero_but_for_rounding_is_measured_by_all(gpu_check):
    exact = results(b=numpy.array([1e-16, -3e-17]))
    found = gpu_check.compare(results(b=numpy.array([2e-8, 0])), exact)
    assert found["apart"]["b"] == pytest.approx(2e-8 / numpy.sqrt(0.25 + 4 + 1e-6))
    assert found["disagree"] == []


def test_a_caller_may_be_stricter(gpu_check):
    moved = results(W=results()["W"] + 1e-4)
    assert gpu_check.compare(moved, results())["disagree"] == []
    assert gpu_check.compare(moved, results(), gradient=1e-5)["disagree"] == ["W"]


@pytest.mark.parametrize(
    "loss, agrees", [(2.0, True), (2.0099, True), (1.989, False), (numpy.nan, False)]
)
def test_every_loss_counts(gpu_check, loss, agrees):
    found = gpu_check.compare(results(losses=numpy.array([4, 3, loss])), results())
    assert found["disagree"] == ([] if agrees else ["losses"])
    assert found["first_loss"] == [4, 4]


def test_a_gradient_that_is_no_number_does_not_agree(gpu_check):
    found = gpu_check.compare(results(b=numpy.array([numpy.nan, 0])), results())
    assert found["disagree"] == ["b"]


@pytest.mark.parametrize("off, agrees", [(5e-4, True), (7e-4, False)])
def test_single_precision_may_be_off_as_the_cpus_is(gpu_check, off, agrees):
    exact = results()
    rounded = results(W=exact["W"] + 4e-4)  # 2e-4 of the largest entry, 2
    found = gpu_check.compare(results(W=exact["W"] + 2 * off), exact, rounded)
    assert found["allowed"]["W"] == pytest.approx(6e-4)
    assert found["allowed"]["b"] == 1e-4
    assert found["disagree"] == ([] if agrees else ["W"])
    assert found["undecided"] == []


def test_what_rounding_alone_destroys_is_undecided(gpu_check):
    exact = results()
    rounded = results(W=exact["W"] + 0.1)
    assert gpu_check.compare(exact, exact, rounded)["undecided"] == ["W"]


def run_check(*words):
    command = [sys.executable, str(DOCKER / "gpu_check.py"), *words]
    return subprocess.run(command, capture_output=True)


def test_no_gpu_is_said_and_is_another_exit_status(gpu_check, tmp_path):
    if gpu_check.cuda()[0]:
        pytest.skip("there is a GPU here")
    found = run_check("--report", str(tmp_path / "report.json"))
    assert found.returncode == 3
    assert found.stderr.decode().startswith("gpu_check.py: no GPU to check: ")
    report = json.loads(found.stdout.decode())
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert report["passed"] is False


def test_a_wrong_option_of_an_experiment_is_refused_first():
    found = run_check("--draw=--glimpses none")
    assert found.returncode == 2
    assert found.stderr.count(b"\n") == 1 and b"--glimpses" in found.stderr


@pytest.mark.parametrize("wrong, status", [(None, 0), ("ptb", 1), ("draw", 1)])
def test_one_experiment_that_fails(gpu_check, monkeypatch, capsys, wrong, status):
    facts = {"device": "x", "compiling_s": 1, "update_s": 1, "memory_MB": {}}

    def measure(options, folder, experiment, floatX, reference):
        off = 2 if experiment == wrong and not reference else 1
        return facts, results(b=off * results()["b"])

    monkeypatch.setattr(gpu_check, "measure", measure)
    assert gpu_check.main(["--device", "cpu"]) == status
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is (status == 0)
    assert set(report["experiments"]) == {"ptb", "draw"}


def test_a_device_that_fails_is_a_failure(gpu_check, monkeypatch, capsys):
    monkeypatch.setattr(gpu_check, "measure", lambda *arguments: None)
    assert gpu_check.main(["--device", "cpu", "--experiment", "ptb"]) == 1


def test_each_model_is_measured(gpu_check, monkeypatch, tmp_path):
    def measure(options, folder, experiment, floatX, reference, model):
        assert (floatX, reference) == ("float32", False)
        return None if model == "layer_norm" else ({"update_s": 0.5}, {})

    monkeypatch.setattr(gpu_check, "measure", measure)
    path = tmp_path / "report.json"
    words = ["--device", "cpu", "--experiment", "draw", "--speed", "--jobs", "2"]
    assert gpu_check.main([*words, "--report", str(path)]) == 1
    found = json.loads(path.read_text())["experiments"]["draw"]
    assert found["speed"] == dict.fromkeys(
        ["baseline", "weight_norm", "norm_prop"], {"update_s": 0.5}
    )
    assert "error" in found


def test_the_first_experiment_is_kept_when_the_second_is_interrupted(
    gpu_check, monkeypatch, tmp_path
):
    facts = {"device": "x"}

    def measure(options, folder, experiment, *arguments):
        if experiment == "draw":
            raise InterruptedError
        return facts, results()

    monkeypatch.setattr(gpu_check, "measure", measure)
    path = tmp_path / "report.json"
    with pytest.raises(InterruptedError):
        gpu_check.main(["--device", "cpu", "--report", str(path)])
    found = json.loads(path.read_text())["experiments"]
    assert found["ptb"]["float32"]["disagree"] == []


def test_the_management_library_says_what_this_process_takes(monkeypatch, gpu_check):
    worker = gpu_check.gpu_worker

    class Library:
        def nvmlDeviceGetCount_v2(self, number):
            number._obj.value = 2
            return 0

        def nvmlDeviceGetHandleByIndex_v2(self, index, card):
            card._obj.value = index + 1
            return 0

        def nvmlDeviceGetComputeRunningProcesses_v3(self, card, size, processes):
            size._obj.value = 2
            processes[0].pid, processes[0].used = 1, 7
            processes[1].pid, processes[1].used = os.getpid(), 100 * card.value
            return 0

    monkeypatch.setattr(worker, "management", Library)
    assert worker.process_memory() == 300
    monkeypatch.setattr(worker, "management", lambda: None)
    assert worker.process_memory() is None and worker.driver_version() is None


# The machine's libraries


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A bundle and a machine without any library; returns a maker of libraries."""
    (tmp_path / "bundle/found").mkdir(parents=True)
    for name in ("DRIVER", "CUDA"):
        monkeypatch.setattr(gpu_start, name, [str(tmp_path / name.lower())])
    monkeypatch.setattr(gpu_start, "PLACES", [str(tmp_path / "venvs/*")])
    monkeypatch.setattr(gpu_start, "cached", lambda name: None)
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)

    def make(folder, *names):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            (tmp_path / folder / name).write_text("")

    return make


def found_in(tmp_path):
    lines = gpu_start.find_libraries(str(tmp_path / "bundle"))
    folder = tmp_path / "bundle/found"
    return lines, {
        path.name: str(path.resolve().relative_to(tmp_path))
        for path in folder.iterdir()
    }


def test_a_machine_without_anything(machine, tmp_path):
    lines, links = found_in(tmp_path)
    assert links == {}
    assert lines[0] == "NVIDIA driver: none found"
    assert lines[1].startswith("cuBLAS: none found")


def test_libraries_get_the_names_that_libgpuarray_asks_for(machine, tmp_path):
    machine("driver", "libcuda.so.1", "libnvidia-ptxjitcompiler.so.1")
    pip = "venvs/torch/lib/python3.11/site-packages/nvidia/cublas/lib"
    machine(pip, "libcublas.so.12", "libcublasLt.so.12")
    lines, links = found_in(tmp_path)
    assert links == {
        "libcuda.so": "driver/libcuda.so.1",
        "libcuda.so.1": "driver/libcuda.so.1",
        "libnvidia-ptxjitcompiler.so.1": "driver/libnvidia-ptxjitcompiler.so.1",
        "libcublas.so": f"{pip}/libcublas.so.12",
        "libcublas.so.12": f"{pip}/libcublas.so.12",
        "libcublasLt.so.12": f"{pip}/libcublasLt.so.12",
    }
    assert lines[1] == f"cuBLAS: {tmp_path / pip}/libcublas.so.12"
    assert found_in(tmp_path)[1] == links  # a second time


def test_cuda_13_in_the_environment_whose_python_is_on_the_path(
    machine, tmp_path, monkeypatch
):
    place = "elsewhere/.venv/lib/python3.12/site-packages/nvidia/cu13/lib"
    machine(place, "libcublas.so.13", "libcublasLt.so.13")
    assert found_in(tmp_path)[1] == {}
    machine("elsewhere/.venv/bin", "python3")
    monkeypatch.setenv("PATH", f"/usr/bin::{tmp_path}/elsewhere/.venv/bin/")
    lines, links = found_in(tmp_path)
    assert links["libcublas.so"] == f"{place}/libcublas.so.13"
    assert links["libcublasLt.so.13"] == f"{place}/libcublasLt.so.13"
    # An older one works on more cards.
    machine("cuda", "libcublas.so.12", "libcublasLt.so.12")
    assert found_in(tmp_path)[1]["libcublas.so"] == "cuda/libcublas.so.12"


def test_what_the_driver_opens_itself_is_found(machine, tmp_path):
    beside = ["libnvidia-ml.so.1", "libnvidia-nvvm.so.4"]
    machine("driver", "libcuda.so.1", *beside, "libsomething.so.1")
    links = found_in(tmp_path)[1]
    assert sorted(links) == ["libcuda.so", "libcuda.so.1", *beside]


def test_half_a_cublas_is_none(machine, tmp_path):
    machine("cuda", "libcublas.so.12", "libcublas.so.11", "libcublasLt.so.11")
    assert found_in(tmp_path)[1]["libcublas.so"] == "cuda/libcublas.so.11"


def test_the_users_folder_comes_first(machine, tmp_path, monkeypatch):
    machine("cuda", "libcublas.so.12", "libcublasLt.so.12")
    machine("mine", "libcublas.so.12", "libcublasLt.so.12")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "mine"))
    assert found_in(tmp_path)[1]["libcublas.so"] == "mine/libcublas.so.12"


# Training


def test_the_lines_are_table_1_of_the_papers_plan(gpu_train):
    from workflow.plan import Plan

    runs = Plan(DOCKER.parent / "plans" / "paper.yaml").runs.items()
    parse = gpu_train.ptb_options.parse
    wanted = [parse(about["arguments"]) for _, about in list(runs)[:7]]
    lines = gpu_train.read_lines(DOCKER / "table-1.txt", ["--results-dir", "x"])
    found = [parse(line) for line in lines]
    for options in [*found, *wanted]:
        options.results_dir = options.data_dir = None
    assert found == wanted


def test_runs_side_by_side(gpu_train, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REPRODUCE_COMPILEDIR", "cache")
    lines, logs = tmp_path / "lines", tmp_path / "logs"
    lines.write_text("# two\n--model baseline --seed 0\n\n--seed 75\n")
    words = ["train", "--lines", str(lines), "--resume", "--logs", str(logs)]
    assert gpu_train.main(words + ["--seed", "75"]) == 75
    said = [(logs / f"{n}.log").read_text() for n in (1, 2)]
    assert said == [
        "cache/line-1 --model baseline --seed 0 --resume --seed 75\n",
        "cache/line-2 --seed 75 --resume --seed 75\n",
    ]
    assert "line 2: exit status 75" in capsys.readouterr().out


def test_a_signal_is_handed_on_to_all(gpu_train, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    assert gpu_train.side_by_side([["9"], ["9"]], tmp_path / "logs") == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("line", ["--model nothing", ""])
def test_wrong_lines_end_before_anything_runs(gpu_train, tmp_path, line):
    (tmp_path / "lines").write_text(f"{line}\n")
    words = ["--lines", str(tmp_path / "lines"), "--logs", str(tmp_path / "logs")]
    with pytest.raises(SystemExit) as raised:
        gpu_train.main(["train", *words])
    assert raised.value.code == 2 and not (tmp_path / "logs").exists()


def test_training_needs_the_data(tmp_path, monkeypatch):
    words = ["gpu-bundle", "--train", "--data-dir", str(tmp_path), "file"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(gpu_bundle.RunError, match="penn_treebank.*reproduce data ptb"):
        gpu_bundle.make(gpu_bundle.parse())


# The file


def put(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """A file with this Python in place of the bundle's."""
    bundle = tmp_path / "bundle"
    python = "usr/local/bin/python3.8"
    start = "opt/reproduce/docker/gpu_start.py"
    put(bundle / python, f'#!/bin/sh\nexec {sys.executable} "$@"\n', 0o755)
    put(bundle / start, (DOCKER / "gpu_start.py").read_text())
    said = "import sys, os; print(sys.argv[1:], os.environ['REPRODUCE_COMPILEDIR'])"
    put(bundle / "opt/reproduce/docker/gpu_check.py", said)
    (bundle / "found").mkdir()
    monkeypatch.setattr(gpu_pack, "starters", lambda bundle: [python, start, "found"])
    path = tmp_path / "check.run"
    assert gpu_bundle.pack(str(bundle), str(path), 1) == path.stat().st_size
    return path


def run_file(path, *words):
    return subprocess.run(
        ["sh", str(path), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_it_unpacks_itself_anywhere_once(packed, tmp_path):
    there = tmp_path / "some" / "where"
    first = run_file(packed, "--to", str(there), "--device", "cpu")
    output = first.stdout.decode()
    assert first.returncode == 0, output
    assert "unpacking" in output
    last = output.splitlines()[-1]
    assert last.startswith("['--device', 'cpu']") and f"{there}/compiled" in last
    assert f"cxx = {there}/usr/bin/g++" in (there / "usr/local/theanorc").read_text()
    second = run_file(packed, "--to", str(there))
    assert second.returncode == 0 and b"unpacking" not in second.stdout
    program = there / "opt/reproduce/docker/gpu_train.py"
    program.write_text("import sys; print('training', sys.argv[1:])")
    trained = run_file(packed, "--to", str(there), "train", "--resume")
    assert trained.stdout.splitlines()[-1] == b"training ['train', '--resume']"
    # Another file in the same place.
    (there / "unpacked").write_text("older")
    (there / "opt/reproduce/docker/gpu_start.py").write_text("old")
    third = run_file(packed, "--to", str(there))
    assert third.returncode == 0 and b"unpacking" in third.stdout


def test_a_path_that_theano_cannot_carry(packed, tmp_path):
    found = run_file(packed, "--to", str(tmp_path / "some where"))
    assert found.returncode == 1
    assert b"contains ' '" in found.stdout and b"--to" in found.stdout


def test_a_damaged_file_is_not_run(packed, tmp_path):
    content = bytearray(packed.read_bytes())
    content[-20] ^= 1
    packed.write_bytes(content)
    found = run_file(packed, "--to", str(tmp_path / "there"))
    assert found.returncode == 1
    assert f"{packed} is damaged: copy it again".encode() in found.stdout


def test_what_is_left_out_and_what_links_become(tmp_path, monkeypatch):
    root, bundle = tmp_path / "root", tmp_path / "bundle"
    put(root / "usr/lib/libx.so.1.0", "x")
    (root / "usr/lib/libx.so").symlink_to("libx.so.1.0")
    site = f"{gpu_parts.VENV}/lib/python3.8/site-packages"
    put(root / site / "numpy/core.py", "")
    put(root / site / "numpy/tests/test_core.py", "")
    put(root / site / "numpy/__pycache__/core.pyc", "")
    put(root / "usr/lib64/ld-linux-x86-64.so.2", "")
    parts = {"usr/lib/libx.so": None, f"{site}/numpy": gpu_parts.SITE}
    monkeypatch.setattr(gpu_parts, "PARTS", parts)
    monkeypatch.setattr(gpu_parts, "PROGRAMS", {})
    monkeypatch.setattr(gpu_parts, "GCC", "gcc")
    put(bundle / "gcc/cc1plus", 'exec "$0.bin"\n')
    gpu_bundle.copy(str(root), str(bundle))
    assert os.readlink(str(bundle / "usr/lib/libx.so")) == "libx.so.1.0"
    assert (bundle / "usr/lib/libx.so.1.0").read_text() == "x"
    numpy_files = sorted(p.name for p in (bundle / gpu_parts.SITE / "numpy").iterdir())
    assert numpy_files == ["core.py"]
    assert "gcc/cc1plus.bin" in (bundle / "gcc/cc1").read_text()


def test_a_part_that_the_image_lacks_is_named(tmp_path):
    with pytest.raises(gpu_bundle.RunError, match="the image has no /usr/local/bin"):
        list(gpu_parts.choose(str(tmp_path)))


def test_the_archive_behind_the_script_is_whole(packed):
    head = packed.read_bytes().split(b"exit 1\n")[0].decode()
    offset, digest = head.rpartition('"$0" ')[2].split()[:2]
    content = packed.read_bytes()[int(offset) :]
    assert hashlib.sha256(content).hexdigest() == digest
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:xz") as tar:
        assert tar.getnames() == ["opt/reproduce/docker/gpu_check.py"]
