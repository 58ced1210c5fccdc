"""Get the data: download, check, convert. The command behind `./reproduce data`."""

import argparse
import fcntl
import logging
import os
import shutil
import signal
import sys
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

from common import published_files, theano_flags
from common.errors import RunError, because, report
from common.files import make_folder

DESCRIPTION = """\
Get the data sets of the two experiments and convert them to HDF5 files for Fuel.

  ptb     character-level Penn Treebank: 5 MB to download, 6 MB converted
  mnist   binarized MNIST: 110 MB to download, 55 MB converted

Files are checked against their published SHA-256. An interrupted download goes on
where it stopped when the command is given again. Proxies are taken from
HTTPS_PROXY and HTTP_PROXY. What is already there and whole is left alone.
"""

EPILOG = """\
examples:
  ./reproduce data                      both data sets
  ./reproduce data ptb --from ~/Downloads
                                        ptb.train.txt, ptb.valid.txt and
                                        ptb.test.txt are already in that folder, or
                                        simple-examples.tgz
  ./reproduce data mnist --data-dir /data/fuel
"""


def parse(argv):
    """Read the options."""
    parser = argparse.ArgumentParser(
        prog="./reproduce data",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="ptb|mnist",
        help="which data sets; default: both",
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="DIR",
        help="take the original files (ptb.*.txt; binarized_mnist_*.amat; also with "
        ".gz) from this folder and download nothing",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="where to put the converted files; default: Fuel's data_path "
        "(FUEL_DATA_PATH or ~/.fuelrc), or .cache/data here if there is none",
    )
    parser.add_argument(
        "--mirror",
        metavar="URL",
        help="try this address first; the files' names are appended to it",
    )
    parser.add_argument(
        "--keep-raw",
        action="store_true",
        help="keep the downloaded originals, in the folder 'raw' beside the "
        "converted files",
    )
    options = parser.parse_args(argv)
    for name in options.names:
        if name not in ("ptb", "mnist"):
            parser.error(f"unknown data set {name!r}: choose from ptb, mnist")
    if options.source is not None and options.mirror is not None:
        parser.error("--from downloads nothing, so --mirror has no use with it")
    options.names = list(dict.fromkeys(options.names)) or ["ptb", "mnist"]
    return options


def get(name, options):
    """Make one data set's HDF5 file, unless it is there and whole."""
    from datasets import locate, mnist, ptb
    from datasets.convert_mnist import convert_binarized_mnist
    from datasets.convert_ptb import convert_ptb

    if name == "ptb":
        filename, open_data = ptb.FILENAME, ptb.open_ptb
        convert, files = convert_ptb, published_files.PTB
    else:
        filename, open_data = mnist.FILENAME, mnist.open_binarized_mnist
        convert, files = convert_binarized_mnist, published_files.BINARIZED_MNIST
    folders = locate.data_folders(options.data_dir)
    there = [folder / filename for folder in folders if (folder / filename).exists()]
    path = there[0] if there else folders[0] / filename

    def whole():
        """Say whether the file needs not be made."""
        if not path.exists():
            return False
        try:
            open_data(path.parent)
        except RunError as error:
            print(f"{error}; making it again")
            return False
        print(f"{path} is there, and whole")
        return True

    if whole():
        return
    with alone(path.parent) as waited:
        if waited and whole():
            return
        own = path.parent / f".raw-{name}"
        if own.is_symlink():
            own.unlink()
        make(name, path, own, (convert, files), options)
        shutil.rmtree(str(own), ignore_errors=True)
    corpus = open_data(path.parent)
    sizes = [len(part) for part in (corpus.train, corpus.valid, corpus.test)]
    unit = "symbols" if name == "ptb" else "images"
    print(f"{path} is ready: {sizes[0]:,} + {sizes[1]:,} + {sizes[2]:,} {unit}")


@contextmanager
def alone(folder):
    """Keep other ``./reproduce data`` out of a folder; yield whether there was one."""
    waited = False
    make_folder(folder, "--data-dir chooses another")
    try:
        descriptor = os.open(str(folder), os.O_RDONLY)
    except OSError as error:
        raise RunError(f"{folder} cannot be read {because(error)}") from error
    try:
        # On a disk without locks, checksums still tell what two have mixed up.
        with suppress(OSError):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = True
                said = f"waiting for another program that makes data in {folder}"
                print(said, flush=True)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield waited
    finally:
        os.close(descriptor)


def make(name, path, own, how, options):
    """Get a data set's files and convert them to the HDF5 file `path`.

    What is downloaded and shall not be kept is in the folder `own`.
    """
    from datasets.download import download

    convert, files = how
    if options.source is not None:
        source = Path(os.path.expanduser(options.source))
        if not source.exists():
            raise RunError(f"{source} is not a folder: give --from the files' folder")
        convert(source, path)
        return
    kept = path.parent / "raw"
    keep = options.keep_raw or all((kept / file).is_file() for file in files.checksums)
    addresses = list(files.addresses)
    if options.mirror is not None:
        addresses.insert(0, options.mirror.rstrip("/") + "/{}")
    for file, sha256 in files.checksums.items():
        download(
            file,
            (sha256, files.sizes[file]),
            addresses,
            kept if keep else own,
            f"; get {', '.join(files.checksums)} some other way and run "
            f"`./reproduce data {name} --from DIR`",
        )
    convert(kept if keep else own, path)


def main(argv=None):
    """Run the command; return its exit status."""
    options = parse(argv)
    warnings.filterwarnings("ignore", category=FutureWarning, module="fuel")
    logging.getLogger("theano").setLevel(logging.ERROR)
    try:
        # Fuel imports Theano for its floatX only, and warns about its own NumPy calls.
        if "theano" not in sys.modules:
            theano_flags.configure()
        for name in options.names:
            get(name, options)
    except RunError as error:
        return report("./reproduce data", error)
    except KeyboardInterrupt:
        print(
            "\ninterrupted; give the same command again to go on from here",
            file=sys.stderr,
        )
        return 130
    return 0


if __name__ == "__main__":
    # Like Ctrl-C, but with its own exit status; half-written files are removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())
