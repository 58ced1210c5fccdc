"""Read run folders, whatever state they are in."""

import json
import math
from pathlib import Path

from common.errors import RunError
from common.files import read_json
from common.trust import read_bytes
from experiments import draw_options, ptb_options
from report.readings import GAMMAS, PLAIN, REFERENCE, VARIATIONS, published_gammas

EXPERIMENTS = {"ptb": ptb_options, "draw": draw_options}
# What an epoch is judged by, and what it is called for people.
VALIDATION = {"ptb": "valid_bpc", "draw": "valid_nll"}
REPORTED = {"ptb": "valid_bpc", "draw": "test_nll"}
UNIT = {"ptb": "bpc", "draw": "nats"}

# Options in which runs of the same kind may differ, or that say nothing of the kind.
NOT_THE_KIND = {"seed", "epochs", "patience", "device", "save_every", "preset"}
NOT_THE_KIND |= {"model", "data", "sample", "regularise"}


class Run:
    """One run folder.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    experiment : {'ptb', 'draw'}
    facts : dict
        ``run.json``.
    rows : list of dict
        The lines of ``metrics.jsonl``.
    evaluation : dict
        ``evaluation.json``, empty if there is none.
    changes : dict of str to tuple
        Options that differ from the published experiment, with the published value
        and this run's; without those of :data:`NOT_THE_KIND`.

    Raises
    ------
    RunError
        If what is there cannot be understood.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.facts = read_json(self.path / "run.json")
        configuration = self.facts.get("configuration")
        if not isinstance(configuration, dict):
            raise RunError(f"{path}/run.json says nothing of a run's configuration")
        self.configuration = configuration
        self.experiment = "draw" if "glimpses" in configuration else "ptb"
        self.model = configuration.get("model")
        if self.model not in EXPERIMENTS[self.experiment].MODELS:
            raise RunError(f"{path}/run.json names no model of the archive")
        self.seed = configuration.get("seed")
        self.epochs_wanted = configuration.get("epochs")
        if not all(isinstance(n, int) for n in (self.seed, self.epochs_wanted)):
            raise RunError(f"{path}/run.json names no seed or no number of epochs")
        data = self.facts.get("data")
        self.data = data if isinstance(data, dict) else {}
        self.rows = read_rows(
            self.path / "metrics.jsonl", ("seconds", *self._needed_figures())
        )
        evaluation = self.path / "evaluation.json"
        self.evaluation = read_json(evaluation) if evaluation.exists() else {}
        self.changes = changes(self.experiment, configuration)

    def _needed_figures(self):
        train = "train_" + VALIDATION[self.experiment].rpartition("_")[2]
        return {train, VALIDATION[self.experiment], REPORTED[self.experiment]}

    @property
    def name(self):
        return self.path.name

    @property
    def sample(self):
        """Whether it ran on the built-in sample data."""
        return self.data.get("sample") is not False

    @property
    def regularised(self):
        """Whether it is a run of Table 2."""
        return bool(self.configuration.get("regularise"))

    @property
    def variation(self):
        """In which readings of the paper it differs, as a tuple of (option, value)."""
        return tuple(
            (name, self.changes[name][1]) for name in VARIATIONS if name in self.changes
        )

    @property
    def kind_changes(self):
        """The changes that are no reading of the paper: size, and how it is trained."""
        return {n: c for n, c in self.changes.items() if n not in VARIATIONS}

    @property
    def gammas(self):
        """Initial gammas by name, as given or else as published."""
        known = published_gammas(self.experiment, self.model)
        given = {name: self.configuration.get(name) for name in GAMMAS}
        return {**known, **{n: g for n, g in given.items() if g is not None}}

    @property
    def plain_softmax(self):
        """Whether its softmax layer is not weight-normalised."""
        models = EXPERIMENTS[self.experiment].ONLY_FOR.get("softmax_gamma", ())
        return self.model not in models or PLAIN in self.variation

    @property
    def published_epochs(self):
        return published(self.experiment, self.model, self.regularised)["epochs"]

    @property
    def ended_by_patience(self):
        how = self.facts.get("status"), self.facts.get("ended_by")
        return how == ("finished", "patience")

    @property
    def full(self):
        """Whether it is of the published size and ran to its end.

        That is the published number of epochs, or fewer if by patience.
        """
        ended = self.ended_by_patience or len(self.rows) == self.published_epochs
        return ended and not self.sample and not self.kind_changes

    @property
    def complete(self):
        """Whether it is full, or did as many epochs as it was asked for."""
        return self.full or len(self.rows) >= self.epochs_wanted

    @property
    def best_epoch(self):
        """The first epoch with the lowest validation figure."""
        name = VALIDATION[self.experiment]
        rows = [row for row in self if row[name] == row[name]] or self.rows
        return min(rows, key=lambda row: row[name])["epoch"]

    @property
    def diverged(self):
        return any(not math.isfinite(row[REPORTED[self.experiment]]) for row in self)

    def __iter__(self):
        return iter(self.rows)

    def score(self, epochs=None):
        """The figure of the paper's table, after the first `epochs` epochs.

        The lowest validation figure on Penn Treebank; in DRAW the test bound at the
        last epoch. Infinity where there is none, or where it is not a number.
        """
        values = [row[REPORTED[self.experiment]] for row in self.rows[:epochs]]
        if self.experiment == "draw":
            values = values[-1:]
        return min((value for value in values if value == value), default=math.inf)

    @property
    def sequence_score(self):
        """The figure of Table 2: the test text as one sequence. None if not scored."""
        return self.evaluation.get("test_sequence_bpc")

    @property
    def device(self):
        host = self.facts.get("host") or {}
        device = str(self.facts.get("device"))
        if device != "cpu":
            return device
        cores = host.get("cores")
        return f"{host.get('cpu')}, {cores} core{'s' if cores != 1 else ''}"


def published(experiment, model, regularised=False):
    """The published experiment's configuration for a model."""
    arguments = ["--model", model] + (["--regularise"] if regularised else [])
    return vars(EXPERIMENTS[experiment].parse(arguments))


