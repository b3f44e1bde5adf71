"""`emgrig sync`: from a filmed count to the samples of a recording."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from emgrig.errors import ExitCode
from emgrig.files import check_output, whole_file, write_file
from emgrig.tools.common.options import Overwrite, Printed, argument, option, takes
from emgrig.tools.common.output import note, print_facts, print_json, print_table, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emgrig.analysis.clocks.tube import TubeSync
    from emgrig.analysis.signal.filters import Floats, Ints
    from emgrig.tools.sync.read import Readings, Source

TEMPLATE_S = 60
_FPS_TRIED = (24.0, 25.0, 30.0, 50.0, 60.0, 100.0, 120.0, 240.0)
_MOST_PAIRS = 2000
_WRONG_SHOWN = 20


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


@dataclass(frozen=True, kw_only=True)
class SyncOptions(Printed):
    """What `emgrig sync` takes."""

    recording: Path | None = argument("BDF+ file; its NAME_tube.tsv must lie beside it.", None)
    readings: Path | None = argument("CSV of frame,count (or time_s,count) off the video.", None)
    fps: float = option("Frames a second of the video, right to 1 %.", 30.0)
    digits: int | None = option("Digits of the tube, if its count began anew after 99…9.")
    begins: float = option(
        "With --digits: s of the recording at which the video begins, roughly.", 0.0
    )
    frames: Path | None = option("CSV of the frames to map; else all between readings.")
    times: Path | None = option("CSV of frame,time_s, where the frame rate varies.")
    output: Path | None = option(
        "Write frame,sample,emg_s here; pairs beside it.", None, "--output", "-o"
    )
    page: Path | None = option("Write an HTML page with a picture.")
    overwrite: Overwrite = False
    template: bool = option("Print an empty CSV for the readings.", False)


@takes
def sync(given: SyncOptions) -> None:
    """Map video frames to samples, from readings of the filmed digital tube.

    Read the count in about one frame a second, 30 or more in all, spread over the whole film;
    leave it empty where digits are blended. Two readings are the least; from 10 on a wrong one is
    found. Wrong readings and frames that the camera lost are listed and do no harm.

    With -o OUT.csv the pairs that `emgrig analyse --clock` takes go to OUT_clock.csv.

    Example: emgrig sync face.bdf readings.csv --fps 29.97 -o frames.csv --page sync.html
    """
    from emgrig.tools.sync.read import read_frames, read_readings, read_source

    if given.template:
        _print_template(given.fps)
        return
    if given.recording is None or given.readings is None:
        raise ValueError("a recording and readings are needed; emgrig sync --template shows how")
    inputs = [given.recording, given.readings, given.frames, given.times]
    outputs = [given.output, given.output and _clock_path(given.output), given.page]
    _check_outputs(outputs, inputs, overwrite=given.overwrite)
    source, read = read_source(given.recording), read_readings(given.readings)
    film = _film(given.fps, given.times)
    found = _align(source, read, film, given.digits, given.begins)
    asked = read_frames(given.frames) if given.frames else film.frames(*found.video_s[[0, -1]])
    if given.output is not None:
        _write(given.output, found, source, film, asked)
    facts = describe(found, source, read)
    if given.as_json:
        print_json(to_json(found, source, read))
    else:
        _tell(found, facts)
    if given.page is not None:
        from emgrig.tools.sync.page import write

        write(given.page, given.recording.name, found, facts, simulated=source.is_simulated)
        note(f"page: {given.page}")
    if not found.is_within_bound:
        raise typer.Exit(int(ExitCode.VERDICT))


def _print_template(fps: float) -> None:
    say("# The count of the digital tube, read off the video: one frame a second is plenty,")
    say("# 30 readings or more, from the beginning of the film to its end.")
    say("# Frames count from 0. Leave the count empty where it cannot be read.")
    say("# For times instead of frames write time_s,count as the head.")
    say("frame,count")
    for second in range(TEMPLATE_S):
        say(f"{round(second * fps)},")


def _clock_path(output: Path) -> Path:
    return output.with_name(output.stem + "_clock.csv")


def _check_outputs(
    outputs: list[Path | None], inputs: list[Path | None], *, overwrite: bool
) -> None:
    """Refuse to write over what is read, or where there is no folder."""
    taken = {path.resolve() for path in inputs if path is not None}
    for path in outputs:
        if path is not None and path.resolve() in taken:
            raise ValueError(f"{path} is read and cannot be written too; choose another name")
        if path is not None:
            check_output(path, overwrite=overwrite)


def _film(fps: float, times: Path | None) -> Film:
    from emgrig.tools.sync.read import read_times

    if not 1 <= fps <= 10_000:
        raise ValueError(f"--fps {fps:g}: expected 1 to 10000")
    if times is None:
        return Film(1 / fps)
    known, seconds = read_times(times)
    return Film(float(np.median(np.diff(seconds) / np.diff(known))), (known, seconds))


def _align(
    source: "Source", read: "Readings", film: Film, digits: int | None, begins_s: float
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


def _write(path: Path, found: "TubeSync", source: "Source", film: Film, asked: "Ints") -> None:
    """Write the samples of frames, and beside them pairs for `emgrig analyse --clock`."""
    samples = found.sample(film.video_s(asked.astype(np.float64)))
    is_in = _is_in_file(samples, source)
    rows = [
        f"{frame},{sample:.0f},{sample / source.nominal_hz:.4f}" if is_known else f"{frame},n/a,n/a"
        for frame, sample, is_known in zip(asked, samples, is_in, strict=True)
    ]
    write_file(path, "\n".join(["frame,sample,emg_s", *rows, ""]))
    target = _clock_path(path)
    pairs = _pairs(found, source, film)
    with whole_file(target) as unfinished:
        np.savetxt(unfinished, pairs, "%.6f", delimiter=",", header="emg_s,video_s", comments="")
    note(f"written: {path} and {target.name}")
    if not is_in.all():
        note("n/a: frames from before the first sample or after the last")


def _pairs(found: "TubeSync", source: "Source", film: Film) -> "Floats":
    """Return EMG and video time of frames, both sides of each jump among them."""
    frames = film.frames(found.video_s[0], found.video_s[-1])
    video_s = film.video_s(frames.astype(np.float64))
    beside = np.searchsorted(video_s, found.starts_s[1:])
    even = np.linspace(0, video_s.size - 1, min(video_s.size, _MOST_PAIRS)).round().astype(np.int64)
    chosen = np.unique(np.concatenate([even, beside, beside - 1]).clip(0, video_s.size - 1))
    samples = found.sample(video_s[chosen])
    is_in = _is_in_file(samples, source)
    return np.stack([samples[is_in] / source.nominal_hz, video_s[chosen][is_in]], axis=1)


def _is_in_file(samples: "Floats", source: "Source") -> "NDArray[np.bool_]":
    last = np.inf if source.n_samples is None else source.n_samples - 1
    return np.asarray((samples >= 0) & (samples <= last), dtype=np.bool_)


def drift_ppm(found: "TubeSync", rate_hz: float, samples_per_s: float | None = None) -> float:
    """Return by how much the video's seconds outnumber those of `rate_hz` samples, ppm."""
    return (rate_hz / (samples_per_s or found.samples_per_s) - 1) * 1e6


