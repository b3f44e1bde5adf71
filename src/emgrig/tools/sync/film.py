"""The film of `emgrig sync`: its frames in time, and the counts that are read off it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emgrig.errors import RecordingError
from emgrig.files import write_file
from emgrig.tools.sync.read import Readings, read_times

if TYPE_CHECKING:
    from emgrig.analysis.clocks.tube import TubeSync
    from emgrig.analysis.film.reader import FilmReadings
    from emgrig.analysis.film.source import FrameTimes
    from emgrig.analysis.signal.filters import Floats, Ints
    from emgrig.tools.sync.read import Source

USUAL_FPS = 30.0
_LEAST_FOR_RATE = 5  #: Pairs of readings.
_FPS_TRIED = (24.0, 25.0, 30.0, 50.0, 60.0, 100.0, 120.0, 240.0)


@dataclass(frozen=True, eq=False)
class Film:
    """Frames and their times; `times` are frame numbers and seconds where the rate varies."""

    frame_s: float
    times: "tuple[Ints, Floats] | None" = None

    def video_s(self, frames: "Floats") -> "Floats":
        """Return the time of frames, s.

        Raises
        ------
        ValueError
            If a frame lies outside the times that were given.
        """
        if self.times is None:
            return np.asarray(frames * self.frame_s, dtype=np.float64)
        known, seconds = self.times
        outside = frames[(frames < known[0]) | (frames > known[-1])]
        if outside.size:
            raise ValueError(
                f"--times has frames {known[0]} to {known[-1]}; frame {outside[0]:.0f} is asked for"
            )
        return np.asarray(np.interp(frames, known, seconds), dtype=np.float64)

    def frames(self, first_s: float, last_s: float) -> "Ints":
        """Return all frames from a time to a time."""
        if self.times is not None:
            known, seconds = self.times
            return known[(seconds >= first_s - 1e-9) & (seconds <= last_s + 1e-9)]
        first, last = round(first_s / self.frame_s), round(last_s / self.frame_s)
        return np.arange(first, last + 1, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Seen:
    """What was read off a film, and how."""

    read: "FilmReadings"
    times: "FrameTimes"
    n_stated: int  #: Frames by the header; 0 if it says nothing.
    size: tuple[int, int]  #: Width and height, pixels.

    @property
    def readings(self) -> Readings:
        """Return the counts that are sure, as if somebody had read them."""
        read = self.read
        n_left_out = read.n_doubtful + read.n_unseen
        return Readings(read.frames.astype(np.float64), False, read.counts, n_left_out)

    @property
    def film(self) -> Film:
        """Return frames and times as the container has them."""
        if self.times.uneven_s is None:
            return Film(self.times.frame_s)
        frames = np.arange(self.times.uneven_s.size, dtype=np.int64)
        return Film(self.times.frame_s, (frames, self.times.uneven_s))

    @property
    def n_digits(self) -> int:
        """Digits of the display."""
        assert self.read.place is not None
        return self.read.place.n_digits


def read_video(path: Path, follow: Callable[[float], None]) -> Seen:
    """Read the display of the tube page off a film; `follow` is told which share is done.

    Raises
    ------
    RecordingError
        If it is no film, no display is found, or fewer than two counts are sure.
    """
    from emgrig.analysis.film.reader import read_film
    from emgrig.analysis.film.source import FilmFile

    film = FilmFile(path)
    found = read_film(film.pictures(), lambda n: follow(min(n / max(film.n_stated, n), 1.0)))
    times = film.times()
    size = film.width, film.height
    if found.place is None:
        raise RecordingError(
            f"{path}: the display of the tube page is in none of {found.n_frames} frames of "
            f"{size[0]} × {size[1]}; its frame must be whole and upright, its digits "
            "20 pixels high or more; or read it by hand: emgrig sync --template"
        )
    if found.frames.size < 2:
        raise RecordingError(
            f"{path}: the display is there, its digits of {found.place.digit_height:.0f} pixels "
            f"are sure in {found.frames.size} of {found.n_frames} frames; expected 2 or more: they "
            "blend (a shorter exposure), or are too small, dark or blurred"
        )
    return Seen(found, times, film.n_stated, size)


def facts_of(seen: Seen) -> list[tuple[str, str]]:
    """Say what was read, in words."""
    read, place = seen.read, seen.read.place
    assert place is not None
    left, top = place.corners.min(axis=0)
    n = read.n_frames
    where = f"left upper corner at {left:.0f}, {top:.0f}"
    sure = f"{read.frames.size} read ({read.frames.size / n:.1%})"
    left_out = f"{read.n_doubtful} doubtful ({read.n_doubtful / n:.1%})"
    again = "" if read.n_found == 1 else f"; lost and found again {read.n_found - 1} times"
    stated = f"; its header says {seen.n_stated}" if seen.n_stated not in (0, n) else ""
    return [
        ("film", f"{n} frames of {seen.size[0]} × {seen.size[1]}{stated}"),
        ("frame times", seen.times.words),
        (
            "display",
            f"{place.n_digits} digits of {place.digit_height:.0f} pixels, {where}{again}",
        ),
        (
            "frames",
            f"{sure}; left out: {left_out}, {read.n_unseen} without a display",
        ),
    ]


def film_by(
    seen: Seen, source: "Source", told: Film | None, digits: int | None
) -> tuple[Film, list[str]]:
    """Return when the frames of a film were, and what is to be said about it.

    Its counts know the rate, too: what a person told is held against them, and what the file says
    is replaced where it differs by more than 1 %.

    Raises
    ------
    ValueError
        If a person told a rate that the counts contradict.
    """
    from emgrig.analysis.clocks.tube_lines import CLOCKS_APART

    film = seen.film if told is None else told
    frame_s = _frame_by_counts(seen, source, digits)
    if frame_s is None or abs(frame_s / film.frame_s - 1) <= CLOCKS_APART:
        return film, []
    usual = min(_FPS_TRIED, key=lambda fps: abs(fps * frame_s - 1))
    fps = usual if abs(usual * frame_s - 1) <= CLOCKS_APART else 1 / frame_s
    if told is not None:
        raise ValueError(
            f"{1 / film.frame_s:.5g} frames a second were told; by the counts in it the film has "
            f"{fps:.5g}"
        )
    remark = (
        f"the file says {1 / film.frame_s:.5g} frames a second; by its counts it has {fps:.5g}, "
        "which is taken"
    )
    return Film(1 / fps), [remark]


def _frame_by_counts(seen: Seen, source: "Source", digits: int | None) -> float | None:
    """Return the time from frame to frame by the counts: the median over pairs far apart, s."""
    read, table = seen.read, source.table
    steps = np.diff(read.counts)
    counts = np.concatenate([[0], np.cumsum(steps if digits is None else steps % 10**digits)])
    half = counts.size // 2
    if half < _LEAST_FOR_RATE:
        return None
    frames = (read.frames[half:] - read.frames[:-half]).astype(np.float64)
    each = float(np.median((counts[half:] - counts[:-half]) / frames))
    return each * table.samples_per_count / table.rate_hz if each > 0 else None


def video_json(seen: Seen) -> dict[str, object]:
    """Return what was read as JSON holds it."""
    read, place = seen.read, seen.read.place
    assert place is not None
    return {
        "n_frames": read.n_frames,
        "n_frames_stated": seen.n_stated or None,
        "width": seen.size[0],
        "height": seen.size[1],
        "frame_s": seen.times.frame_s,
        "is_even": seen.times.uneven_s is None,
        "frame_times": seen.times.words,
        "n_read": int(read.frames.size),
        "n_doubtful": read.n_doubtful,
        "n_without_display": read.n_unseen,
        "n_times_found": read.n_found,
        "display": {
            "n_digits": place.n_digits,
            "digit_height": place.digit_height,
            "corners": place.corners.tolist(),
        },
    }


def write_readings(path: Path, seen: Seen) -> None:
    """Write frame,count of each frame that is sure, and how sure, as `emgrig sync` reads it."""
    rows = zip(seen.read.frames, seen.read.counts, seen.read.confidence, strict=True)
    lines = [f"{frame},{count} # {confidence:.2f}" for frame, count, confidence in rows]
    write_file(path, "\n".join(["frame,count", *lines, ""]))


def film_of(fps: float | None, times: Path | None) -> Film:
    """Return the frames' times that a person gives."""
    rate = USUAL_FPS if fps is None else fps
    if not 1 <= rate <= 10_000:
        raise ValueError(f"--fps {rate:g}: expected 1 to 10000")
    if times is None:
        return Film(1 / rate)
    known, seconds = read_times(times)
    return Film(float(np.median(np.diff(seconds) / np.diff(known))), (known, seconds))


def aligned(
    source: "Source", read: Readings, film: Film, digits: int | None, begins_s: float
) -> "TubeSync":
    """Align; where nothing agrees, say at which usual frame rate it would."""
    from emgrig.analysis.clocks.tube import align

    def try_film(one: Film) -> "TubeSync":
        video_s = read.at if read.is_time else one.video_s(read.at)
        return align(
            video_s,
            read.counts,
            source.table,
            frame_s=one.frame_s,
            digits=digits,
            begins_s=begins_s,
        )

    try:
        return try_film(film)
    except ValueError as error:
        if read.is_time or film.times is not None:
            raise
        tried: list[tuple[tuple[float, ...], float]] = []
        for fps in _FPS_TRIED:
            with suppress(ValueError):
                found = try_film(Film(1 / fps))
                tried.append((_misfit(found), fps))
        if not tried:
            raise
        raise ValueError(f"{error}; they do agree with --fps {min(tried)[1]:g}") from error


def _misfit(found: "TubeSync") -> tuple[float, ...]:
    """Order frame rates: a wrong one can be forced, with jumps and readings called wrong."""
    from emgrig.analysis.clocks.tube import Kind

    return len(found.jumps), found.n(Kind.WRONG), float(np.median(found.good_residuals_s))
