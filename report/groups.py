"""Sort runs into kinds, so that only what is comparable is compared."""

import math
from statistics import mean, median, stdev

from report.readings import full_name
from report.runs import EXPERIMENTS, NOT_THE_KIND
from training import presets

PRESETS = {"ptb": presets.PTB, "draw": presets.DRAW}


class Kind:
    """Runs of one experiment, on the same data, at the same size.

    Models, seeds, the number of epochs and :data:`report.readings.VARIATIONS` may
    differ.

    Attributes
    ----------
    experiment : {'ptb', 'draw'}
    regularised, sample : bool
    changes : dict of str to tuple
        Options that differ from the published experiment: the published value and
        the one here.
    runs : list of report.runs.Run
        One for each model, variation and seed.
    """

    def __init__(self, runs):
        first = runs[0]
        self.experiment = first.experiment
        self.regularised = first.regularised
        self.sample = first.sample
        self.changes = first.kind_changes
        self.runs = runs

    @property
    def published(self):
        """Whether these are runs of the published experiment, but for the epochs."""
        return not self.changes and not self.sample

    @property
    def compared(self):
        """Names of the models of which there are several readings of the paper."""
        readings = {(run.model, run.variation) for run in self.runs if run.rows}
        models = [model for model, _ in readings]
        return {model for model in models if models.count(model) > 1}

    @property
    def words(self):
        """What distinguishes these runs from the published ones."""
        if self.published:
            return "published settings"
        words = [
            f"{name.replace('_', ' ')} {here}"
            + (f" (published {there})" if there is not None else "")
            for name, (there, here) in self.changes.items()
        ]
        preset = PRESETS[self.experiment]["small"]
        sizes = {name: value for name, value in preset.items() if name != "tag"}
        changed = {name: here for name, (_, here) in self.changes.items()}
        if not self.sample and changed == {
            name: value for name, value in sizes.items() if name not in NOT_THE_KIND
        }:
            words[0] = "the preset `small`: " + words[0]
        if self.sample:
            words.insert(0, "built-in sample data, not the paper's")
        return ", ".join(words)

    @property
    def title(self):
        what = "Penn Treebank" if self.experiment == "ptb" else "DRAW"
        return f"{what}, regularised" if self.regularised else what

    @property
    def label(self):
        """The experiment and, in short, what is not as published."""
        if self.published:
            return f"{self.title}, published size"
        size = " at small size" if "units" in self.changes else ""
        changed = [f"{n.replace('_', ' ')} {c[1]}" for n, c in self.changes.items()]
        return f"{self.title}{size}: {', '.join(changed)}"

    def rows(self):
        """Yield a :class:`Row` for each model, variation and number of epochs done.

        Runs that went to their end are one row, however many epochs that took. Models
        in the paper's order; full and complete rows before partial ones.
        """
        rows = {}
        for run in sorted(self.runs, key=lambda run: run.seed):
            if run.rows:
                state = (not run.full, not run.complete, run.full or -len(run.rows))
                rows.setdefault((run.model, run.variation, state), []).append(run)
        order = EXPERIMENTS[self.experiment].MODELS

        def position(key):
            model, variation, state = key
            # Of one option there may be numbers, words and None.
            return order.index(model), len(variation), str(variation), state

        for key in sorted(rows, key=position):
            yield Row(rows[key])

    def of(self, model, variation=()):
        """Runs of a model, one a seed: the full ones, or else those furthest on."""
        runs = [
            run
            for run in self.runs
            if run.rows and (run.model, run.variation) == (model, variation)
        ]
        furthest = max((len(run.rows) for run in runs), default=0)
        full = [run for run in runs if run.full]
        chosen = full or [run for run in runs if len(run.rows) == furthest]
        return sorted(chosen, key=lambda run: run.seed)


class Row:
    """Runs that differ in nothing but the seed; what a table says of them.

    Attributes
    ----------
    mean, deviation : float
        Of the score over the runs; the deviation (n - 1) is None for a single run.
    epochs : int
        Done by all of them.
    seconds : float
        Mean over the runs of the median of the seconds of an epoch.
    """

    def __init__(self, runs):
        first = runs[0]
        self.runs = runs
        self.experiment = first.experiment
        self.model = first.model
        self.variation = first.variation
        self.epochs = min(len(run.rows) for run in runs)
        self.complete = all(run.complete for run in runs)
        self.full = all(run.full for run in runs)
        self.published_epochs = first.published_epochs
        self.mean, self.deviation = mean_deviation([run.score() for run in runs])
        self.seconds = mean(seconds(run) for run in runs)

    @property
    def seeds(self):
        return [run.seed for run in self.runs]

    @property
    def devices(self):
        return sorted({run.device for run in self.runs})

    @property
    def name(self):
        """The model, and its reading of the paper."""
        return full_name(self.experiment, self.model, self.variation)


def seconds(run):
    """Median of the seconds of training of an epoch."""
    return median(row["seconds"] for row in run)


def mean_deviation(values):
    """Mean and standard deviation (n - 1), None for a single value."""
    if not all(math.isfinite(value) for value in values):
        return math.nan, None
    return mean(values), stdev(values) if len(values) > 1 else None


def kinds(runs):
    """Group runs, the published experiment first, sample data last.

    Returns
    -------
    kinds : list of Kind
    repeats : list of tuple
        Pairs of runs of the same kind, model and seed, of which only the first is in
        a kind.
    """
    groups, repeats = {}, []
    # Of two runs of the same seed the one that got further counts.
    for run in sorted(runs, key=lambda run: (-len(run.rows), run.name, str(run.path))):
        key = (
            run.sample,
            repr(sorted(run.kind_changes.items())),
            run.experiment,
            run.regularised,
            str(run.configuration.get("data")),
        )
        same = groups.setdefault(key, {})
        other = same.setdefault((run.model, run.variation, run.seed), run)
        if other is not run:
            repeats.append((other, run))

    def order(key):
        sample, changes, experiment, regularised, _ = key
        published = changes == "[]"
        return sample, not published, experiment != "ptb", regularised, key

    sorted_kinds = [Kind(list(groups[k].values())) for k in sorted(groups, key=order)]
    return sorted_kinds, repeats


def ratio(row, kind):
    """Time of an epoch over the baseline's, on the same device; None without one."""
    baselines = [
        seconds(run) for run in kind.of("baseline") if [run.device] == row.devices
    ]
    return row.seconds / mean(baselines) if baselines else None
