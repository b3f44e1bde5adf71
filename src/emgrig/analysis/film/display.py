"""Where the face of the tube page is in a picture: four corners, found, and made exact.

A place of the page is mapped to the picture by the perspective of its frame's four corners, in the
middle of the frame's line: blur, bloom and exposure leave the middle where it is.
"""

import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.film.glyphs import FRAME, HEIGHT, MARGIN, Floats, face_size
from emgrig.extras import require

#: OpenCV's reader says something for every frame that is damaged; -8 is silence.
_LOG = ("OPENCV_FFMPEG_LOGLEVEL", "-8")
Picture = NDArray[np.uint8]

#: A face smaller than that is not looked for: its digits would be 8 pixels high.
LEAST_HEIGHT = 8 * (2 * MARGIN + HEIGHT) / (HEIGHT + 1.3)
_LEVELS = (0.07, 0.11, 0.16, 0.22, 0.29, 0.37, 0.46, 0.56, 0.67, 0.8)
_AROUND = (21, 45, 95)  #: Pixels; odd.
#: Places along a side, and steps across its line, at which its middle is measured.
_ALONG, _ACROSS = 48, 25
#: Across, units: from so far outside the middle of the line to so far inside.
_REACH = 1.1


def opencv() -> ModuleType:
    """Return OpenCV; MissingExtra if it is not installed."""
    os.environ.setdefault(*_LOG)
    return require("cv2", "video", "a film")


def corners_of(n_digits: int) -> Floats:
    """Return the corners of the middle of the frame's line, units; shape (4, 2), clockwise."""
    width, height = face_size(n_digits)
    low, right, bottom = FRAME / 2, width - FRAME / 2, height - FRAME / 2
    return np.array([[low, low], [right, low], [right, bottom], [low, bottom]])


def homography(n_digits: int, corners: Floats) -> Floats:
    """Return the 3 × 3 matrix from the page's units to the picture."""
    cv2 = opencv()
    found: Any = cv2.getPerspectiveTransform(
        corners_of(n_digits).astype(np.float32), corners.astype(np.float32)
    )
    return np.asarray(found, dtype=np.float64)


