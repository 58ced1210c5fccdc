"""Binarized MNIST: conversion, Fuel's own reader, streams; the sample digits."""

import gzip
import resource
import subprocess
import sys

import h5py
import numpy
import pytest
from fuel import config
from fuel.datasets import BinarizedMNIST, H5PYDataset

from common import ROOT
from common.errors import RunError
from common.published_files import BINARIZED_MNIST
from datasets.convert_mnist import convert_binarized_mnist
from datasets.mnist import (
    FILENAME,
    SHA256,
    image_stream,
    open_binarized_mnist,
    open_sample_digits,
)

NUMBERS = {"train": 2300, "valid": 12, "test": 7}
NAMES = list(BINARIZED_MNIST.checksums)
ANY = dict.fromkeys(NAMES)
SAMPLE_DIGITS = "961e3ddc6ea2c80519301ed06a87f4af23c3ef3a947d2fa9c1f4cbe84e8b349c"


def amat(images):
    """Write images as the published files do."""
    text = numpy.full((len(images), 1568), ord(" "), dtype="uint8")
    text[:, ::2] = images + ord("0")
    text[:, -1] = ord("\n")
    return text.tobytes()


@pytest.fixture(scope="module")
def images():
    random = numpy.random.RandomState(0)
    return {split: random.randint(2, size=(n, 784)) for split, n in NUMBERS.items()}


@pytest.fixture(scope="module")
def digits():
    return open_sample_digits()


@pytest.fixture
def folder(images, tmp_path):
    """Three small files, one of them compressed."""
    for name, part in zip(NAMES, images.values()):
        (tmp_path / name).write_bytes(amat(part))
    (tmp_path / NAMES[0]).rename(tmp_path / "plain")
    (tmp_path / (NAMES[0] + ".gz")).write_bytes(
        gzip.compress((tmp_path / "plain").read_bytes(), 1)
    )
    return tmp_path


@pytest.fixture(scope="session")
def real(shared_data, tmp_path_factory):
    """The folder with the converted real images."""
    folder = tmp_path_factory.mktemp("mnist")
    convert_binarized_mnist(shared_data, folder / FILENAME)
    return folder


def convert(folder):
    convert_binarized_mnist(folder, folder / FILENAME, ANY, NUMBERS)
    return folder / FILENAME


def test_conversion_keeps_every_pixel(folder, images):
    path = convert(folder)
    for split in NUMBERS:
        dataset = H5PYDataset(str(path), (split,), load_in_memory=True)
        assert dataset.provides_sources == ("features",)
        features = dataset.data_sources[0]
        assert features.dtype == "uint8"
        assert features.shape == (NUMBERS[split], 1, 28, 28)
        assert (features.reshape(-1, 784) == images[split]).all()
    with h5py.File(str(path), "r") as file:
        labels = [axis.label for axis in file["features"].dims]
    assert labels == ["batch", "channel", "height", "width"]


def replace(position, new, line=1205):
    """Put `new` over the bytes at `position` of the line with this number."""

    def change(text):
        at = (line - 1) * 1568 + position
        return text[:at] + new + text[at + len(new) :]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replace(20, b"2"), "line 1205: a pixel is '2' instead of 0 or 1"),
        (replace(0, b"x", 1), "line 1: a pixel is 'x' instead of 0 or 1"),
        (replace(1566, b"7", 2300), "line 2300: a pixel is '7' instead of 0 or 1"),
        (replace(1, b"\t"), "line 1205: not 784 digits with single blanks"),
        (replace(1, b"0"), "line 1205: a pixel is"),
        (lambda text: text[: 99 * 1568] + text[99 * 1568 + 2 :], "line 100: .* 783 pi"),
        (lambda text: text[:-600], "line 2300: there are 484 pixels instead of 784"),
        (lambda text: text[:-1], "line 2300: .* newline after"),
        (lambda text: text[: -10 * 1568], "ends after line 2290; it should have 2300"),
        (lambda text: text + text[:1568], "has more than 2300 images"),
        (lambda text: text.replace(b"\n", b"\r\n"), "line 1: .* Windows line"),
        (lambda text: b"", "ends after line 0"),
        (lambda text: b"<html>no</html>\n", "line 1: a pixel is '<html>no</html>'"),
    ],
)
def test_file_that_departs_from_the_format(folder, change, message):
    path = folder / NAMES[0]
    (folder / (NAMES[0] + ".gz")).unlink()
    path.write_bytes(change((folder / "plain").read_bytes()))
    with pytest.raises(RunError, match=f"{path}.* {message}"):
        convert(folder)
    assert not (folder / FILENAME).exists()
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("damage", ["cut", "rubbish", "flip"])
def test_damaged_compressed_file(folder, damage):
    path = folder / (NAMES[0] + ".gz")
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "rubbish":
        content = b"not compressed"
    else:
        content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(RunError, match=f"{path}"):
        convert(folder)
    assert not (folder / FILENAME).exists()


def test_missing_file(folder):
    (folder / NAMES[1]).unlink()
    with pytest.raises(RunError, match=f"none of {NAMES[1]}, {NAMES[1]}.gz is in"):
        convert(folder)


