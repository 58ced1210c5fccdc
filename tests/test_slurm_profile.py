"""The SLURM profile's jobs.py, with commands that pretend; see also tests/slurm."""

import json
import os
import signal
import subprocess
import sys
from unittest.mock import Mock, call

import pytest

from common import ROOT
from common.errors import RunError
from experiments.cli import carry_out
from workflow.cluster import Cluster

PROFILE = ROOT / "workflow" / "profiles" / "slurm"
RUN = "ptb-baseline-1"
# It says what it was asked for, and what it was told to say.
PRETEND = """\
#!/bin/sh
{ echo "$0 $*"; env | sort; echo; } >>"$HOME/asked"
cat "$HOME/complaint" >&2 2>/dev/null
cat "$HOME/answer" 2>/dev/null
exit $(cat "$HOME/status" 2>/dev/null || echo 0)
"""


class Slurm:
    """A results folder, and commands of SLURM that answer as they are told."""

    def __init__(self, home):
        self.home = home
        (home / "bin").mkdir()
        for name in ("sbatch", "squeue", "scancel"):
            (home / "bin" / name).write_text(PRETEND)
            (home / "bin" / name).chmod(0o755)
        told = {"image": None, "run_python": "/py", "run_root": "/root", "path": "/c"}
        (home / ".workflow.json").write_text(json.dumps(told))
        properties = {"output": [f"{RUN}/slot.json"], "threads": 3}
        script = f"#!/bin/sh\n# properties = {json.dumps(properties)}\n"
        (home / "script").write_text(script)

    def answers(self, answer="", status=0, complaint=""):
        for name, text in vars().copy().items():
            if name != "self":
                (self.home / name).write_text(f"{text}\n")

    def jobs(self, *words, **exported):
        environment = {"PATH": f"{self.home / 'bin'}:{os.environ['PATH']}"}
        return subprocess.run(
            [str(PROFILE / "jobs.py"), *words],
            cwd=str(self.home),
            env={**environment, "HOME": str(self.home), **exported},
            capture_output=True,
            encoding="utf-8",
        )

    def asked(self):
        path = self.home / "asked"
        return path.read_text() if path.exists() else ""

    def slot(self):
        path = self.home / RUN / "slot.json"
        return json.loads(path.read_text()) if path.exists() else None


@pytest.fixture
def slurm(tmp_path):
    return Slurm(tmp_path)


def test_a_run_is_submitted(slurm):
    slurm.answers("12;cluster")
    done = slurm.jobs("submit", "script", THEANO_FLAGS="x", SBATCH_PARTITION="gpu")
    assert done.stdout == f"12/{RUN}\n" and slurm.slot() is None
    first, *environment = slurm.asked().splitlines()
    assert first.endswith(f" script {RUN} /py /root/workflow/run.py /c {RUN}")
    assert "--cpus-per-task=3 " in first and "--dependency=singleton " in first
    assert "OPENBLAS_NUM_THREADS=3" in environment
    # Of what the shell exports, what is meant for sbatch and no more.
    assert "SBATCH_PARTITION=gpu" in environment and "THEANO_FLAGS=x" not in environment


def test_a_run_in_an_image(slurm):
    told = json.loads((slurm.home / ".workflow.json").read_text())
    (slurm.home / ".workflow.json").write_text(json.dumps({**told, "image": "i.sif"}))
    slurm.answers("12")
    slurm.jobs("submit", "script")
    assert f" script {RUN} apptainer exec --nv i.sif /py " in slurm.asked()


def test_jobs_of_one_folder_and_name_follow_each_other(slurm, tmp_path):
    """By their name, which another results folder does not share."""
    (tmp_path / "other").mkdir()
    names = []
    for home in (slurm, slurm, Slurm(tmp_path / "other")):
        home.answers("12")
        home.jobs("submit", "script")
        names.append(
            home.asked().splitlines()[0].partition("--job-name=")[2].split()[0]
        )
    assert names[0] == names[1] != names[2] and names[0].startswith(f"{RUN}@")


def test_a_run_that_sbatch_refuses(slurm):
    slurm.answers(status=1, complaint="sbatch: error: Batch failed: Invalid qos")
    assert slurm.jobs("submit", "script").stdout == f"0/{RUN}\n"
    assert slurm.slot() == {"state": "failed", "message": "sbatch: Invalid qos"}
    assert slurm.jobs("status", f"0/{RUN}").stdout == "success\n"


def test_nothing_is_submitted_after_a_signal(slurm):
    slurm.answers()
    slurm.jobs("cancel")
    assert slurm.jobs("submit", "script").stdout == f"0/{RUN}\n"
    assert slurm.slot()["state"] == "stopped" and "sbatch" not in slurm.asked()
    # The next command begins anew.
    slurm.jobs("check", "1")
    slurm.answers("12")
    assert slurm.jobs("submit", "script").stdout == f"12/{RUN}\n"


