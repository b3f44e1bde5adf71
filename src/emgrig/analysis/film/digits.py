"""What count a picture of the tube page shows, and how sure that is.

Each digit is held against pictures of all ten, and of each blending into the next, as a camera sees
it that exposes while the count changes. What is left unexplained by the best one, over what is left
by the best of another digit, says how sure it is.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from emgrig.analysis.film.glyphs import (
    FRAME,
    HEIGHT,
    MARGIN,
    PITCH,
    STROKE,
    WIDTH,
    Floats,
    digit_image,
    face_size,
)
from emgrig.analysis.signal.filters import Ints

SCALE = 5  #: Pixels of the straightened picture for each unit of the page.
BLURS = (
    0.3,
    0.5,
    0.75,
    1.1,
)  #: SDs of the blur of the pictures that digits are held against, units.
LEAST_CONFIDENCE = 0.5  #: Less is a doubtful reading.
_LEAST_EXPLAINED = 0.6  #: Share of a digit's variance that the best picture must explain.
_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  #: Of the exposure that a digit was on the screen.
_LEAST_SHARE = 0.7  #: Less is a doubtful reading.
_GAMMAS = (1.0, 2.2)  #: From light to the numbers of a picture.
_SURELY_BLENDED = 0.85  #: A share above may be no more than a picture that does not fit exactly.
_SHARE_APART = 0.3  #: Digits that change together do so with shares that differ by less.
_LEFT, _ABOVE = 1.2, 1.4  #: So much around a digit belongs to its cell, units.
_LEAST_CONTRAST = 10  #: Of the frame against what is inside of it, grey levels.
_GAINS_APART = np.log(2.5)  #: Digits differ less than that in their contrast.


@dataclass(frozen=True)
class Reading:
    """What a picture shows."""

    count: int | None  #: None if it is doubtful.
    confidence: float  #: 0 to 1, of the digit that is the least sure; 0 where no frame is seen.
    is_face: bool  #: Whether the frame is there.


@dataclass(frozen=True, eq=False)
class _Bank:
    """Pictures of digits, flat, without glare, of length 1; and what they show."""

    pictures: Floats  #: shape (n, n_pixels)
    contrast: Floats  #: shape (n,); Length of each before it was made 1.
    digit: Floats  #: The digit that was on the screen longer; of equals the former.
    other: Floats  #: The one before or behind it; itself if nothing blends in.
    share: Floats
    glare: Floats  #: shape (n_pixels, 6), orthonormal: light that is smooth over a digit.


def face_shape(n_digits: int) -> tuple[int, int]:
    """Return rows and columns of a straightened picture."""
    width, height = face_size(n_digits)
    return round(height * SCALE), round(width * SCALE)


def unit_to_pixel() -> Floats:
    """Return the 3 × 3 matrix from units of the page to the straightened picture."""
    return np.array([[SCALE, 0, -0.5], [0, SCALE, -0.5], [0, 0, 1.0]])


def read_face(face: Floats, n_digits: int, blur: float) -> Reading:
    """Read a straightened picture, shape `face_shape(n_digits)`; `blur` is one of `BLURS`."""
    contrast = _frame_contrast(face)
    if contrast < _LEAST_CONTRAST:
        return Reading(None, 0.0, False)
    bank = _bank(blur)
    cells = _cells(face, n_digits)
    cells = cells - (cells @ bank.glare) @ bank.glare.T
    power = np.einsum("ij,ij->i", cells, cells)
    match = np.clip(cells @ bank.pictures.T, 0, None)
    left = np.maximum(power[:, np.newaxis] - match**2, 1e-9 * power[:, np.newaxis] + 1e-9)
    best = left.argmin(axis=1)
    confidence = min(_sure(left[i], power[i], int(best[i]), bank) for i in range(n_digits))
    gain = match[np.arange(n_digits), best] / bank.contrast[best]
    is_even = bool((np.abs(np.log(gain / np.median(gain) + 1e-9)) < _GAINS_APART).all())
    if confidence < LEAST_CONFIDENCE or not is_even or not _change_together(bank, best):
        return Reading(None, confidence, True)
    digits = bank.digit[best].astype(int)
    return Reading(int("".join(map(str, digits))), confidence, True)


def explained(face: Floats, n_digits: int, blur: float) -> float:
    """Return how much of the digits' variance the best pictures explain; 0 without a frame."""
    if _frame_contrast(face) < _LEAST_CONTRAST:
        return 0.0
    bank = _bank(blur)
    cells = _cells(face, n_digits)
    cells = cells - (cells @ bank.glare) @ bank.glare.T
    power = np.einsum("ij,ij->i", cells, cells) + 1e-9
    best = np.clip(cells @ bank.pictures.T, 0, None).max(axis=1)
    return float((best**2 / power).mean())


