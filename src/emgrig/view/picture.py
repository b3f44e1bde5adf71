"""A stretch of recordings as a picture for a paper: traces, gaps, envelope, marks, events.

It shows the columns that the viewer does: no spike is left out, and nothing is joined over a gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emgrig.pages import plots
from emgrig.reading.runs import Floats
from emgrig.view.events import Event
from emgrig.view.eye import Eye
from emgrig.view.labels import caption, draw_marks, fit_titles
from emgrig.view.pyramid import Columns, Flags
from emgrig.view.screen import Screen, Seen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MM_PER_IN = 25.4
_HOLE, _TRACE, _LEVEL = "#f6d5d5", "#1f4e79", "#d9480f"
_EVENT = "#e8a33d"


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
        axes.set_title(one.name[:1])  # as high as it will be
        axes.set_xlim(layout.begin_s, end_s)
        for event in events:
            if event.channel in (one.name, "") and _meets(event.begin_s, event.end_s, layout):
                axes.axvspan(event.begin_s, event.end_s, color=_EVENT, alpha=0.35, lw=0)
    words = [] if seen.eye.is_plain else [seen.eye.words()]
    words += ["SIMULATED"] if found.is_simulated else []
    rows[-1].set_xlabel("time, s")
    figure.draw_without_rendering()  # lays it out
    signals = [found.signals[index] for index in layout.channels]
    units = {"uV": "µV", "": "unit not said"}
    title_pt = fit_titles(rows, [(one.name, units.get(one.unit, one.unit)) for one in signals])
    if layout.has_marks:
        marks = [m for m in found.marks if _meets(m.onset_s, m.onset_s, layout)]
        left_out = draw_marks(rows, marks, layout.width_mm, title_pt)
        words += [left_out] if left_out else []
    caption(rows[-1], words)
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