def test_other_images_are_not_taken_for_the_published_ones(folder):
    with pytest.raises(RunError, match="is not the published file"):
        convert_binarized_mnist(folder, folder / FILENAME, numbers=NUMBERS)
    convert(folder)
    with pytest.raises(RunError, match="has not the published images"):
        open_binarized_mnist(folder)


def test_damaged_file(folder):
    path = convert(folder)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(RunError, match="is damaged .*reproduce data mnist"):
        open_binarized_mnist(folder)
    path.unlink()
    with pytest.raises(RunError, match="run `./reproduce data mnist --data-dir"):
        open_binarized_mnist(folder)


def test_fuel_reads_the_real_images(real, monkeypatch):
    monkeypatch.setattr(config, "config", {**config.config})
    monkeypatch.setitem(
        config.config, "data_path", {**config.config["data_path"], "value": [str(real)]}
    )
    images = open_binarized_mnist()
    assert images.checksums == {"features": SHA256}
    for split, number in zip(("train", "valid", "test"), (50_000, 10_000, 10_000)):
        dataset = BinarizedMNIST((split,))
        assert dataset.num_examples == number
        features = dataset.data_sources[0]
        assert features.shape == (number, 1, 28, 28)
        assert features.dtype == "uint8"
        part = getattr(images, split)
        assert part.shape == (number, 784) and part.max() == 1
        assert (features.reshape(number, 784) == part).all()


def test_first_real_image_is_the_files_first_line(real, shared_data):
    images = open_binarized_mnist(real)
    for name, part in zip(NAMES, (images.train, images.valid, images.test)):
        with gzip.open(shared_data / (name + ".gz")) as file:
            assert (numpy.array(file.readline().split(), "uint8") == part[0]).all()


def test_batches_of_the_real_images(real):
    train = open_binarized_mnist(real).train
    stream = image_stream(train)
    assert stream.batches_per_epoch == 391
    shapes = [batch.shape for (batch,) in stream.get_epoch_iterator()]
    assert shapes == [(128, 784)] * 390 + [(80, 784)]


def test_conversion_of_the_real_images_is_quick_and_small(shared_data, tmp_path):
    """Measured in a process of its own: peak memory cannot be reset."""
    program = (
        "import sys; from common import theano_flags; theano_flags.configure();"
        "from datasets.convert_mnist import convert_binarized_mnist as convert;"
        "convert(*sys.argv[1:])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wrapper = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    python = [sys.executable, "-W", "ignore", "-c"]
    done = subprocess.run(
        [*python, wrapper, *python, program, shared_data, tmp_path / FILENAME],
        check=True,
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert int(done.stdout) < 300 * 1024
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 10
    assert (tmp_path / FILENAME).exists()


def test_sample_digits_are_the_same_everywhere(digits):
    assert digits.name == "sample_digits"
    assert digits.checksums == {"features": SAMPLE_DIGITS}


def test_sample_digits_are_varied_binary_images(digits):
    for part, number in zip(
        (digits.train, digits.valid, digits.test), (1280, 256, 256)
    ):
        assert part.shape == (number, 784) and part.dtype == "uint8"
        assert set(numpy.unique(part)) == {0, 1}
        assert len(numpy.unique(part, axis=0)) == number
    # About as much ink as in MNIST (0.13), some in every image, none at the border.
    ink = digits.train.mean(axis=1)
    assert 0.1 < ink.mean() < 0.17 and ink.min() > 0.03 and ink.max() < 0.35
    images = digits.train.reshape(-1, 28, 28)
    assert images[:, [0, -1]].mean() < 0.01 and images[:, :, [0, -1]].mean() < 0.01


def test_stream_of_images_in_file_order_and_resumed(digits):
    train = digits.train[:300]
    stream = image_stream(train, batch_size=128)
    assert stream.sources == ("features",)
    epoch = [batch["features"] for batch in stream.get_epoch_iterator(as_dict=True)]
    assert [len(batch) for batch in epoch] == [128, 128, 44]
    assert all(batch.dtype == config.floatX for batch in epoch)
    assert (numpy.concatenate(epoch) == train).all()
    assert (stream.epoch, stream.batch) == (1, 0)
    resumed = image_stream(train, batch_size=128)
    resumed.epoch, resumed.batch = 4, 1
    rest = [batch["features"] for batch in resumed.get_epoch_iterator(as_dict=True)]
    assert (numpy.concatenate(rest) == train[128:]).all()
    assert (resumed.epoch, resumed.batch) == (5, 0)
    short = image_stream(train, batch_size=128, batches_per_epoch=2)
    assert len(list(short.get_epoch_iterator())) == short.batches_per_epoch == 2


def test_stream_that_makes_no_sense():
    with pytest.raises(RunError, match="no images"):
        image_stream(numpy.zeros((0, 784), "uint8"))
    with pytest.raises(ValueError, match="batch_size"):
        image_stream(numpy.zeros((5, 784), "uint8"), batch_size=0)