def test_a_signal_while_a_run_is_submitted(slurm):
    """Its job is cancelled, too."""
    slurm.answers(f"12|PENDING|{slurm.home}\n13|RUNNING|/other")
    stopping = slurm.home / ".workflow.stopping"
    sbatch = slurm.home / "bin" / "sbatch"
    sbatch.write_text(f"#!/bin/sh\ntouch {stopping}\necho 12\n")
    assert slurm.jobs("submit", "script").stdout == f"12/{RUN}\n"
    assert "scancel --signal=TERM --batch 12\n" in slurm.asked()


@pytest.mark.parametrize(
    "state, slot",
    [
        ("PENDING", None),
        ("COMPLETING", None),
        ("CANCELLED", "stopped"),
        ("TIMEOUT", "stopped"),
        ("FAILED", "failed"),
        ("OUT_OF_MEMORY", "failed"),
        (None, "failed"),  # it is not known any more
    ],
)
def test_what_became_of_a_job(slurm, state, slot):
    slurm.answers(f"12|{state}|/x" if state else "1|RUNNING|/x")
    said = slurm.jobs("status", f"12/{RUN}").stdout
    assert said == ("success\n" if slot else "running\n")
    assert (slurm.slot() or {}).get("state") == slot
    # In a folder with more in it, no run is begun.
    assert not slot or os.listdir(str(slurm.home / RUN)) == ["slot.json"]


def test_a_disk_that_is_full(slurm):
    """What stands in for one: a folder where the new file should be."""
    (slurm.home / RUN / "slot.json.job").mkdir(parents=True)
    slurm.answers("12|TIMEOUT|/x")
    done = slurm.jobs("status", f"12/{RUN}")
    assert done.stdout == "failed\n" and "Traceback" not in done.stderr
    assert done.stderr.startswith(f"{RUN}: its job 12 ended with TIMEOUT; slot.json: ")


def test_what_the_run_says_of_itself_counts(slurm):
    (slurm.home / RUN).mkdir()
    (slurm.home / RUN / "slot.json").write_text('{"state": "finished"}')
    slurm.answers("12|TIMEOUT|/x")
    assert slurm.jobs("status", f"12/{RUN}").stdout == "success\n"
    assert slurm.slot() == {"state": "finished"}


def test_a_controller_that_is_away_is_no_end(slurm):
    slurm.answers(status=1, complaint="slurm_load_jobs error: Unable to contact")
    assert slurm.jobs("status", f"12/{RUN}").stdout == "running\n"
    assert slurm.slot() is None and slurm.jobs("check", "1").returncode == 0


def test_nodes_that_are_down_are_waited_for(slurm):
    complaint = "allocation failure: Requested node configuration is not available"
    slurm.answers(status=1, complaint=complaint)
    assert slurm.jobs("check", "1").returncode == 0


def test_what_slurm_does_not_take_is_one_sentence(slurm):
    slurm.answers(status=1, complaint="x\nallocation failure: Invalid partition name")
    done = slurm.jobs("check", "2")
    assert done.returncode == 1 and "--test-only" in slurm.asked()
    assert done.stderr == (
        f"SLURM takes no such job (Invalid partition name): see {PROFILE / 'job.sh'}\n"
    )


def test_without_slurm(slurm):
    (slurm.home / "bin" / "sbatch").unlink()
    (slurm.home / "bin" / "python3").symlink_to(sys.executable)
    done = slurm.jobs("check", "1", PATH=str(slurm.home / "bin"))
    assert done.returncode == 1 and "there is no sbatch" in done.stderr


def test_jobs_are_cancelled(slurm):
    """Those of this results folder: gone where they wait, told where they run."""
    slurm.answers(f"12|RUNNING|{slurm.home}\n13|RUNNING|/other|{slurm.home}")
    slurm.jobs("cancel")
    asked = [line for line in slurm.asked().splitlines() if "/scancel " in line]
    words = [line.split("/scancel ")[1] for line in asked]
    assert words == ["--state=PENDING 12", "--signal=TERM --batch 12"]


def test_a_folder_that_is_no_profile(tmp_path):
    with pytest.raises(RunError, match="no profile of Snakemake"):
        Cluster(tmp_path, tmp_path)


def test_signals_on_a_cluster(slurm, tmp_path, monkeypatch):
    """Snakemake waits for jobs that are told to save, or cancels them if it must."""
    monkeypatch.setenv("PATH", str(slurm.home / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(slurm.home))
    snakemake = Mock()
    Cluster(PROFILE, tmp_path).stop(snakemake)
    assert snakemake.method_calls == [call.terminate()]
    (tmp_path / "config.yaml").touch()
    Cluster(tmp_path, tmp_path).stop(snakemake)
    assert snakemake.method_calls[1:] == [call.send_signal(signal.SIGINT)]


def test_a_node_without_room_for_the_compiler(monkeypatch, tmp_path, capsys):
    """It says so in many words, and not which of the disks is full."""

    def work(options, interrupts):
        raise Exception("Compilation failed (return status=1): error writing to x.s")

    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    assert carry_out("ptb_experiment.py", work, None) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"cannot write in {tmp_path / 'none'}" in error
