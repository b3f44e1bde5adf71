"""Pictures for papers: what is drawn, and that nothing is joined over a gap."""

import re
from dataclasses import replace

import numpy as np
import pytest

from emgrig.pages import plots
from emgrig.reading import Mark
from emgrig.view.events import Event
from emgrig.view.eye import Eye
from emgrig.view.picture import Layout, line_of, picture, whole_view
from emgrig.view.screen import Screen
from view import made

N = 20_000


@pytest.fixture(scope="module")
def screen() -> Screen:
    x = made.holed(made.table(N), [(-1, 8000, 9000), (0, 3000, 3002)])
    found = made.recording(x, marks=[Mark(2.0, 0.0, "clip $1$ begins"), Mark(19.0, 0, "late")])
    return Screen(replace(found, is_simulated=True))


@pytest.mark.slow
@pytest.mark.parametrize("n_columns", [10_000, 150])
def test_a_line_breaks_at_every_missing_sample(screen: Screen, n_columns: int) -> None:
    seen = whole_view(screen, Layout(2.9, 9.5, [0, 1]), n_columns, Eye())
    x = screen.recording.window(0, N)
    for nth in (0, 1):
        time_s, values = line_of(seen.trace, nth, made.RATE_HZ)
        assert time_s.shape == values.shape
        known = np.isfinite(values)
        joined = known[:-1] & known[1:] & (np.diff(time_s) > 0)
        assert joined.any()
        half = (
            seen.trace.width / 2 if seen.trace.width > 1 else 0
        )  # of the two columns, all samples
        for a, b in zip(time_s[:-1][joined], time_s[1:][joined], strict=True):
            ends = round(a * made.RATE_HZ - half), round(b * made.RATE_HZ + half)
            assert np.isfinite(x[nth, slice(*ends)]).all()
        assert np.nanmax(values) == x[nth, 2900:9500][np.isfinite(x[nth, 2900:9500])].max().astype(
            np.float32
        )


@pytest.mark.slow
def test_what_is_asked_for_is_in_the_picture(screen: Screen) -> None:
    eye = Eye(20, 450, has_envelope=True)
    layout = Layout(1.0, 10.0, [1], width_mm=90, row_mm=20, half=50.0)
    events = [
        Event(2.0, 3.0, "EMG 2", "smile"),
        Event(2.0, 3.0, "EMG 1", "other channel"),
        Event(15.0, 16.0, "EMG 2", "later"),
    ]
    seen = whole_view(screen, layout, 500, eye)
    drawn = picture(screen, layout, seen, events)
    (axes,) = drawn.axes
    assert axes.get_xlim() == (1.0, 10.0)
    assert axes.get_ylim() == (-50.0, 50.0)
    assert len(axes.lines) == 3  # trace, envelope, one mark
    assert len(axes.patches) == 2  # a gap, an event
    svg = plots.svg(drawn)
    assert svg == plots.svg(drawn)
    width_pt = float(re.search(r'width="([\d.]+)pt"', svg)[1])  # type: ignore[index]
    assert width_pt == pytest.approx(90 / 25.4 * 72)
    for words in ("EMG 2, µV", "clip $1$ begins", "SIMULATED", "20-450 Hz, envelope 6 Hz"):
        assert words in svg
    assert not re.search(r">[^<]*late", svg)


@pytest.mark.slow
def test_dots_an_inch_are_those_that_were_said(screen: Screen) -> None:
    layout = Layout(0.0, 1.0, [0], width_mm=50.8)
    drawn = picture(screen, layout, whole_view(screen, layout, 300, Eye()))
    png = plots.png(drawn, dpi=150)
    assert int.from_bytes(png[16:20], "big") == 300


@pytest.mark.parametrize("ends", [(5.0, 5.0), (-1.0, 3.0), (20.0, 30.0), (6.0, 2.0)])
def test_a_stretch_outside_is_refused(screen: Screen, ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no stretch of a recording of 20 s"):
        whole_view(screen, Layout(*ends, [0]), 100, Eye())
