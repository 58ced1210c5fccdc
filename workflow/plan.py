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

A plan may be a stranger's. YAML makes no objects of it: its words are handed, as they
are written, to the parser of the experiment's program.
"""

import itertools
import math
import re
from pathlib import Path

import yaml

from common.errors import RunError, UsageError
from experiments import draw_options, ptb_options
from experiments.published import FIGURES
from runs.folder import folder_name

EXPERIMENTS = {"ptb": ptb_options, "draw": draw_options}
KEYS = ("results", "data_dir", "runs", "figures", "report")
# Options of the programs that are the workflow's own business.
NOT_IN_A_PLAN = {"results_dir", "data_dir", "resume", "stop_after", "evaluate", "help"}
# Bytes of a file, runs of a plan, and characters of a value.
LARGEST, MOST_RUNS, LONGEST = 100_000, 1000, 1000
TAG = "tag:yaml.org,2002:"
WORDS = [TAG + kind for kind in ("str", "int", "float", "timestamp", "bool", "null")]


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
        If it makes no sense; the message names the file and the line.
    """

    def __init__(self, path):
        self.path = Path(path)
        root = self._nodes()
        if not isinstance(root, yaml.MappingNode):
            raise UsageError(f"{self.path}: it should hold `runs:` and more")
        content = self._mapping(root, "a plan")
        for key, node in content.items():
            known = key in KEYS
            self._require(known, node, f"the unknown key {key}: use {', '.join(KEYS)}")
        self.results = self._folder(content, "results", f"results/{self.path.stem}")
        self.data_dir = self._folder(content, "data_dir")
        node = content.get("report")
        self.report = True if node is None else self._word(node, "report")
        known = isinstance(self.report, bool)
        self._require(known, node, "`report` should be true or false")
        entries = content.get("runs", root)
        listed = isinstance(entries, yaml.SequenceNode) and entries.value
        self._require(listed, entries, "`runs` should be a list")
        self.runs = {}
        for entry in entries.value:
            self._add_entry(entry)
        experiments = {run["experiment"] for run in self.runs.values()}
        self.figures = [name for name, about in FIGURES.items() if about in experiments]
        if "figures" in content:
            node = content["figures"]
            self.figures = [name for name in self._list(node, "figures") if name]
            for name in self.figures:
                reason = f"there is no figure {name}, but {', '.join(FIGURES)}"
                self._require(name in FIGURES, node, reason)

    def _nodes(self):
        """Read the file; return what YAML calls its graph of nodes."""
        try:
            with open(self.path, "rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as error:
            raise RunError(
                f"cannot read the plan {self.path} ({error.strerror})"
            ) from error
        if len(content) > LARGEST:
            raise UsageError(f"{self.path} is larger than plans are, {LARGEST:,} bytes")
        text = content.decode("utf-8", "surrogateescape")
        try:
            loader = yaml.SafeLoader(text)
            return loader.get_single_node()
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position)
            reason = "a byte or character that text has not"
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None) or loader.get_mark()
            line, reason = mark.line, getattr(error, "problem", error)
            if isinstance(error, RecursionError):
                reason = "nested too deeply"
        raise UsageError(f"{self.path}, line {line + 1}, is not YAML ({reason})")

    def _require(self, condition, node, sentence):
        if not condition:
            line = node.start_mark.line + 1
            raise UsageError(f"{self.path}, line {line}: {str(sentence)[:LONGEST]}")

    def _mapping(self, node, what):
        """Return the nodes of a mapping's values by their keys."""
        is_mapping = isinstance(node, yaml.MappingNode)
        self._require(is_mapping, node, f"{what} should be `name: value`s")
        nodes = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            is_name = re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", name)
            self._require(is_name, key, "a key should be a name")
            name = name.replace("-", "_")
            self._require(name not in nodes, key, f"{name} is given twice")
            nodes[name] = value
        return nodes

    def _word(self, node, name):
        """Return a value as it is written, or what is meant by true, false and null."""
        single = isinstance(node, yaml.ScalarNode)
        self._require(single, node, f"`{name}` should be a word or a number")
        self._require(node.tag in WORDS, node, f"plans do not have the tag {node.tag}")
        word = node.value
        good = all(letter.isprintable() or letter in "\n\t" for letter in word)
        self._require(good, node, f"`{name}` has a character that cannot be printed")
        short = len(word) <= LONGEST
        self._require(short, node, f"`{name}` has more than {LONGEST} characters")
        if node.tag == TAG + "null":
            return None
        if node.tag == TAG + "bool":
            return yaml.SafeLoader.bool_values.get(word.lower(), word)
        return word

    def _list(self, node, name):
        """Return the words of a list; a single word counts as a list of one."""
        several = isinstance(node, yaml.SequenceNode)
        return [self._word(n, name) for n in (node.value if several else [node])]

    def _folder(self, content, name, default=None):
        word = name in content and self._word(content[name], name)
        if not word:
            return default
        named = isinstance(word, str) and word.isprintable()
        self._require(named, content[name], f"`{name}` should be the name of a folder")
        return word

    def _add_entry(self, entry):
        """Add a run for each combination of the values of an entry of ``runs``."""
        nodes = self._mapping(entry, "an entry of `runs`")
        for name in sorted(NOT_IN_A_PLAN & set(nodes)):
            self._require(False, nodes[name], f"a plan cannot set {name}: `all` does")
        values = {name: self._list(node, name) for name, node in nodes.items()}
        number = len(self.runs) + math.prod(map(len, values.values()))
        self._require(number <= MOST_RUNS, entry, f"more than {MOST_RUNS:,} runs")
        for name, node in nodes.items():
            self._require(
                values[name], node, f"`{name}` is an empty list: leave it out"
            )
        for chosen in itertools.product(*values.values()):
            self._add(dict(zip(values, chosen)), entry, nodes)

    def _add(self, chosen, entry, nodes):
        experiment = chosen.pop("experiment", None)
        node, known = nodes.get("experiment", entry), experiment in EXPERIMENTS
        self._require(known, node, "an entry should name its experiment, ptb or draw")

        def refuse(message):
            option = re.match(r"argument --([\w-]+)", str(message))
            name = option and option.group(1).replace("-", "_")
            self._require(False, nodes.get(name, entry), message)

        if chosen.get("tag"):
            known = {**chosen, "experiment": experiment}
            try:
                chosen["tag"] = re.sub(
                    r"\{(\w+)\}", lambda name: str(known[name[1]]), str(chosen["tag"])
                )
            except KeyError as error:
                refuse(f"argument --tag: there is no option {error} in this entry")
        arguments = []
        for name, value in chosen.items():
            option = f"--{name.replace('_', '-')}"
            if value is True:
                arguments.append(option)
            elif value is not False and value is not None:
                # What begins with - would be taken for an option.
                dash = value.startswith("-")
                arguments += [f"{option}={value}"] if dash else [option, value]
        parser = EXPERIMENTS[experiment].build_parser()
        parser.error = refuse
        options = EXPERIMENTS[experiment].parse(arguments, parser)
        if options.model == "all":
            refuse("argument --model: list the models instead of `all`")
        name = folder_name(options, experiment).name
        if name in self.runs:
            refuse(f"a second run {name}: give it a `tag`")
        data = {"ptb": "ptb", "draw": "mnist"}[experiment]
        self.runs[name] = {
            "experiment": experiment,
            "arguments": arguments,
            "epochs": options.epochs,
            "data": None if options.sample else data,
        }

    @property
    def sample(self):
        """Whether all runs are on the built-in samples."""
        return all(run["data"] is None for run in self.runs.values())
