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


def descent(options, task):
    """An update: clip the gradient, Adam, back to unit norms, in this order.

    Parameters
    ----------
    options : argparse.Namespace
        Its `learning_rate` and `clipping` count.
    task : training.task.Task

    Returns
    -------
    algorithm : blocks.algorithms.GradientDescent
        Not initialised yet.
    adam : blocks.algorithms.Adam
        Its step rule, whose learning rate changes.
    """
    brick, adam = task.brick, Adam(options.learning_rate)
    clip = StepClipping(options.clipping or None)
    algorithm = GradientDescent(
        cost=task.cost,
        parameters=brick.trained_parameters,
        step_rule=CompositeRule([clip, adam, UnitNorm(brick.unit_norm_parameters)]),
    )
    # Moving averages of batch normalisation's population statistics.
    algorithm.add_updates(ComputationGraph(task.cost).updates)
    return algorithm, adam


def train(task, session):
    """Train until ``folder.ending`` says why to end, from where the run has got to.

    Parameters
    ----------
    task : training.task.Task
        Its stream is put where the run has got to.
    session : training.task.Session
    """
    options, interrupts, folder = session.options, session.interrupts, session.folder
    history, parameters = folder.history, task.brick.all_parameters
    unit = task.metrics[0].rpartition("_")[2]
    folder.require(task.metrics)

    algorithm, adam = descent(options, task)
    meter = ext.Meter(algorithm, task.reported, history, parameters)
    variables = state.variables(algorithm, parameters, adam.learning_rate)

    announce(task, session, folder.require_disk(variables, parameters))
    if not folder.ending:
        checkpoint = ext.Checkpoint(
            lambda: folder.save_state(variables),
            history,
            interrupts,
            options.save_every,
        )
        extensions = [
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
            *task.monitoring,
            ext.Record(
                history, meter, task.metrics, lambda: folder.save_best(parameters)
            ),
            checkpoint,
            Progress(
                history,
                meter,
                options.epochs,
                task.stream.batches_per_epoch,
                UNITS[unit],
            ),
            # Blocks' own extension for patience counts from the start of the
            # program; the history counts over resumptions too.
            FinishAfter().add_condition(["after_epoch"], lambda log: folder.ending),
            ext.StopOnSignal(interrupts),
        ]
        main_loop = MainLoop(algorithm, task.stream, extensions=extensions)
        run_main_loop(main_loop, checkpoint, interrupts)
    conclude(task, session, unit)


def conclude(task, session, unit):
    """Leave the plot, and say how it ended."""
    folder, history = session.folder, session.folder.history
    title = f"{task.plan['model']}, {session.data.name}"
    with folder.pictures("./reproduce report draws the same curves"):
        plots.curves(folder.path / "plot.png", history.rows, unit, title)
    if folder.ending == "patience":
        print(
            f"Ended after epoch {history.epoch}: {session.options.patience} in a row "
            "brought no better validation figure."
        )
    best = history.best
    print(
        f"Best epoch {best['epoch']}: {best[task.metrics[1]]:.4f} "
        f"{UNITS[unit]} on validation. See {folder.path}"
    )
