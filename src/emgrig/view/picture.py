"""A stretch of recordings as a picture for a paper: traces, gaps, envelope, marks, events.

It shows the columns that the viewer does: no spike is left out, and nothing is joined over a gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emgrig.names import shown
from emgrig.pages import plots
from emgrig.reading import Mark
from emgrig.reading.recording import Floats
from emgrig.view.events import Event
from emgrig.view.eye import Eye
from emgrig.view.pyramid import Columns, Flags
from emgrig.view.screen import Screen, Seen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM_PER_IN = 25.4
_HOLE, _TRACE, _LEVEL, _MARK = "#f6d5d5", "#1f4e79", "#d9480f", "#2b8a3e"
_EVENT = "#e8a33d"
#: Marks of a picture that are named; the others are lines.
_MOST_NAMED = 12
_LONGEST_NAME = 24


@dataclass(frozen=True)
class Layout:
    """What a picture is to be like.

    Attributes
    ----------
    begin_s, end_s : float
        s from the first sample of the recording.
    channels : sequence of int
        Indexes of signals.
    width_mm, row_mm : float
        Of the picture, and how high each channel is.
    half : float or None
        Half height of a row in the signal's unit; by the trace if None.
    has_marks : bool
        Whether marks of the file are drawn.
    """

    begin_s: float
    end_s: float
    channels: Sequence[int]
    width_mm: float = 180.0
    row_mm: float = 18.0
    half: float | None = None
    has_marks: bool = True


def whole_view(screen: Screen, layout: Layout, n_columns: int, eye: Eye) -> Seen:
    """Return what is shown of a stretch, once it is all computed.

    Raises
    ------
    ValueError
        If the stretch lies outside of the recording.
    RecordingError
        If the file cannot be read.
    """
    if not 0 <= layout.begin_s < layout.end_s or layout.begin_s >= screen.length_s:
        raise ValueError(
            f"{layout.begin_s:g} to {layout.end_s:g} s is no stretch of a recording of "
            f"{screen.length_s:g} s"
        )
    rate_hz = screen.recording.rate_hz
    begin, stop = layout.begin_s * rate_hz, min(layout.end_s * rate_hz, screen.n_samples)
    seen = screen.see(begin, stop, n_columns, layout.channels, eye)
    while seen.share < 1.0:
        screen.wait()
        screen.check()
        seen = screen.see(begin, stop, n_columns, layout.channels, eye)
    return seen


@plots.styled
def picture(screen: Screen, layout: Layout, seen: Seen, events: Sequence[Event] = ()) -> "Figure":
    """Draw a stretch; `seen` is what `whole_view` gave of it."""
    found, n = screen.recording, len(layout.channels)
    height_mm = n * layout.row_mm + 20
    figure = plots.figure(height_mm / MM_PER_IN, layout.width_mm / MM_PER_IN)
    rows = list(figure.subplots(n, 1, sharex=True, squeeze=False)[:, 0])
    end_s = min(layout.end_s, screen.length_s)
    for nth, (axes, index) in enumerate(zip(rows, layout.channels, strict=True)):
        one = found.signals[index]
        _row(axes, seen, nth, found.rate_hz, layout.half)
        unit = {"uV": "µV", "": "unit not said"}.get(one.unit, one.unit)
        axes.set_title(shown(f"{one.name}, {unit}"))
        axes.set_xlim(layout.begin_s, end_s)
        for event in events:
            if event.channel in (one.name, "") and _meets(event.begin_s, event.end_s, layout):
                axes.axvspan(event.begin_s, event.end_s, color=_EVENT, alpha=0.35, lw=0)
    if layout.has_marks:
        _marks(rows, [m for m in found.marks if _meets(m.onset_s, m.onset_s, layout)])
    words = [] if seen.eye.is_plain else [seen.eye.words()]
    words += ["SIMULATED"] if found.is_simulated else []
    # In one label, a line each: on a narrow picture one would stand across the other.
    rows[-1].set_xlabel("\n".join(["time, s", *([" · ".join(words)] if words else [])]))
    return figure


def _meets(begin_s: float, end_s: float, layout: Layout) -> bool:
    return begin_s <= layout.end_s and end_s >= layout.begin_s


def _row(axes: "Axes", seen: Seen, nth: int, rate_hz: float, half: float | None) -> None:
    trace = seen.trace
    for begin_s, end_s in _holes(trace, nth, rate_hz):
        axes.axvspan(begin_s, end_s, color=_HOLE, lw=0)
    x, y = line_of(trace, nth, rate_hz)
    axes.plot(x, y, color=_TRACE, lw=0.5)
    if seen.envelope is not None:
        x, level = line_of(seen.envelope, nth, rate_hz, top_only=True)
        axes.plot(x, level, color=_LEVEL, lw=1.0)
    if half is not None:
        middle = 0.0 if seen.eye.low_hz is not None else _middle(y)
        axes.set_ylim(middle - half, middle + half)


def _middle(y: Floats) -> float:
    known = y[np.isfinite(y)]
    return float((known.min() + known.max()) / 2) if known.size else 0.0


def _times(columns: Columns, rate_hz: float) -> Floats:
    """Return the middle of each column, s; of samples, their times."""
    lag = 0.0 if columns.width == 1 else columns.width / 2
    n = columns.low.shape[1]
    return np.asarray((columns.first + np.arange(n) * columns.width + lag) / rate_hz)


def line_of(
    columns: Columns, nth: int, rate_hz: float, *, top_only: bool = False
) -> tuple[Floats, Floats]:
    """Return a line over the lowest and highest of each column, s and values.

    NaN breaks it wherever a sample is missing, in a column or between two.
    """
    x = _times(columns, rate_hz)
    low, high = (part[nth].astype(np.float64) for part in (columns.low, columns.high))
    broken: Flags = columns.holes[nth]
    after = broken | np.append(broken[1:], np.False_)
    first = high if top_only else low
    values = np.stack([first, high, np.where(after, np.nan, high)], axis=1)
    return np.repeat(x, 3), values.ravel()


def _holes(columns: Columns, nth: int, rate_hz: float) -> Iterator[tuple[float, float]]:
    """Give begin and end of stretches of columns of which nothing was measured, s."""
    empty = np.isnan(columns.low[nth])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]])))
    lag = 0.5 if columns.width == 1 else 0.0
    for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        ends = ((columns.first + (k - lag) * columns.width) / rate_hz for k in (a, b))
        yield next(ends), next(ends)


def _marks(rows: "Sequence[Axes]", marks: Sequence[Mark]) -> None:
    for nth, mark in enumerate(marks):
        for axes in rows:
            axes.axvline(mark.onset_s, color=_MARK, lw=0.6, alpha=0.7)
        if nth < _MOST_NAMED:
            name = shown(mark.text[:_LONGEST_NAME])
            rows[0].annotate(
                name, (mark.onset_s, 1.0), xycoords=("data", "axes fraction"),
                xytext=(2, -2), textcoords="offset points", fontsize=6, color=_MARK, va="top",
                annotation_clip=True,
            )  # fmt: skip