def _sure(left: Floats, power: float, best: int, bank: _Bank) -> float:
    """Return how sure the best picture of a digit is."""
    if bank.share[best] < _LEAST_SHARE or left[best] > (1 - _LEAST_EXPLAINED) * power:
        return 0.0
    rival = left[bank.digit != bank.digit[best]].min()
    return 1 - float(left[best] / rival)


def _change_together(bank: _Bank, best: Ints) -> bool:
    """Tell whether blended digits are of one count and the next: 1299 and 1300, by one share."""
    digit, other, share = (row[best].astype(float) for row in (bank.digit, bank.other, bank.share))
    is_blended = share < _SURELY_BLENDED
    if not is_blended.any():
        return True
    first = int(np.argmax(is_blended))
    if (share[first:] == 1).any():
        return False
    is_old = (other - digit) % 10 == 1  # what blends in comes behind
    old = np.where(is_old, digit, other)[first:]
    is_carry = bool((old[1:] == 9).all())
    is_one_side = np.unique(is_old[first:]).size == 1
    return is_carry and is_one_side and bool(np.ptp(share[first:]) < _SHARE_APART)


def _frame_contrast(face: Floats) -> float:
    """Return how much brighter the frame is than what lies inside of it; 0 if it is not whole.

    Each unit of its length is held against what is beside it, since light may fall on a part of it.
    """
    line, inside = round(FRAME * SCALE), round((MARGIN - STROKE / 2 - 0.4) * SCALE)
    margin = max(line // 4, 1)
    apart = []
    for side in (face, face[::-1], face.T, face.T[::-1]):
        bright = side[margin : line - margin, inside:-inside].mean(axis=0)
        dark = side[line + margin : inside, inside:-inside].mean(axis=0)
        n_units = bright.size // SCALE
        apart.append((bright - dark)[: n_units * SCALE].reshape(n_units, SCALE).mean(axis=1))
    found = np.concatenate(apart)
    usual = float(np.median(found))
    return usual if (found > usual / 3).mean() > 0.9 else 0.0


def _cells(face: Floats, n_digits: int) -> Floats:
    """Cut out the digits; shape (n_digits, n_pixels)."""
    rows, columns = _cell_shape()
    top = round((MARGIN - _ABOVE) * SCALE)
    lefts = [round((MARGIN + PITCH * i - _LEFT) * SCALE) for i in range(n_digits)]
    return np.stack([face[top : top + rows, x : x + columns].ravel() for x in lefts])


def _cell_shape() -> tuple[int, int]:
    return round((HEIGHT + 2 * _ABOVE) * SCALE), round((WIDTH + 2 * _LEFT) * SCALE)


@lru_cache(maxsize=len(BLURS))
def _bank(blur: float) -> _Bank:
    rows, columns = _cell_shape()
    x = (np.arange(columns) + 0.5)[np.newaxis, :] / SCALE - _LEFT
    y = (np.arange(rows) + 0.5)[:, np.newaxis] / SCALE - _ABOVE
    sharp = [digit_image(digit, x, y, 1 / SCALE) for digit in range(10)]
    seen = np.stack(
        [scipy.ndimage.gaussian_filter(one, blur * SCALE, mode="nearest").ravel() for one in sharp]
    )
    entries = [
        (digit, other, share, _blended(seen, digit, other, share, gamma))
        for digit in range(10)
        for share in _SHARES
        for other in ([(digit + 1) % 10, (digit - 1) % 10] if share < 1 else [digit])
        for gamma in (_GAMMAS if share < 1 else _GAMMAS[:1])
    ]
    flat = np.broadcast_arrays(np.ones_like(x * y), x, y, x * y, x * x, y * y)
    glare, _ = np.linalg.qr(np.stack([one.ravel() for one in flat], axis=1))
    pictures = np.stack([entry[3] for entry in entries])
    pictures -= (pictures @ glare) @ glare.T
    contrast = np.linalg.norm(pictures, axis=1)
    digit, other, share = (np.array([entry[k] for entry in entries], float) for k in range(3))
    return _Bank(pictures / contrast[:, np.newaxis], contrast, digit, other, share, glare)


def _blended(seen: Floats, digit: int, other: int, share: float, gamma: float) -> Floats:
    """Return what a camera makes of two digits that were there for shares of its exposure."""
    light = share * seen[digit] ** gamma + (1 - share) * seen[other] ** gamma
    return np.asarray(light ** (1 / gamma))
