"""The folder that a run leaves.

``run.json``             what was run, on what, and how it ended
``metrics.jsonl``        one object for each epoch
``best.npz``             parameters of the epoch with the lowest validation figure; the
                         archive's comment says which run's
``state.npz``            the resume state, and ``state.previous.npz`` the one before
``plot.png``             training and validation figures over the epochs
``lock``                 held while a program works in the folder
"""

import json
import os
import resource
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

from common.errors import RunError, UsageError, because
from common.files import megabytes, read_json, replacing, write_json
from common.npz import write_npz
from runs import lock, state
from runs.best import NOT_BINDING, check_best, identity
from runs.history import History, another_version, of_a_run


def folder_name(options, experiment):
    """``results/<experiment>-<model>-<seed>[-<tag>]``."""
    name = f"{experiment}-{options.model}-{options.seed}"
    return Path(options.results_dir) / (
        f"{name}-{options.tag}" if options.tag else name
    )


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


class RunFolder:
    """A run folder that this process alone works in, until :meth:`close`.

    Parameters
    ----------
    path : path-like
    configuration : dict
        What defines the run.
    resume : bool
        Continue the run that is there, if there is one.

    Attributes
    ----------
    path : Path
    history : runs.history.History
        As saved, or new.
    arrays : dict of str to ndarray, or None
        The saved values of the training variables.

    Raises
    ------
    UsageError
        If the folder exists and `resume` is False, if it is the run of another
        configuration, or if it is no run folder at all.
    RunError
        If it cannot be made, or another process works in it.
    """

    def __init__(self, path, configuration, resume):
        self.path = Path(path)
        self.configuration = configuration
        try:
            there = self.path.exists()
            if there and not resume:
                raise UsageError(
                    f"{self.path} exists: continue that run with --resume, or choose "
                    "another --tag or --seed"
                )
            # A run makes the lock before any other file.
            if there and any(self.path.iterdir()) and not (self.path / "lock").exists():
                raise UsageError(
                    f"{self.path} is not a run folder: choose another --tag"
                )
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = lock.take(self.path)
        except OSError as error:
            raise RunError(
                f"cannot write in {self.path} {because(error)}; or choose another "
                "--results-dir"
            ) from error
        try:
            self._load()
        except BaseException:
            self._lock.close()
            raise

    def _load(self):
        loaded = state.load(self.path / "state.npz", warn=self.warn)
        if loaded is None:
            self.arrays, self.history = None, History()
        else:
            self.arrays, content = loaded
            self.history, saved = of_a_run(self.path / "state.npz", content)
            self._compare(saved)
            if self.history.best:
                check_best(self.path / "best.npz", self.configuration)
            self.write_metrics()

    def _compare(self, saved):
        """Refuse to continue a run with other options."""
        names = sorted((set(saved) | set(self.configuration)) - NOT_BINDING)
        differing = [
            f"--{name.replace('_', '-')} (was {saved.get(name)}, now "
            f"{self.configuration.get(name)})"
            for name in names
            if saved.get(name) != self.configuration.get(name)
        ]
        if differing:
            raise UsageError(
                f"{self.path} is a run with other options: {', '.join(differing)}; "
                "give the same ones, or choose another --tag"
            )

    @staticmethod
    def warn(sentence):
        print(f"warning: {sentence}", flush=True)

    @property
    def continued(self):
        return self.arrays is not None

    @property
    def ending(self):
        """Why training has ended, or None; see :meth:`History.ending`."""
        known = self.configuration
        return self.history.ending(known["epochs"], known.get("patience"))

    def finished(self):
        """Whether the run has ended already, pictures and all.

        If so it is said, and the folder is given free.
        """
        try:
            status = read_json(self.path / "run.json").get("status")
        except RunError:
            return False  # it is written again
        if not self.ending or status != "finished":
            return False
        self._lock.close()
        best = self.history.best["epoch"]
        print(
            f"{self.path} is finished: {self.history.epoch} epochs are done, the best "
            f"is epoch {best}. --{self.ending} with a larger number goes on."
        )
        return True

    def require(self, metrics):
        """Refuse a history whose epochs do not have the figures that are named.

        Parameters
        ----------
        metrics : list of str
            The first two, of training and of validation, are numbers.

        Raises
        ------
        RunError
        """
        for row in self.history.rows:
            numbers = [row.get(name) for name in metrics[:2]]
            if not set(metrics) <= set(row) or list in map(type, numbers):
                raise another_version(self.path / "state.npz", f"epoch {row['epoch']}")

    def values(self, variables):
        """The saved values, checked to be those of `variables`; None in a new run.

        Raises
        ------
        RunError
            If the state has other names, shapes or types.
        """
        if self.arrays is None:
            return None
        expected = {
            name: (variable.get_value(borrow=True).shape, str(variable.dtype))
            for name, variable in variables.items()
        }
        saved = {
            name: (array.shape, str(array.dtype)) for name, array in self.arrays.items()
        }
        if expected != saved:
            raise another_version(self.path / "state.npz", "other parameters")
        return self.arrays

    def save_state(self, variables):
        """Save `variables` and the history, then make ``metrics.jsonl`` agree."""
        arrays = {name: variable.get_value() for name, variable in variables.items()}
        content = {
            "history": self.history.as_json(),
            "configuration": self.configuration,
        }
        state.save(self.path / "state.npz", arrays, content)
        self.write_metrics()

    def write_metrics(self):
        with replacing(self.path / "metrics.jsonl") as file:
            for row in self.history.rows:
                file.write(json.dumps(row).encode() + b"\n")

    def save_best(self, parameters):
        """Write ``best.npz``: `parameters` maps Blocks' names to shared variables."""
        arrays = {name: variable.get_value() for name, variable in parameters.items()}
        with replacing(self.path / "best.npz") as file:
            write_npz(file, arrays, identity(self.configuration))

    @contextmanager
    def pictures(self, advice):
        """Within this block an error is told: no picture is a reason to fail a run."""
        try:
            yield
        except Exception as error:
            reason = str(error) or type(error).__name__
            self.warn(f"a picture was not drawn: {reason}; {advice}")

    def describe(self, **facts):
        """Add to ``run.json``."""
        path = self.path / "run.json"
        try:
            known = read_json(path) if path.exists() else {}
        except RunError as error:
            self.warn(f"{error}; it is written again")
            known = {}
        write_json(path, {**known, **facts})

    def require_disk(self, variables, parameters):
        """Return the bytes a run takes: three states and two files of parameters.

        Raises
        ------
        RunError
            If fewer are free.
        """
        sizes = [
            sum(variable.get_value(borrow=True).nbytes for variable in group)
            for group in (variables.values(), parameters.values())
        ]
        needed = 3 * sizes[0] + 2 * sizes[1] + 10**6
        free = shutil.disk_usage(str(self.path)).free
        if free < needed:
            raise RunError(
                f"{self.path} needs {megabytes(needed)}, but only {megabytes(free)} "
                "are free: make room or choose another --results-dir"
            )
        return needed

    def __enter__(self):
        try:
            self.describe(
                status="running", ended_by=None, error=None, process=os.getpid()
            )
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(self, kind, error, traceback):
        """Say in ``run.json`` how it ended, and give the folder free."""
        if kind is None:
            ending = {"status": "finished", "ended_by": self.ending}
        elif issubclass(kind, KeyboardInterrupt):
            ending = {"status": "stopped"}
        else:
            ending = {
                "status": getattr(kind, "ending", "failed"),
                "error": str(error) or kind.__name__,
            }
        try:
            self.describe(
                ended=now(),
                best=self.history.best,
                # Linux counts in units of 1024 bytes.
                peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                **ending,
            )
        except RunError as second:
            if kind is None:
                raise
            self.warn(second)
        finally:
            self._lock.close()


def discard(path):
    """Delete a run folder, if there is one.

    Raises
    ------
    UsageError
        If there is a folder that is none.
    RunError
        If it is in use, or cannot be deleted.
    """
    path = Path(path)
    try:
        if not path.exists():
            return
        if not (path / "lock").exists():
            raise UsageError(
                f"{path} is not a run folder: choose another --results-dir"
            )
        with lock.take(path):
            shutil.rmtree(str(path))
    except OSError as error:
        raise RunError(f"cannot delete {path} {because(error)}") from error
