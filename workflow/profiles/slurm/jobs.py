#!/usr/bin/env python3
"""The jobs of ``./reproduce all`` on SLURM, with sbatch, squeue and scancel alone.

    jobs.py check THREADS    says why SLURM would not take such jobs
    jobs.py submit SCRIPT    for Snakemake: submits a run and prints the job's id
    jobs.py status ID        for Snakemake: whether the job still waits or runs
    jobs.py cancel           has all jobs of a results folder save and stop

All are started in the results folder. A job is `workflow/run.py`, which leaves
slot.json in the run folder; where a job could not, `status` does. So Snakemake is never
told of a failure: what became of a run is in its slot.json. No accounting is needed,
for a job that squeue does not know any more has ended.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(HERE))))

from workflow import run  # noqa: E402

SCRIPT = os.path.join(HERE, "job.sh")
CONFIGURED = ".workflow.json"
STOPPING = ".workflow.stopping"  # there once the command was told to stop
# The states of a job that will not run again: those that are no fault of the run, and
# those that are.
STOPPED = ("CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "DEADLINE", "REVOKED")
FAILED = ("COMPLETED", "FAILED", "BOOT_FAIL")
# Jobs have this environment, whatever the shell exports.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT = ("HOME", "USER", "LOGNAME", "SLURM_CONF")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# While SLURM's controller is away, it is asked again.
AWAY, TRIES, PAUSE = ("Unable to contact", "Socket timed out"), 10, 30
# `sbatch --test-only` says so, too, where no node is up: such a job may wait.
NO_NODE = ("Requested node configuration", "Required node")


def environment(threads):
    kept = {k: v for k, v in os.environ.items() if k in KEPT or k[:7] == "SBATCH_"}
    return {**kept, "PATH": PATH, **{name: str(threads) for name in THREADS}}


def sbatch(threads, *words):
    """Run it; return its exit status, what it printed, and its last complaint."""
    program = shutil.which("sbatch")
    if program is None:
        return 1, "", "there is no sbatch: give the command on the cluster"
    process = subprocess.Popen(
        [program, "--export=ALL", f"--cpus-per-task={threads}", *words],
        env=environment(threads),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    said, complaints = process.communicate()
    complaint = (complaints.strip().splitlines() or [""])[-1]
    return process.returncode, said.strip(), complaint.rpartition(": ")[2]


def squeue():
    """List this user's jobs as (number, state, working folder).

    Raises
    ------
    CalledProcessError
        If SLURM does not answer.
    """
    command = ["squeue", "--noheader", f"--user={os.getuid()}", "--states=all"]
    said = subprocess.check_output(
        [*command, "--format=%i|%T|%Z"],
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    return [line.split("|", 2) for line in said.splitlines()]


def leave(name, state, message):
    """Write ``slot.json`` for a run whose job did not; say whether there is one now."""
    try:
        # It may be there, and not be seen here yet: a link replaces nothing.
        with contextlib.suppress(FileExistsError):
            run.leave(name, state, message, ending=".job", put=os.link)
    except OSError as error:
        print(f"{name}: {message}; slot.json: {error.strerror}", file=sys.stderr)
    return os.path.exists(os.path.join(name, run.SLOT))


def check(threads):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(STOPPING)
    status, _, complaint = sbatch(threads, "--test-only", SCRIPT)
    if status and not complaint.startswith(AWAY + NO_NODE):
        sys.exit(f"SLURM takes no such job ({complaint}): see {SCRIPT}")


def submit(script):
    with open(script) as file:
        lines = [line for line in file if line.startswith("# properties = ")]
    job = json.loads(lines[0].partition(" = ")[2])
    name = os.path.dirname(job["output"][0])
    number = submitted(name, job["threads"], script)
    print(f"{number}/{name}")
    if number and os.path.exists(STOPPING):
        cancel()


def submitted(name, threads, script):
    """Submit a run; return the job's number, or 0 if there is none."""
    with open(CONFIGURED) as file:
        configured = json.load(file)
    image = configured["image"]
    words = [name, *(["apptainer", "exec", "--nv", image] if image else [])]
    words += [configured["run_python"], configured["run_root"] + "/workflow/run.py"]
    words += [configured["path"], name]
    # SLURM does jobs of one name one after another: that of an earlier command, which
    # was killed, ends first.
    folder = hashlib.sha256(os.getcwd().encode()).hexdigest()[:8]
    asked = ["--parsable", f"--job-name={name}@{folder}", "--dependency=singleton"]
    asked += [f"--chdir={os.getcwd()}", f"--output=logs/{name.replace('%', '%%')}.job"]
    os.makedirs("logs", exist_ok=True)
    for _ in range(TRIES):
        if os.path.exists(STOPPING):
            leave(name, "stopped", "its turn did not come")
            return 0
        status, said, complaint = sbatch(threads, *asked, script, *words)
        if status == 0:
            return said.partition(";")[0]
        if not complaint.startswith(AWAY):
            break
        time.sleep(PAUSE)
    leave(name, "failed", f"sbatch: {complaint}")
    return 0


def status(identity):
    number, _, name = identity.partition("/")
    if number == "0":
        return print("success")
    try:
        found = {job: state for job, state, _ in squeue()}
    except subprocess.CalledProcessError:
        return print("running")  # as long as nobody says otherwise
    state = found.get(number, "gone")
    if state in STOPPED:
        ended = "stopped", f"its job {number} ended with {state}"
    elif state == "OUT_OF_MEMORY":
        ended = "failed", f"job {number} needs more memory: see --mem in {SCRIPT}"
    elif state in (*FAILED, "gone"):
        ended = "failed", f"its job {number} ended with {state}: see logs/{name}.job"
    else:
        return print("running")
    return print("success" if leave(name, *ended) else "failed")


def cancel():
    open(STOPPING, "w").close()
    for _ in range(TRIES):
        with contextlib.suppress(subprocess.CalledProcessError):
            here = [number for number, _, folder in squeue() if folder == os.getcwd()]
            break
        time.sleep(PAUSE)
    else:
        sys.exit("SLURM does not answer: its jobs go on, to be ended with scancel")
    for words in (["--state=PENDING"], ["--signal=TERM", "--batch"]):
        # Of those that have ended, it complains.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.call(["scancel", *words, *here], **quiet)


if __name__ == "__main__":
    command = {"check": check, "submit": submit, "status": status, "cancel": cancel}
    command[sys.argv[1]](*sys.argv[2:])
