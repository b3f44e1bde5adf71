"""What `emgrig analyse` reads channel by channel, writes, and says."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.analysis.clocks.robust_line import ClockMap
from emgrig.analysis.paper.casmemg_files import RATE_HZ, write_casmemg_mat
from emgrig.analysis.report.candidates import Analysis
from emgrig.analysis.report.counts import blinks_said, bursts_said, tells_blinks
from emgrig.analysis.report.elan import Mark, write_elan
from emgrig.analysis.report.events import events_tsv, kind_of, parts_tsv
from emgrig.analysis.report.page import page
from emgrig.analysis.report.parts import PartLevel
from emgrig.analysis.signal.cleaning import equalise
from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.spotting.scoring import EVENT_WORDS, score_events
from emgrig.errors import RecordingError
from emgrig.filemodel import Json
from emgrig.files import (
    check_output,
    free_stem,
    make_folder,
    stem_of,
    whole_file,
)
from emgrig.reading import Recording
from emgrig.sentences import counted
from emgrig.tools.analyse.options import AnalyseOptions
from emgrig.tools.common.output import print_table, say, say_folded


class Channels(Sequence[Floats]):
    """The channels of a recording, each read when it is asked for and not kept."""

    def __init__(self, found: Recording) -> None:
        self._found = found
        self._taps: Floats | None = None

    def __len__(self) -> int:
        return len(self._found.signals)

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        values = self._found.values(index)
        return values if self._taps is None else equalise(values, self._taps)[:, 0]

    def undo_droop(self) -> str:
        """Undo the chip's droop from now on; return what the page says of it and its cost."""
        from emgrig.calibration.figures.response import droop_equaliser

        rate_hz = self._found.rate_hz
        design = droop_equaliser(rate_hz)
        self._taps = design.taps
        return (
            f"equalised: sinc3 droop undone to {0.4 * rate_hz:g} Hz, white noise x "
            f"{design.noise_gain:.2f}"
        )


def write_mat(path: Path, found: Recording, *, overwrite: bool) -> None:
    """Write the samples as a table in CASMEMG's layout; ValueError for another rate."""
    if found.rate_hz != RATE_HZ:
        raise ValueError(f"--mat {path}: CASMEMG has {RATE_HZ:g} Hz, this is {found.rate_hz:g} Hz")
    check_output(path, overwrite=overwrite)
    write_casmemg_mat(path, found.matrix(), as_table=True)


def write_results(
    given: AnalyseOptions,
    analysis: Analysis,
    found: Recording,
    remarks: list[str],
    clock: ClockMap,
) -> list[Path]:
    """Write all or nothing of the results, under a name that is free; return the files."""
    folder = make_folder(given.output)
    endings = [".html", "_events.tsv", *([".eaf"] if given.video is not None else [])]
    endings += ["_parts.tsv"] if given.part else []
    own = stem_of(given.recording)
    name = own if given.overwrite else free_stem(folder, own, (*endings, ".eaf", "_parts.tsv"))
    if name != own:
        say(f"note: {folder / own}.* is there already and is kept; --overwrite replaces it")
    paths = [folder / f"{name}{ending}" for ending in endings]
    if given.elan is not None and any(_is_same(given.elan, path) for path in paths):
        raise RecordingError(
            f"{given.elan} is corrected by hand and would be replaced; choose another folder (-o)"
        )
    html = page(
        analysis,
        title=name,
        remarks=(f"read as {found.source}", *remarks),
        simulated=found.is_simulated,
    )
    with ExitStack() as files:  # renamed together when all are there
        made = [files.enter_context(whole_file(path)) for path in paths]
        made[0].write_text(html, encoding="utf-8", newline="\n")
        made[1].write_text(events_tsv(analysis), encoding="utf-8", newline="\n")
        if given.video is not None:
            n_before = write_elan(made[2], _tiers(analysis), video=given.video, clock=clock)
            if n_before:
                before = counted(n_before, "candidate begins", "candidates begin")
                say(f"note: {before} before the film: not in {paths[2].name}")
        if given.part:
            made[-1].write_text(parts_tsv(analysis), encoding="utf-8", newline="\n")
    return paths


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _tiers(analysis: Analysis) -> dict[str, list[tuple[float, float, str]]]:
    tiers: dict[str, list[tuple[float, float, str]]] = {
        analysis.labels[q.channel_index]: [] for q in analysis.quality if not q.reject
    }
    for c in analysis.candidates:
        if c.is_part_a:
            continue
        units = " ".join(f"AU{u}" for u in c.units)
        kind = {"micro": "ME", "macro": "MaE"}.get(kind_of(c), "blink")
        text = f"{kind} {c.times_rest:.1f}x rest {units}".strip()
        tiers[analysis.labels[c.channel_index]].append((c.start_s, c.end_s, text))
    return tiers


