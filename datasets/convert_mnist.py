"""Convert the three .amat files of binarized MNIST to Fuel's HDF5 layout.

In these files an image is a line of 784 digits, 0 or 1, with blanks between: 1,568
bytes with the newline. So a block of lines is an array of bytes as it stands, and
no number needs parsing.
"""

import hashlib
import json

import numpy
from fuel.datasets import H5PYDataset
from tqdm import tqdm

from common.errors import RunError
from common.published_files import BINARIZED_MNIST
from datasets.corpus import SPLITS
from datasets.hdf5 import written_whole
from datasets.mnist import NUMBERS
from datasets.originals import find, original

PIXELS = 28 * 28
LINE = 2 * PIXELS
BLOCK = 1000


def convert_binarized_mnist(
    directory,
    output_path,
    checksums=BINARIZED_MNIST.checksums,
    numbers=NUMBERS,
):
    """Convert the files to what ``fuel.datasets.BinarizedMNIST`` reads.

    The HDF5 file has the source ``features``, ``uint8``, (batch, channel, height,
    width) = (70000, 1, 28, 28), with the splits ``train``, ``valid`` and ``test``,
    and the attribute ``checksums`` (JSON: SHA-256 of each unzipped file).

    Parameters
    ----------
    directory : str or Path
        Folder with the files, as they are or with ``.gz`` at the end.
    output_path : str or Path
        The HDF5 file to write.
    checksums : dict, optional
        Names of the three files, in the order training, validation, test, and
        the SHA-256 of each one's text; None where any will do.
    numbers : dict, optional
        How many images each split has.

    Raises
    ------
    RunError
        If a file is missing, damaged or not the published one (naming the line
        where it departs from the format), or if the output cannot be written.

    """
    paths = [find(directory, name) for name in checksums]
    total = sum(numbers.values())
    digests, split_dict, start = {}, {}, 0
    with written_whole(output_path) as file, tqdm(
        desc="converting", total=total, unit=" images", delay=1
    ) as bar:
        features = file.create_dataset("features", (total, 1, 28, 28), dtype="uint8")
        for path, split, (name, expected) in zip(paths, SPLITS, checksums.items()):
            digest = hashlib.sha256()
            end = start
            for block in _blocks(path, digest):
                if end + len(block) > start + numbers[split]:
                    raise RunError(f"{path} has more than {numbers[split]} images")
                features[end : end + len(block)] = block.reshape(-1, 1, 28, 28)
                end += len(block)
                bar.update(len(block))
            if end != start + numbers[split]:
                raise RunError(
                    f"{path} ends after line {end - start}; it should have "
                    f"{numbers[split]}"
                )
            digests[name] = digest.hexdigest()
            if expected is not None and digests[name] != expected:
                raise RunError(
                    f"{path} is not the published file: its text's SHA-256 is "
                    f"{digests[name]}, not {expected}"
                )
            split_dict[split] = {"features": (start, end)}
            start = end
        for axis, label in enumerate(("batch", "channel", "height", "width")):
            features.dims[axis].label = label
        file.attrs["split"] = H5PYDataset.create_split_array(split_dict)
        file.attrs["checksums"] = json.dumps(digests)


def _blocks(path, digest):
    """Yield the file's pixels, ``(lines, 784)``, up to 1,000 lines at a time."""
    first = 1
    with original(path) as file:
        for text in iter(lambda: file.read(BLOCK * LINE), b""):
            digest.update(text)
            yield _pixels(text, path, first)
            first += BLOCK


def _pixels(text, path, first):
    """Turn whole lines into pixels; `first` is the number of the first line."""
    whole = len(text) // LINE
    lines = numpy.frombuffer(text, "uint8", whole * LINE).reshape(whole, LINE)
    pixels = lines[:, ::2] - ord("0")
    good = (
        (pixels <= 1).all(axis=1)
        & (lines[:, 1:-1:2] == ord(" ")).all(axis=1)
        & (lines[:, -1] == ord("\n"))
    )
    if not good.all() or len(text) > whole * LINE:
        # All lines before the first bad one have the right width.
        bad = whole if good.all() else int(good.argmin())
        line = text[bad * LINE :].split(b"\n", 1)[0]
        raise RunError(f"{path}, line {first + bad}: {_what_is_wrong(line)}")
    return pixels


def _what_is_wrong(line):
    if line.endswith(b"\r"):
        return "the file has Windows line endings; the published one has not"
    values = line.split()
    others = [value for value in values if value not in (b"0", b"1")]
    if others:
        return f"a pixel is {others[0][:20].decode('latin-1')!r} instead of 0 or 1"
    if len(values) != PIXELS:
        return f"there are {len(values)} pixels instead of {PIXELS}"
    return "not 784 digits with single blanks between and a newline after them"
