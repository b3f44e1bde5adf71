"""A comparison as one self-contained HTML page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy

from emgrig.analysis.signal.filters import Floats
from emgrig.comparison import Comparison, Track
from emgrig.comparison.tracks import Interpolator, in_band_uv
from emgrig.files import make_folder, write_file
from emgrig.pages.page import render
from emgrig.pages.plots import COLOURS, DOUBTFUL, QUIET, figure, styled, svg
from emgrig.tools.compare.found import Compared, facts, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW_S = 0.5
LAG_WINDOW_S = 1.0
MOST_LAG_S = 0.005
SHOWN_S = 0.2


def write(
    folder: Path,
    found: Sequence["Compared"],
    tracks: Sequence[tuple[Track, Track]],
    warnings: Sequence[str],
    *,
    simulated: bool,
) -> Path:
    """Write ``index.html`` into `folder`, and return its path; RecordingError if that fails."""
    pairs = [
        {
            "title": f"{one.ours} against {one.reference}",
            "verdict": verdict(one),
            "facts": facts(one),
            "flags": one.comparison.flags,
            "picture": _picture(one.comparison, *pair),
        }
        for one, pair in zip(found, tracks, strict=True)
    ]
    page = render(
        "emgrig.tools.compare/page.html",
        title="Two recordings of one muscle",
        simulated=simulated,
        pairs=pairs,
        warnings=warnings,
    )
    path = make_folder(folder) / "index.html"
    write_file(path, page)
    return path


@styled
def _picture(comparison: Comparison, ours: Track, reference: Track) -> str:
    """Draw traces, alignment, Bland-Altman, coherence and shares."""
    t_s, mine, theirs = _aligned(comparison, ours, reference)
    drawn = figure(6.8)
    grid = drawn.add_gridspec(3, 2)
    _draw_traces(drawn.add_subplot(grid[0, :]), t_s, mine, theirs)
    _draw_alignment(drawn.add_subplot(grid[1, 0]), t_s, mine, theirs, ours.rate_hz)
    _draw_bland_altman(drawn.add_subplot(grid[1, 1]), comparison, mine, theirs, ours.rate_hz)
    _draw_coherence(drawn.add_subplot(grid[2, 0]), comparison, mine, theirs, ours.rate_hz)
    _draw_shares(drawn.add_subplot(grid[2, 1]), comparison)
    return svg(drawn)


def _aligned(
    comparison: Comparison, ours: Track, reference: Track
) -> tuple[Floats, Floats, Floats]:
    """Return time and both signals in the common band, sinc³ undone, the clocks matched."""
    band, (begin_s, end_s) = comparison.band, comparison.overlap_s
    index = np.arange(round(begin_s * ours.rate_hz), round(end_s * ours.rate_hz) + 1)
    t_s = index / ours.rate_hz
    mine = in_band_uv(ours, band, equalise=True)[index]
    theirs = Interpolator(
        in_band_uv(reference, band, equalise=True), reference.rate_hz, band.high_hz
    ).at(comparison.alignment.reference_time_s(t_s))
    return t_s, mine, comparison.alignment.polarity * theirs


def _draw_traces(axes: "Axes", t_s: Floats, mine: Floats, theirs: Floats) -> None:
    """Draw the loudest fifth of a second."""
    middle = int(np.argmax(np.abs(theirs)))
    shown = np.abs(t_s - t_s[middle]) <= SHOWN_S / 2
    axes.plot(t_s[shown], mine[shown], label="ours")
    axes.plot(t_s[shown], theirs[shown], linewidth=0.8, label="reference")
    axes.set(xlabel="s on our clock", ylabel="µV", title="aligned, where it is loudest")
    axes.legend()


def _draw_alignment(
    axes: "Axes", t_s: Floats, mine: Floats, theirs: Floats, rate_hz: float
) -> None:
    """Draw what lag is left in each second after alignment."""
    n, most = round(LAG_WINDOW_S * rate_hz), max(2, round(MOST_LAG_S * rate_hz))
    at, lags = [], []
    loud = np.sqrt(np.mean(mine**2))
    for start in range(0, mine.size - n, n):
        first, second = mine[start : start + n], theirs[start : start + n]
        if np.sqrt(np.mean(first**2)) < loud / 2:
            continue
        curve = scipy.signal.correlate(second, first, mode="same")[
            n // 2 - most : n // 2 + most + 1
        ]
        peak = int(np.argmax(curve))
        shift = 0.0
        if 0 < peak < curve.size - 1:
            left, centre, right = curve[peak - 1 : peak + 2]
            shift = float(0.5 * (left - right) / (left - 2 * centre + right))
        at.append(t_s[start + n // 2])
        lags.append((peak - most + shift) / rate_hz * 1e6)
    axes.plot(at, lags, ".")
    axes.axhline(0, color=QUIET)
    axes.set(xlabel="s on our clock", ylabel="lag left, µs", title="alignment, each second")


def _draw_bland_altman(
    axes: "Axes", comparison: Comparison, mine: Floats, theirs: Floats, rate_hz: float
) -> None:
    n = round(WINDOW_S * rate_hz)
    count = mine.size // n
    first, second = (
        np.sqrt((x[: count * n].reshape(count, n) ** 2).mean(axis=1)) for x in (mine, theirs)
    )
    found = comparison.windows.bland_altman
    difference = first / second if found.is_log else first - second
    axes.plot((first + second) / 2, difference, ".")
    for value, style in ((found.bias, "-"), (found.limit_low, "--"), (found.limit_high, "--")):
        axes.axhline(value, linestyle=style, color=DOUBTFUL)
    axes.set(
        xscale="log",
        xlabel="mean rms, µV; every half second",
        ylabel="ours over reference" if found.is_log else "ours less reference, µV",
        title="Bland-Altman; lines are of the active windows",
    )


def _draw_coherence(
    axes: "Axes", comparison: Comparison, mine: Floats, theirs: Floats, rate_hz: float
) -> None:
    f, values = scipy.signal.coherence(
        mine, theirs, rate_hz, nperseg=min(mine.size, round(rate_hz))
    )
    band = comparison.band
    shown = (f >= band.low_hz) & (f <= band.high_hz)
    axes.plot(f[shown], values[shown])
    axes.set(ylim=(0, 1.02), xlabel="Hz", title="coherence")


def _draw_shares(axes: "Axes", comparison: Comparison) -> None:
    shares = comparison.decomposition.shares
    names = list(shares)[::-1]
    axes.barh(names, [100 * shares[name] for name in names], color=COLOURS[0])
    axes.set(xlabel="% of the difference as recorded", title="why they differ")