def project(matrix: Floats, places: Floats) -> Floats:
    """Map places (n, 2) by a homography."""
    mapped = places @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def candidates(picture: Picture) -> list[Floats]:
    """Return what may be the frame in a grey picture: corners (4, 2) clockwise, largest first.

    A bright line all around something dark, of four corners and wider than high.
    """
    cv2 = opencv()
    found: list[tuple[float, Floats]] = []
    for binary in _binary(cv2, picture):
        contours, tree = cv2.findContours(binary, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        for contour, (_, _, _, parent) in zip(
            contours, [] if tree is None else tree[0], strict=True
        ):
            if parent < 0 or contour.shape[0] < 4:
                continue  # no hole
            corners = _four_corners(cv2, contour)
            if corners is not None:
                found.append((float(cv2.contourArea(contour)), corners))
    found.sort(key=lambda one: -one[0])
    return [corners for _, corners in found]


def _binary(cv2: ModuleType, picture: Picture) -> Iterator[Picture]:
    """Split bright from dark: at levels of the whole picture, then against what lies around."""
    low, high = np.percentile(picture[::4, ::4], (1, 99.8))
    for level in _LEVELS:
        yield cv2.threshold(picture, low + level * (high - low), 255, cv2.THRESH_BINARY)[1]
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    for width in _AROUND:
        yield cv2.adaptiveThreshold(
            smooth, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, width, -4
        )


def _four_corners(cv2: ModuleType, contour: NDArray[np.int32]) -> Floats | None:
    """Return the corners of a hole, from the left upper one on; None if it is no quadrilateral."""
    _, _, width, height = cv2.boundingRect(contour)
    if height < 0.7 * LEAST_HEIGHT or width < 1.2 * height:
        return None
    hull = cv2.convexHull(contour)
    if cv2.contourArea(contour) < 0.85 * cv2.contourArea(hull):
        return None
    for precision in (0.02, 0.035, 0.05):
        rough = cv2.approxPolyDP(hull, precision * cv2.arcLength(hull, closed=True), closed=True)
        if len(rough) == 4:
            points = rough[:, 0, :].astype(np.float64)
            angle = np.arctan2(*(points - points.mean(axis=0)).T[::-1])
            points = points[np.argsort(angle)]  # clockwise, as y points down
            first = int(np.argmin(points.sum(axis=1)))
            return np.asarray(np.roll(points, -first, axis=0), dtype=np.float64)
    return None


def outward(n_digits: int, hole: Floats) -> Floats:
    """Return the corners of the middle of the line, from those of its inner edge."""
    cv2 = opencv()
    inset = corners_of(n_digits) + FRAME / 2 * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    matrix = cv2.getPerspectiveTransform(inset.astype(np.float32), hole.astype(np.float32))
    return project(np.asarray(matrix, dtype=np.float64), corners_of(n_digits))


def refined(picture: Picture, n_digits: int, corners: Floats) -> Floats | None:
    """Measure the middle of the frame's line and return its corners; None if it is not there.

    Along each side the middle is the centre of brightness across the line; a straight line goes
    through the middles, and the corners are where two of them meet.
    """
    matrix = homography(n_digits, corners)
    sides = corners_of(n_digits)
    lines = []
    for begin, end in zip(sides, np.roll(sides, -1, axis=0), strict=True):
        along = (end - begin) / np.hypot(*(end - begin))
        inward = np.array([-along[1], along[0]])
        middle = begin + np.linspace(0.06, 0.94, _ALONG)[:, np.newaxis] * (end - begin)
        steps = np.linspace(-_REACH, _REACH, _ACROSS)
        places = middle[:, np.newaxis] + steps[:, np.newaxis] * inward
        seen = _sampled(picture, project(matrix, places.reshape(-1, 2))).reshape(_ALONG, _ACROSS)
        level = np.minimum(seen[:, :3].mean(axis=1), seen[:, -3:].mean(axis=1))
        above = np.clip(seen - np.maximum(level, _middle(seen))[:, np.newaxis], 0, None)
        weight = above.sum(axis=1)
        is_there = weight > 0.25 * np.median(weight)
        if is_there.sum() < _ALONG // 2 or np.median(weight) <= 0:
            return None
        shift = (above @ steps)[is_there] / weight[is_there]
        is_near = np.abs(shift - np.median(shift)) < 0.35
        if is_near.sum() < _ALONG // 4:
            return None
        points = middle[is_there][is_near] + shift[is_near, np.newaxis] * inward
        lines.append(_line(project(matrix, points)))
    met = [_crossing(lines[k - 1], lines[k]) for k in range(4)]
    return np.array(met) if np.isfinite(met).all() else None


def _middle(seen: Floats) -> Floats:
    """Return the level half way between dark and bright, of each place along a side."""
    return np.asarray((seen.min(axis=1) + seen.max(axis=1)) / 2)


def _sampled(picture: Picture, places: Floats) -> Floats:
    cv2 = opencv()
    x, y = (places[:, k].astype(np.float32).reshape(1, -1) for k in (0, 1))
    seen: Any = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen[0], dtype=np.float64)


def _line(points: Floats) -> Floats:
    """Return a, b, c of the line a x + b y = c nearest to points, by total least squares."""
    centre = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - centre, full_matrices=False)
    normal = np.array([-axes[0, 1], axes[0, 0]])
    return np.array([*normal, normal @ centre])


def _crossing(one: Floats, other: Floats) -> Floats:
    with np.errstate(all="ignore"):
        try:
            return np.linalg.solve(np.stack([one[:2], other[:2]]), np.array([one[2], other[2]]))
        except np.linalg.LinAlgError:
            return np.full(2, np.nan)
