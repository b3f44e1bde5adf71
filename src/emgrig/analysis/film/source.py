"""Frames of a film and their times, by what its container says of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emgrig.analysis.film.display import Picture, opencv
from emgrig.analysis.signal.filters import Floats
from emgrig.errors import RecordingError

#: Times that are nearer than that to even ones, in frames, are even: containers round to 1 ms.
_ROUNDED = 0.1


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """When the frames of a film are, s from its first."""

    frame_s: float  #: From frame to frame: exact if they are even, else the median.
    #: shape (n_frames,); None if they are even.
    uneven_s: Floats | None
    words: str  #: What was taken.


class FilmFile:
    """A film; its pictures are read once, in order.

    Raises RecordingError if it cannot be read, MissingExtra without OpenCV.
    """

    def __init__(self, path: Path) -> None:
        cv2 = opencv()
        if not path.is_file():
            raise RecordingError(f"there is no film {path}")
        self._path, self._cv2 = path, cv2
        log = cv2.utils.logging
        level = log.setLogLevel(log.LOG_LEVEL_SILENT)
        try:
            self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        finally:
            log.setLogLevel(level)
        if not self._capture.isOpened():
            raise RecordingError(f"{path} is no film that can be read; MP4, AVI, MOV or MKV is")
        size = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        self.width, self.height = (int(self._capture.get(one)) for one in size)
        self.header_fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        #: By the header, 0 if it does not say; only reading to the end tells.
        self.n_stated = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        self._seconds: list[float] = []

    def pictures(self) -> Iterator[Picture]:
        """Give each frame, grey; shape (height, width)."""
        cv2 = self._cv2
        try:
            while True:
                is_there, picture = self._capture.read()
                if not is_there:
                    break
                self._seconds.append(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                yield cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        except cv2.error as error:
            said = " ".join(str(error).split())
            raise RecordingError(f"{self._path} is damaged: {said:.120}") from error
        finally:
            self._capture.release()

    def times(self) -> FrameTimes:
        """Return the times of the frames that were read; RecordingError if there are none."""
        return frame_times(np.array(self._seconds), self.header_fps, str(self._path))


def frame_times(seconds: Floats, header_fps: float, name: str = "the film") -> FrameTimes:
    """Judge the times that a container gives its frames.

    Parameters
    ----------
    seconds : ndarray, shape (n_frames,)
        As the container has them, s.
    header_fps : float
        What its header says, frames a second: used only where the times say nothing.

    Raises
    ------
    RecordingError
        With fewer than two frames, or where neither says anything.
    """
    n = seconds.size
    if n < 2:
        raise RecordingError(f"{name} has {n} frames that can be read; expected 2 or more")
    if not (np.isfinite(seconds).all() and (np.diff(seconds) > 0).all()):
        if not 1 <= header_fps <= 10_000:
            raise RecordingError(f"{name} does not say how many frames a second it has; give --fps")
        words = f"{header_fps:.6g} frames a second, by its header: it gives no times of frames"
        return FrameTimes(1 / header_fps, None, words)
    since_s, number = seconds - seconds[0], np.arange(n)
    slope, begin = np.polyfit(number, since_s, 1)
    frame_s = float(slope)
    off = np.abs(since_s - begin - number * frame_s).max()
    if off <= max(_ROUNDED * frame_s, 0.0011):
        words = f"{1 / frame_s:.6g} frames a second, even, by the times in the file"
        if header_fps > 0 and abs(header_fps * frame_s - 1) > 1e-3:
            words += f"; its header says {header_fps:.6g}, which is not taken"
        return FrameTimes(frame_s, None, words)
    usual_s = float(np.median(np.diff(since_s)))
    words = f"uneven, {1 / usual_s:.6g} a second at the median: each frame has its own time"
    return FrameTimes(usual_s, since_s, words)
