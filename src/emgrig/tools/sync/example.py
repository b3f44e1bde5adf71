"""`emgrig sync --example`: a recording of a simulated board, and a film of its digital tube."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from emgrig.analysis.film.display import Picture, opencv
from emgrig.analysis.film.glyphs import MARGIN, PITCH, digit_image, face_size, frame_image
from emgrig.analysis.signal.filters import Floats, Ints
from emgrig.errors import RecordingError
from emgrig.files import attempt, make_folder, refuse_existing, whole_file
from emgrig.tools.sync.read import read_source

if TYPE_CHECKING:
    from emgrig.tools.sync.read import Source

FPS: Final = 30.0
N_FRAMES: Final = 900
BEGINS_S: Final = 4.0  #: Of the recording, when the first frame is exposed.
LOST: Final = 500  #: Before this frame the camera lost one.
EXPOSURE_S: Final = 0.008
_RECORDING_S = 38.0
_SEED = 7
_SIZE = 270, 480  # pixels: high, wide
_PLACE = 30.0, 20.0  # pixels: left upper corner of the display
_SCALE = 6.0  # pixels a unit of the page
_TILT = 0.03  # The screen leans by so much, as one that a camera sees does.
_DIGITS = 5
_WHITE, _BLACK, _GAMMA, _NOISE = 215.0, 14.0, 2.2, 2.0  # grey levels; from light to numbers


@dataclass(frozen=True)
class Example:
    """Where the two files are."""

    recording: Path
    film: Path


def make_example(
    folder: Path, *, overwrite: bool, progress: Callable[[float], None] = lambda _: None
) -> Example:
    """Record a simulated board, and draw what a camera in front of its tube page would film.

    The same each time, and both or nothing. The film begins `BEGINS_S` seconds into the recording,
    and one frame is missing before number `LOST`. `progress` is told the share that is done, 0
    to 1.

    Raises
    ------
    MissingExtra
        If OpenCV is not installed.
    RecordingError
        If a file is there and may not be overwritten, or cannot be written.
    """
    opencv()
    made = Example(folder / "face.bdf", folder / "face.mp4")
    for path in (made.recording, made.film):
        refuse_existing(path, overwrite=overwrite)
    make_folder(folder)
    with _whole_folder(folder) as unfinished:
        recording = unfinished / made.recording.name
        _record(recording)
        _write(unfinished / made.film.name, _pictures(read_source(recording)), progress)
    return made


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder whose files go into `folder` if no error comes; else nothing is left."""
    unfinished = folder / ".example.unfinished"
    with attempt("write into", folder):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            yield unfinished
            for path in sorted(unfinished.iterdir()):
                path.replace(folder / path.name)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def middle_s(frame: int) -> float:
    """Return the middle of a frame's exposure, s from the first sample: what `sync` is to find.

    By the clock of a camera, not by the file's nominal rate: this board's oscillator is off.
    """
    return _begin_s(frame) + EXPOSURE_S / 2


def _begin_s(frame: int) -> float:
    return BEGINS_S + (frame + (frame >= LOST)) / FPS


def _record(path: Path) -> None:
    import emgrig
    from emgrig.desk.stream.hub import Hub

    board = emgrig.connect(f"sim:seed={_SEED}&source=face")
    board.apply("facial-emg")
    with Hub(board, profile="facial-emg") as hub:
        hub.start(threaded=False)
        hub.start_recording(path)
        hub.run_until(hub.unix_s() + _RECORDING_S)
        hub.stop_recording().result()


