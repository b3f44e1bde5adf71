"""Films of the tube page, made fast: its script's strokes, a camera, a face, noise, light."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.analysis.film.display import opencv
from places import ROOT

SCRIPT = ROOT / "src/emgrig/desk/pages/tube_view.js"
CHANGE_S = 0.032  #: A count's time, at 32 conversions and 1000 a second.


def need_opencv() -> Any:
    """Skip without OpenCV."""
    pytest.importorskip("cv2", reason="needs 'emgrig[video]': opencv-python-headless")
    return opencv()


def strokes() -> dict[str, list[list[tuple[float, float]]]]:
    """Return what the page's script draws for each sign."""
    rows = re.findall(r'^  "?([0-9-])"?: \[(.*)\],$', SCRIPT.read_text("utf-8"), re.MULTILINE)
    return {
        sign: [
            [(float(x), float(y)) for x, y in (point.split(",") for point in stroke.split())]
            for stroke in re.findall(r'"([^"]+)"', row)
        ]
        for sign, row in rows
    }


def lengths() -> dict[str, float]:
    """Return the lengths of the page's script, units."""
    line = re.search(r"^const STROKE.*;$", SCRIPT.read_text("utf-8"), re.MULTILINE)
    assert line is not None
    return {name: float(value) for name, value in re.findall(r"([A-Z]+) = ([0-9.]+)", line[0])}


STROKES, UNIT = strokes(), lengths()


def page(count: int, n_digits: int, width: int = 640) -> NDArray[np.uint8]:
    """Draw the page in a window that is hardly larger than its frame."""
    cv2 = need_opencv()
    size = 2 * UNIT["MARGIN"] + UNIT["WIDTH"] + UNIT["PITCH"] * (n_digits - 1)
    high = 2 * UNIT["MARGIN"] + UNIT["HEIGHT"]
    scale = 0.92 * width / size
    left = 0.04 * width
    drawn = np.zeros((round(high * scale + 2 * left), width), np.uint8)

    def at(x: float, y: float) -> tuple[int, int]:
        return round((left + x * scale) * 16), round((left + y * scale) * 16)

    line = UNIT["FRAME"]
    cv2.rectangle(drawn, at(0, 0), at(size, high), 255, -1, cv2.LINE_AA, 4)
    cv2.rectangle(drawn, at(line, line), at(size - line, high - line), 0, -1, cv2.LINE_AA, 4)
    for i, sign in enumerate(str(count % 10**n_digits).zfill(n_digits)):
        for stroke in STROKES[sign]:
            begin = UNIT["MARGIN"] + UNIT["PITCH"] * i
            points = np.array([at(begin + x, UNIT["MARGIN"] + y) for x, y in stroke], np.int32)
            thick = max(1, round(UNIT["STROKE"] * scale))
            cv2.polylines(drawn, [points.reshape(-1, 1, 2)], False, 255, thick, cv2.LINE_AA, 4)
    return drawn


