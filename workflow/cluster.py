"""A cluster, as a profile of Snakemake describes it."""

import signal
import subprocess
from pathlib import Path

from common.errors import RunError


class Cluster:
    """Where the runs of a results folder are jobs.

    Parameters
    ----------
    profile : path-like
        The profile's folder. If it has a program ``jobs.py``, this is asked what
        Snakemake does not know of the cluster: see that of SLURM.
    results : Path

    Raises
    ------
    RunError
        If there is no profile.
    """

    def __init__(self, profile, results):
        self.profile, self.results = Path(profile).resolve(), results
        if not (self.profile / "config.yaml").is_file():
            raise RunError(
                f"{self.profile} is no profile of Snakemake: it has no config.yaml"
            )
        self.jobs = self.profile / "jobs.py"

    def check(self, threads):
        """See that the cluster takes jobs like ours.

        Raises
        ------
        RunError
            If it does not, with its reason.
        """
        if self.jobs.exists():
            asked = subprocess.run(
                [self.jobs, "check", str(threads)],
                cwd=str(self.results),
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            if asked.returncode:
                raise RunError(asked.stderr.strip())

    def stop(self, snakemake):
        """Have the jobs save and end; Snakemake, a ``Popen``, waits for them."""
        if self.jobs.exists():
            snakemake.terminate()
            subprocess.Popen([self.jobs, "cancel"], cwd=str(self.results))
        else:  # it then cancels the jobs itself
            snakemake.send_signal(signal.SIGINT)
