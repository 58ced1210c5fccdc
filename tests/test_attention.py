"""The attention window against released values and plain NumPy."""

from pathlib import Path

import numpy
import pytest
import theano
from numpy.testing import assert_allclose
from theano import tensor

from bricks.attention import AttentionWindow

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "attention_28x28_N5_c1.npz": (28, 28, 5),
    "attention_12x20_N3_c2.npz": (12, 20, 3),
}


def compute(window, readout, images, windows):
    """All that the brick computes, by the golden files' names."""
    symbolic = [tensor.matrix() for _ in range(3)]
    *placed, gamma = window.place(symbolic[0])
    filters = window.filterbanks(*placed)
    names = ["center_y", "center_x", "delta", "sigma", "gamma"]
    names += ["filter_y", "filter_x", "read", "write"]
    function = theano.function(
        symbolic,
        [
            *placed,
            gamma,
            *filters,
            window.read(*filters, symbolic[1]),
            window.write(*filters, symbolic[2]),
        ],
    )
    return dict(zip(names, function(readout, images, windows)))


@pytest.mark.parametrize("name", FILES)
def test_released_values(name):
    golden = dict(numpy.load(GOLDEN / name, allow_pickle=False))
    height, width, size = FILES[name]
    images, windows = golden["images"], golden["windows"]
    batch = len(images)
    # Images of two channels are read and written one channel at a time.
    channels = images.shape[1] // (height * width)
    assert channels * height * width == images.shape[1]
    results = []
    for channel in range(channels):
        results.append(
            compute(
                AttentionWindow(height, width, size),
                golden["readout"],
                images.reshape((batch, channels, -1))[:, channel],
                windows.reshape((batch, channels, -1))[:, channel],
            )
        )
    joined = dict(results[0])
    for key in ("read", "write"):
        joined[key] = numpy.concatenate([r[key] for r in results], axis=1)
    for key, value in joined.items():
        expected = golden[key]
        assert_allclose(
            value, expected, rtol=0, atol=1e-12 * abs(expected).max(), err_msg=key
        )


def loops(readout, images, height, width, size):
    """DRAW's eq. 19-27, an image and a pixel at a time."""
    read = numpy.zeros((len(images), size, size))
    for b, (y, x, log_delta, log_variance, _) in enumerate(readout):
        delta = (max(height, width) - 1) / (size - 1) * numpy.exp(log_delta)
        banks = []
        for centre, pixels in (
            ((y + 1) / 2 * height, height),
            ((x + 1) / 2 * width, width),
        ):
            bank = numpy.zeros((size, pixels))
            for n in range(size):
                mean = centre + (n - (size - 1) / 2) * delta
                for a in range(pixels):
                    bank[n, a] = numpy.exp(
                        -((a - mean) ** 2) / (2 * numpy.exp(log_variance))
                    )
                bank[n] /= bank[n].sum() + 1e-4
            banks.append(bank)
        read[b] = banks[0] @ images[b].reshape(height, width) @ banks[1].T
    return read.reshape(len(images), -1)


def test_numpy_reference():
    random = numpy.random.RandomState(3)
    height, width, size = 6, 9, 3
    readout = random.normal(size=(4, 5))
    images = random.uniform(size=(4, height * width))
    windows = random.normal(size=(4, size * size))
    computed = compute(AttentionWindow(height, width, size), readout, images, windows)
    expected = loops(readout, images, height, width, size)
    assert_allclose(computed["read"], expected, rtol=0, atol=1e-13)
    # Writing is the transpose of reading: <w, read(x)> = <write(w), x>.
    assert_allclose(
        (windows * computed["read"]).sum(1),
        (computed["write"] * images).sum(1),
        atol=1e-13,
    )


def test_two_images_are_read_one_after_the_other():
    random = numpy.random.RandomState(4)
    window = AttentionWindow(5, 4, 2)
    readout, first, second = (
        tensor.as_tensor_variable(random.normal(size=shape))
        for shape in ((3, 5), (3, 20), (3, 20))
    )
    filters = window.filterbanks(*window.place(readout)[:-1])
    both, one, two = theano.function(
        [],
        [
            window.read(*filters, first, second),
            window.read(*filters, first),
            window.read(*filters, second),
        ],
    )()
    assert_allclose(both, numpy.concatenate([one, two], axis=1), rtol=0, atol=1e-14)


def test_far_away_filters_read_nothing_and_stay_finite():
    readout = numpy.array([[1e3, -1e3, 0.0, 0.0, 0.0]])
    ones = numpy.ones((1, 16))
    computed = compute(AttentionWindow(4, 4, 2), readout, ones, numpy.ones((1, 4)))
    assert not computed["read"].any()
    assert not computed["write"].any()


def test_a_single_filter_is_refused():
    with pytest.raises(ValueError, match="2 filters or more, not 1"):
        AttentionWindow(28, 28, 1)
