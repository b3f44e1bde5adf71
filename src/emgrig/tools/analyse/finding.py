"""What `emgrig analyse` does."""

from functools import partial
from pathlib import Path

import numpy as np
import typer

from emgrig.analysis.clocks.robust_line import ClockMap, fit_clock_map
from emgrig.analysis.report.candidates import Analysis, analyse
from emgrig.analysis.report.elan import read_elan
from emgrig.analysis.report.trials import course_of
from emgrig.errors import ExitCode
from emgrig.reading import Recording, open_recording
from emgrig.reading.pairs import read_pairs
from emgrig.sentences import counted
from emgrig.tools.analyse import mvc
from emgrig.tools.analyse.options import AnalyseOptions
from emgrig.tools.analyse.results import (
    Channels,
    found_json,
    say_found,
    score_elan,
    write_mat,
    write_results,
)
from emgrig.tools.common.options import read_ratings
from emgrig.tools.common.output import print_json, say
from emgrig.tools.common.progress import Bar


def find_candidates(given: AnalyseOptions) -> None:
    """Find candidate expressions: an HTML page, a BIDS events.tsv and an ELAN file."""
    found = open_recording(
        given.recording, rate_hz=given.rate, unit=given.unit, channels=_listed(given.channels)
    )
    clock_map = _clock(given.clock, given.video_offset)
    # Read before anything is written: it may lie where the results go.
    corrected = None if given.elan is None else read_elan(given.elan, clock=clock_map)
    channels, remarks = Channels(found), list(found.remarks)
    if given.mat is not None:
        write_mat(given.mat, found, overwrite=given.overwrite)
    if given.undo_droop:
        remarks.append(channels.undo_droop())
    if given.video is not None and not given.video.exists():
        remarks.append(f"there is no film {given.video} here: ELAN will ask for it")
    sources = mvc.read_sources(given.mvc or [], found)
    parts = mvc.read_parts(given.part or [], found)
    with Bar(f"analysing {given.recording.name}") as bar:
        bar.tell()
        from_others, of_others = mvc.contracted(sources, found, partial(_contractions, given))
        remarks += of_others
        analysis = analyse(
            channels,
            found.rate_hz,
            labels=found.labels,
            units=found.units,
            limits=[one.limits for one in found.signals],
            muscles={i: i + 1 for i in range(min(7, len(found.labels)))} if given.face else None,
            mvc_uv={**from_others, **sources.uv},
            rest_s=_rest(given.rest),
            course=course_of(
                ((mark.onset_s, mark.text) for mark in found.marks),
                found.duration_s,
                read_ratings(given.mvc or []),
            ),
            mvc_parts=sources.parts,
            parts=parts,
        )
        written = write_results(given, analysis, found, remarks, clock_map)
    if given.as_json:
        print_json(found_json(analysis, remarks, written))
    else:
        say(f"written: {', '.join(str(path) for path in written)}")
        say_found(analysis, remarks)
    if corrected is not None:
        score_elan(given.elan, corrected, analysis)
    if all(one.reject for one in analysis.quality):
        raise typer.Exit(int(ExitCode.VERDICT))


def _contractions(given: AnalyseOptions, path: Path) -> tuple[Recording, Analysis]:
    """Open a recording of contractions, and take the MVC of each channel from all of it."""
    found = open_recording(path, rate_hz=given.rate, unit=given.unit)
    channels = Channels(found)
    if given.undo_droop:
        channels.undo_droop()
    return found, analyse(
        channels,
        found.rate_hz,
        labels=found.labels,
        units=found.units,
        limits=[one.limits for one in found.signals],
        mvc_parts=mvc.whole(found),
    )


def _listed(channels: str) -> list[str]:
    return [one for one in channels.split(",") if one.strip()]


def _clock(pairs: Path | None, offset_s: float) -> ClockMap:
    if pairs is None:
        return fit_clock_map(np.zeros(1), np.full(1, offset_s))
    emg_s, video_s = read_pairs(pairs, ("emg_s", "video_s"))
    fitted = fit_clock_map(emg_s, video_s)
    drift = f"{1000 * fitted.drift:+.2f} ms/s" if fitted.is_drift_told else "not told, taken as 0"
    say(
        f"clock map of {counted(emg_s.size, 'pair')}: drift {drift}, "
        f"{counted(fitted.n_jumps, 'jump')}, median residual {1000 * fitted.residual_mad_s:.0f} ms"
    )
    return fitted


def _rest(option: str) -> tuple[float, float] | None:
    if not option:
        return None
    start, colon, end = option.partition(":")
    if not colon:
        raise ValueError(f"--rest {option}: START:END in seconds was expected")
    return float(start), float(end)
