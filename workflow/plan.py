"""Plans: YAML files that say which runs there are to be.

::

    results: results/paper      # where the run folders go
    runs:
      - experiment: ptb         # or draw
        model: [norm_prop, baseline]
        seed: [1, 2]
    figures: [1, 2, 3]      # if not given: those of the experiments above
    report: true

A run has the options of its experiment's program by their names: ``gamma_x: 2`` is
``--gamma-x 2``, ``regularise: true`` is ``--regularise``. Where a value is a list,
there is a run for each element, and for each combination where several are; the last
one changes fastest. A ``tag`` may name other options in braces. What comes first in
the plan runs first.
"""

import contextlib
import io
import itertools
from pathlib import Path

import yaml

from figures.__main__ import NAMES as FIGURES
from training import draw_options, ptb_options
from training.errors import RunError, UsageError
from training.run_folder import folder_name

EXPERIMENTS = {"ptb": ptb_options, "draw": draw_options}
KEYS = {"results", "data_dir", "runs", "figures", "report"}
# The experiment that a figure is about, where it is not of Penn Treebank.
ABOUT = {"3": "draw"}
# Options of the programs that are the workflow's own business.
NOT_IN_A_PLAN = {"results_dir", "data_dir", "resume", "stop_after", "evaluate"}


class Plan:
    """What a plan file says.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    results : str
    data_dir : str or None
    runs : dict of str to dict
        By the name of the run folder: ``experiment``; ``arguments``, the words for
        its program; ``epochs``; ``data``, the name of the data set or None for the
        built-in sample.
    figures : list of str
    report : bool

    Raises
    ------
    RunError
        If it cannot be read.
    UsageError
        If it makes no sense; the message names the file and the entry.
    """

    def __init__(self, path):
        self.path = Path(path)
        content = self._read()
        self._require(isinstance(content, dict), "it should hold `runs:` and more")
        unknown = sorted(set(map(str, content)) - KEYS)
        self._require(not unknown, f"it has the unknown key {', '.join(unknown)}")
        self.results = str(content.get("results") or f"results/{self.path.stem}")
        self.data_dir = content.get("data_dir")
        self.report = bool(content.get("report", True))
        entries = content.get("runs")
        self._require(isinstance(entries, list) and entries, "`runs` should be a list")
        self.runs = {}
        for number, entry in enumerate(entries, start=1):
            for chosen in self._combinations(number, entry):
                self._add(number, chosen)
        experiments = {run["experiment"] for run in self.runs.values()}
        default = [name for name in FIGURES if ABOUT.get(name, "ptb") in experiments]
        self.figures = [str(name) for name in content.get("figures", default) or []]
        for name in self.figures:
            self._require(
                name in FIGURES, f"there is no figure {name}, but {', '.join(FIGURES)}"
            )

    def _read(self):
        try:
            return yaml.safe_load(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(
                f"cannot read the plan {self.path} ({error.strerror})"
            ) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.path} is not YAML ({error})") from error

    def _require(self, condition, sentence):
        if not condition:
            raise UsageError(f"{self.path}: {sentence}")

    def _combinations(self, number, entry):
        """Yield a dictionary of single values for each run of an entry."""
        where = f"entry {number} of `runs`"
        self._require(isinstance(entry, dict), f"{where} should be `name: value`s")
        entry = {str(key).replace("-", "_"): value for key, value in entry.items()}
        self._require(
            entry.get("experiment") in EXPERIMENTS,
            f"{where} should name its experiment, ptb or draw",
        )
        for key in sorted(NOT_IN_A_PLAN & set(entry)):
            self._require(False, f"{where} cannot set {key}, for `all` does")
        lists = [v if isinstance(v, list) else [v] for v in entry.values()]
        for values in itertools.product(*lists):
            chosen = dict(zip(entry, values))
            if "tag" in chosen:
                try:
                    chosen["tag"] = str(chosen["tag"]).format(**chosen)
                except (KeyError, IndexError, ValueError):
                    self._require(False, f"{where}: its tag names no option of it")
            yield chosen

    def _add(self, number, chosen):
        experiment = chosen.pop("experiment")
        arguments = []
        for key, value in chosen.items():
            option = f"--{key.replace('_', '-')}"
            if value is True:
                arguments.append(option)
            elif value is not False and value is not None:
                arguments += [option, str(value)]
        options = self._parse(number, experiment, arguments)
        self._require(
            options.model != "all", f"entry {number}: list the models instead of `all`"
        )
        name = folder_name(options, experiment).name
        self._require(
            name not in self.runs,
            f"entry {number} makes a second run {name}: give it a `tag`",
        )
        data = {"ptb": "ptb", "draw": "mnist"}[experiment]
        self.runs[name] = {
            "experiment": experiment,
            "arguments": arguments,
            "epochs": options.epochs,
            "data": None if options.sample else data,
        }

    def _parse(self, number, experiment, arguments):
        """Have the experiment's own parser check the options."""
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                return EXPERIMENTS[experiment].parse(arguments)
        except SystemExit:
            reason = said.getvalue().partition("error: ")[2].strip()
            raise UsageError(f"{self.path}: entry {number}: {reason}") from None

    @property
    def sample(self):
        """Whether all runs are on the built-in samples."""
        return all(run["data"] is None for run in self.runs.values())
