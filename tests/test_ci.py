"""`.ci/run`: the tests, and the images and SLURM only where they are asked for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parent.parent / ".ci" / "run"


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def ci(tmp_path):
    """Run `.ci/run` with programs that only say what they were asked for."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(str(RUN), str(tmp_path / ".ci" / "run"))

    def run(tests=0, check=0, wanted="1", slurm="", tools=("buildah", "debootstrap")):
        script(tmp_path / "reproduce", f'echo "tests: $*"; exit {tests}')
        script(tmp_path / "tests/images/check", f"echo images; exit {check}")
        script(tmp_path / "tests/slurm/check", f"echo slurm; exit {check}")
        script(tmp_path / "bin" / "apt-get", 'echo "apt-get $*" >>"$0.log"; exit 1')
        for tool in tools:
            script(tmp_path / "bin" / tool, "exit 0")
        for tool in ("bash", "dirname", "sh", "wc"):
            path = tmp_path / "bin" / tool
            if not path.exists():
                path.symlink_to(shutil.which(tool))
        environment = {"PATH": str(tmp_path / "bin"), "REPRODUCE_CHECK_IMAGES": wanted}
        environment["REPRODUCE_CHECK_SLURM"] = slurm
        found = subprocess.run(
            [str(tmp_path / ".ci" / "run"), "-q"], env=environment, capture_output=True
        )
        log = tmp_path / "bin" / "apt-get.log"
        return found.returncode, found.stdout.decode(), os.path.exists(str(log))

    return run


def test_the_images_are_skipped_and_that_is_said(ci):
    status, output, fetched = ci(wanted="")
    assert status == 0 and not fetched
    lines = output.splitlines()
    assert lines[0] == "tests: test -q" and len(lines) == 3
    for line, name in zip(lines[1:], ("images", "slurm")):
        assert line.startswith(f"skipped: tests/{name}/check")


@pytest.mark.parametrize("wanted", ["", "1"])
def test_tests_that_fail_are_the_end(ci, wanted):
    assert ci(tests=3, wanted=wanted)[:2] == (3, "tests: test -q\n")


@pytest.mark.parametrize("check", [0, 1])
def test_the_images_count_where_they_are_asked_for(ci, check):
    status, output, fetched = ci(check=check)
    assert status == check and not fetched
    assert output.startswith("tests: test -q\nimages\n")


@pytest.mark.parametrize("check", [0, 1])
def test_slurm_counts_where_it_is_asked_for(ci, check):
    status, output, fetched = ci(check=check, wanted="", slurm="1")
    assert status == check and fetched and output.splitlines()[-1] == "slurm"


def test_packages_that_cannot_be_had_are_no_failure(ci):
    status, output, fetched = ci(check=75, tools=["buildah"])
    assert status == 0 and fetched
    assert output.splitlines()[2].startswith("skipped: tests/images/check")
