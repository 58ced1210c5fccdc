#!/usr/bin/env python
"""Character-level language modelling on the Penn Treebank [NP, section 5.1].

C. Laurent, N. Ballas, P. Vincent, "Recurrent Normalization Propagation",
arXiv:1702.00537: Tables 1 and 2, Figure 2.
"""

import math
import sys
from argparse import Namespace

from engine import device
from experiments import cli, ptb_options, table_1
from experiments.options import model_options, run_folder
from experiments.recorded import recorded


def build_model(options, vocabulary):
    """The brick: encoding, input term, LSTM and softmax, initialised."""
    from bricks import CharacterModel, Orthogonal
    from bricks.unit_norm import hold_at_unit_norm

    brick = CharacterModel(
        options.model,
        vocabulary,
        options.units,
        **model_options(options, "ptb"),
        length=options.length - 1,  # predictions in a window
        input_scale=options.input_scale,
        softmax_gamma=options.softmax_gamma,
        data_norm=options.data_norm,
        input_dropout=options.input_dropout,
        recurrent_dropout=options.recurrent_dropout,
        output_dropout=options.output_dropout,
    )
    if getattr(options, "recurrent_init", "blocks") == "whole":
        brick.lstm.weights_init = Orthogonal()
    brick.initialize()
    if getattr(options, "unit_norms", False):
        hold_at_unit_norm(brick.input_term.linear.W, brick.lstm.W_h)
    return brick


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
    from theano import tensor

    from experiments.evaluation import validation
    from training.task import Task

    stream, valid = streams
    brick = build_model(options, len(corpus.vocabulary))
    symbols = tensor.imatrix("symbols")
    # The mean over all predictions: bits are what is reported, nats what is
    # minimised, for the clipping threshold refers to them.
    bpc = brick.bits(symbols).mean()
    return Task(
        brick=brick,
        cost=bpc * math.log(2.0),
        stream=stream,
        reported=bpc,
        monitoring=[validation(brick.inference_bits(symbols), valid, interrupts)],
        metrics=["train_bpc", "valid_bpc"],
        plan={
            "model": f"{options.model}, {options.units} units",
            "data": f"{len(corpus.train):,} symbols to train on, "
            f"{len(corpus.vocabulary)} distinct",
            "update": f"{options.batch_size} windows of {options.length}",
        },
    )


def train(options, interrupts, experiment="ptb"):
    """Train one model; return its run folder."""
    device_name = device.prepare(options.device, options.floatX, options.math)

    from datasets.ptb import open_corpus
    from training import loop
    from training.task import Session

    corpus = open_corpus(options.sample, options.data_dir)
    streams = make_streams(options, corpus)
    folder = run_folder(options, experiment, corpus, ptb_options.NOT_THE_RUN)
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

    from datasets.ptb import open_corpus
    from experiments import evaluation, generation

    corpus = open_corpus(wanted.sample, wanted.data_dir)
    brick = build_model(wanted, len(corpus.vocabulary))
    evaluation.load_best(options.evaluate, brick)
    if options.generate:
        generation.write(brick, corpus, options)
        return
    stream, _ = make_streams(wanted, corpus)
    evaluation.score_run(
        options.evaluate, brick, corpus, wanted, stream, options.whole_sequence
    )


def train_and_score(options, interrupts):
    """Train a model, and see to the figure of its table; return its run folder."""
    folder = train(options, interrupts)
    then = {**vars(options), "evaluate": folder.path}
    if table_1.unscored(options, folder):
        only = {"generate": None, "whole_sequence": options.regularise}
        use_trained(Namespace(**{**then, **only}))
    if options.generate:
        use_trained(Namespace(**then))
    return folder


def run(options, interrupts):
    if options.evaluate:
        use_trained(options)
    elif options.model == "all":
        table_1.train_all(options, lambda chosen: train_and_score(chosen, interrupts))
    else:
        train_and_score(options, interrupts)


def main(arguments=None):
    options = ptb_options.parse(arguments)
    return cli.carry_out("ptb_experiment.py", run, options)


if __name__ == "__main__":
    sys.exit(main())
