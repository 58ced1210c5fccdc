"""Read run folders, whatever state they are in, and whoever has made them.

A folder is checked here and nowhere else: what a :class:`Run` holds has the right type,
and its words can be shown.
"""

import json
import math
import os
from pathlib import Path

import numpy

from common.errors import RunError
from common.files import LARGEST, read_json
from common.trust import read_bytes
from engine import card
from experiments.options import gammas
from experiments.recorded import recorded
from report.document import code, literal
from report.experiment import DRAW, PLAIN, PTB, REGULARISED, VARIATIONS

# Options of a run that say where and how it was done, and not what.
WHERE = ("data", "data_dir", "results_dir", "resume", "stop_after", "tag")
# A figure beyond this has diverged.
FURTHEST = 1e100


class Run:
    """One run folder.

    Attributes
    ----------
    experiment : report.experiment.Experiment
    epochs, epochs_wanted : int
        That it has done, and was asked for.
    log : dict of str to ndarray
        The columns of ``metrics.jsonl``.
    scores : ndarray
        The figure of the paper's table after each epoch: the lowest validation figure
        on Penn Treebank, the test bound in DRAW.
    changes : dict of str to tuple
        See :meth:`report.experiment.Experiment.changes`.
    gammas : dict of str to float
        The initial ones.
    sample, ended_by_patience : bool
        Whether it is of the built-in sample data, and whether it ended by patience.
    sequence_score, exact_score, batch_score : float or None
        Of the best epoch, if scored: the test text as one sequence, as Table 2 has it;
        the validation text with batch_norm's exact statistics, and with the batch's.
    apart : float
        How much rounding may change `sequence_score`: see `experiments.sequence`.
    status, device, machine, software, blocks : str
        To be shown.
    checksums : list of tuple of str
        Data set, file and SHA-256, to be shown.

    Raises
    ------
    RunError
        If what is there cannot be understood.
    """

    def __init__(self, path):
        self.path, self.name = path, path.name
        facts = Facts(path / "run.json")
        if facts.content.get("device") == card.ON_CPU:
            raise RunError(f"{path} ran on {card.ON_CPU}, for a test, without a GPU")
        configuration = facts.part("configuration").content
        self.experiment = DRAW if "glimpses" in configuration else PTB
        if configuration.get("regularise"):
            self.experiment = REGULARISED
        options = recorded(self.experiment.options, path, ignored=WHERE)
        if not {"seed", "epochs"} <= set(configuration):
            raise RunError(f"{facts.path} names no seed or no number of epochs")
        self.model, self.seed = options.model, options.seed
        self.epochs_wanted = options.epochs
        self.gammas = gammas(options, self.experiment.name)
        self.changes = self.experiment.changes(configuration)
        self.data = literal(facts.part("configuration").word("data"))
        self.sample = facts.part("data").content.get("sample") is not False
        self._read_log(path / "metrics.jsonl")
        self._describe(facts)
        again = path / "evaluation.json"
        scores = Facts(again, None if os.path.lexists(again) else {})
        if scores.content.get("epoch", self.best_epoch) != self.best_epoch:
            scores = Facts(again, {})
        self.sequence_score = scores.number("test_sequence_bpc")
        self.apart = scores.number("test_sequence_apart") or 0.0
        again = scores if self.model == "batch_norm" else Facts(again, {})
        self.exact_score = again.number("valid_bpc")
        self.batch_score = again.part("batch").number("valid_bpc")

    def _read_log(self, path):
        names = ("seconds", *self.experiment.columns)
        rows = read_rows(path, names) if os.path.lexists(path) else []
        self.epochs = len(rows)
        self.log = dict(zip(names, numpy.reshape(rows, (-1, len(names))).T))
        self.scores = self.log[names[-1]]
        if self.experiment is not DRAW:
            self.scores = numpy.fmin.accumulate(self.scores)
        # Where there is none, or it is not a number.
        self.scores = numpy.where(numpy.isnan(self.scores), numpy.inf, self.scores)

    def _describe(self, facts):
        host, blocks, data = map(facts.part, ("host", "blocks", "data"))
        status, error = facts.word("status"), facts.word("error")
        ending = status, facts.word("ended_by")
        self.ended_by_patience = ending == ("finished", "patience")
        status += ", or killed" if status == "running" else ""
        status += f": {error}" if error != "None" else ""
        self.status = literal(status + ", by patience" * self.ended_by_patience)
        device = facts.word("device")
        if device == "cpu":
            cores = host.word("cores")
            device = f"{host.word('cpu')}, {cores} core{'s' if cores != '1' else ''}"
        self.device = literal(device)
        self.machine = literal(f"{device}; {host.word('system')}")
        self.blocks = literal(blocks.word("version"))
        versions = [" ".join(item) for item in facts.part("versions").words().items()]
        commit = blocks.word("commit")
        words = f"{', '.join(versions)}; Blocks from {blocks.word('source')}"
        words += f", commit {commit}" if commit != "None" else ""
        precision = facts.part("configuration").word("floatX")
        self.software = literal(f"{words}; {precision}")
        self.checksums = [
            (literal(data.word("name")), code(name), code(digest))
            for name, digest in sorted(data.part("checksums").words().items())
        ]

    @property
    def variation(self):
        """In which readings of the paper it differs, as a tuple of (option, value)."""
        return tuple((n, self.changes[n][1]) for n in VARIATIONS if n in self.changes)

    @property
    def kind_changes(self):
        """The changes that are no reading of the paper: size, and how it is trained."""
        return {n: c for n, c in self.changes.items() if n not in VARIATIONS}

    @property
    def plain_softmax(self):
        """Whether its softmax layer is not weight-normalised."""
        normalises = self.experiment.has(self.model, "softmax_gamma")
        return not normalises or PLAIN in self.variation

    @property
    def published_epochs(self):
        return self.experiment.published(self.model)["epochs"]

    @property
    def full(self):
        """Whether it is of the published size and ran to its end.

        That is the published number of epochs, or fewer if by patience.
        """
        ended = self.ended_by_patience or self.epochs == self.published_epochs
        return ended and not self.kind_changes and not self.sample

    @property
    def complete(self):
        """Whether it is full, or did as many epochs as it was asked for."""
        return self.full or self.epochs >= self.epochs_wanted

    @property
    def best_epoch(self):
        """The first epoch with the lowest validation figure; None without epochs."""
        values = self.log[self.experiment.columns[1]]
        if not self.epochs:
            return None
        return int(numpy.where(numpy.isnan(values), numpy.inf, values).argmin()) + 1


