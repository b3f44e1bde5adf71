from xml.etree import ElementTree as ET

import numpy as np
import pytest

from emgrig.analysis.paper import printed as paper
from emgrig.analysis.report import plots
from emgrig.analysis.report.candidates import Candidate, _in_company, analyse
from emgrig.analysis.report.strips import ranges
from emgrig.analysis.signal.statistics import cluster, interval_of_mean, regress, summarise

RNG = np.random.default_rng(0)
SECONDS = RNG.lognormal(-1, 0.4, 80)
PERCENT = 8 + 10 * SECONDS + RNG.normal(size=80)


def words(svg: str) -> int:
    """Number of graphic elements of a well-formed SVG."""
    return sum(1 for e in ET.fromstring(svg).iter() if e.tag.endswith(("path", "use")))


@pytest.mark.long
@pytest.mark.slow
def test_each_figure_of_the_paper_can_be_drawn_from_anyones_numbers() -> None:
    line = regress(SECONDS, PERCENT)
    residuals = PERCENT - line.slope * SECONDS - line.intercept
    figures = [
        plots.indicators_svg(paper.TABLE_3),
        plots.histogram_svg(SECONDS, "s", interval=interval_of_mean(summarise(SECONDS))),
        plots.pp_svg(residuals),
        plots.clusters_svg(SECONDS, PERCENT, cluster(SECONDS, PERCENT)),
        plots.frequencies_svg([str(i) for i in range(9)], range(9), range(9), "self-control"),
    ]
    assert all(words(svg) > 10 for svg in figures)


def test_a_long_record_is_drawn_as_ranges_that_keep_its_extremes() -> None:
    x = np.zeros(100_000)
    x[12_345] = 9.0
    x[50_000] = np.nan
    time_s, low, high = ranges(x, 1000.0)
    assert time_s.size <= 1600
    assert high.max() == 9.0
    assert time_s[high.argmax()] == pytest.approx(12.3, abs=0.07)
    assert low.max() == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_who_is_active_at_the_same_time_is_found_in_order_as_by_asking_everybody(seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = []
    for _ in range(60):
        start, channel = float(rng.integers(0, 100)), int(rng.integers(0, 7))
        times = float(rng.uniform(1, 40))
        raw.append(Candidate(channel, start, start + float(rng.integers(1, 12)), 1.0, times, 0, ()))
    raw.sort(key=lambda c: (c.start_s, c.channel_index))
    found = _in_company(raw, {i: i + 1 for i in range(5)})
    for one, whole in zip(raw, found, strict=True):
        beside = [c for c in raw if c.start_s < one.end_s and c.end_s > one.start_s]
        assert whole.crosstalk == any(c.times_rest >= 10 * one.times_rest for c in beside)
        muscles = frozenset(c.channel_index + 1 for c in beside if c.channel_index < 5)
        expected = paper.likely_emotions(muscles) if one.channel_index < 5 else ()
        assert whole.emotions == tuple(expected)


def test_nothing_to_draw_is_refused() -> None:
    nothing = analyse(np.zeros((5000, 2)), 1000.0, labels=["a", "b"], units=["uV", "uV"])
    assert nothing.remarks == ["no channel can be analysed"]
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.signals_svg(nothing)
