"""The counts of a film of the tube page, frame by frame; doubtful ones are left out and counted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emgrig.analysis.film.digits import (
    BLURS,
    Reading,
    explained,
    face_shape,
    read_face,
    unit_to_pixel,
)
from emgrig.analysis.film.display import (
    Picture,
    candidates,
    homography,
    opencv,
    outward,
    refined,
)
from emgrig.analysis.film.glyphs import (
    FRAME,
    HEIGHT,
    MARGIN,
    MOST_DIGITS,
    STROKE,
    Floats,
    face_size,
)
from emgrig.analysis.signal.filters import Ints

_LOOK_EVERY = 10  #: Frames, while the display is not found.
_MEASURE_EVERY = 10  #: Frames, where it is: a camera may be touched.
_LOST_AFTER = 30  #: Frames without a frame in its place.
_LEAST_EXPLAINED = 0.75  #: Of the digits, in a display that is believed.
_TRIED = 12  #: Candidates of one picture.
_SMOOTHING = 0.3  #: SD, units of the page.
_KEPT = 8  #: Samples of each kind.
_SMOOTHED = 5  #: Corners are the median of so many measurements.


@dataclass(frozen=True, eq=False)
class Place:
    """Where the display is."""

    n_digits: int
    corners: Floats  #: shape (4, 2); Middle of the frame's line, pixels, clockwise from left above.
    blur: float  #: SD, units of the page.

    @property
    def digit_height(self) -> float:
        """Height of a digit, pixels, with its strokes."""
        sides = np.linalg.norm(self.corners[[0, 1]] - self.corners[[3, 2]], axis=1)
        return float(sides.mean() * (HEIGHT + STROKE) / (2 * MARGIN + HEIGHT - FRAME))


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame as it was read, to be looked at."""

    frame: int
    count: int | None  #: None if it is doubtful.
    confidence: float
    face: Picture  #: The display, straightened.


@dataclass(frozen=True, eq=False)
class FilmReadings:
    """What was read off a film."""

    frames: Ints  #: shape (n,); Frames whose count is sure, from 0.
    counts: Ints  #: shape (n,)
    confidence: Floats  #: shape (n,); 0.5 to 1.
    n_frames: int  #: Of the film.
    n_doubtful: int  #: Frames in which the display is seen, and its digits are not sure.
    n_unseen: int  #: Frames in which no display is seen.
    place: Place | None  #: Where it was when it was found first; None if it never was.
    n_found: int  #: How often it had to be looked for and was found.
    picture: Picture | None = None  #: The frame in which it was found first.
    least_sure: tuple[Sample, ...] = ()  #: Of those that are taken.
    doubtful: tuple[Sample, ...] = ()  #: Of those that are not: spread over the film.