def changes(experiment, configuration):
    """Options of a run that are not those of the published experiment.

    Returns
    -------
    dict of str to tuple
        The published value and the run's. An option that the run does not know, for
        it is older, does not count, nor does one that its model does not have.
    """
    model = configuration["model"]
    expected = published(experiment, model, configuration.get("regularise"))
    expected.update(REFERENCE[experiment])
    only_for = EXPERIMENTS[experiment].ONLY_FOR
    differing = {}
    for name, value in sorted(configuration.items()):
        if name in NOT_THE_KIND or model not in only_for.get(name, (model,)):
            continue
        # A gamma may be left to the model, or be given as what it is anyway.
        if name in GAMMAS and value == published_gammas(experiment, model).get(name):
            value = None
        if expected.get(name) != value:
            differing[name] = expected.get(name), value
    return differing


def read_rows(path, needed):
    """Read ``metrics.jsonl``; a run that has not finished an epoch has none.

    Raises
    ------
    RunError
        If a line is not what the experiments write.
    """
    if not path.exists():
        return []
    rows = []
    try:
        lines = read_bytes(path).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"cannot read {path} ({error})") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            good = row["epoch"] == number and all(
                isinstance(row[name], (int, float)) for name in needed
            )
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise RunError(
                f"{path} is damaged: line {number} is not the log of epoch {number}"
            )
        rows.append(row)
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
    runs, problems = [], []
    for folder in folders:
        folder = Path(folder)
        if not folder.is_dir():
            problems.append(f"There is no folder {folder}.")
            continue
        found = {*folder.glob("*/run.json"), *folder.glob("*/*/run.json")}
        # The folder itself may be a run.
        found |= {*folder.glob("run.json")}
        for path in sorted(found):
            try:
                runs.append(Run(path.parent))
            except RunError as error:
                problems.append(f"{error}.")
    unique = {run.path.resolve(): run for run in runs}
    return sorted(unique.values(), key=lambda run: run.name), problems
