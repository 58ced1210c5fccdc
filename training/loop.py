"""Train a model with Blocks' main loop: what the two experiments have in common."""

from blocks.algorithms import Adam, CompositeRule, GradientDescent, StepClipping
from blocks.extensions import FinishAfter
from blocks.graph import ComputationGraph
from blocks.main_loop import MainLoop

from bricks import UnitNorm
from runs import state
from training import extensions as ext
from training import plots, schedule
from training.announce import announce
from training.interrupt import Interrupted
from training.progress import Progress

# What a unit is called for people.
UNITS = {"bpc": "bpc", "nll": "nats"}


def run_main_loop(main_loop, checkpoint, interrupts):
    """Run Blocks' main loop; save what there is if a signal ends it.

    Raises
    ------
    Interrupted
        After a signal, once everything is saved.
    """
    try:
        # Its extensions say when a signal has to wait.
        with interrupts.at_once():
            main_loop.run()
    except Interrupted:
        # It struck where work can be dropped at once: compilation or validation.
        pass
    with interrupts.deferred():
        if interrupts.received:
            checkpoint.save()
            history = checkpoint.history
            print(
                f"Stopped after update {history.updates:,}, in epoch "
                f"{history.epoch + 1}: give the same command and --resume to go on."
            )
    interrupts.check()


def descent(options, brick, cost):
    """An update: clip the gradient, Adam, back to unit norms, in this order.

    Parameters
    ----------
    options : argparse.Namespace
        Its `learning_rate` and `clipping` count.
    brick : brick
        As for :func:`train`.
    cost : Theano scalar

    Returns
    -------
    algorithm : blocks.algorithms.GradientDescent
        Not initialised yet.
    adam : blocks.algorithms.Adam
        Its step rule, whose learning rate changes.
    """
    adam = Adam(options.learning_rate)
    clip = StepClipping(options.clipping or None)
    algorithm = GradientDescent(
        cost=cost,
        parameters=brick.trained_parameters,
        step_rule=CompositeRule([clip, adam, UnitNorm(brick.unit_norm_parameters)]),
    )
    # Moving averages of batch normalisation's population statistics.
    algorithm.add_updates(ComputationGraph(cost).updates)
    return algorithm, adam


def train(
    options,
    interrupts,
    folder,
    device_name,
    data,
    plan,
    brick,
    cost,
    stream,
    monitoring,
    metrics,
    reported=None,
):
    """Train until ``folder.ending`` says why to end, from where the run has got to.

    Parameters
    ----------
    options : argparse.Namespace
    interrupts : training.interrupt.Interrupts
    folder : runs.folder.RunFolder
        Entered.
    device_name : str
    data : object
        With ``name`` and ``checksums``.
    plan : dict of str to str
        What the experiment itself says of the run.
    brick : brick
        The model, initialised; with ``all_parameters``, ``trained_parameters`` and
        ``unit_norm_parameters``.
    cost : Theano scalar
    stream : datasets.streams.PositionedStream
        Positioned where the run has got to.
    monitoring : list of extensions
        They leave figures in the log after each epoch.
    metrics : list of str
        See :class:`training.extensions.Record`; what follows the last underscore of
        the first is the unit.
    reported : Theano scalar, optional
        The training figure, whose mean over an epoch is logged; default: the cost.
    """
    history, parameters = folder.history, brick.all_parameters
    unit = metrics[0].rpartition("_")[2]

    algorithm, adam = descent(options, brick, cost)
    meter = ext.Meter(
        algorithm, cost if reported is None else reported, history, parameters
    )
    variables = state.variables(algorithm, parameters, adam.learning_rate)

    needed = folder.require_disk(variables, parameters)
    announce(options, folder, device_name, data, plan, parameters, needed)
    if not folder.ending:
        checkpoint = ext.Checkpoint(
            lambda: folder.save_state(variables),
            history,
            interrupts,
            options.save_every,
        )
        main_loop = MainLoop(
            algorithm,
            stream,
            extensions=[
                ext.TakeSignals(interrupts),
                ext.Forget(),
                ext.Resume(history, variables, folder.values(variables)),
                schedule.modifier(
                    adam.learning_rate,
                    options.decay_schedule,
                    options.learning_rate,
                    options.decay,
                ),
                meter,
                *monitoring,
                ext.Record(
                    history, meter, metrics, lambda: folder.save_best(parameters)
                ),
                checkpoint,
                Progress(
                    history,
                    meter,
                    options.epochs,
                    stream.batches_per_epoch,
                    UNITS[unit],
                ),
                # Blocks' own extension for patience counts from the start of the
                # program; the history counts over resumptions too.
                FinishAfter().add_condition(["after_epoch"], lambda log: folder.ending),
                ext.StopOnSignal(interrupts),
            ],
        )
        run_main_loop(main_loop, checkpoint, interrupts)

    title = f"{plan['model']}, {data.name}"
    plots.curves(folder.path / "plot.png", history.rows, unit, title)
    chosen = metrics[1]
    if folder.ending == "patience":
        print(
            f"Ended after epoch {history.epoch}: {options.patience} in a row brought "
            "no better validation figure."
        )
    print(
        f"Best epoch {history.best['epoch']}: {history.best[chosen]:.4f} "
        f"{UNITS[unit]} on validation. See {folder.path}"
    )