def say_found(analysis: Analysis, remarks: list[str]) -> None:
    """Say what was found, and what is to be known about it."""
    for remark in (*remarks, *analysis.remarks):
        say(f"note: {remark}")
    for q in analysis.quality:
        label = analysis.labels[q.channel_index]
        if q.reject:
            say(f"channel {q.channel_index + 1} ({label}): not analysed, {q.reject}")
        for remark in q.remarks:
            say(f"channel {q.channel_index + 1} ({label}): {remark}")
    _say_parts(analysis)
    found = analysis.expressions
    micro = sum(c.is_micro for c in found)
    in_clips = sum(c.joined.trial is not None for c in found)
    if analysis.course.is_session:
        say(
            f"session: {counted(len(analysis.course.trials), 'trial')}; part A is left out with "
            f"{counted(analysis.n_part_a, 'burst')}"
        )
    say(blinks_said(analysis))
    where = f", {in_clips} of them in clips" if analysis.course.trials else ""
    bursts = f" ({bursts_said(analysis)})" if found else ""
    say(f"{counted(len(found), 'candidate')}{bursts}, {micro} of at most 500 ms{where}")


def _say_parts(analysis: Analysis) -> None:
    """Say the MVC of each channel, and how strong it is in each part."""
    if analysis.mvc_uv:
        each = (f"{analysis.labels[i]} {uv:.1f} µV" for i, uv in sorted(analysis.mvc_uv.items()))
        say_folded(f"MVC: {', '.join(each)}")
    levels, (low, high) = analysis.part_levels, analysis.band_hz
    if not levels:
        return
    print_table(
        ("part", "channel", "mean", "peak", "× rest", "mean % MVC", "peak % MVC"),
        [
            (
                f"{one.part.name}, {one.part.times}"
                if one.part.name != one.part.times
                else one.part.name,
                analysis.labels[one.channel_index],
                *(_with_unit(x, analysis.units[one.channel_index]) for x in (one.mean, one.peak)),
                *(_places(x) for x in (one.times_rest, one.mean_percent, one.peak_percent)),
            )
            for one in levels
        ],
        title=f"How strong: the envelope ({low:g}-{high:g} Hz, rectified, 6 Hz)",
        whole=("mean", "peak"),
    )
    for one in levels:
        label = analysis.labels[one.channel_index]
        if one.missing:
            say(f"{one.part.name}, {label}: {one.missing:.1%} is missing")
        if one.is_clipped:
            say(f"{one.part.name}, {label}: clipped; it was stronger")
    if unknown := [i for i in {one.channel_index: 0 for one in levels} if i not in analysis.mvc_uv]:
        named = ", ".join(analysis.labels[i] for i in unknown)
        say_folded(
            f"no % MVC of {named}: it needs the maximum of the same muscle. Tell it as "
            f"--mvc {unknown[0] + 1}=µV, or where it was contracted: --mvc {unknown[0] + 1}="
            "START:END or the words of a mark in this file, or --mvc FILE of another recording"
        )


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.1f} {'µV' if unit == 'uV' else unit}".strip() if np.isfinite(value) else "-"


def _places(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else "-"


def found_json(analysis: Analysis, remarks: list[str], written: Sequence[Path]) -> Json:
    """Return what `say_found` says, for a machine; the candidates are in the events.tsv."""
    found = analysis.expressions
    return {
        "files": [str(path) for path in written],
        "n_candidates": len(found),
        "n_micro": sum(c.is_micro for c in found),
        "n_in_clips": sum(c.joined.trial is not None for c in found),
        "n_blinks": len(analysis.blinks),
        "are_blinks_told_apart": tells_blinks(analysis),
        "n_trials": len(analysis.course.trials),
        "n_part_a": analysis.n_part_a,
        "remarks": [*remarks, *analysis.remarks],
        "parts": [_level_json(one, analysis) for one in analysis.part_levels],
        "channels": [
            {
                "channel": q.channel_index + 1,
                "label": analysis.labels[q.channel_index],
                "not_analysed": q.reject,
                "mvc_uv": analysis.mvc_uv.get(q.channel_index),
                "remarks": list(q.remarks),
            }
            for q in analysis.quality
        ],
    }


def _level_json(one: PartLevel, analysis: Analysis) -> Json:
    values = {
        "mean": one.mean,
        "peak": one.peak,
        "times_rest": one.times_rest,
        "mean_mvc_percent": one.mean_percent,
        "peak_mvc_percent": one.peak_percent,
    }
    return {
        "part": one.part.name,
        "begin_s": one.part.begin_s,
        "end_s": one.part.end_s,
        "channel": one.channel_index + 1,
        "label": analysis.labels[one.channel_index],
        "unit": analysis.units[one.channel_index],
        **{name: value if np.isfinite(value) else None for name, value in values.items()},
        "missing_share": one.missing,
        "is_clipped": one.is_clipped,
    }


def score_elan(path: Path | None, tiers: dict[str, list[Mark]], analysis: Analysis) -> None:
    """Score the candidates against tiers that a person corrected."""
    length_s = analysis.n_samples / analysis.rate_hz
    scored = []
    for q in analysis.quality:
        marks = tiers.get(analysis.labels[q.channel_index])
        if marks is None or q.reject:
            continue
        mine = [c for c in analysis.expressions if c.channel_index == q.channel_index]
        found = np.array([(c.start_s, c.end_s) for c in mine]).reshape(-1, 2)
        scored.append((found, np.array([m[:2] for m in marks]).reshape(-1, 2), length_s))
    if not scored:
        raise ValueError(f"{path} has no tier named after a channel of this recording")
    for name, number in asdict(score_events(scored)).items():
        words = EVENT_WORDS[name]
        say(f"{words}: {number:.3f}" if isinstance(number, float) else f"{words}: {number}")
