"""The page that `emgrig analyse` writes: one self-contained HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emgrig.analysis.report.candidates import Analysis, Candidate, muscle_name
from emgrig.analysis.report.counts import blinks_said, bursts_said
from emgrig.analysis.report.events import kind_of
from emgrig.analysis.report.plots import signals_svg, stretch_svg, thumbnail_svg
from emgrig.analysis.report.stretches import Stretch
from emgrig.analysis.report.trials import Trial
from emgrig.pages.page import render


def page(
    analysis: Analysis, *, title: str, remarks: Sequence[str] = (), simulated: bool = False
) -> str:
    """Make the page of an analysed recording.

    Parameters
    ----------
    analysis : Analysis
        What `emgrig.analysis.report.candidates.analyse` returned.
    title : str
        Name of the recording.
    remarks : sequence of str
        What the reader of the file had to say.
    simulated : bool
        Whether it was recorded from a simulated board, or computed.

    Returns
    -------
    str
        HTML, with the picture inside.
    """
    good = [q for q in analysis.quality if not q.reject]
    return render(
        "emgrig.analysis.report/page.html",
        title=f"Candidates in {title}",
        simulated=simulated,
        name=title,
        analysis=analysis,
        remarks=[*remarks, *analysis.remarks],
        length_s=analysis.n_samples / analysis.rate_hz,
        good=[(q, muscle_name(analysis, q.channel_index)) for q in good],
        rejected=[q for q in analysis.quality if q.reject],
        picture=signals_svg(analysis) if good else "",
        found=analysis.expressions,
        blinks=blinks_said(analysis),
        bursts=bursts_said(analysis),
        n_micro=sum(c.is_micro for c in analysis.expressions),
        stretches=_stretches(analysis) if good else [],
        elsewhere=[c for c in analysis.expressions if c.joined.trial is None],
        emotions=_by_emotion(analysis),
        kind_of=kind_of,
        number=lambda x, places: f"{x:.{places}f}" if np.isfinite(x) else "-",
    )


@dataclass(frozen=True)
class _Drawn:
    """A stretch as the page has it."""

    title: str
    thumbnail: str
    picture: str
    found: list[Candidate]
    trial: Trial | None

    @property
    def n_micro(self) -> int:
        return sum(one.is_micro for one in self.found)


def _stretches(analysis: Analysis) -> list[_Drawn]:
    return [
        _Drawn(
            one.title,
            thumbnail_svg(analysis, nth),
            stretch_svg(analysis, nth),
            [c for c in analysis.expressions if _is_of(c, one)],
            one.trial,
        )
        for nth, one in enumerate(analysis.stretches)
    ]


def _is_of(one: Candidate, stretch: Stretch) -> bool:
    if stretch.trial is not None:
        return one.joined.trial == stretch.trial
    return stretch.begin_s <= one.start_s < stretch.end_s


def _by_emotion(analysis: Analysis) -> list[tuple[str, ...]]:
    """Count clips, micro- and macro-expressions and those that a key answers, by emotion."""
    emotions = sorted({one.emotion for one in analysis.course.trials})
    rows = []
    for emotion in emotions:
        trials = [one for one in analysis.course.trials if one.emotion == emotion]
        found = [c for c in analysis.expressions if c.joined.trial in trials]
        n_micro = sum(c.is_micro for c in found)
        keyed = sum(np.isfinite(c.joined.key_after_s) for c in found)
        rows.append((emotion, *map(str, (len(trials), n_micro, len(found) - n_micro, keyed))))
    return rows
