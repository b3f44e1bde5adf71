"""Pictures: the signals of a recording, and the paper's figures 8 to 14 from anyone's numbers.

matplotlib is imported here alone, when a picture is drawn. Every function returns an SVG text.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from emgrig.analysis.report.candidates import Analysis
from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.signal.statistics import Clusters, Summary, percentile_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MICRO, _MACRO, _GREY = "#0f7b6c", "#c0562f", "#9aa0a6"
_COLUMNS = 1600


def _figure(width: float, height: float, rows: int = 1) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def _svg(figure: "Figure") -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def signals_figure(analysis: Analysis) -> "Figure":
    """Draw every analysed channel: band-passed, envelope, and candidates as coloured spans.

    Teal is a micro-expression (at most 0.5 s), rust a macro-expression; hatched spans are
    probably crosstalk. Long records are drawn as the range of each of 1600 columns.

    Raises
    ------
    ValueError
        If no channel was analysed.
    """
    good = [q.channel_index for q in analysis.quality if not q.reject]
    if not good:
        raise ValueError("no channel was analysed; there is nothing to draw")
    figure, axes = _figure(11, 0.6 + 1.35 * len(good), len(good))
    for axis, index in zip(axes, good, strict=True):
        _draw_channel(axis, analysis, index)
    axes[-1].set_xlabel("time, s")
    axes[-1].set_xlim(0, analysis.banded.shape[0] / analysis.rate_hz)
    return figure


def signals_svg(analysis: Analysis) -> str:
    """Draw `signals_figure` as SVG text."""
    return _svg(signals_figure(analysis))


def _draw_channel(axis: "Axes", analysis: Analysis, index: int) -> None:
    time_s, low, high = _ranges(analysis.banded[:, index], analysis.rate_hz)
    axis.fill_between(time_s, low, high, color=_GREY, linewidth=0.3)
    _, _, top = _ranges(analysis.envelopes[:, index], analysis.rate_hz)
    axis.plot(time_s, top, color="black", linewidth=0.9)
    for one in analysis.candidates:
        if one.channel_index == index:
            colour = _MICRO if one.is_micro else _MACRO
            hatch = "////" if one.crosstalk else None
            axis.axvspan(one.start_s, one.end_s, color=colour, alpha=0.3, lw=0.8, hatch=hatch)
    # A few artefacts must not squeeze everything else into a line.
    limit = float(np.nanpercentile(np.abs(analysis.banded[:, index]), 99.9)) * 1.3
    axis.set_ylim(-limit, limit)
    unit = analysis.units[index] or "?"
    axis.set_ylabel(f"{analysis.labels[index]}\n{unit}", fontsize=8)
    axis.tick_params(labelsize=8)


def _ranges(x: Floats, rate_hz: float) -> tuple[Floats, Floats, Floats]:
    """Return time, lowest and highest value of at most 1600 columns of samples."""
    width = max(1, -(-x.size // _COLUMNS))
    padded = np.full(-(-x.size // width) * width, np.nan)
    padded[: x.size] = x
    table = padded.reshape(-1, width)
    low = np.where(np.isnan(table), np.inf, table).min(axis=1)
    high = np.where(np.isnan(table), -np.inf, table).max(axis=1)
    low[~np.isfinite(low)] = np.nan
    high[~np.isfinite(high)] = np.nan
    return np.arange(low.size) * width / rate_hz, low, high


def indicators_svg(indicators: Mapping[str, tuple[Summary, Summary]]) -> str:
    """Draw figure 8: means of MaE and ME with the 95 % interval of the mean, one panel each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(indicators), 3), layout="constrained")
    panels = figure.subplots(1, len(indicators), squeeze=False)[0]
    for axis, (name, (macro, micro)) in zip(panels, indicators.items(), strict=True):
        for x, (summary, colour) in enumerate(((micro, _MICRO), (macro, _MACRO))):
            half = stats.t.ppf(0.975, summary.n - 1) * summary.sd / np.sqrt(summary.n)
            axis.bar(x, summary.mean, yerr=half, color=colour, capsize=4, width=0.6)
        axis.set_xticks([0, 1], ["ME", "MaE"])
        axis.set_title(name)
        axis.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def histogram_svg(values: Floats, label: str, *, interval: tuple[float, float]) -> str:
    """Draw figures 9 and 11: a histogram with both intervals under their right names.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Durations or intensities.
    label : str
        Axis label with the unit.
    interval : (float, float)
        95 % interval of the mean.
    """

    def draw(axis: "Axes") -> None:
        axis.hist(values, bins="auto", color=_GREY)
        low, high = percentile_interval(values)
        axis.axvspan(low, high, color=_MICRO, alpha=0.15, label="central 95 % of the values")
        axis.axvspan(*interval, color=_MACRO, alpha=0.6, label="95 % interval of the mean")
        axis.legend(frameon=False, fontsize=8)
        axis.set_ylabel("expressions")
        axis.set_xlabel(label)

    return _one(draw)


def pp_svg(residuals: Floats) -> str:
    """Draw figure 10: the P-P plot of a regression's standardised residuals."""
    z = np.sort((residuals - residuals.mean()) / residuals.std(ddof=2))

    def draw(axis: "Axes") -> None:
        axis.plot([0, 1], [0, 1], color=_GREY)
        axis.plot((np.arange(z.size) + 0.5) / z.size, stats.norm.cdf(z), ".", color=_MICRO, ms=3)
        axis.set_xlabel("observed cumulative probability")
        axis.set_ylabel("expected (normal)")

    return _one(draw)


def clusters_svg(duration_s: Floats, intensity_percent: Floats, clusters: Clusters) -> str:
    """Draw figure 12: duration and intensity, coloured by cluster, with centroids."""

    def draw(axis: "Axes") -> None:
        for label, centroid in enumerate(clusters.centroids):
            mine = clusters.labels == label
            colour = (_MICRO, _MACRO, _GREY)[label % 3]
            axis.plot(duration_s[mine], intensity_percent[mine], ".", color=colour, ms=4)
            axis.plot(*centroid, "kx", ms=9)
        axis.set_xlabel("duration, s")
        axis.set_ylabel("MVC%")

    return _one(draw)


def frequencies_svg(
    names: Sequence[str], micro: Sequence[int], macro: Sequence[int], label: str
) -> str:
    """Draw figures 13 and 14: ME and MaE counts side by side, by self-control rate or emotion."""

    def draw(axis: "Axes") -> None:
        place = np.arange(len(names))
        axis.bar(place - 0.2, micro, 0.4, color=_MICRO, label="ME")
        axis.bar(place + 0.2, macro, 0.4, color=_MACRO, label="MaE")
        axis.set_xticks(place, names)
        axis.set_ylabel("expressions")
        axis.set_xlabel(label)
        axis.legend(frameon=False)

    return _one(draw)


def _one(draw: "Callable[[Axes], None]") -> str:
    figure, (axis,) = _figure(5.5, 3.2)
    draw(axis)
    return _svg(figure)