@dataclass
class FilmReader:
    """Reads frame after frame: first looks for the display, then keeps it."""

    place: Place | None = None
    first: Place | None = None
    n_found: int = 0
    _n_frames: int = 0
    _n_missed: int = 0
    _n_unseen: int = 0
    _n_doubtful: int = 0
    _measured: list[Floats] = field(default_factory=list)
    _found: list[tuple[int, int, float]] = field(default_factory=list)
    _picture: Picture | None = None
    _least_sure: list[Sample] = field(default_factory=list)
    _doubtful: list[Sample] = field(default_factory=list)
    _doubtful_every: int = 1

    def feed(self, picture: Picture) -> Reading:
        """Take the next frame, grey."""
        number = self._n_frames
        self._n_frames += 1
        if self.place is None and self._n_missed % _LOOK_EVERY == 0:
            self._look(picture)
        reading = self._read(picture, number)
        self._n_missed = 0 if reading.is_face else self._n_missed + 1
        if self.place is not None and self._n_missed >= _LOST_AFTER:
            self.place = None
        elif self.place is not None and reading.is_face and number % _MEASURE_EVERY == 0:
            self._measure(picture, self.place)
        if reading.count is not None:
            self._found.append((number, reading.count, reading.confidence))
        elif reading.is_face:
            self._n_doubtful += 1
        else:
            self._n_unseen += 1
        return reading

    def result(self) -> FilmReadings:
        """Return what was read so far."""
        frames, counts, confidence = zip(*self._found, strict=True) if self._found else ((), (), ())
        return FilmReadings(
            np.array(frames, dtype=np.int64),
            np.array(counts, dtype=np.int64),
            np.array(confidence, dtype=np.float64),
            self._n_frames,
            self._n_doubtful,
            self._n_unseen,
            self.first,
            self.n_found,
            self._picture,
            tuple(self._least_sure[:_KEPT]),
            tuple(self._doubtful[:: max(len(self._doubtful) // _KEPT, 1)][:_KEPT]),
        )

    def _look(self, picture: Picture) -> None:
        found = find(picture)
        if found is None:
            return
        self.place, self._measured, self._n_missed = found, [found.corners], 0
        self.n_found += 1
        if self.first is None:
            self.first, self._picture = found, picture.copy()

    def _read(self, picture: Picture, number: int) -> Reading:
        if self.place is None:
            return Reading(None, 0.0, False)
        face = straightened(picture, self.place)
        reading = read_face(face, self.place.n_digits, self.place.blur)
        if reading.is_face:
            self._keep(Sample(number, reading.count, reading.confidence, face.astype(np.uint8)))
        return reading

    def _keep(self, sample: Sample) -> None:
        """Keep the least sure of those that are taken, and some of the doubtful."""
        if sample.count is not None:
            kept = self._least_sure
            if len(kept) < _KEPT or sample.confidence < kept[-1].confidence:
                self._least_sure = sorted([*kept, sample], key=lambda one: one.confidence)[:_KEPT]
        elif self._n_doubtful % self._doubtful_every == 0:
            self._doubtful.append(sample)
            if len(self._doubtful) > 4 * _KEPT:
                self._doubtful, self._doubtful_every = self._doubtful[::2], 2 * self._doubtful_every

    def _measure(self, picture: Picture, place: Place) -> None:
        corners = refined(picture, place.n_digits, place.corners)
        if corners is None or np.abs(corners - place.corners).max() > place.digit_height / 4:
            return
        self._measured = [*self._measured[1 - _SMOOTHED :], corners]
        self.place = Place(place.n_digits, np.median(self._measured, axis=0), place.blur)


def read_film(
    pictures: Iterable[Picture], progress: Callable[[int], None] | None = None
) -> FilmReadings:
    """Read grey pictures, shape (rows, columns), one after the other."""
    reader = FilmReader()
    for number, picture in enumerate(pictures):
        reader.feed(picture)
        if progress is not None:
            progress(number + 1)
    return reader.result()


def straightened(picture: Picture, place: Place) -> Floats:
    """Return the display as the page drew it, 5 pixels a unit; a little smoothed against noise."""
    cv2 = opencv()
    rows, columns = face_shape(place.n_digits)
    unit = place.digit_height / (HEIGHT + STROKE)
    low = np.maximum(np.floor(place.corners.min(axis=0) - 2 * unit), 0).astype(int)
    high = np.ceil(place.corners.max(axis=0) + 2 * unit).astype(int) + 1
    around = picture[low[1] : high[1], low[0] : high[0]]
    if not around.size:
        return np.zeros((rows, columns))
    smooth = cv2.GaussianBlur(around, (0, 0), _SMOOTHING * unit)
    matrix = homography(place.n_digits, place.corners - low) @ np.linalg.inv(unit_to_pixel())
    face: Any = cv2.warpPerspective(
        smooth,
        matrix,
        (columns, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(face, dtype=np.float64)


def find(picture: Picture) -> Place | None:
    """Find the display in a grey picture; None if nothing in it is one beyond doubt."""
    for hole in candidates(picture)[:_TRIED]:
        best: tuple[float, Place] | None = None
        for n_digits in _numbers_of_digits(hole):
            corners = refined(picture, n_digits, outward(n_digits, hole))
            if corners is not None:
                corners = refined(picture, n_digits, corners)
            if corners is None:
                continue
            for blur in BLURS:
                place = Place(n_digits, corners, blur)
                share = explained(straightened(picture, place), n_digits, blur)
                if share > _LEAST_EXPLAINED and (best is None or share > best[0]):
                    best = share, place
        if best is not None:
            return best[1]
    return None


def _numbers_of_digits(hole: Floats) -> list[int]:
    """Return how many digits a frame may have: seen from the side it looks narrower."""
    width = np.linalg.norm(hole[[1, 2]] - hole[[0, 3]], axis=1).mean()
    height = np.linalg.norm(hole[[3, 2]] - hole[[0, 1]], axis=1).mean()
    likely = [
        (abs(np.log(size[0] / size[1] / (width / height))), n)
        for n in range(1, MOST_DIGITS + 1)
        for size in [face_size(n)]
    ]
    return [n for _, n in sorted(likely)[:4]]
