"""``./reproduce state``: a run's state in small files, to move it to another machine.

``split`` writes the files from which a run continues in pieces of at most 16 MB and,
last, ``pieces.json``::

    {"format": ..., "run": name of the run folder,
     "files": [{"name": "state.npz", "size": bytes, "sha256": ...,
                "pieces": [{"name": "state.npz.000", "sha256": ...}, ...]}, ...]}

``join`` checks every piece and every file against it before the run folder is touched.
"""

import argparse
import hashlib
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from common.arguments import number
from common.errors import RunError, UsageError, report
from common.files import megabytes, read_json, write_json
from common.trust import read_bytes, regular
from runs import state
from runs.folder import acquire

FORMAT = "recurrent normalization propagation, pieces of a run 1"
LIST = "pieces.json"
# What a run continues from, is evaluated with and is reported by; the first is a must.
FILES = ("state.npz", "best.npz", "run.json", "metrics.jsonl", "evaluation.json")

DESCRIPTION = """\
Move a run to another machine in files that are small enough for whatever lies between,
a code host or mail. Then `--resume` goes on there, to the last bit.

  ./reproduce state split results/ptb-norm_prop-1 parcel
  ./reproduce state join parcel results/ptb-norm_prop-1

Every file is checked against its SHA-256 when they are joined, and nothing that is
there is overwritten.
"""


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        prog="./reproduce state",
        description=DESCRIPTION,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    split_parser = commands.add_parser("split", help="write a run in pieces")
    split_parser.add_argument("run", metavar="RUN", type=Path, help="the run folder")
    split_parser.add_argument("pieces", metavar="DIR", type=Path, help="a new folder")
    split_parser.add_argument(
        "--size",
        type=number(float, 0, above=True),
        metavar="MB",
        default=16.0,
        help="largest piece, in megabytes of 10^6 bytes (default: 16)",
    )
    join_parser = commands.add_parser("join", help="make a run folder from pieces")
    join_parser.add_argument("pieces", metavar="DIR", type=Path)
    join_parser.add_argument("run", metavar="RUN", type=Path, help="the run folder")
    return parser.parse_args(arguments)


@contextmanager
def unfinished(folder):
    """Yield a new folder beside `folder` to work in, which is gone afterwards."""
    part = folder.with_name(f".{folder.name}.part")
    if part.exists():
        shutil.rmtree(str(part))  # left by a kill
    part.mkdir(parents=True)
    try:
        yield part
    finally:
        shutil.rmtree(str(part), ignore_errors=True)


def split(run, folder, size):
    """Write a run folder in pieces.

    Parameters
    ----------
    run, folder : Path
    size : int
        Bytes of the largest piece.

    Returns
    -------
    dict
        What ``pieces.json`` holds.

    Raises
    ------
    RunError
        If the run has no intact state, is being worked on, or cannot be written.
    UsageError
        If `folder` is there already.
    """
    if not (run / FILES[0]).exists():
        raise RunError(f"{run} has no {FILES[0]}: name a run folder that was saved")
    if folder.exists():
        raise UsageError(f"{folder} is there already: name a new folder")
    lock = open(run / "lock", "a+", opener=regular)
    with lock, unfinished(folder) as part:
        acquire(lock, run)
        state.read(run / FILES[0])
        files = []
        for name in FILES:
            if (run / name).exists():
                files.append(split_file(run / name, part, size))
        content = {"format": FORMAT, "run": run.resolve().name, "files": files}
        write_json(part / LIST, content)
        part.rename(folder)
    return content


def split_file(path, folder, size):
    """Write the pieces of one file; return its part of the list."""
    whole, pieces = hashlib.sha256(), []
    with open(path, "rb", opener=regular) as file:
        for data in iter(lambda: file.read(size), b""):
            whole.update(data)
            piece = folder / f"{path.name}.{len(pieces):03d}"
            piece.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            pieces.append({"name": piece.name, "sha256": digest})
    return {
        "name": path.name,
        "size": path.stat().st_size,
        "sha256": whole.hexdigest(),
        "pieces": pieces,
    }


def join(folder, run):
    """Make a run folder from pieces.

    Parameters
    ----------
    folder, run : Path
        `run` may be there if it has none of the files.

    Returns
    -------
    dict
        What ``pieces.json`` holds.

    Raises
    ------
    RunError
        If a piece is missing or damaged; `run` is then what it was before.
    UsageError
        If a file would be overwritten.
    """
    if not (folder / LIST).exists():
        raise RunError(f"{folder} has no {LIST}: name a folder that `split` has made")
    content = read_json(folder / LIST)
    if content.get("format") != FORMAT:
        raise RunError(f"{folder / LIST} has an unknown format")
    names = [entry["name"] for entry in content["files"]]
    for name in names:
        if name not in FILES:
            raise RunError(f"{folder / LIST} names {name!r}, which is no file of a run")
        if (run / name).exists():
            raise UsageError(
                f"{run / name} is there already: move {run} away, or name another"
            )
    with unfinished(run) as part:
        for entry in content["files"]:
            join_file(entry, folder, part)
        run.mkdir(parents=True, exist_ok=True)
        with open(run / "lock", "a+", opener=regular) as lock:
            acquire(lock, run)
            for name in names:
                (part / name).rename(run / name)
    return content


def join_file(entry, folder, part):
    """Write one file from its pieces, and check all of them."""
    whole = hashlib.sha256()
    with open(part / entry["name"], "wb") as file:
        for piece in entry["pieces"]:
            path = folder / Path(piece["name"]).name
            if not path.exists():
                raise RunError(f"{path} is missing: copy it again")
            data = read_bytes(path)
            if hashlib.sha256(data).hexdigest() != piece["sha256"]:
                raise RunError(f"{path} is damaged (SHA-256): copy it again")
            whole.update(data)
            file.write(data)
    if whole.hexdigest() != entry["sha256"]:
        raise RunError(f"{folder / LIST} is damaged: {entry['name']} does not match it")


def main(arguments=None):
    options = parse(arguments)
    try:
        if options.command == "split":
            content = split(options.run, options.pieces, round(options.size * 1e6))
            where = options.pieces
        else:
            content = join(options.pieces, options.run)
            where = options.run
    except RunError as error:
        return report("./reproduce state", error)
    except OSError as error:
        return report("./reproduce state", RunError(f"{error.filename}: {error}"))
    number_of = sum(len(entry["pieces"]) for entry in content["files"])
    size = sum(entry["size"] for entry in content["files"])
    print(f"{where}: {content['run']}, {megabytes(size)} in {number_of} pieces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