class Facts:
    """A JSON object that anybody may have written: its parts, by their type.

    Raises
    ------
    RunError
        If it cannot be read, or a part is of another type.
    """

    def __init__(self, path, content=None):
        self.path = path
        self.content = read_json(path) if content is None else content

    def _get(self, name, wanted, kind):
        value = self.content.get(name)
        if value is not None and not isinstance(value, kind):
            raise RunError(f"{self.path} cannot be used (its {name} is no {wanted})")
        return value

    def part(self, name):
        """An object within it; empty if there is none."""
        return Facts(self.path, self._get(name, "object", dict) or {})

    def word(self, name):
        """A word or number as text, ``None`` if there is none."""
        return str(self._get(name, "word or number", (str, int, float)))

    def words(self):
        return {name: self.word(name) for name in self.content}

    def number(self, name):
        value = self._get(name, "number", (int, float))
        return None if value is None else finite(value)


def finite(value):
    """A number as it can be reckoned with: beyond :data:`FURTHEST` it is infinite."""
    if abs(value) > FURTHEST:
        return math.inf if value > 0 else -math.inf
    return float(value)


def read_rows(path, names):
    """Read these columns of ``metrics.jsonl``, a list for each epoch.

    Raises
    ------
    RunError
        If a line is not what the experiments write.
    """
    rows = []
    try:
        lines = read_bytes(path, LARGEST).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"cannot read {path} ({error})") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            rows.append([finite(row[name]) for name in names])
            if row["epoch"] != number or not 0 < row["seconds"] < math.inf:
                raise ValueError(row)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(
                f"{path} is damaged: line {number} is not the log of epoch {number}"
            ) from error
    return rows


def find(folders):
    """Read all run folders in `folders`, and in the folders in these.

    Returns
    -------
    runs : list of Run
        Sorted by name.
    problems : list of str
        A sentence for each folder that cannot be read.
    """
    runs, problems = {}, []
    for folder in map(Path, folders):
        if not os.path.isdir(folder):
            problems.append(f"There is no folder {folder}.")
            continue
        # The folder itself may be a run.
        patterns = ("run.json", "*/run.json", "*/*/run.json")
        for path in sorted({p for pattern in patterns for p in folder.glob(pattern)}):
            try:
                runs[path.parent.resolve()] = Run(path.parent)
            except RunError as error:
                problems.append(f"{error}; the run is left out.")
    return sorted(runs.values(), key=lambda run: run.name), problems
