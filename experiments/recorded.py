"""The options of a run that is there, as its ``run.json`` has them."""

from pathlib import Path

from common.errors import RunError
from runs.best import configuration_of

# What says neither which model it is nor how it is scored: not looked at.
NOT_THE_MODEL = (
    "clipping data data_dir decay decay_schedule device epochs learning_rate patience "
    "preset regularise results_dir resume save_every stop_after tag"
).split()
LONGEST = 100  # characters of a value


def recorded(experiment, run, ignored=NOT_THE_MODEL, **given):
    """Return a run's options, checked as if they had been given on the command line.

    Parameters
    ----------
    experiment : module
        ``experiments.ptb_options`` or ``experiments.draw_options``.
    run : path-like
        The run folder.
    ignored : iterable of str
        Options that are not looked at.
    **given
        Options of this program's own, such as ``data_dir``.

    Returns
    -------
    argparse.Namespace

    Raises
    ------
    RunError
        If an option of the model is unknown, of the wrong type or out of its range.
    """
    configuration = configuration_of(run)
    path = Path(run) / "run.json"

    def refuse(message):
        raise RunError(
            f"{path} cannot be used ({message}): copy it back from where it is whole"
        )

    model = configuration.get("model")
    if model not in experiment.MODELS:
        refuse(f"--model must be one of {', '.join(experiment.MODELS)}")
    parser = experiment.build_parser()
    parser.error = refuse
    ignored = {*ignored, *experiment.NOT_THE_RUN}
    known = {action.dest for action in parser._actions} - {"help"} | ignored
    unknown = [
        name
        for name, value in configuration.items()
        if name not in known and value not in (None, False)
    ]
    if unknown:
        names = ", ".join(sorted(unknown))[:LONGEST]
        raise RunError(
            f"{path} has options that this program does not know ({names}): use the "
            "experiment that it is of, in the version that made it"
        )
    counting = {
        name: value
        for name, value in configuration.items()
        if name in known - ignored
        and model in experiment.ONLY_FOR.get(name, experiment.MODELS)
    }
    # As a command line, so that every value passes the parser's checks; whatever the
    # parser has changed was none that it takes.
    words = [word(*item, experiment.DEFAULTS) for item in counting.items()]
    options = experiment.parse([word for word in words if word], parser)
    for name, value in counting.items():
        if getattr(options, name, value) != value:
            refuse(f"--{name.replace('_', '-')} cannot be {str(value)[:LONGEST]}")
    for name, value in given.items():
        setattr(options, name, value)
    return options


def word(name, value, defaults):
    """Return how an option is given on the command line; None if it is not.

    Parameters
    ----------
    name : str
    value : object
        Out of a JSON file.
    defaults : dict
        The options for which None is a choice, and not the default.
    """
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        return flag
    if value is False or (value is None and name not in defaults):
        return None
    if not isinstance(value, (int, float, str)):
        value = "none" if value is None else type(value).__name__
    text = str(value)
    # No value is as long; and error messages are not to be.
    return f"{flag}={text if len(text) <= LONGEST else text[:LONGEST] + '...'}"
