"""What of the user's settings of Fuel counts: the folders of the data, and no more."""

import os
import sys

import yaml

from common.errors import one_line


def keep_data_path():
    """Hand ``data_path`` on as FUEL_DATA_PATH, to what this program starts too.

    Fuel reads its file when it is imported, where a key of another version ends in a
    traceback, and takes another precision than Theano's from it.
    """
    path = os.path.expanduser(os.environ.get("FUEL_CONFIG", "~/.fuelrc"))
    if os.path.isfile(path) and "FUEL_DATA_PATH" not in os.environ:
        try:
            with open(path, encoding="utf-8") as file:
                folders = (yaml.safe_load(file) or {}).get("data_path") or []
            folders = folders if isinstance(folders, list) else [folders]
            folders = os.pathsep.join(map(str, folders))
            if folders:
                os.environ["FUEL_DATA_PATH"] = folders
        except (
            OSError,
            ValueError,
            AttributeError,
            RecursionError,
            yaml.YAMLError,
        ) as e:
            said = f"warning: {path} does not count: {e}"
            print(one_line(said), file=sys.stderr)
    os.environ["FUEL_CONFIG"] = os.devnull
    os.environ.pop("FUEL_FLOATX", None)
