"""Which run a file is of, and the parameters of a run's best epoch."""

import hashlib
import json
from pathlib import Path

from common.errors import RunError
from common.files import read_json
from common.npz import Damaged, read_note, read_npz

# What may differ between a run and its continuation: where it is done, how often it is
# saved, and when it ends. An update stays the same, but for the rounding of a device.
NOT_BINDING = {"epochs", "patience", "device", "save_every"}


def configuration_of(path):
    """Read the configuration of a run from its ``run.json``.

    Raises
    ------
    RunError
        If there is none.
    """
    configuration = read_json(Path(path) / "run.json").get("configuration")
    if not isinstance(configuration, dict):
        raise RunError(f"{path}/run.json says nothing of a run's configuration")
    return configuration


def identity(configuration):
    """Name the run that a file belongs to, in a word made from its configuration."""
    binding = {k: v for k, v in configuration.items() if k not in NOT_BINDING}
    text = json.dumps(binding, sort_keys=True)
    return f"run {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def check_best(path, configuration):
    """Read ``best.npz`` and check that it is whole and of this run.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    RunError
    """
    advice = "copy it back from where it is whole, or train again under another --tag"
    try:
        arrays = dict(read_npz(path))
        note = read_note(path)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing, the best epoch: {advice}") from error
    except Damaged as error:
        raise RunError(f"{error}: {advice}") from error
    if note and note != identity(configuration):
        raise RunError(f"{path} is of a run with other options: {advice}")
    return arrays


def load_parameters(path):
    """Read the ``best.npz`` of a run folder.

    Raises
    ------
    RunError
        If there is none, it is damaged, or of another run.
    """
    path = Path(path)
    if not path.exists():
        raise RunError(f"{path} is missing: the run has not finished an epoch")
    return check_best(path, configuration_of(path.parent))
