#!/usr/bin/env python
"""Character-level language modelling on the Penn Treebank [NP, section 5.1].

C. Laurent, N. Ballas, P. Vincent, "Recurrent Normalization Propagation",
arXiv:1702.00537: Tables 1 and 2, Figure 2.
"""

import math
import sys
from pathlib import Path

from common.files import read_json, replacing, write_json
from engine import device
from experiments import cli, ptb_options
from experiments.options import configuration
from experiments.recorded import recorded
from runs.folder import (
    RunFolder,
    folder_name,
    load_parameters,
)


def build_model(options, vocabulary):
    """The brick: encoding, input term, LSTM and softmax, initialised."""
    from blocks.roles import add_role

    from bricks import CharacterModel, Orthogonal
    from bricks.roles import UNIT_NORM
    from bricks.unit_norm import normalise_value

    brick = CharacterModel(
        model=options.model,
        vocabulary=vocabulary,
        units=options.units,
        gamma_x=options.gamma_x,
        gamma_h=options.gamma_h,
        gamma_c=options.gamma_c,
        moments=options.moments,
        compensation=options.compensation,
        input_scale=options.input_scale,
        softmax_gamma=options.softmax_gamma,
        forget_bias=options.forget_bias,
        data_norm=options.data_norm,
        input_dropout=options.input_dropout,
        recurrent_dropout=options.recurrent_dropout,
        output_dropout=options.output_dropout,
        length=options.length - 1,  # predictions in a window
        seed=options.seed,
    )
    if getattr(options, "recurrent_init", "blocks") == "whole":
        brick.lstm.weights_init = Orthogonal()
    brick.initialize()
    if getattr(options, "unit_norms", False):
        for matrix in (brick.input_term.linear.W, brick.lstm.W_h):
            add_role(matrix, UNIT_NORM)
            normalise_value(matrix)
    return brick


def open_corpus(options):
    from datasets.ptb import open_ptb, open_sample

    return open_sample() if options.sample else open_ptb(options.data_dir)


def train(options, interrupts, experiment="ptb"):
    """Train one model; return its run folder."""
    device_name = device.prepare(options.device, options.floatX, options.math)

    from blocks.monitoring import aggregation
    from theano import tensor

    from datasets.ptb import training_stream, windows_stream
    from training import loop
    from training.extensions import Validation
    from training.progress import Shown

    corpus = open_corpus(options)
    length, batch_size = options.length, options.batch_size
    stream = training_stream(
        corpus,
        length,
        batch_size,
        options.seed,
        batches_per_epoch=options.batches_per_epoch,
    )
    valid = windows_stream(corpus.valid, length, batch_size)
    folder = RunFolder(
        folder_name(options, experiment),
        configuration(options, corpus, leave_out=ptb_options.NOT_THE_RUN),
        options.resume,
    )
    if folder.finished():
        return folder
    with folder:
        # The model, and the mean over all predictions: bits are what is reported,
        # nats what is minimised, for the clipping threshold refers to them.
        brick = build_model(options, len(corpus.vocabulary))
        symbols = tensor.imatrix("symbols")
        bpc = brick.bits(symbols).mean()

        # Averaged per prediction, although the last batch is smaller.
        valid_bits = brick.inference_bits(symbols)
        valid_bpc = aggregation.mean(valid_bits.sum(), valid_bits.size)
        valid_bpc.name = "bpc"
        validation = Validation(
            [valid_bpc], Shown(valid, "valid"), interrupts, prefix="valid"
        )

        plan = {
            "model": f"{options.model}, {options.units} units",
            "data": f"{corpus.name}, {len(corpus.train):,} symbols to train on, "
            f"{len(corpus.vocabulary)} distinct",
            "training": f"{options.epochs} epochs of {stream.batches_per_epoch} "
            f"updates, each of {batch_size} windows of {length}",
        }
        loop.train(
            options,
            interrupts,
            folder,
            device_name,
            corpus,
            plan,
            brick,
            bpc * math.log(2.0),
            stream,
            monitoring=[validation],
            metrics=["train_bpc", "valid_bpc"],
            reported=bpc,
        )
    return folder


def use_trained(options, interrupts):
    """Score the best epoch of a run, or write text with it."""
    run = Path(options.evaluate)
    wanted = recorded(ptb_options, run, data_dir=options.data_dir)
    device.prepare(options.device, wanted.floatX, wanted.math)

    from theano import tensor

    from datasets.ptb import training_stream, windows_stream
    from experiments import population, sequence, trained
    from training.progress import Shown

    corpus = open_corpus(wanted)
    brick = build_model(wanted, len(corpus.vocabulary))
    symbols = tensor.imatrix("symbols")
    best = run / "best.npz"
    trained.load(brick.all_parameters, load_parameters(best), best)

    if options.generate:
        text = trained.write(brick, corpus, options)
        with replacing(run / "sample.txt") as file:
            file.write(text.encode("utf-8"))
        return
    if brick.populations:
        stream = training_stream(
            corpus,
            wanted.length,
            wanted.batch_size,
            wanted.seed,
            batches_per_epoch=wanted.batches_per_epoch,
        )
        shown = Shown(stream, "population statistics")
        batches = (batch["symbols"] for batch in shown.get_epoch_iterator(as_dict=True))
        population.estimate(brick.populations, brick.bits(symbols), symbols, batches)
    score = trained.bits_per_character(brick.inference_bits(symbols), symbols)
    figures = {}
    for name in ("valid", "test"):
        stream = windows_stream(getattr(corpus, name), wanted.length, wanted.batch_size)
        figures[f"{name}_bpc"] = score(stream, name)
        print(f"{name}  {figures[f'{name}_bpc']:.4f} bpc in windows of {wanted.length}")
    if options.whole_sequence:
        bpc = sequence.score(brick, corpus.test)
        figures["test_sequence_bpc"] = bpc
        print(f"test  {bpc:.4f} bpc as one sequence, {len(corpus.test) - 1:,} steps")
    best = read_json(run / "run.json").get("best")
    epoch = best.get("epoch") if isinstance(best, dict) else None
    figures.update(length=wanted.length, epoch=epoch)
    write_json(run / "evaluation.json", figures)


def scored(folder):
    """Whether the best epoch of a run has its score of the whole test sequence."""
    path = folder.path / "evaluation.json"
    figures = read_json(path) if path.exists() else {}
    same = figures.get("epoch") == folder.history.best["epoch"]
    return same and "test_sequence_bpc" in figures


def train_all(options, interrupts):
    """Train the five models one after the other; end with Table 1."""
    from experiments.table_1 import table_1

    logs = {}
    for chosen in options.each:
        print(f"\n== {chosen.model} ==", flush=True)
        logs[chosen.model] = train(chosen, interrupts).history.rows
    data = "sample data" if options.sample else "Penn Treebank"
    print()
    print(
        table_1(logs, f"{data}, {options.units} units, seed {options.seed}"), flush=True
    )


def run(options, interrupts):
    if options.evaluate:
        use_trained(options, interrupts)
        return
    if options.model == "all":
        train_all(options, interrupts)
        return
    folder = train(options, interrupts)
    if options.generate or (options.regularise and not scored(folder)):
        options.evaluate = folder.path
        options.whole_sequence = options.regularise
        use_trained(options, interrupts)


def main(arguments=None):
    options = ptb_options.parse(arguments)
    return cli.carry_out("ptb_experiment.py", run, options)


if __name__ == "__main__":
    sys.exit(main())
