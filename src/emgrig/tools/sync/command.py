"""`emgrig sync`: from a filmed count to the samples of a recording."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from emgrig.errors import ExitCode
from emgrig.files import check_output, check_there, whole_file, write_file
from emgrig.recording.sync.tube import check_tube
from emgrig.tools.common.options import Overwrite, Printed, argument, option, takes
from emgrig.tools.common.output import note, print_facts, print_json, print_table, say
from emgrig.tools.common.progress import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emgrig.analysis.clocks.tube import TubeSync
    from emgrig.analysis.signal.filters import Floats, Ints
    from emgrig.tools.sync.film import Film, Seen
    from emgrig.tools.sync.read import Readings, Source

TEMPLATE_S = 60
_MOST_PAIRS = 2000
_WRONG_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class SyncOptions(Printed):
    """What `emgrig sync` takes."""

    recording: Path | None = argument("BDF+ file; its NAME_tube.tsv must lie beside it.", None)
    readings: Path | None = argument("CSV of frame,count (or time_s,count) off the video.", None)
    video: Path | None = option("The film itself, in place of readings; needs 'emgrig[video]'.")
    fps: float | None = option(
        "Frames a second, right to 1 %: 30, or what the film of --video says, unless told."
    )
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
    write_readings: Path | None = option("With --video: write what was read, frame,count, here.")
    overwrite: Overwrite = False
    template: bool = option("Print an empty CSV for the readings.", False)
    example: Path | None = option(
        "Write a simulated recording and a film of its tube into this folder, to try with."
    )


@takes
def sync(given: SyncOptions) -> None:
    """Map video frames to samples, from readings of the filmed digital tube.

    With --video the film is read by itself: the display of the tube page is found in the picture,
    and every frame whose digits are sure is a reading; doubtful ones are left out and counted.

    By hand, read the count in about one frame a second, 30 or more in all, spread over the whole
    film; leave it empty where digits are blended. Two readings are the least; from 10 on a wrong
    one is found. Wrong readings and frames that the camera lost are listed and do no harm.

    With -o OUT.csv the pairs that `emgrig analyse --clock` takes go to OUT_clock.csv.

    Examples:

      emgrig sync --example try

      emgrig sync face.bdf --video face.mp4 -o frames.csv --page sync.html

      emgrig sync face.bdf readings.csv --fps 29.97 -o frames.csv
    """
    if given.template:
        from emgrig.tools.sync.film import USUAL_FPS

        _print_template(given.fps or USUAL_FPS)
        return
    if given.example is not None:
        _make_example(given.example, overwrite=given.overwrite)
        return
    if given.recording is None or (given.readings is None) == (given.video is None):
        raise ValueError(
            "a recording is needed, and readings or --video FILE; emgrig sync --template shows "
            "how, emgrig sync --example FOLDER makes both"
        )
    if given.write_readings is not None and given.video is None:
        raise ValueError("--write-readings writes what --video reads; there is no --video")
    inputs = [given.recording, given.readings, given.video, given.frames, given.times]
    outputs = [given.output, given.output and _clock_path(given.output), given.page]
    _check_outputs([*outputs, given.write_readings], inputs, overwrite=given.overwrite)
    if given.video is None:  # the extra that reads one is asked for first
        check_tube(given.recording)
    from emgrig.tools.sync.film import aligned, facts_of, film_by, film_of, video_json
    from emgrig.tools.sync.read import read_frames, read_readings, read_source

    if given.video is not None:
        from emgrig.analysis.film.display import opencv

        opencv()  # before anything is read
    is_told = given.video is None or given.fps is not None or given.times is not None
    told = film_of(given.fps, given.times) if is_told else None
    source = read_source(given.recording)
    seen = None if given.video is None else _seen(given.video, given)
    read = read_readings(given.readings) if given.readings is not None else _sure(seen)
    digits = given.digits if seen is None else _wrap(seen, source, given.digits)
    film, remarks = (told, []) if seen is None else film_by(seen, source, told, digits)
    assert film is not None
    found = aligned(source, read, film, digits, given.begins)
    found = replace(found, remarks=(*remarks, *found.remarks))
    asked = read_frames(given.frames) if given.frames else film.frames(*found.video_s[[0, -1]])
    if given.output is not None:
        _write(given.output, found, source, film, asked)
    facts = [*([] if seen is None else facts_of(seen)), *describe(found, source, read)]
    if given.as_json:
        video = {} if seen is None else {"video": video_json(seen)}
        print_json({**to_json(found, source, read), **video})
    else:
        _tell(found, facts)
    if given.page is not None:
        from emgrig.tools.sync.page import write

        write(
            given.page,
            given.recording.name,
            found,
            facts,
            simulated=source.is_simulated,
            seen=seen,
        )
        note(f"page: {given.page}")
    if not found.is_within_bound:
        raise typer.Exit(int(ExitCode.VERDICT))


def _make_example(folder: Path, *, overwrite: bool) -> None:
    from emgrig.tools.sync.example import make_example

    with Bar("drawing the film") as bar:
        made = make_example(folder, overwrite=overwrite, progress=bar.advance)
    say(f"SIMULATED: {made.recording} and a film of its tube, {made.film}")
    say(
        f"next: emgrig sync {made.recording} --video {made.film} -o {folder / 'frames.csv'} "
        f"--page {folder / 'sync.html'}"
    )


def _seen(path: Path, given: SyncOptions) -> "Seen":
    from emgrig.tools.sync.film import read_video, write_readings

    check_there(path, "film")
    with Bar(f"reading {path.name}") as bar:
        bar.tell()
        seen = read_video(path, bar.advance)
    if given.write_readings is not None:
        write_readings(given.write_readings, seen)
        note(f"written: {given.write_readings}")
    return seen


def _sure(seen: "Seen | None") -> "Readings":
    assert seen is not None
    return seen.readings


def _wrap(seen: "Seen", source: "Source", told: int | None) -> int | None:
    """Return the digits by which the count begins anew; None if it never did."""
    if told is not None and told != seen.n_digits:
        raise ValueError(f"--digits {told}: the film shows {seen.n_digits} digits")
    return seen.n_digits if source.table.counts[-1] >= 10**seen.n_digits else None


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


def _write(path: Path, found: "TubeSync", source: "Source", film: "Film", asked: "Ints") -> None:
    """Write the samples of frames, and beside them pairs for `emgrig analyse --clock`."""
    import numpy as np

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


def _pairs(found: "TubeSync", source: "Source", film: "Film") -> "Floats":
    """Return EMG and video time of frames, both sides of each jump among them."""
    import numpy as np

    frames = film.frames(found.video_s[0], found.video_s[-1])
    video_s = film.video_s(frames.astype(np.float64))
    beside = np.searchsorted(video_s, found.starts_s[1:])
    even = np.linspace(0, video_s.size - 1, min(video_s.size, _MOST_PAIRS)).round().astype(np.int64)
    chosen = np.unique(np.concatenate([even, beside, beside - 1]).clip(0, video_s.size - 1))
    samples = found.sample(video_s[chosen])
    is_in = _is_in_file(samples, source)
    return np.stack([samples[is_in] / source.nominal_hz, video_s[chosen][is_in]], axis=1)


def _is_in_file(samples: "Floats", source: "Source") -> "NDArray[np.bool_]":
    import numpy as np

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
    import numpy as np

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
    import numpy as np

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
