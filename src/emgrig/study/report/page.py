"""The page of a study: one self-contained HTML file, for a supplement."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emgrig.filemodel import plain
from emgrig.pages.page import render
from emgrig.study.dataset import read_tsv
from emgrig.study.recording import Result
from emgrig.study.report.methods import methods, versions
from emgrig.study.report.truth import Compared, compare, has_truth
from emgrig.study.rows import LEFT_OUT, EventRow
from emgrig.study.settings import StudySettings
from emgrig.study.statistics.figures import figures
from emgrig.study.statistics.findings import Finding, Sample, Table, said
from emgrig.study.statistics.study import findings

#: Which figures stand below which table.
_FIGURES = {"t3": ("8",), "t4": ("9", "11"), "reg": ("10",), "clusters": ("12",),
            "control": ("13",), "t6": ("14",)}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What a study comes to."""

    results: Sequence[Result]
    settings: StudySettings
    found: list[Finding]
    methods: str
    compared: list[Compared]

    @property
    def events(self) -> list[EventRow]:
        """All rows of events."""
        return [row for result in self.results for row in result.events]

    @property
    def numbers(self) -> dict[str, float]:
        """All numbers of all tables."""
        return {key: float(v) for one in self.found for key, v in one.numbers.items()}


def make_report(root: Path, results: Sequence[Result], settings: StudySettings) -> Report:
    """Make the statistics of the results; simulated recordings among others are left out."""
    results = _without_simulated(results)
    events = [row for result in results for row in result.events]
    done = [result.recording for result in results if result.recording.status == "done"]
    found = findings(events, done, settings)
    compared = compare(root, results, found, settings) if has_truth(root) else []
    people = root / "participants.tsv"
    said_of = read_tsv(people) if people.is_file() else []
    return Report(results, settings, found, methods(results, settings, said_of), compared)


def _without_simulated(results: Sequence[Result]) -> list[Result]:
    """Leave simulated recordings out of a study of people; alone they are one of their own."""
    done = [r for r in results if r.recording.status == "done"]
    if all(r.recording.is_simulated for r in done) or not any(
        r.recording.is_simulated for r in done
    ):
        return list(results)
    why = "simulated, beside recordings of people"
    return [
        Result(
            replace(r.recording, status=LEFT_OUT, why=why, n_in=0),
            tuple(replace(e, left_out=e.left_out or why) for e in r.events),
        )
        if r.recording.is_simulated and r.recording.status == "done"
        else r
        for r in results
    ]


def page(report: Report) -> str:
    """Write the page."""
    sample = Sample.of(report.events)
    drawn = figures(sample, report.settings.statistics)
    shown = [
        (one.table, [drawn[n] for n in _FIGURES.get(one.table.key, ()) if n in drawn])
        for one in report.found
    ]
    recordings = [result.recording for result in report.results]
    statuses = Counter(one.status for one in recordings)
    done = [one for one in recordings if one.status == "done"]
    micro = int(sample.is_micro.sum())
    return render(
        "emgrig.study.report/page.html",
        title=report.settings.title,
        simulated=bool(done) and all(one.is_simulated for one in done),
        outcome="fail" if statuses["failed"] else "",
        name=report.settings.title,
        n_micro=micro,
        n_macro=len(sample.rows) - micro,
        n_participants=len({row.participant for row in sample.rows}),
        n_done=len(done),
        n_all=len(recordings),
        statuses=statuses,
        methods=report.methods,
        shown=shown,
        left_out=_left_out(report.events),
        not_done=[(r.recording, r.status, r.why) for r in recordings if r.status != "done"],
        recordings=_recordings(report),
        quality=_quality(report),
        compared=_compared(report.compared),
        detector=_detector(report),
        settings_text=json.dumps(plain(report.settings), indent=1, ensure_ascii=False),
        versions=list(versions().items()),
        sources=Counter(row.source for row in sample.rows),
    )


def _left_out(events: Sequence[EventRow]) -> list[tuple[str, ...]]:
    counts = Counter((row.left_out, row.source) for row in events if row.left_out)
    rows: list[tuple[str, ...]] = []
    for (why, source), n in sorted(counts.items(), key=lambda pair: -pair[1]):
        people = len({r.participant for r in events if (r.left_out, r.source) == (why, source)})
        rows.append((why, source, str(n), str(people)))
    return rows


def _recordings(report: Report) -> list[tuple[str, ...]]:
    return [
        (
            r.recording,
            said(r.duration_s / 60, 1),
            said(r.lost_percent, 2),
            str(r.n_gaps),
            said(r.rate_ppm, 0),
            said(r.film_ppm, 0) if r.film in ("tube", "pairs") else r.film,
            said(r.impedance_kohm_max, 1),
            str(r.n_trials),
            str(r.n_keys),
            f"{r.n_in} of {r.n_events}",
            str(r.n_blinks),
        )
        for r in (result.recording for result in report.results)
        if r.status == "done"
    ]


def _quality(report: Report) -> list[tuple[str, str]]:
    rows = []
    for r in (result.recording for result in report.results):
        said_all = [
            *(f"not analysed: {r.rejected}" for _ in "x" if r.rejected),
            *(f"contact: {r.contact_bad}" for _ in "x" if r.contact_bad),
            *(f"no MVC: {r.mvc_missing}" for _ in "x" if r.mvc_missing),
            *(f"coding: {r.coding}" for _ in "x" if r.coding),
        ]
        if said_all:
            rows.append((r.recording, ". ".join(said_all)))
    return rows


def _detector(report: Report) -> Table | None:
    of = [r.recording for r in report.results if r.recording.n_coded]
    if not of:
        return None
    coded, matched = sum(r.n_coded for r in of), sum(r.n_matched for r in of)
    weights = np.array([r.n_matched for r in of], dtype=np.float64)
    errors = [
        float(np.nansum(weights * [getattr(r, name) for r in of]) / max(weights.sum(), 1))
        for name in ("onset_error_ms", "offset_error_ms")
    ]
    head = ("coded", "found (IoU of 0.5 or more)", "share", "onset, ms", "offset, ms")
    row = (
        str(coded),
        str(matched),
        f"{100 * matched / coded:.0f} %",
        *(f"{e:+.0f}" for e in errors),
    )
    note = "All channels as one, blinks and crosstalk apart; errors are the EMG's less the coder's."
    return Table("detector", "The detector against the coding", head, (row,), (note,))


def _compared(compared: Sequence[Compared]) -> list[tuple[str, ...]]:
    return [
        (one.key, _said(one.truth), _said(one.found), _said(one.difference)) for one in compared
    ]


def _said(value: float) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e9 else f"{value:.4g}"