def describe(found: "TubeSync", source: "Source", read: "Readings") -> list[tuple[str, str]]:
    """Return everything that was found, in words."""
    from emgrig.analysis.clocks.tube import Kind

    n = (
        f"{found.counts.size}: {found.n(Kind.GOOD)} good, {found.n(Kind.WRONG)} wrong, "
        f"{found.n(Kind.OUTSIDE)} from outside the recording; {read.n_unreadable} left empty"
    )
    residuals = residuals_ms(found)
    residual = ", ".join(f"{name} {ms:.1f} ms" for name, ms in residuals.items())
    in_frames = ", ".join(f"{ms / found.frame_s / 1e3:.2f}" for ms in residuals.values())
    delay = (
        "the page's display times are not used"
        if found.display_delay_s is None
        else f"counts appeared {found.display_delay_s * 1e3:.0f} ms (median) after their "
        "conversion, by the page; the map contains that"
    )
    return [
        *([("board", "SIMULATED")] if source.is_simulated else []),
        ("readings", n),
        ("residual", f"{residual} ({in_frames} frames)"),
        ("bound of one reading", f"±{found.bound_s * 1e3:.1f} ms: half a frame and half a count"),
        ("map", f"±{found.uncertainty_s.max() * 1e3:.1f} ms: all lines within all good readings"),
        ("not in it", "a single lost frame that readings are too few to show: up to one frame"),
        ("drift of the video", _drift(found, source)),
        ("jumps of the film", f"{len(found.jumps)}"),
        ("screen", delay),
    ]


