"""The tables: to the terminal, and between two marks in docs/spotting.md."""

import datetime as dt
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.spotting import faces, peers
from benchmarks.spotting.detectors import OURS
from benchmarks.spotting.real import RealRow
from benchmarks.spotting.result import Result
from benchmarks.spotting.scores import CAUSES, intervals, row

PAGE = Path(__file__).resolve().parents[2] / "docs/spotting.md"
BEGIN = "<!-- from here on: python -m benchmarks spotting --held-out --write -->"
END = "<!-- up to here -->"
#: Detectors that are run on the real recordings, too; others cannot take 250 Hz, or are as these.
REAL = (OURS, "emgrig double_threshold", "BioSPPy find_onsets")
#: The margins of docs/spotting.md, which were stated before the held-out seeds were scored.
F1_MARGIN, F1_LEAST, FALSE_SHARE, F1_SERIOUS = 0.10, 0.05, 0.5, 0.5


def line(result: Result) -> str:
    """Say a result in a line."""
    name = f"{result.name} ({result.variant})"
    if not result.tallies:
        return f"  {name:42s} {result.failure:.90s}"
    one = result.row
    return (
        f"  {name:42s} F1 {one.f1:.3f}  recall {one.recall:.3f}  precision {one.precision:.3f}  "
        f"IoU {one.iou:.3f}  false/min {one.false_per_min:6.2f}  {result.seconds:.0f} s"
    )


def whole(
    results: Sequence[Result],
    recordings: Sequence[faces.Recording],
    seeds: Sequence[int],
    source: str,
    checks: Sequence[tuple[str, RealRow]],
    seconds: Mapping[str, float],
) -> str:
    """Write everything that is measured, as Markdown."""
    good = sorted((r for r in results if r.tallies), key=lambda r: -r.row.f1)
    parts = [
        _about(results, recordings, seeds, source),
        _scores(good),
        _failed([r for r in results if not r.tallies]),
        _verdict(good),
        _causes(good, recordings),
        _settings(good),
        _real(checks),
        "Processor time of a search in the band, s for a million samples of one channel, in turn: "
        + ", ".join(f"{name} {s:.3f}" for name, s in seconds.items())
        + ".",
    ]
    return "\n\n".join(part for part in parts if part)


def _about(
    results: Sequence[Result],
    recordings: Sequence[faces.Recording],
    seeds: Sequence[int],
    source: str,
) -> str:
    versions = {r.name.split()[0]: r.version for r in results if r.version}
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    n_true = sum(len(t) for r in recordings for t in r.truth)
    minutes = sum(r.samples_uv.size for r in recordings) / faces.RATE_HZ / 60
    held = "held-out" if tuple(seeds) == faces.HELD_OUT_SEEDS else "development"
    return (
        f"Measured {dt.datetime.now(dt.UTC):%Y-%m-%d}, {held} seeds "
        f"{', '.join(map(str, seeds))}: {len(recordings)} recordings, "
        f"{minutes:.0f} channel minutes, {n_true} true events. Durations and channels: {source}. "
        f"Python {platform.python_version()}, NumPy {np.__version__}; {said}."
    )


