#!/usr/bin/env python
"""DRAW on binarized MNIST [NP, section 5.2].

C. Laurent, N. Ballas, P. Vincent, "Recurrent Normalization Propagation",
arXiv:1702.00537: Table 3, Figure 3.
"""

import sys
from pathlib import Path

from common.files import write_json
from engine import device
from experiments import cli, draw_options
from experiments.draw_options import SIDE
from experiments.options import model_options, run_folder
from experiments.recorded import recorded


def build_model(options):
    """The brick, initialised."""
    from bricks.draw import DrawModel

    brick = DrawModel(
        options.model,
        **model_options(options, "draw"),
        height=SIDE,
        width=SIDE,
        read_size=options.read_size,
        write_size=options.write_size,
        encoder_dim=options.units,
        decoder_dim=options.units,
        latent_dim=options.latent_dim,
    )
    brick.initialize()
    return brick


def compile_bound(options, brick, images):
    from experiments.bound import Bound

    return Bound(brick, images, options.glimpses, options.batch_size, options.seed)


def make_task(options, images, interrupts):
    """What :mod:`training.loop` trains."""
    from theano import tensor

    from datasets.mnist import image_stream
    from datasets.noise import WithNoise
    from experiments.bound import Monitor
    from training.task import Task

    pixels = image_stream(
        images.train, options.batch_size, batches_per_epoch=options.batches_per_epoch
    )
    stream = WithNoise(pixels, options.glimpses, options.latent_dim, options.seed)
    brick = build_model(options)
    cost = brick.cost(tensor.matrix("features"), tensor.tensor3("noise"))
    return Task(
        brick=brick,
        cost=cost,
        stream=stream,
        reported=cost,
        monitoring=[Monitor(lambda: compile_bound(options, brick, images), interrupts)],
        metrics=["train_nll", *Monitor.METRICS],
        plan={
            "model": f"DRAW, {options.model}, {options.units} units, "
            f"{options.glimpses} glimpses",
            "data": f"{len(images.train):,} images to train on",
            "update": f"{options.batch_size} images",
        },
    )


def train(options, interrupts, experiment="draw"):
    """Train one model and draw its pictures; return its run folder."""
    device_name = device.prepare(options.device, options.floatX, options.math)

    from datasets.mnist import open_images
    from experiments import drawing
    from training import loop
    from training.task import Session

    images = open_images(options.sample, options.data_dir)
    folder = run_folder(options, experiment, images, draw_options.NOT_THE_RUN)
    if folder.finished():
        return folder
    with folder:
        task = make_task(options, images, interrupts)
        loop.train(task, Session(options, interrupts, folder, device_name, images))
        (monitor,) = task.monitoring
        with interrupts.at_once(), folder.pictures("--evaluate draws it again"):
            bound = monitor.bound or compile_bound(options, task.brick, images)
            drawing.best_epoch(folder.path, bound, options.seed)
    return folder


def use_trained(options):
    """Score the best epoch of a run and draw its pictures."""
    wanted = recorded(draw_options, options.evaluate, data_dir=options.data_dir)
    device.prepare(options.device, wanted.floatX, wanted.math)

    from datasets.mnist import open_images
    from experiments import drawing, evaluation
    from experiments.bound import evaluate

    images, brick = open_images(wanted.sample, wanted.data_dir), build_model(wanted)
    evaluation.load_best(options.evaluate, brick)
    bound = compile_bound(wanted, brick, images)
    figures = evaluate(bound, options.noise_samples, options.importance_samples)
    write_json(Path(options.evaluate) / "evaluation.json", figures)
    drawing.best_epoch(options.evaluate, bound, wanted.seed)


def run(options, interrupts):
    if options.evaluate:
        use_trained(options)
    else:
        train(options, interrupts)


def main(arguments=None):
    options = draw_options.parse(arguments)
    return cli.carry_out("draw_experiment.py", run, options)


if __name__ == "__main__":
    sys.exit(main())
