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
from experiments.gammas import initial_gammas
from experiments.options import configuration
from experiments.recorded import recorded
from runs.folder import RunFolder, folder_name

SIDE = 28  # of the images, in pixels


def build_model(options):
    """The brick, initialised."""
    from bricks.draw import DrawModel

    brick = DrawModel(
        model=options.model,
        height=SIDE,
        width=SIDE,
        read_size=options.read_size,
        write_size=options.write_size,
        encoder_dim=options.units,
        decoder_dim=options.units,
        latent_dim=options.latent_dim,
        gammas=initial_gammas(
            "draw",
            options.model,
            gamma_x=options.gamma_x,
            gamma_h=options.gamma_h,
            gamma_c=options.gamma_c,
        ),
        moments=options.moments,
        compensation=options.compensation,
        forget_bias=options.forget_bias,
        seed=options.seed,
    )
    brick.initialize()
    return brick


def open_images(options):
    from datasets.mnist import open_binarized_mnist, open_sample_digits

    if options.sample:
        return open_sample_digits()
    return open_binarized_mnist(options.data_dir)


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

    stream = WithNoise(
        image_stream(
            images.train,
            options.batch_size,
            batches_per_epoch=options.batches_per_epoch,
        ),
        options.glimpses,
        options.latent_dim,
        options.seed,
    )
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
            "data": f"{images.name}, {len(images.train):,} images to train on",
            "training": f"{options.epochs} epochs of {stream.batches_per_epoch} "
            f"updates, each of {options.batch_size} images",
        },
    )


def train(options, interrupts, experiment="draw"):
    """Train one model and draw its pictures; return its run folder."""
    device_name = device.prepare(options.device, options.floatX, options.math)

    from training import loop
    from training.task import Session

    images = open_images(options)
    folder = RunFolder(
        folder_name(options, experiment),
        configuration(options, images, leave_out=draw_options.NOT_THE_RUN),
        options.resume,
    )
    if folder.finished():
        return folder
    with folder:
        task = make_task(options, images, interrupts)
        loop.train(task, Session(options, interrupts, folder, device_name, images))
        (monitor,) = task.monitoring
        with interrupts.at_once():
            draw(folder.path, options, task.brick, images, monitor.bound)
    return folder


def draw(run, options, brick, images, bound=None):
    """Leave pictures of the best epoch in the run folder."""
    from experiments import drawing, evaluation

    evaluation.load_best(run, brick)
    drawing.samples(run, brick, options.glimpses, options.seed, (SIDE, SIDE))
    bound = bound or compile_bound(options, brick, images)
    drawing.reconstructions(run, bound, images.test, (SIDE, SIDE))


def use_trained(options):
    """Score the best epoch of a run and draw its pictures."""
    run = Path(options.evaluate)
    wanted = recorded(draw_options, run, data_dir=options.data_dir)
    device.prepare(options.device, wanted.floatX, wanted.math)

    from experiments import bound, evaluation

    images = open_images(wanted)
    brick = build_model(wanted)
    evaluation.load_best(run, brick)
    scorer = compile_bound(wanted, brick, images)
    figures = bound.evaluate(scorer, options.noise_samples, options.importance_samples)
    write_json(run / "evaluation.json", figures)
    draw(run, wanted, brick, images, scorer)


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
