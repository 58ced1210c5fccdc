#!/usr/bin/env python
"""Character-level language modelling on the Penn Treebank [NP, section 5.1].

C. Laurent, N. Ballas, P. Vincent, "Recurrent Normalization Propagation",
arXiv:1702.00537: Tables 1 and 2, Figure 2.
"""

import math
import sys

from engine import device
from experiments import cli, ptb_options
from experiments.gammas import initial_gammas
from experiments.options import configuration
from experiments.recorded import recorded
from runs.folder import RunFolder, folder_name


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
        gammas=initial_gammas(
            "ptb",
            options.model,
            gamma_x=options.gamma_x,
            gamma_h=options.gamma_h,
            gamma_c=options.gamma_c,
        ),
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


def make_streams(options, corpus):
    """Windows to train on, with a position, and windows to validate on."""
    from datasets.ptb import training_stream, windows_stream

    size = options.length, options.batch_size
    stream = training_stream(
        corpus, *size, options.seed, batches_per_epoch=options.batches_per_epoch
    )
    return stream, windows_stream(corpus.valid, *size)


def make_task(options, corpus, streams, interrupts):
    """What :mod:`training.loop` trains."""
    from blocks.monitoring import aggregation
    from theano import tensor

    from training.extensions import Validation
    from training.progress import Shown
    from training.task import Task

    stream, valid = streams
    brick = build_model(options, len(corpus.vocabulary))
    symbols = tensor.imatrix("symbols")
    # The mean over all predictions: bits are what is reported, nats what is
    # minimised, for the clipping threshold refers to them.
    bpc = brick.bits(symbols).mean()

    # Averaged per prediction, although the last batch is smaller.
    valid_bits = brick.inference_bits(symbols)
    valid_bpc = aggregation.mean(valid_bits.sum(), valid_bits.size)
    valid_bpc.name = "bpc"
    return Task(
        brick=brick,
        cost=bpc * math.log(2.0),
        stream=stream,
        reported=bpc,
        monitoring=[
            Validation([valid_bpc], Shown(valid, "valid"), interrupts, prefix="valid")
        ],
        metrics=["train_bpc", "valid_bpc"],
        plan={
            "model": f"{options.model}, {options.units} units",
            "data": f"{corpus.name}, {len(corpus.train):,} symbols to train on, "
            f"{len(corpus.vocabulary)} distinct",
            "training": f"{options.epochs} epochs of {stream.batches_per_epoch} "
            f"updates, each of {options.batch_size} windows of {options.length}",
        },
    )


def train(options, interrupts, experiment="ptb"):
    """Train one model; return its run folder."""
    device_name = device.prepare(options.device, options.floatX, options.math)

    from training import loop
    from training.task import Session

    corpus = open_corpus(options)
    streams = make_streams(options, corpus)
    folder = RunFolder(
        folder_name(options, experiment),
        configuration(options, corpus, leave_out=ptb_options.NOT_THE_RUN),
        options.resume,
    )
    if folder.finished():
        return folder
    with folder:
        task = make_task(options, corpus, streams, interrupts)
        loop.train(task, Session(options, interrupts, folder, device_name, corpus))
    return folder


def use_trained(options):
    """Score the best epoch of a run, or write text with it."""
    wanted = recorded(ptb_options, options.evaluate, data_dir=options.data_dir)
    device.prepare(options.device, wanted.floatX, wanted.math)

    from experiments import evaluation, generation

    corpus = open_corpus(wanted)
    brick = build_model(wanted, len(corpus.vocabulary))
    evaluation.load_best(options.evaluate, brick)
    if options.generate:
        generation.write(brick, corpus, options)
        return
    if brick.populations:
        stream, _ = make_streams(wanted, corpus)
        evaluation.estimate_populations(brick, stream)
    evaluation.score_run(
        options.evaluate, brick, corpus, wanted, options.whole_sequence
    )


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
        use_trained(options)
        return
    if options.model == "all":
        train_all(options, interrupts)
        return
    folder = train(options, interrupts)

    from experiments.evaluation import whole_sequence_scored

    scored = not options.regularise or whole_sequence_scored(folder)
    if options.generate or not scored:
        options.evaluate = folder.path
        options.whole_sequence = options.regularise
        use_trained(options)


def main(arguments=None):
    options = ptb_options.parse(arguments)
    return cli.carry_out("ptb_experiment.py", run, options)


if __name__ == "__main__":
    sys.exit(main())
