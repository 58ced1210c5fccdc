"""Made-up handwritten digits, 28x28 and binary, to try DRAW without downloads.

Every image draws one digit's strokes with a slant, size, place, thickness and
wobble of its own. Like the binarized MNIST, it is then a sample: along the edge of
a stroke each pixel is 1 with a probability.
"""

import numpy

SIZE = 28
# Height of a digit in pixels; MNIST's fit into a box of 20.
HEIGHT = 18
NUMBERS = {"train": 1280, "valid": 256, "test": 256}


def _arc(x, y, width, height, start, stop):
    """Points on an ellipse; angles in turns, clockwise from the right."""
    angle = 2 * numpy.pi * numpy.linspace(start, stop, 9)
    return numpy.stack([x + width * numpy.cos(angle), y + height * numpy.sin(angle)], 1)


# Each digit's strokes as (x, y), y downwards, in a box from -0.5 to 0.5.
STROKES = [
    [_arc(0, 0, 0.3, 0.5, 0, 1)],
    [[(-0.15, -0.3), (0.05, -0.5), (0.05, 0.5)]],
    [
        _arc(0, -0.22, 0.28, 0.28, -0.5, 0.1),
        [(0.24, -0.05), (-0.3, 0.5), (0.32, 0.5)],
    ],
    [
        _arc(-0.02, -0.25, 0.26, 0.25, -0.4, 0.25),
        _arc(-0.02, 0.25, 0.3, 0.25, -0.25, 0.4),
    ],
    [[(0.05, -0.5), (-0.32, 0.15), (0.34, 0.15)], [(0.15, -0.2), (0.15, 0.5)]],
    [
        [(0.28, -0.5), (-0.2, -0.5), (-0.24, -0.05)],
        _arc(-0.02, 0.2, 0.3, 0.3, -0.38, 0.38),
    ],
    [
        [(0.15, -0.5), (-0.15, -0.2), (-0.28, 0.2)],
        _arc(0, 0.23, 0.28, 0.27, 0.5, 1.5),
    ],
    [[(-0.3, -0.5), (0.32, -0.5), (-0.08, 0.5)]],
    [_arc(0, -0.26, 0.23, 0.24, 0.25, 1.25), _arc(0, 0.24, 0.28, 0.26, -0.25, 0.75)],
    [_arc(0, -0.22, 0.27, 0.27, 0, 1), [(0.27, -0.22), (0.2, 0.2), (0.05, 0.5)]],
]


def _segments(strokes):
    """Starts and ends of a digit's straight pieces: two arrays (pieces, 2)."""
    strokes = [numpy.asarray(stroke) for stroke in strokes]
    return (
        numpy.concatenate([stroke[:-1] for stroke in strokes]),
        numpy.concatenate([stroke[1:] for stroke in strokes]),
    )


def _draw(digit, random):
    """Draw one digit, an array (28, 28) of zeros and ones."""
    start, end = _segments(STROKES[digit])
    slant, turn = random.uniform(-0.1, 0.35), random.uniform(-0.12, 0.12)
    width, height = HEIGHT * random.uniform(0.8, 1.15, size=2)
    transform = (
        numpy.array([[width, 0], [0, height]])
        @ numpy.array([[1, 0], [-slant, 1]])
        @ numpy.array(
            [[numpy.cos(turn), numpy.sin(turn)], [-numpy.sin(turn), numpy.cos(turn)]]
        )
    )
    centre = SIZE / 2 - 0.5 + random.uniform(-1.5, 1.5, size=2)
    # A slow wave moves the points, so that lines are not quite straight.
    phase, waves = random.uniform(0, 2 * numpy.pi, size=2), random.uniform(2, 6)
    start, end = (
        points @ transform + centre + 0.6 * numpy.sin(waves * points[:, ::-1] + phase)
        for points in (start, end)
    )
    # Distance of each pixel from the nearest piece.
    y, x = numpy.mgrid[:SIZE, :SIZE]
    pixels = numpy.stack([x, y], axis=-1).reshape(-1, 1, 2)
    along = end - start
    share = ((pixels - start) * along).sum(-1) / ((along**2).sum(-1) + 1e-9)
    nearest = start + numpy.clip(share, 0, 1)[..., None] * along
    distance = numpy.sqrt(((pixels - nearest) ** 2).sum(-1)).min(axis=1)
    ink = 1 / (1 + numpy.exp((distance - random.uniform(0.9, 1.7)) / 0.3))
    return (random.uniform(size=ink.shape) < ink).reshape(SIZE, SIZE)


def sample_digits():
    """Draw the sample images.

    Returns
    -------
    dict
        Maps ``train``, ``valid`` and ``test`` to arrays (number, 784) of ``uint8``
        zeros and ones. The digits come in no order.

    """
    # The legacy generator gives the same numbers in all NumPy versions.
    random = numpy.random.RandomState(28)
    images = {}
    for split, number in NUMBERS.items():
        digits = random.randint(10, size=number)
        drawn = [_draw(digit, random).reshape(SIZE * SIZE) for digit in digits]
        images[split] = numpy.array(drawn, dtype="uint8")
    return images