def residuals_ms(found: "TubeSync") -> dict[str, float]:
    """Return median, 95 % point and largest of the good readings' residuals, ms."""
    shares = {"median": 50, "95 %": 95, "max": 100}
    sizes_ms = found.good_residuals_s * 1e3
    return {name: float(np.percentile(sizes_ms, share)) for name, share in shares.items()}


def _drift(found: "TubeSync", source: "Source") -> str:
    low, high = (drift_ppm(found, source.nominal_hz, hz) for hz in found.samples_per_s_range[::-1])
    return (
        f"{drift_ppm(found, source.nominal_hz):+.0f} ppm ({low:+.0f} to {high:+.0f}) on the file's "
        f"{source.nominal_hz:g} Hz; {drift_ppm(found, source.table.rate_hz):+.0f} ppm on "
        f"{source.table.rate_hz:.3f} Hz ({source.rate_is})"
    )


def _tell(found: "TubeSync", facts: list[tuple[str, str]]) -> None:
    from emgrig.tools.sync.words import jump_rows, verdict, wrong_rows

    print_facts(facts)
    if found.jumps:
        print_table(["jump between, s of video", "frames", "ms"], jump_rows(found))
    wrong = wrong_rows(found)
    if wrong:
        print_table(["wrong: frame", "video, s", "read", "expected"], wrong[:_WRONG_SHOWN])
    if len(wrong) > _WRONG_SHOWN:
        say(f"and {len(wrong) - _WRONG_SHOWN} more; --json and --page have all")
    for text in found.remarks:
        say(f"note: {text}")
    say(verdict(found))


def to_json(found: "TubeSync", source: "Source", read: "Readings") -> dict[str, object]:
    """Return everything as JSON holds it."""
    from emgrig.analysis.clocks.tube import Kind
    from emgrig.tools.sync.words import wrong_rows

    return {
        "verdict": "good" if found.is_within_bound else "not good",
        "is_simulated": source.is_simulated,
        "n_readings": found.counts.size,
        **{f"n_{kind}": found.n(kind) for kind in Kind},
        "n_unreadable": read.n_unreadable,
        "frame_s": found.frame_s,
        "residual_ms": residuals_ms(found),
        "bound_ms": found.bound_s * 1e3,
        "map_uncertainty_ms": (found.uncertainty_s * 1e3).tolist(),
        "drift_ppm": drift_ppm(found, source.nominal_hz),
        "drift_ppm_on_measured_rate": drift_ppm(found, source.table.rate_hz),
        "rate": {
            "nominal_hz": source.nominal_hz,
            "measured_hz": source.table.rate_hz,
            "is": source.rate_is,
        },
        "samples_per_s": found.samples_per_s,
        "stretches": [
            {"from_s": start_s if np.isfinite(start_s) else None, "sample_at_0_s": offset}
            for start_s, offset in zip(found.starts_s.tolist(), found.offsets.tolist(), strict=True)
        ],
        "jumps": [asdict(one) for one in found.jumps],
        "wrong": [
            dict(zip(("frame", "video_s", "read", "expected"), row, strict=True))
            for row in wrong_rows(found)
        ],
        "display_delay_ms": None if found.display_delay_s is None else found.display_delay_s * 1e3,
        "remarks": list(found.remarks),
    }