class _Display:
    """The page's frame and digits as the camera sees them, 0 to 1."""

    def __init__(self) -> None:
        high, wide = face_size(_DIGITS)[1], face_size(_DIGITS)[0]
        rows, columns = np.mgrid[0 : round(high * _SCALE) + 24, 0 : round(wide * _SCALE) + 24]
        right, down = (columns - 12) / _SCALE, (rows - 12) / _SCALE
        x, y = right + _TILT * down, down - _TILT * right + _TILT * wide / 2
        blur = 2 / _SCALE
        self.screen: Floats = np.clip(frame_image(_DIGITS, x, y, blur), 0, 1)
        inside = (x > -blur) & (x < wide + blur) & (y > -blur) & (y < high + blur)
        self.is_screen: NDArray[np.bool_] = np.asarray(inside)
        self._digits = [
            [
                digit_image(digit, x - MARGIN - PITCH * place, y - MARGIN, blur)
                for digit in range(10)
            ]
            for place in range(_DIGITS)
        ]

    def light(self, count: int) -> Floats:
        """Return the light of a count."""
        signs = str(count % 10**_DIGITS).zfill(_DIGITS)
        seen = [self._digits[place][int(sign)] for place, sign in enumerate(signs)]
        return np.asarray(np.maximum.reduce([self.screen, *seen]), dtype=np.float64)


def _pictures(source: "Source") -> Iterator[Picture]:
    """Film the tube: each frame shows the counts of its exposure, and what is behind."""
    rng, display = np.random.default_rng(_SEED), _Display()
    behind = _room(rng)
    top, left = round(_PLACE[1]), round(_PLACE[0])
    high, wide = display.screen.shape
    part = np.s_[top : top + high, left : left + wide]
    noise = rng.normal(0, _NOISE, (8, *_SIZE))
    changes_s, counts = source.table.samples / source.table.rate_hz, source.table.counts
    for frame in range(N_FRAMES):
        light = sum(
            share * display.light(count)
            for count, share in _shares(changes_s, counts, _begin_s(frame))
        )
        picture = behind + noise[rng.integers(len(noise))]
        seen = _BLACK + (_WHITE - _BLACK) * np.asarray(light) ** (1 / _GAMMA)
        picture[part] = np.where(display.is_screen, seen, picture[part])
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _shares(changes_s: Floats, counts: Ints, begin_s: float) -> list[tuple[int, float]]:
    """Return which counts are on the screen during an exposure, and for which share of it."""
    first, last = np.searchsorted(changes_s, [begin_s, begin_s + EXPOSURE_S], side="right")
    edges = [begin_s, *changes_s[first:last].tolist(), begin_s + EXPOSURE_S]
    shown = counts[first - 1 : last].tolist()
    return [
        (int(count), (end - begin) / EXPOSURE_S)
        for count, (begin, end) in zip(shown, pairwise(edges), strict=True)
    ]


def _room(rng: np.random.Generator) -> Floats:
    """Draw what is behind, grey levels: a wall that gets darker, a face with eyes and mouth."""
    y, x = np.mgrid[0 : _SIZE[0], 0 : _SIZE[1]].astype(np.float64)
    drawn = 110 - 0.1 * x - 0.08 * y + rng.normal(0, 3, _SIZE)
    middle = 350.0, 150.0
    for dx, dy, wide, high, grey in (
        (0, 0, 75, 105, 165), (-28, -25, 12, 6, 225), (28, -25, 12, 6, 225),
        (-28, -25, 5, 5, 30), (28, -25, 5, 5, 30), (0, 50, 28, 7, 95),
    ):  # fmt: skip
        far = ((x - middle[0] - dx) / wide) ** 2 + ((y - middle[1] - dy) / high) ** 2
        drawn = np.where(far <= 1, float(grey), drawn)
    return np.asarray(drawn)


def _write(path: Path, pictures: Iterator[Picture], progress: Callable[[float], None]) -> None:
    cv2 = opencv()
    with whole_file(path) as unfinished:
        film = unfinished.with_name(f"{unfinished.name}.mp4")  # its ending says which container
        try:
            code = cv2.VideoWriter.fourcc(*"mp4v")
            writer = cv2.VideoWriter(str(film), code, FPS, (_SIZE[1], _SIZE[0]), False)
            if not writer.isOpened():
                raise RecordingError(
                    f"{path} cannot be written: this OpenCV has no MPEG-4 encoder; expected that "
                    "of opencv-python-headless"
                )
            for number, picture in enumerate(pictures, start=1):
                writer.write(picture)
                progress(number / N_FRAMES)
            writer.release()
            film.replace(unfinished)
        finally:
            film.unlink(missing_ok=True)
