"""The variance of h_t and c_t over time, which Norm Prop is made to keep."""

import ptb_experiment
from common.errors import RunError
from datasets.ptb import open_corpus
from experiments import evaluation, ptb_options
from experiments.recorded import recorded
from figures.recurrence import of_model
from report.experiment import PTB
from report.runs import find
from training.progress import bar, say

WINDOWS = 64


def compute(options):
    """The five models, as published but for the units, and the runs that are there."""
    corpus = open_corpus(options.sample, options.data_dir)
    if options.sample:
        print("Variances: built-in sample text, not the Penn Treebank.", flush=True)
    runs = trained_runs(find(options.results_dir)[0])
    curves = []
    total = len(ptb_options.MODELS) + len(runs)
    with bar(total, "variances", unit=" models") as shown:
        for model in ptb_options.MODELS:
            curves.append(at_initialisation(corpus, model, options.units))
            shown.update()
        for run in runs:
            try:
                curves.append(after_training(run, options.data_dir))
            except RunError as error:
                say(f"warning: {error}")
            shown.update()
    if not runs:
        print("Variances after training: no run has its parameters here.", flush=True)
    return {"curves": curves}


def at_initialisation(corpus, model, units):
    """Measure a model of the published experiment; see :func:`measure`."""
    options = ptb_options.parse(["--model", model, "--units", str(units)])
    source = f"{units} units, seed {options.seed}, {corpus.name}"
    return measure(options, corpus, "at initialisation", source)


def after_training(run, data_dir):
    """Measure the best epoch of a run; see :func:`measure`.

    Raises
    ------
    RunError
        If its parameters cannot be read, or the data are not here.
    """
    options = recorded(ptb_options, run.path, data_dir=data_dir)
    corpus = open_corpus(options.sample, data_dir)
    source = f"{run.name}, epoch {run.best_epoch}"
    return measure(options, corpus, "after training", source, run.path)


def trained_runs(runs):
    """One run for each model that has parameters, in a form of the paper's table.

    Real data come first, then published runs at their end, then what is nearest to the
    equations, then the longest.
    """
    chosen = {}

    def rank(run):
        return run.sample, not run.full, len(run.variation), -run.epochs

    for run in sorted(runs, key=rank):
        forms = run.experiment.forms_of(run.model)
        usable = run.experiment is PTB and run.variation in forms
        if usable and (run.path / "best.npz").exists():
            chosen.setdefault(run.model, run)
    return [chosen[model] for model in ptb_options.MODELS if model in chosen]


def measure(options, corpus, when, source, path=None):
    """Run a character model over windows of the validation text.

    Parameters
    ----------
    options : argparse.Namespace
        Of the model.
    corpus : datasets.corpus.Corpus
    when, source : str
        What it is, for people.
    path : path-like, optional
        The run folder that has its parameters; as initialised if not given.

    Returns
    -------
    dict
        ``model``, ``when`` and ``source``; ``states`` and ``cells``, the variance of
        h_t and c_t over windows and units, for t = 1, 2, ...; and ``assumed_cells``,
        the Var[c] that norm_prop divides by, else None.
    """
    brick = ptb_experiment.build_model(options, len(corpus.vocabulary))
    if path is not None:
        evaluation.load_best(path, brick)
    length = options.length
    windows = corpus.valid[: WINDOWS * length].reshape((-1, length)).T
    _, states, cells = of_model(brick)(windows[:-1].astype("int32"))
    cell_std = getattr(brick.lstm, "cell_std", None)
    return {
        "model": options.model,
        "when": when,
        "source": source,
        "states": variance(states),
        "cells": variance(cells),
        "assumed_cells": None if cell_std is None else round(float(cell_std**2), 6),
    }


def variance(values):
    """Over windows and units; six significant digits can be read and compared."""
    return [float(f"{v:.6g}") for v in values.var(axis=(1, 2), dtype="float64")]
