"""The face of the tube page, as its script draws it: a frame, and digits of straight strokes.

All lengths are in units of the page's drawing (`desk/pages/tube_view.js`). A test holds the two
together.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Stroke = tuple[tuple[float, float], ...]

STROKE = 1.3  #: Width of a digit's strokes; their ends are round.
PITCH = 6.4  #: From digit to digit.
FRAME = 1.2  #: Width of the frame's line.
MARGIN = 3.6  #: From the outer edge of the frame to the middle of the first digit's left stroke.
WIDTH, HEIGHT = 4.0, 7.0  #: Of a digit, from middle to middle of its strokes.
MOST_DIGITS = 9

#: x to the right, y down, from the left upper corner of a digit.
DIGITS: tuple[tuple[Stroke, ...], ...] = (
    (((1, 0), (3, 0), (4, 1), (4, 6), (3, 7), (1, 7), (0, 6), (0, 1), (1, 0)),),
    (((0.4, 1.6), (2, 0), (2, 7)), ((0.4, 7), (3.6, 7))),
    (((0, 1), (1, 0), (3, 0), (4, 1), (4, 2.4), (0, 7), (4, 7)),),
    (((0, 0), (4, 0), (1.8, 2.8), (3, 2.8), (4, 3.8), (4, 6), (3, 7), (1, 7), (0, 6)),),
    (((3, 7), (3, 0), (0, 4.8), (4.2, 4.8)),),
    (((4, 0), (0, 0), (0, 3.2), (1, 2.8), (3, 2.8), (4, 3.8), (4, 6), (3, 7), (1, 7), (0, 6)),),
    (((3.6, 0), (2, 0), (0, 3), (0, 6), (1, 7), (3, 7), (4, 6), (4, 4), (3, 3), (0, 3.6)),),
    (((0, 0), (4, 0), (1.4, 7)),),
    (
        ((1, 0), (3, 0), (3.7, 0.8), (3.7, 2.4), (3, 3.2),
         (1, 3.2), (0.3, 2.4), (0.3, 0.8), (1, 0)),
        ((1, 3.2), (0, 4.2), (0, 6), (1, 7), (3, 7), (4, 6), (4, 4.2), (3, 3.2)),
    ),
    (((0.4, 7), (2, 7), (4, 4), (4, 1), (3, 0), (1, 0), (0, 1), (0, 3), (1, 4), (4, 3.4)),),
)  # fmt: skip


def face_size(n_digits: int) -> tuple[float, float]:
    """Return width and height of the frame, outer edges."""
    return 2 * MARGIN + WIDTH + PITCH * (n_digits - 1), 2 * MARGIN + HEIGHT


def digit_image(digit: int, x: Floats, y: Floats, blur: float) -> Floats:
    """Return how bright a digit is, 0 to 1, at places from its left upper corner.

    `blur` is the width, in units, over which an edge goes from 0 to 1.
    """
    distance = np.full(np.broadcast(x, y).shape, np.inf)
    for stroke in DIGITS[digit]:
        for begin, end in pairwise(stroke):
            np.minimum(distance, _to_segment(x, y, begin, end), out=distance)
    return _edge(STROKE / 2 - distance, blur)


def frame_image(n_digits: int, x: Floats, y: Floats, blur: float) -> Floats:
    """Return how bright the frame is, 0 to 1, at places from its left upper outer corner."""
    width, height = face_size(n_digits)
    outside = np.minimum(np.minimum(x, width - x), np.minimum(y, height - y))
    return np.minimum(_edge(outside, blur), _edge(FRAME - outside, blur))


def _edge(inside: Floats, blur: float) -> Floats:
    return np.asarray(np.clip(0.5 + inside / blur, 0, 1), dtype=np.float64)


def _to_segment(x: Floats, y: Floats, begin: Sequence[float], end: Sequence[float]) -> Floats:
    """Return the distance of places to a line from `begin` to `end`."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    along = ((x - begin[0]) * dx + (y - begin[1]) * dy) / (dx * dx + dy * dy)
    along = np.clip(along, 0, 1)
    return np.asarray(np.hypot(x - begin[0] - along * dx, y - begin[1] - along * dy))
