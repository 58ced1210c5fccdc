"""Pictures of what DRAW draws: grids, and the canvas unfolding as an animation."""

import numpy
from PIL import Image, ImageDraw

from common.files import replacing

SCALE = 4
MARGIN = 1
GREEN = (0, 200, 80)
# Milliseconds that the animation shows each glimpse, and the finished images.
GLIMPSE, PAUSE = 80, 2000


def grid(images, columns):
    """Lay images out in rows, with a thin grey line between them.

    Parameters
    ----------
    images : ndarray
        (number, height, width), from 0, black, to 1, white.
    columns : int
        Images in a row.

    Returns
    -------
    ndarray
        Of ``uint8``.
    """
    number, height, width = images.shape
    rows = -(-number // columns)
    sheet = numpy.full(
        (rows * (height + MARGIN) - MARGIN, columns * (width + MARGIN) - MARGIN), 0.5
    )
    for i, image in enumerate(images):
        top, left = corner(i, columns, height, width)
        sheet[top : top + height, left : left + width] = image
    return numpy.rint(255 * sheet).astype("uint8")


def corner(i, columns, height, width):
    """Row and column of the first pixel of image `i` in a grid."""
    row, column = divmod(i, columns)
    return row * (height + MARGIN), column * (width + MARGIN)


def enlarged(sheet):
    image = Image.fromarray(sheet)
    return image.resize((SCALE * image.width, SCALE * image.height), Image.NEAREST)


def save_grid(path, images, columns):
    """Write a grid of images as a PNG file; see :func:`grid`.

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    with replacing(path) as file:
        enlarged(grid(images, columns)).save(file, "PNG")


def save_unfolding(path, images, windows, size, columns):
    """Write an animated GIF of images as they are drawn, with the window's outline.

    The line is as thick as the filters are wide, one standard deviation.

    Parameters
    ----------
    path : path-like
    images : ndarray
        After each glimpse, (glimpses, number, height, width), from 0 to 1.
    windows : sequence of ndarray
        ``centre_y, centre_x, delta, sigma`` of each glimpse, in pixels,
        (glimpses, number) each.
    size : int
        Filters along an axis.
    columns : int
        Images in a row.

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    frames = []
    height, width = images.shape[2:]
    for sheet, *placed in zip(images, *windows):
        frame = enlarged(grid(sheet, columns)).convert("RGB")
        for i, window in enumerate(zip(*placed)):
            top, left = corner(i, columns, height, width)
            tile = [SCALE * edge for edge in (left, top, left + width, top + height)]
            image = frame.crop(tile)
            outline(image, window, size)
            frame.paste(image, tile[:2])
        frames.append(frame)
    frames.append(enlarged(grid(images[-1], columns)).convert("RGB"))
    with replacing(path) as file:
        frames[0].save(
            file,
            "GIF",
            save_all=True,
            append_images=frames[1:],
            duration=[GLIMPSE] * (len(frames) - 1) + [PAUSE],
            loop=0,
        )


def outline(image, window, size):
    """Draw the outline of a window, of `size` filters along an axis, on an image."""
    y, x, delta, sigma = window
    half = 0.5 * (size - 1) * delta
    # Pixel a covers [a, a + 1) of the picture, so that its centre is at a + 1/2.
    edges = SCALE * (numpy.array([x - half, y - half, x + half, y + half]) + 0.5)
    # What lies outside is cut off; far outside, numbers may be too large to draw.
    limit = 2 * max(image.size)
    edges = numpy.clip(edges, -limit, limit)
    thickness = int(numpy.clip(round(SCALE * sigma), 1, 3 * SCALE))
    ImageDraw.Draw(image).rectangle(list(edges), outline=GREEN, width=thickness)
