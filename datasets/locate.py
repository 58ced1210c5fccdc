"""Where the data files lie."""

import os
from pathlib import Path

from fuel import config
from fuel.exceptions import ConfigurationError

from common import ROOT
from common.errors import RunError

DEFAULT = ROOT / ".cache" / "data"


def data_folders(data_dir=None):
    """List the folders where converted data are looked for, in order.

    New files are written to the first.

    Parameters
    ----------
    data_dir : str or Path, optional
        The only folder to use. Default: Fuel's ``data_path``, from
        ``FUEL_DATA_PATH`` or ``~/.fuelrc``; where Fuel has not been configured,
        ``.cache/data`` in the repository.

    Returns
    -------
    list of Path

    """
    if data_dir is not None:
        paths = [data_dir]
    else:
        try:
            paths = config.data_path
        except ConfigurationError:
            paths = []
    # Pathlib raises where there is no such user.
    paths = [Path(os.path.expanduser(str(path))) for path in paths if path]
    return paths or [DEFAULT]


def find(filename, command, data_dir=None):
    """Find a converted data file.

    Parameters
    ----------
    filename : str
        Name of the HDF5 file.
    command : str
        The command that makes this file, for the error message.
    data_dir : str or Path, optional
        As for :func:`data_folders`.

    Raises
    ------
    RunError
        If no folder has it.

    """
    folders = data_folders(data_dir)
    for folder in folders:
        if (folder / filename).is_file():
            return folder / filename
    if data_dir is not None:
        command += f" --data-dir {data_dir}"
    places = ", ".join(map(str, folders))
    raise RunError(f"{filename} is not in {places}: run `{command}` first")
