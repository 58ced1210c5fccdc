"""Binarized MNIST: open it, stream it in file order."""

import os

from fuel import config
from fuel.datasets import IndexableDataset

from common.errors import RunError
from datasets import locate
from datasets.corpus import SPLITS
from datasets.hdf5 import digest, opened, read_splits
from datasets.sample_digits import sample_digits
from datasets.streams import PositionedStream, batches

# As in Fuel, whose BinarizedMNIST reads this file.
FILENAME = "binarized_mnist.hdf5"
# In a container it is another one (docker/entry.py).
COMMAND = os.environ.get("REPRODUCE_DATA_COMMAND", "./reproduce data mnist")
NUMBERS = {"train": 50_000, "valid": 10_000, "test": 10_000}
# Of all 70,000 images, one byte per pixel, in the order training, validation, test.
SHA256 = "07ad6da6ba6894a550cb68ae290ff3deb006a01f6b6ce1b3123edec502f1fce8"


class Images:
    """Three splits of binary images.

    Parameters
    ----------
    name : str
        What to call them.
    splits : dict
        Maps ``train``, ``valid`` and ``test`` to arrays of ``uint8`` zeros and
        ones, ``(number, 784)``.

    Attributes
    ----------
    train, valid, test : ndarray
    checksums : dict
        ``features``: SHA-256 of all pixels, one byte each.

    """

    def __init__(self, name, splits):
        self.name = name
        self.train, self.valid, self.test = (splits[split] for split in SPLITS)
        self.checksums = {"features": digest(splits[split] for split in SPLITS)}


def open_binarized_mnist(data_dir=None):
    """Open the converted images and check them.

    A file that ``fuel-convert binarized_mnist`` has made will do as well.

    Parameters
    ----------
    data_dir : str or Path, optional
        Folder with the converted file; see :func:`datasets.locate.data_folders`.

    Returns
    -------
    Images
        50,000, 10,000 and 10,000 images.

    Raises
    ------
    RunError
        If the file is missing, or has not exactly the published images.

    """
    path = locate.find(FILENAME, COMMAND, data_dir)
    with opened(path, COMMAND) as file:
        splits = [part.reshape(len(part), -1) for part in read_splits(file, "features")]
        images = Images("binarized_mnist", dict(zip(SPLITS, splits)))
    shapes = [part.shape for part in splits]
    wanted = [(number, 784) for number in NUMBERS.values()]
    if images.checksums["features"] != SHA256 or shapes != wanted:
        raise RunError(
            f"{path} has not the published images in it: run `{COMMAND}` to make it "
            "again"
        )
    return images


def open_sample_digits():
    """Draw the built-in sample images, in memory.

    Returns
    -------
    Images
        1,280, 256 and 256 images of made-up digits.

    """
    return Images("sample_digits", sample_digits())


class _FloatImages(IndexableDataset):
    """Keeps one byte per pixel and gives batches in Theano's floatX."""

    def get_data(self, state=None, request=None):
        (features,) = super().get_data(state, request)
        return (features.astype(config.floatX),)


def open_images(sample=False, data_dir=None):
    """Open the built-in digits, or binarized MNIST; see the two functions above."""
    return open_sample_digits() if sample else open_binarized_mnist(data_dir)


def image_stream(features, batch_size=128, batches_per_epoch=None):
    """Stream images in file order, the same every epoch.

    Parameters
    ----------
    features : ndarray
        ``(number, 784)``: a split of the images.
    batch_size : int, optional
        Number of images in a batch; the last batch has those that remain.
    batches_per_epoch : int, optional
        End every epoch after at most this many batches.

    Returns
    -------
    PositionedStream
        Of ``{'features': (batch_size, 784) floatX}``.

    """
    if len(features) == 0:
        raise RunError("there are no images to stream")
    dataset = _FloatImages(
        {"features": features}, axis_labels={"features": ("batch", "pixel")}
    )
    requests = [
        slice(part[0], part[-1] + 1)
        for part in batches(range(len(features)), batch_size)
    ]
    return PositionedStream(dataset, lambda epoch: requests, batches_per_epoch)
