"""Pictures: the signals of a recording, and the paper's figures 8 to 14 from anyone's numbers.

Every function returns an SVG text.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import scipy

from emgrig.analysis.report.candidates import Analysis
from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.signal.statistics import Clusters, Summary, percentile_interval
from emgrig.pages.plots import INK, QUIET, figure, one_panel, styled, svg
from emgrig.pages.strips import Span, Strip, strips_svg

_MICRO, _MACRO = "#1d9a88", "#c8642f"


def signals_svg(analysis: Analysis) -> str:
    """Draw every analysed channel: band-passed, envelope, and candidates as coloured spans.

    Teal is a micro-expression (at most 0.5 s), rust a macro-expression; hatched spans are
    probably crosstalk. Long records are drawn as the range of each of 1600 columns.

    Raises
    ------
    ValueError
        If no channel was analysed.
    """
    spans: dict[int, list[Span]] = {}
    for one in analysis.candidates:
        colour = _MICRO if one.is_micro else _MACRO
        span = Span(one.start_s, one.end_s, colour, is_hatched=one.crosstalk)
        spans.setdefault(one.channel_index, []).append(span)
    drawn = [
        Strip(
            f"{label}, {unit or 'unit not known'}",
            strip.time_s,
            strip.low,
            strip.high,
            strip.envelope,
            strip.limit,
            spans.get(index, ()),
        )
        for index, (label, unit, strip) in enumerate(
            zip(analysis.labels, analysis.units, analysis.strips, strict=True)
        )
        if strip is not None
    ]
    if not drawn:
        raise ValueError("no channel was analysed; there is nothing to draw")
    return strips_svg(drawn, analysis.n_samples / analysis.rate_hz)


@styled
def indicators_svg(indicators: Mapping[str, tuple[Summary, Summary]]) -> str:
    """Draw figure 8: means of MaE and ME with the 95 % interval of the mean, one panel each."""
    drawn = figure(3, 3 * len(indicators))
    panels = drawn.subplots(1, len(indicators), squeeze=False)[0]
    for axis, (name, (macro, micro)) in zip(panels, indicators.items(), strict=True):
        for x, (summary, colour) in enumerate(((micro, _MICRO), (macro, _MACRO))):
            half = scipy.stats.t.ppf(0.975, summary.n - 1) * summary.sd / np.sqrt(summary.n)
            axis.bar(x, summary.mean, yerr=half, color=colour, capsize=4, width=0.6)
        axis.set_xticks([0, 1], ["ME", "MaE"])
        axis.set_title(name)
    return svg(drawn)


@styled
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
    drawn, axis = one_panel(3.2, 5.5)
    axis.hist(values, bins="auto", color=QUIET)
    low, high = percentile_interval(values)
    axis.axvspan(low, high, color=_MICRO, alpha=0.15, label="central 95 % of the values")
    axis.axvspan(*interval, color=_MACRO, alpha=0.6, label="95 % interval of the mean")
    axis.legend()
    axis.set(xlabel=label, ylabel="expressions")
    return svg(drawn)


@styled
def pp_svg(residuals: Floats) -> str:
    """Draw figure 10: the P-P plot of a regression's standardised residuals."""
    z = np.sort((residuals - residuals.mean()) / residuals.std(ddof=2))
    drawn, axis = one_panel(3.2, 5.5)
    axis.plot([0, 1], [0, 1], color=QUIET)
    axis.plot((np.arange(z.size) + 0.5) / z.size, scipy.stats.norm.cdf(z), ".", color=_MICRO, ms=3)
    axis.set(xlabel="observed cumulative probability", ylabel="expected (normal)")
    return svg(drawn)


@styled
def clusters_svg(duration_s: Floats, intensity_percent: Floats, clusters: Clusters) -> str:
    """Draw figure 12: duration and intensity, coloured by cluster, with centroids."""
    drawn, axis = one_panel(3.2, 5.5)
    for label, centroid in enumerate(clusters.centroids):
        mine = clusters.labels == label
        colour = (_MICRO, _MACRO, QUIET)[label % 3]
        axis.plot(duration_s[mine], intensity_percent[mine], ".", color=colour, ms=4)
        axis.plot(*centroid, "x", color=INK, ms=9)
    axis.set(xlabel="duration, s", ylabel="MVC%")
    return svg(drawn)


@styled
def frequencies_svg(
    names: Sequence[str], micro: Sequence[int], macro: Sequence[int], label: str
) -> str:
    """Draw figures 13 and 14: ME and MaE counts side by side, by self-control rate or emotion."""
    drawn, axis = one_panel(3.2, 5.5)
    place = np.arange(len(names))
    axis.bar(place - 0.2, micro, 0.4, color=_MICRO, label="ME")
    axis.bar(place + 0.2, macro, 0.4, color=_MACRO, label="MaE")
    axis.set_xticks(place, names)
    axis.set(xlabel=label, ylabel="expressions")
    axis.legend()
    return svg(drawn)
