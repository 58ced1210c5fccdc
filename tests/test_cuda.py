"""``device=cuda`` where there is no card; `python -m tests.cuda` checks more.

Skipped where Debian's packages of libgpuarray and pygpu are not to be had.
"""

import subprocess
import sys

import pytest

from engine import card
from tests.cuda import graphs, programs, rig


@pytest.fixture(scope="session")
def cuda():
    try:
        rig.build()
    except rig.Unavailable as reason:
        pytest.skip(str(reason))


def run(kernel, **settings):
    """What tests/cuda/kernels.py says, or its exit status."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.cuda.kernels", kernel]
    done = subprocess.run(
        command,
        cwd=str(rig.ROOT),
        env=rig.variables(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout.strip() if done.returncode == 0 else done


def test_products_are_numpys(cuda):
    assert run("products") == "right"


def test_a_wrong_product_is_noticed(cuda, tmp_path):
    wrong = "alpha * sum[i] + beta", "alpha * sum[i] - beta"
    rig.build_library(tmp_path, changed=("products.h", *wrong))
    assert run("products", library=tmp_path).startswith("wrong")


@pytest.mark.parametrize("order", ["forward", "reverse", "5"])
def test_a_race_shows_in_one_order_or_another(cuda, order):
    assert run("sum_with_barriers", order=order) == "right"
    if order == "forward":
        assert run("sum_without_barriers", order=order) == "wrong"


@pytest.mark.parametrize("guard", ["after", "host"])
def test_writing_behind_an_array_is_a_fault(cuda, guard):
    assert run("write_behind") == "unnoticed"
    found = run("write_behind", guard=guard)
    assert "an illegal memory access" in found.stdout
    assert "CUDA on the CPU: behind: Segmentation fault at 0x" in found.stdout


def test_the_host_has_no_part_in_the_devices_memory(cuda):
    assert run("touch_from_the_host") == "0.0"
    assert run("touch_from_the_host", guard="host").returncode < 0


def test_norm_prop_gives_what_the_cpu_gives(cuda):
    ((floatX, found),) = graphs.compare("norm_prop", ["float64"])
    assert found["disagree"] == []
    losses, gradient, name = graphs.worst(found)
    assert losses < 1e-10 and gradient < 1e-10


def test_a_card_newer_than_the_compiler(cuda, tmp_path):
    refused = run("sum_with_barriers", capability=120)
    assert "invalid value for --gpu-architecture" in refused.stdout
    for path in rig.LIBRARY.iterdir():
        if path.name != "libnvrtc.so":
            (tmp_path / path.name).symlink_to(path)
    source, made = rig.ROOT / "docker/newer_cards.c", tmp_path / "libnvrtc.so"
    linked = ["-Wl,--no-as-needed", "-L", rig.LIBRARY, "-l:libcuda_on_cpu.so"]
    rig.call(["gcc", "-shared", "-fPIC", source, "-o", made, *linked], "gcc")
    for capability in (50, 90, 100, 120):
        found = run("sum_with_barriers", library=tmp_path, capability=capability)
        assert found == "right"


@pytest.mark.parametrize("case", sorted(programs.AT_THE_START))
def test_what_a_driver_can_say_is_one_sentence(cuda, tmp_path, case):
    assert not programs.fault("ptb", tmp_path, *programs.AT_THE_START[case])


# As libgpuarray and Theano word it.
ERRORS = [
    (
        RuntimeError(
            "b'cuMemAlloc: out of memory: out of memory'\nApply node that caused the "
            "error: GpuFromHost<None>(x)\nToposort index: 3"
        ),
        "its memory is full",
        "(cuMemAlloc: out of memory)",
    ),
    (MemoryError("GpuAllocEmpty: Can't allocate"), "its memory is full", "allocate)"),
    (
        RuntimeError(
            "gpuarray error: k_0: cuLaunchKernel(k->k, gs[0], NULL): an illegal memory "
            "access was encountered: an illegal memory access was encountered."
        ),
        "it has failed",
        "(cuLaunchKernel: an illegal memory access was encountered)",
    ),
    (
        RuntimeError(
            "Error in the elemwise call\nApply node that caused the error: "
            "GpuElemwise{tanh}[]<gpuarray>(GpuSplit{4}.1)\nToposort index: 2"
        ),
        "it has failed",
        "(Error in the elemwise call)",
    ),
    (
        RuntimeError(
            "The following error happened while compiling the node",
            object(),
            "\n",
            "GpuKernel_init error 3: nvrtcCompileProgram: NVRTC_ERROR_COMPILATION",
        ),
        "refuses a kernel",
        "NVRTC_ERROR_COMPILATION)",
    ),
]


@pytest.mark.parametrize("error, meaning, words", ERRORS)
def test_the_cause_of_an_error_on_a_card(error, meaning, words):
    found = card.cause(error)
    assert meaning in found and found.endswith(words)
    assert "\n" not in found


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3 GiB"),
        RuntimeError("Apply node that caused the error: Elemwise{tanh}(x)"),
        ValueError("shapes\nApply node that caused the error: GpuJoin(x, y)"),
        KeyError(),
    ],
)
def test_errors_of_other_kinds_are_no_cards(error):
    assert card.cause(error) is None


def test_the_report_takes_no_run_of_the_rig_for_one_on_a_card(tmp_path):
    from report import runs

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(f'{{"device": "{card.ON_CPU}"}}')
    found, problems = runs.find([tmp_path])
    assert not found and "without a GPU; the run is left out" in problems[0]


def test_a_run_of_the_rig_says_so_first():
    from training.announce import notices

    first = notices(card.ON_CPU, True, {"standin": True})[0]
    assert first.startswith("CUDA on the CPU, for tests: there is no GPU")


def test_the_rig_names_the_device(cuda):
    assert run("name") == card.ON_CPU
