"""Pictures: the signals of a recording, and the paper's figures 8 to 14 from anyone's numbers.

Every function returns an SVG text.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import scipy

from emgrig.analysis.report.candidates import Analysis, Candidate
from emgrig.analysis.report.strips import Strip as Drawn
from emgrig.analysis.report.trials import Phase
from emgrig.analysis.signal.filters import Floats
from emgrig.analysis.signal.statistics import Clusters, Summary, percentile_interval
from emgrig.names import unit_shown
from emgrig.pages.plots import INK, LINE, QUIET, figure, one_panel, styled, svg
from emgrig.pages.strips import Band, Span, Strip, strips_svg

_MICRO, _MACRO = "#1d9a88", "#c8642f"
#: Height of a strip of a stretch, points; a thumbnail's width and height; a key as it is drawn, s.
_LOW_STRIP, _THUMBNAIL, _KEY_S = 34.0, (220.0, 56.0), 0.15


def signals_svg(analysis: Analysis) -> str:
    """Draw every analysed channel: band-passed, envelope, and candidates as coloured spans.

    Teal is a micro-expression (at most 0.5 s), rust a macro-expression; hatched spans are
    probably crosstalk; blinks are marked at the lower edge. Of a session part A and the clips are
    bands behind. Long records are drawn as the range of each of 1600 columns.

    Raises
    ------
    ValueError
        If no channel was analysed.
    """
    course, length_s = analysis.course, analysis.n_samples / analysis.rate_hz
    bands = [Band(begin, end, QUIET, "part A") for begin, end in _part_a(analysis)]
    bands += [Band(t.begin_s, t.end_s, _MICRO, str(t.number)) for t in course.trials]
    drawn = _strips(analysis, analysis.strips, 0.0, length_s)
    if not drawn:
        raise ValueError("no channel was analysed; there is nothing to draw")
    return strips_svg(drawn, length_s, bands=bands)


def stretch_svg(analysis: Analysis, nth: int) -> str:
    """Draw a stretch of a long recording, as `signals_svg` does the whole; keys are thin bands."""
    stretch = analysis.stretches[nth]
    strips = [one[nth] if one else None for one in analysis.stretch_strips]
    bands = []
    if stretch.trial is not None:
        bands = [Band(stretch.trial.begin_s, stretch.trial.end_s, _MICRO)]
        bands += [Band(at_s, at_s + _KEY_S, INK, "key", 0.8) for at_s in stretch.trial.key_s]
    drawn = _strips(analysis, strips, stretch.begin_s, stretch.end_s)
    return strips_svg(
        drawn, stretch.end_s, begin_s=stretch.begin_s, bands=bands, strip_height=_LOW_STRIP
    )


def thumbnail_svg(analysis: Analysis, nth: int) -> str:
    """Draw where in a stretch something was found, a row a channel; keys are lines over all."""
    stretch = analysis.stretches[nth]
    rows = [index for index, strip in enumerate(analysis.strips) if strip is not None]
    wide, high = _THUMBNAIL
    per_s = wide / max(stretch.end_s - stretch.begin_s, 1e-9)
    row_high = high / max(len(rows), 1)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}">']
    lines = "".join(f"M0,{(k + 0.5) * row_high:.1f}h{wide:g}" for k in range(len(rows)))
    out.append(f'<path d="{lines}" style="stroke:{LINE};stroke-width:0.6"/>')
    for one in _within(analysis.expressions, stretch.begin_s, stretch.end_s):
        x, width = (one.start_s - stretch.begin_s) * per_s, (one.end_s - one.start_s) * per_s
        top = rows.index(one.channel_index) * row_high + 1
        shape = (
            f'x="{x:.1f}" y="{top:.1f}" width="{max(width, 1.5):.1f}" height="{row_high - 2:.1f}"'
        )
        faint = ";fill-opacity:0.4" if one.crosstalk else ""
        out.append(f'<rect {shape} style="fill:{_colour(one)}{faint}"/>')
    keys = stretch.trial.key_s if stretch.trial is not None else ()
    lines = "".join(f"M{(at_s - stretch.begin_s) * per_s:.1f},0v{high:g}" for at_s in keys)
    out.append(f'<path d="{lines}" style="stroke:{INK}"/>')
    return "".join([*out, "</svg>"])


def _part_a(analysis: Analysis) -> list[tuple[float, float]]:
    """Return where part A is, s."""
    length_s, phases = analysis.n_samples / analysis.rate_hz, analysis.course.phases
    ends = [*(begin_s for begin_s, _ in phases[1:]), length_s]
    return [
        (max(begin_s, 0.0), min(end_s, length_s))
        for (begin_s, phase), end_s in zip(phases, ends, strict=False)
        if phase is Phase.PART_A
    ]


def _strips(
    analysis: Analysis, strips: Sequence[Drawn | None], begin_s: float, end_s: float
) -> list[Strip]:
    """Put names, spans and marks to what is drawn of the channels from a time to a time."""
    found = _within(analysis.expressions, begin_s, end_s)
    blinks = _within(analysis.blinks, begin_s, end_s)
    return [
        Strip(
            f"{analysis.labels[index]}, {unit_shown(analysis.units[index]) or 'unit not known'}",
            strip.time_s,
            strip.low,
            strip.high,
            strip.envelope,
            strip.limit,
            [
                Span(one.start_s, one.end_s, _colour(one), is_hatched=one.crosstalk)
                for one in found
                if one.channel_index == index
            ],
            [one.start_s for one in blinks if one.channel_index == index],
        )
        for index, strip in enumerate(strips)
        if strip is not None
    ]


def _within(found: Sequence[Candidate], begin_s: float, end_s: float) -> list[Candidate]:
    return [one for one in found if one.start_s < end_s and one.end_s > begin_s]


def _colour(one: Candidate) -> str:
    return _MICRO if one.is_micro else _MACRO


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
    axis.axvspan(low, high, color=_MICRO, alpha=0.15, zorder=0, label="central 95 % of the values")
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