def _scores(results: Sequence[Result]) -> str:
    head = (
        "| detector | settings | F1 (95 %) | recall | precision | IoU "
        "| false alarms a minute (95 %) | onset, ms | offset, ms |"
    )
    rows = [head, "|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        one, sure = r.row, intervals(r.tallies)
        rows.append(
            f"| {r.name} | {r.variant} | **{one.f1:.3f}** ({_range(sure['f1'], 3)}) "
            f"| {one.recall:.3f} | {one.precision:.3f} | {one.iou:.3f} "
            f"| {one.false_per_min:.2f} ({_range(sure['false_per_min'], 2)}) "
            f"| {_quartiles(one.onset_ms)} | {_quartiles(one.offset_ms)} |"
        )
    return "\n".join(rows)


def _range(pair: tuple[float, float], digits: int) -> str:
    return f"{pair[0]:.{digits}f} to {pair[1]:.{digits}f}"


def _quartiles(values: tuple[float, float, float]) -> str:
    low, middle, high = values
    return "-" if np.isnan(middle) else f"{middle:+.0f} ({low:+.0f} to {high:+.0f})"


def _failed(results: Sequence[Result]) -> str:
    lines = [f"* {r.name} ({r.variant}): {r.failure[:120]}" for r in results]
    lines += [f"* {name}: {why}" for name, why in peers.LEFT_OUT.items()]
    return "Not in the table:\n\n" + "\n".join(lines)


def _verdict(results: Sequence[Result]) -> str:
    """Hold the stated margins against what came out."""
    ours = next((r for r in results if r.name == OURS), None)
    others = [r for r in results if not r.is_ours]
    if ours is None or not others:
        return ""
    best = others[0]
    more = intervals(ours.tallies, best.tallies)
    gain = ours.row.f1 - best.row.f1
    serious = [r for r in others if r.row.f1 > F1_SERIOUS]
    fewest = min(serious or others, key=lambda r: r.row.false_per_min)
    rate = ours.row.false_per_min
    name = f"{best.name}, {best.variant}"
    least = f"{fewest.name}, {fewest.variant}: {fewest.row.false_per_min:.2f}"
    stated = (
        (
            f"F1 at least {F1_MARGIN:.2f} above the best other ({name}: {best.row.f1:.3f})",
            f"{gain:+.3f}",
            gain >= F1_MARGIN,
        ),
        (
            f"lower end of the 95 % interval of that above {F1_LEAST:.2f}",
            _range(more["f1"], 3),
            more["f1"][0] > F1_LEAST,
        ),
        (
            f"at most {FALSE_SHARE:.0%} of its false alarms ({best.row.false_per_min:.2f}/min)",
            f"{rate:.2f}",
            rate <= FALSE_SHARE * best.row.false_per_min,
        ),
        (
            f"fewer than each other whose F1 is above {F1_SERIOUS:.1f} (fewest: {least})",
            f"{rate:.2f}",
            rate < fewest.row.false_per_min,
        ),
    )
    lines = [f"| {goal} | {seen} | {_yes(reached)} |" for goal, seen, reached in stated]
    return "\n".join([f"| stated for {OURS} | measured | reached |", "|---|---|---|", *lines])


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "**no**"


def _causes(results: Sequence[Result], recordings: Sequence[faces.Recording]) -> str:
    """Say where ours and the best others fail: by cause, and by electrodes."""
    ours = [r for r in results if r.is_ours]
    chosen = ours + [r for r in results if not r.is_ours][:3]
    qualities = [q.name for q in faces.QUALITIES]
    rows = [
        f"| detector | false alarms a minute: {' | '.join(CAUSES)} | F1: {' | '.join(qualities)} |",
        "|---" * (1 + len(CAUSES) + len(qualities)) + "|",
    ]
    for r in chosen:
        causes = [f"{r.row.false_by_cause[c]:.2f}" for c in CAUSES]
        by_quality = [
            row([t for t, one in zip(r.tallies, recordings, strict=True) if one.quality == q]).f1
            for q in qualities
        ]
        cells = [*causes, *(f"{f1:.3f}" for f1 in by_quality)]
        rows.append(f"| {r.name}, {r.variant} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _settings(results: Sequence[Result]) -> str:
    tuned = [r for r in results if r.variant == "tuned"]
    if not tuned:
        return ""
    lines = [
        f"* {r.name}: {', '.join(f'{k} {v}' for k, v in r.settings.items())}"
        for r in sorted(tuned, key=lambda r: r.name)
    ]
    return "Settings that were best on the tuning slice:\n\n" + "\n".join(lines)


def _real(checks: Sequence[tuple[str, RealRow]]) -> str:
    if not checks:
        return ""
    rows = [
        "| real recording | detector | s | events | 20 resamplings: median, lowest | halves |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in sorted(checks, key=lambda pair: pair[1].recording):
        rows.append(
            f"| {one.recording} | {name} | {one.seconds:.0f} | {one.n_events} "
            f"| {_number(one.stability[0])}, {_number(one.stability[1])} | {_number(one.halves)} |"
        )
    return "\n".join(rows)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def write(text: str) -> None:
    """Put the tables into the page, between the marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")