def room(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Draw what is behind: a face, eyes, a window, a sign with a frame, and its own noise."""
    cv2 = need_opencv()
    high, wide = shape
    drawn = cv2.resize(
        rng.uniform(30, 150, (9, 16)).astype(np.float32),
        (wide, high),
        interpolation=cv2.INTER_CUBIC,
    )
    middle, mouth = (wide // 2, high // 2), (wide // 2, high // 2 + high // 6)
    cv2.ellipse(drawn, middle, (wide // 7, high // 3), 0, 0, 360, 170, -1)
    for side in (-1, 1):
        eye = middle[0] + side * wide // 18, middle[1] - high // 15
        cv2.ellipse(drawn, eye, (wide // 50, high // 60), 0, 0, 360, 240, -1)
        cv2.circle(drawn, eye, max(high // 70, 1), 20, -1)
    cv2.ellipse(drawn, mouth, (wide // 20, high // 50), 0, 0, 360, 90, -1)
    cv2.rectangle(drawn, (wide // 30, high // 20), (wide // 6, high // 7), 230, 3)
    drawn += cv2.GaussianBlur(rng.normal(0, 12, shape).astype(np.float32), (0, 0), 3)
    return np.clip(drawn, 0, 255)


@dataclass
class Camera:
    """What films a screen; levels are grey levels, lengths pixels."""

    rng: np.random.Generator
    shape: tuple[int, int] = (180, 320)
    n_digits: int = 5
    width: int = 130  #: Of the page in the picture.
    at: tuple[float, float] | None = None
    tilt: float = 0.06  #: Corners are moved by up to so much of the page's height.
    white: float = 220
    black: float = 14
    blur: float = 0.8
    noise: float = 2.0
    glare: float = 0.0
    gamma: float = 2.2
    exposure_s: float = 0.008
    refresh_hz: float = 60.0
    phase_s: float = 0.0
    _seen: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cv2 = need_opencv()
        high, wide = page(0, self.n_digits).shape
        room_for = np.array(self.shape[::-1]) - self.width * np.array([1.02, 1.02 * high / wide])
        left = self.rng.uniform(0.02, 0.98, 2) * room_for if self.at is None else self.at
        flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [self.width, self.width * high / wide]
        moved = self.rng.uniform(-self.tilt, self.tilt, (4, 2)) * self.width * high / wide
        corners = (flat + moved + left).astype(np.float32)
        page_corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
        low = np.maximum(np.floor(corners.min(axis=0)) - 8, 0).astype(int)
        end = np.minimum(np.ceil(corners.max(axis=0)) + 8, self.shape[::-1]).astype(int)
        self.box = slice(low[1], end[1]), slice(low[0], end[0])
        self._size = int(end[0] - low[0]), int(end[1] - low[1])
        self._shrunk = wide / self.width
        self._map = cv2.getPerspectiveTransform(page_corners, corners - low.astype(np.float32))
        screen = np.ones((high, wide), np.float32)
        self._screen = cv2.warpPerspective(screen, self._map, self._size)
        y, x = np.mgrid[0 : self._size[1], 0 : self._size[0]]
        spot = self.rng.uniform(0.1, 0.9, 2)
        far = (x / self._size[0] - spot[0]) ** 2 + (y / self._size[1] - spot[1]) ** 2
        self._glare = self.glare * np.exp(-far / 0.08)
        behind = room(self.rng, self.shape)
        self._part = behind[self.box]
        self._behind = [
            np.clip(behind + self.rng.normal(0, self.noise, self.shape), 0, 255).astype(np.uint8)
            for _ in range(4)
        ]

    def _light(self, count: int) -> NDArray[np.float32]:
        cv2 = need_opencv()
        if count not in self._seen:
            if len(self._seen) > 64:
                self._seen.clear()
            sharp = page(count, self.n_digits).astype(np.float32) / 255
            smooth = cv2.GaussianBlur(sharp, (0, 0), max(0.5, self._shrunk / 3))
            self._seen[count] = cv2.warpPerspective(smooth, self._map, self._size)
        return self._seen[count]

    def shares(self, begin_s: float) -> dict[int, float]:
        """Return which counts are on the screen while it exposes, and for which share of that.

        A count comes with the first refresh behind its conversion.
        """
        edges = [begin_s, begin_s + self.exposure_s]
        first = np.floor((begin_s - self.phase_s) * self.refresh_hz) + 1
        times = first / self.refresh_hz + self.phase_s
        inside = np.arange(times, edges[1], 1 / self.refresh_hz)
        cuts = [edges[0], *inside.tolist(), edges[1]]
        found: dict[int, float] = {}
        for low, high in pairwise(cuts):
            shown_s = (
                np.floor(((low + high) / 2 - self.phase_s) * self.refresh_hz) / self.refresh_hz
            )
            count = int((shown_s + self.phase_s) // CHANGE_S) % 10**self.n_digits
            found[count] = found.get(count, 0.0) + (high - low) / self.exposure_s
        return found

    def picture(self, shares: dict[int, float]) -> NDArray[np.uint8]:
        """Take a picture of a screen that shows counts for shares of the exposure."""
        cv2 = need_opencv()
        light = sum(share * self._light(count) for count, share in shares.items())
        seen = self.black + (self.white - self.black) * np.clip(light, 0, 1) ** (1 / self.gamma)
        part = self._part * (1 - self._screen) + seen * self._screen + self._glare
        if self.blur:
            part = cv2.GaussianBlur(part, (0, 0), self.blur)
        part += self.rng.normal(0, self.noise, part.shape)
        picture = self._behind[int(self.rng.integers(len(self._behind)))].copy()
        picture[self.box] = np.clip(part, 0, 255)
        return picture


@dataclass(frozen=True)
class Shot:
    """A frame of a film, and the truth."""

    picture: NDArray[np.uint8]
    middle_s: float  #: Middle of the exposure, in the time of the recording.
    shares: dict[int, float]

    @property
    def is_readable(self) -> bool:
        """Whether one count was there for nine tenths of the exposure."""
        return max(self.shares.values()) >= 0.9


def shots(
    camera: Camera, n_frames: int, fps: float, begins_s: float, lost: Sequence[int] = ()
) -> Iterator[Shot]:
    """Film from `begins_s` of the recording on; before each frame in `lost` one is missing."""
    for number in range(n_frames):
        begin_s = begins_s + (number + sum(number >= one for one in lost)) / fps
        shares = camera.shares(begin_s)
        yield Shot(camera.picture(shares), begin_s + camera.exposure_s / 2, shares)


def write_film(path: Path, pictures: Iterator[Shot], fps: float, code: str = "mp4v") -> list[Shot]:
    """Write a film, compressed; return its frames without their pictures."""
    cv2 = need_opencv()
    writer, made = None, []
    for shot in pictures:
        if writer is None:
            high, wide = shot.picture.shape
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, (wide, high))
            assert writer.isOpened()
        writer.write(cv2.cvtColor(shot.picture, cv2.COLOR_GRAY2BGR))
        made.append(Shot(shot.picture[:1, :1].copy(), shot.middle_s, shot.shares))
    assert writer is not None
    writer.release()
    return made
