"""Sort runs into kinds, so that only what is comparable is compared."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

import numpy

from report.experiment import (
    EXPERIMENTS,
    NOT_THE_KIND,
    PUBLISHED,
    REGULARISED,
    Experiment,
)


@dataclass(eq=False)
class Kind:
    """Runs of one experiment, on the same data, at the same size.

    Models, seeds, the number of epochs and :data:`report.experiment.VARIATIONS` may
    differ.
    """

    experiment: Experiment
    sample: bool = False
    #: Options that differ from the published experiment: its value and the one here.
    changes: dict = field(default_factory=dict)
    #: One for each model, variation and seed; there may be none.
    runs: list = field(default_factory=list)

    @property
    def published(self):
        """Whether these are runs of the published experiment, but for the epochs."""
        return not self.changes and not self.sample

    @property
    def real(self):
        """Whether these show how models compare on the real data."""
        return not self.sample and self.experiment is not REGULARISED

    @property
    def compared(self):
        """Names of the models of which there are several readings of the paper."""
        readings = {(run.model, run.variation) for run in self.runs if run.epochs}
        models = [model for model, _ in readings]
        return {model for model in models if models.count(model) > 1}

    @property
    def label(self):
        """The experiment, and what distinguishes these runs from the published."""
        words = [
            f"{name.replace('_', ' ')} {here}"
            + (f" (published {there})" if there is not None else "")
            for name, (there, here) in self.changes.items()
        ]
        sizes = self.experiment.small.items()
        sizes = {n: v for n, v in sizes if n not in {"tag", *NOT_THE_KIND}}
        if self.sample:
            words.insert(0, "built-in sample data, not the paper's")
        elif {name: here for name, (_, here) in self.changes.items()} == sizes:
            words[0] = f"the preset `small`: {words[0]}"
        return f"{self.experiment.title}: {', '.join(words) or 'published settings'}"

    def groups(self):
        """A :class:`Group` for each model, variation and number of epochs done.

        Runs that went to their end are one, however many epochs that took. Models in
        the paper's order; full and complete groups before partial ones.
        """
        found = {}
        models = self.experiment.options.MODELS
        for run in (run for run in self.runs if run.epochs):
            # Of one option there may be numbers, words and None.
            reading = len(run.variation), str(run.variation)
            state = not run.full, not run.complete, run.full or -run.epochs
            key = models.index(run.model), reading, state
            found.setdefault(key, []).append(run)
        return [
            Group(self, found[key][0].model, found[key][0].variation, found[key])
            for key in sorted(found)
        ]

    def of(self, model, variation=()):
        """Runs of a model, one a seed: the full ones, or else those furthest on."""
        which = model, dict(variation)
        runs = [r for r in self.runs if (r.model, dict(r.variation)) == which]
        furthest = max((run.epochs for run in runs), default=0)
        full = [run for run in runs if run.full]
        best = [run for run in runs if 0 < run.epochs == furthest]
        return Group(self, model, variation, full or best)


@dataclass(eq=False)
class Group:
    """Runs that differ in nothing but the seed, a row of a table; there may be none."""

    kind: Kind
    model: str
    variation: tuple
    runs: list
    #: The attribute of the runs that is shown, if it is not their score.
    scored: str = None
    name: str = None

    def __post_init__(self):
        self.experiment = self.kind.experiment
        self.reading = self.experiment.reading(self.model, self.variation)
        name = f"{self.model}, {self.reading}" if self.reading else self.model
        self.name = self.name or name
        #: Done by all of them.
        self.epochs = min((run.epochs for run in self.runs), default=0)
        self.complete = all(run.complete for run in self.runs)
        published = bool(self.runs) and self.kind.published
        self.full = published and all(run.full for run in self.runs)
        self.partial = bool(self.runs) and not self.full
        self.devices = sorted({run.device for run in self.runs})
        #: Mean over the runs of the median of the seconds of an epoch.
        times = [numpy.median(run.log["seconds"]) for run in self.runs]
        self.seconds = float(numpy.mean(times)) if times else None

    def __bool__(self):
        return bool(self.runs)

    def on(self, device):
        """Those of the runs that ran on a device."""
        runs = [run for run in self.runs if run.device == device]
        return replace(self, runs=runs)

    @property
    def seeds(self):
        return ", ".join(str(run.seed) for run in self.runs)

    @property
    def ratio(self):
        """Time of an epoch over the baseline's, on the same device; None without."""
        if len(self.devices) != 1:
            return None
        baseline = self.kind.of("baseline").on(*self.devices)
        return self.seconds / baseline.seconds if baseline else None

    @property
    def paper(self):
        """What the paper reports of it, by the names of ``published.yaml``."""
        forms = self.experiment.forms_of(self.model)
        known = self.kind.published and self.variation in forms
        return PUBLISHED[self.experiment.table].get(self.model, {}) if known else {}

    def score(self, epochs=None):
        """Mean and standard deviation (n - 1) over the seeds.

        Of the scores after so many epochs, the last if None. The mean is None where not
        all are scored, and the deviation of a single run.
        """
        if self.scored:
            values = [getattr(run, self.scored) for run in self.runs]
        else:
            values = [run.scores[(epochs or run.epochs) - 1] for run in self.runs]
        if not values or None in values:
            return None, None
        if not numpy.isfinite(values).all():
            return numpy.nan, None
        spread = float(numpy.std(values, ddof=1)) if len(values) > 1 else None
        return float(numpy.mean(values)), spread

    @property
    def obtained(self):
        """``1.440 ± 0.026``; None without runs."""
        known = self.experiment.shown(*self.score())
        apart = max((run.apart for run in self.runs), default=0.0)
        if self.scored == "sequence_score" and apart > 0.5 / 10**self.experiment.digits:
            known = f"{known}, not determined in floating point"
        return "not scored yet" if self and not known else known

    @property
    def published(self):
        return self.experiment.shown(self.paper.get(self.experiment.figure))

    @property
    def difference(self):
        """Obtained less published; in parentheses of runs that are partial."""
        there = self.paper.get(self.experiment.figure)
        words = self.experiment.difference(self.score()[0], there)
        return f"({words})" if self.partial and words else words

    def after(self, epochs):
        """``after 9 of 50 epochs``, of those published if all else is as published."""
        of = f" of {self.runs[0].published_epochs}" if self.kind.published else ""
        return f"after {epochs}{of} epoch{'s' if of or epochs > 1 else ''}"

    @property
    def progress(self):
        """Epochs done, and of full runs the best; runs that are not full say so.

        ``50 of 50, best 41``, or ``ended after 23, best 15`` if by patience; with a
        number for each seed where they differ.
        """
        if not self.runs:
            known = self.model in self.experiment.options.MODELS
            return "not begun" if known else "not a model here"
        published = self.runs[0].published_epochs
        if not self.full:
            wanted = self.epochs >= published if self.kind.published else self.complete
            return f"{'' if wanted else '**partial** '}{self.epochs} of {published}"
        done, best = (
            ", ".join(map(str, numbers if len(set(numbers)) > 1 else numbers[:1]))
            for numbers in zip(*((run.epochs, run.best_epoch) for run in self.runs))
        )
        ended = f"{done} of {done}" if done == str(published) else f"ended after {done}"
        return f"{ended}, best {best}"


def kinds(runs):
    """Group runs, the published experiment first, sample data last.

    Returns
    -------
    kinds : list of Kind
    repeats : list of tuple
        Pairs of runs of the same kind, model and seed, of which only the first is in
        a kind.
    """
    found, repeats = {}, []
    usual = defaultdict(Counter)
    for run in runs:
        usual[run.experiment.name, run.sample][run.data] += 1
    # Of two runs of the same seed the one that got further counts.
    for run in sorted(runs, key=lambda run: (-run.epochs, run.name, str(run.path))):
        changes = run.kind_changes
        ((data, _),) = usual[run.experiment.name, run.sample].most_common(1)
        if run.data != data:
            changes["data"] = data, run.data
        order = EXPERIMENTS.index(run.experiment), repr(sorted(changes.items()))
        key = run.sample, bool(changes), *order
        kind = Kind(run.experiment, run.sample, changes)
        kind, same = found.setdefault(key, (kind, {}))
        other = same.setdefault((run.model, run.variation, run.seed), run)
        if other is not run:
            repeats.append((other, run))
    for kind, same in found.values():
        kind.runs = sorted(same.values(), key=lambda run: run.seed)
    return [found[key][0] for key in sorted(found)], repeats
