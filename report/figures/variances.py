"""The variance of h_t and c_t over time, which Norm Prop is made to keep."""

from pathlib import Path

import theano
from theano import tensor

import ptb_experiment
from common.errors import RunError
from experiments import evaluation, ptb_options
from experiments.recorded import recorded

WINDOWS = 64


def at_initialisation(corpus, units, progress):
    """Measure the five models of the published experiment, with `units` units.

    Parameters
    ----------
    corpus : datasets.corpus.Corpus
    units : int
    progress : callable
        Called after each model.

    Returns
    -------
    list of dict
        See :func:`measure`.
    """
    curves = []
    for model in ptb_options.MODELS:
        options = ptb_options.parse(["--model", model, "--units", str(units)])
        brick = ptb_experiment.build_model(options, len(corpus.vocabulary))
        source = f"{units} units, seed {options.seed}, {corpus.name}"
        curves.append(
            measure(brick, corpus, options.length, model, "at initialisation", source)
        )
        progress()
    return curves


def after_training(runs, data_dir, progress):
    """Measure the best epoch of one run for each model.

    Returns
    -------
    curves : list of dict
    problems : list of str
    """
    curves, problems = [], []
    for run in runs:
        try:
            options = recorded(ptb_options, run.path, data_dir=data_dir)
            corpus = ptb_experiment.open_corpus(options)
            brick = ptb_experiment.build_model(options, len(corpus.vocabulary))
            evaluation.load_best(run.path, brick)
        except RunError as error:
            problems.append(str(error))
            continue
        epoch = (run.facts.get("best") or {}).get("epoch")
        source = f"{run.name}, epoch {epoch}"
        curves.append(
            measure(brick, corpus, options.length, run.model, "after training", source)
        )
        progress()
    return curves, problems


def trained_runs(runs):
    """One run for each model that has parameters: real data first, then the longest.

    Runs of the ablation and those of Table 2, with dropout, are left out.
    """
    chosen = {}
    for run in sorted(runs, key=lambda run: (run.sample, -len(run.rows), run.name)):
        usable = run.experiment == "ptb" and not (run.regularised or run.variation)
        if usable and (Path(run.path) / "best.npz").exists():
            chosen.setdefault(run.model, run)
    return [chosen[model] for model in ptb_options.MODELS if model in chosen]


def measure(brick, corpus, length, model, when, source):
    """Run a character model over windows of the validation text.

    Batch normalisation uses the statistics of this batch: at initialisation the
    population's say nothing yet.

    Returns
    -------
    dict
        ``model``, ``when`` and ``source`` as given; ``states`` and ``cells``, the
        variance of h_t and c_t over windows and units, for t = 1, 2, ...; and
        ``assumed_cells``, the Var[c] that norm_prop divides by, else None.
    """
    symbols = tensor.imatrix("symbols")
    inputs = brick.input_term.apply(brick.encoding.apply(symbols), training=True)
    compute = theano.function(
        [symbols],
        [variable.var(axis=(1, 2)) for variable in run_lstm(brick, inputs)],
    )
    windows = corpus.valid[: WINDOWS * length].reshape((-1, length)).T
    states, cells = compute(windows[:-1].astype("int32"))
    cell_std = getattr(brick.lstm, "cell_std", None)
    return {
        "model": model,
        "when": when,
        "source": source,
        "states": rounded(states),
        "cells": rounded(cells),
        "assumed_cells": None if cell_std is None else round(float(cell_std**2), 6),
    }


def run_lstm(brick, inputs):
    """h and c at each time step, (time, batch, units) each."""
    return brick.lstm.apply(inputs, training=True)


def rounded(values):
    """Six significant digits: a table that can be read and compared."""
    return [float(f"{value:.6g}") for value in values]
