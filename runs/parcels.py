"""``./reproduce state``: a run's state in small files, to move it to another machine.

``split`` writes the files from which a run continues in pieces of at most 16 MB and,
last, ``pieces.json``::

    {"format": ..., "run": name of the run folder,
     "files": [{"name": "state.npz", "size": bytes, "sha256": ...,
                "pieces": [{"name": "state.npz.000", "sha256": ...}, ...]}, ...]}

``join`` checks every piece and every file against it before the run folder is touched.
"""

import argparse
import glob
import hashlib
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from common.arguments import number
from common.errors import RunError, UsageError, because, report
from common.files import megabytes, read_json, sha256_of, write_json
from common.trust import regular
from runs import lock, state
from runs.best import check_best
from runs.history import of_a_run

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
there is overwritten. Either command can be given again if it was killed.
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
        type=number(float, 0.001, 1000),
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
    """Yield a new folder to work in, on the disk of `folder`, which is gone afterwards.

    So is what kills have left.
    """
    parent, prefix = folder.parent, f".{folder.name}.part-"
    parent.mkdir(parents=True, exist_ok=True)
    before = list(parent.glob(glob.escape(prefix) + "????????"))
    own = tempfile.mkdtemp(prefix=prefix, dir=str(parent))
    try:
        for left in before:
            shutil.rmtree(str(left), ignore_errors=True)
        part = Path(own) / "new"
        part.mkdir()
        yield part
    finally:
        shutil.rmtree(own, ignore_errors=True)


def blocks(path, size=2**20):
    """Yield what is in a file, so many bytes at a time."""
    with open(path, "rb", opener=regular) as file:
        yield from iter(lambda: file.read(size), b"")


def digest_of(path):
    with open(path, "rb", opener=regular) as file:
        return sha256_of(file)


def split(run, folder, size):
    """Write a run folder in pieces.

    Parameters
    ----------
    run, folder : Path
    size : int
        Bytes of the largest piece.

    Returns
    -------
    list of dict
        The files, as in ``pieces.json``.

    Raises
    ------
    RunError
        If the state or the best epoch is not intact, the run is being worked on, or
        something cannot be written.
    UsageError
        If `folder` is there already.
    """
    if not (run / FILES[0]).exists():
        raise RunError(f"{run} has no {FILES[0]}: name a run folder that was saved")
    if folder.exists():
        raise UsageError(f"{folder} is there already: name a new folder")
    with lock.take(run), unfinished(folder) as part:
        _, content = state.read(run / FILES[0])
        history, configuration = of_a_run(run / FILES[0], content)
        if history.best:
            check_best(run / "best.npz", configuration)
        files = []
        for name in FILES:
            if (run / name).exists():
                files.append(split_file(run / name, part, size))
        content = {"format": FORMAT, "run": run.resolve().name, "files": files}
        write_json(part / LIST, content)
        part.rename(folder)
    return files


def split_file(path, folder, size):
    """Write the pieces of one file; return its part of the list."""
    whole, pieces, total = hashlib.sha256(), [], 0
    for data in blocks(path, size):
        whole.update(data)
        total += len(data)
        piece = folder / f"{path.name}.{len(pieces):03d}"
        piece.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        pieces.append({"name": piece.name, "sha256": digest})
    digest = whole.hexdigest()
    return {"name": path.name, "size": total, "sha256": digest, "pieces": pieces}


def join(folder, run):
    """Make a run folder from pieces.

    Parameters
    ----------
    folder, run : Path
        `run` may be there. Of the files it may have those that are the same, from a
        join that did not come to its end.

    Returns
    -------
    list of dict
        The files, as in ``pieces.json``.

    Raises
    ------
    RunError
        If a piece is missing or damaged; `run` is then what it was before.
    UsageError
        If a file would be overwritten.
    """
    files = read_list(folder)
    new = [entry for entry in files if not (run / entry["name"]).exists()]
    for entry in files:
        path = run / entry["name"]
        if entry not in new and digest_of(path) != entry["sha256"]:
            raise UsageError(
                f"{path} is there already: move {run} away, or name another"
            )
    with unfinished(run) as part:
        for entry in new:
            join_file(entry, folder, part)
        run.mkdir(exist_ok=True)
        with lock.take(run):
            for entry in new:
                (part / entry["name"]).rename(run / entry["name"])
    return files


def read_list(folder):
    """Return the files of ``pieces.json``, if it is what :func:`split` has written."""
    path = folder / LIST
    if not path.exists():
        raise RunError(f"{folder} has no {LIST}: name a folder that `split` has made")
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise RunError(f"{path} has an unknown format")
    try:
        files = [
            {
                "name": entry["name"],
                "size": int(entry["size"]),
                "sha256": entry["sha256"],
                "pieces": [
                    {"name": Path(piece["name"]).name, "sha256": piece["sha256"]}
                    for piece in entry["pieces"]
                ],
            }
            for entry in content["files"]
        ]
    except (LookupError, TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged ({error!r}): copy it again") from error
    names = [entry["name"] for entry in files]
    for name in names:
        if name not in FILES:
            raise RunError(f"{path} names {name!r}, which is no file of a run")
    if FILES[0] not in names or len(set(names)) < len(names):
        raise RunError(
            f"{path} should name {FILES[0]} and every file once: copy it again"
        )
    return files


def join_file(entry, folder, part):
    """Write one file from its pieces, and check all of them."""
    whole = hashlib.sha256()
    with open(part / entry["name"], "wb") as file:
        for piece in entry["pieces"]:
            path, digest = folder / piece["name"], hashlib.sha256()
            if not path.exists():
                raise RunError(f"{path} is missing: copy it again")
            for data in blocks(path):
                digest.update(data)
                whole.update(data)
                file.write(data)
            if digest.hexdigest() != piece["sha256"]:
                raise RunError(f"{path} is damaged (SHA-256): copy it again")
    if whole.hexdigest() != entry["sha256"]:
        raise RunError(f"{folder / LIST} is damaged: {entry['name']} does not match it")


def main(arguments=None):
    options = parse(arguments)
    run, where = options.run, options.run
    try:
        if options.command == "split":
            where = options.pieces
            files = split(run, where, round(options.size * 1e6))
        else:
            files = join(options.pieces, run)
    except RunError as error:
        return report("./reproduce state", error)
    except OSError as error:
        what = f"{error.filename or where} cannot be read or written"
        return report("./reproduce state", RunError(f"{what} {because(error)}"))
    number_of = sum(len(entry["pieces"]) for entry in files)
    size = megabytes(sum(entry["size"] for entry in files))
    print(f"{where}: {run.resolve().name}, {size} in {number_of} pieces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
