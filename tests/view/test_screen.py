"""What a step shows, from the samples or from pyramids, filtered or not."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading import Recording
from emgrig.view import screen as screen_module
from emgrig.view.eye import Eye, Filter
from emgrig.view.layer import filtered
from emgrig.view.pyramid import BASE, Columns
from emgrig.view.screen import Screen
from view import made

N = 300_000
BAND = Eye(20, 450)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return made.recording(made.holed(made.table(N), [(-1, 90_000, 120_000), (0, 5000, 5003)]))


@pytest.fixture(scope="module")
def screen(recording: Recording) -> Screen:
    made_one = Screen(recording)
    made_one.wait()
    return made_one


def held_against(columns: Columns, x: np.ndarray, **tolerance: float) -> None:
    """Compare columns with the lowest and the highest of an array, (n_channels, N)."""
    for k in range(columns.low.shape[1]):
        begin = columns.first + k * columns.width
        part = x[:, begin : begin + columns.width]
        known = np.isfinite(part).any(axis=1)
        assert (np.isnan(columns.low[:, k]) == ~known).all()
        lowest, highest = (np.fmin, np.fmax)[0].reduce(part, 1), np.fmax.reduce(part, 1)
        np.testing.assert_allclose(columns.low[:, k], lowest, rtol=1e-6, **tolerance)
        np.testing.assert_allclose(columns.high[:, k], highest, rtol=1e-6, **tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "stop", "n"),
    [(0, N, 900), (4990.3, 5030.7, 900), (80_000, 130_000, 200), (-5000, 50_000, 300),
     (290_000, 400_000, 100), (1000, 60_000, 700)],
)  # fmt: skip
def test_a_stretch_is_shown_as_it_is(screen: Screen, begin: float, stop: float, n: int) -> None:
    x = screen.recording.window(0, N)
    seen = screen.see(begin, stop, n, [1, 0], Eye())
    assert seen.share == 1.0
    assert seen.envelope is None
    columns = seen.trace
    held_against(columns, x[[1, 0]], atol=0)
    # It reaches over all that was asked for, and is there in the recording.
    assert columns.first <= max(begin, 0) < columns.first + columns.width
    last = columns.first + columns.low.shape[1] * columns.width
    assert min(stop, N) <= last < min(stop, N) + columns.width


def test_where_there_is_nothing_nothing_is_shown(screen: Screen) -> None:
    for ends in ((N + 5, N + 500), (-500, -5)):
        for eye in (Eye(), BAND):
            assert screen.see(*ends, 100, [0], eye).trace.low.shape == (1, 0)
    assert screen.see(0, 100, 100, [], Eye()).trace.low.shape == (0, 0)


@pytest.mark.slow
def test_a_short_stretch_is_filtered_at_once(screen: Screen) -> None:
    eye = Eye(20, 450, has_envelope=True)
    whole, level = filtered(
        screen.recording, Filter(eye.fitted(made.RATE_HZ), made.RATE_HZ), 0, N, [0, 1]
    )
    seen = screen.see(85_000, 95_000, 400, [0, 1], eye)
    assert (seen.share, seen.eye) == (1.0, eye.fitted(made.RATE_HZ))
    held_against(seen.trace, whole, atol=1e-3)
    assert level is not None
    assert seen.envelope is not None
    held_against(seen.envelope, level, atol=1e-3)


@pytest.mark.slow
def test_a_long_one_is_shown_unfiltered_until_its_pyramid_is_there(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen_module, "MOST_FILTERED", 1000)
    screen = Screen(recording)
    screen.wait()
    eye = Eye(20, 450, has_envelope=True)
    first = screen.see(0, N, 1000, [0, 1], eye)
    if first.share < 1:  # it may be whole already
        assert first.eye.is_plain
    screen.wait()
    seen = screen.see(0, N, 1000, [0, 1], eye)
    assert (seen.share, seen.eye) == (1.0, eye.fitted(made.RATE_HZ))
    assert seen.trace.width % BASE == 0
    whole, level = filtered(recording, Filter(eye.fitted(made.RATE_HZ), made.RATE_HZ), 0, N, [0, 1])
    held_against(seen.trace, whole, atol=1e-3)
    assert level is not None
    assert seen.envelope is not None
    held_against(seen.envelope, level, atol=1e-3)
    screen.close()


@pytest.mark.slow
def test_pages_with_other_filters_do_not_take_them_from_each_other(recording: Recording) -> None:
    screen = Screen(recording)
    eyes = [Eye(low, 450) for low in (20, 30, 40, 50)]
    for eye in eyes[:3]:
        screen.see(0, N, 1000, [0], eye)
    screen.wait()
    assert all(screen.see(0, N, 1000, [0], eye).eye == eye for eye in eyes[:3])
    screen.see(0, N, 1000, [0], eyes[3])  # one too many: the one that was asked for first goes
    screen.wait()
    assert all(screen.see(0, N, 1000, [0], eye).eye == eye for eye in eyes[1:])
    screen.close()


def test_a_file_that_cannot_be_read_on_is_said() -> None:
    def part(indexes: object, begin: int, stop: int) -> np.ndarray:
        raise OSError(5, "Input/output error")

    x = np.zeros((1, 200_000))
    base = made.recording(x)
    broken = Recording(**{**vars(base), "part": part})
    screen = Screen(broken)
    screen.wait()
    assert "Input/output error" in screen.problem
    with pytest.raises(RecordingError, match="cannot be read"):
        screen.check()
    with pytest.raises(RecordingError, match="cannot be read"):
        screen.see(0, 100, 100, [0], Eye())
    assert screen.see(0, 200_000, 100, [0], Eye()).share < 1
    assert Path("made.bdf").name in screen.problem


@pytest.mark.slow
def test_many_gaps_cost_as_much_as_many_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stretch between gaps is filtered by itself: a step takes no more of them than it can."""
    x = made.table(120_000, 1)
    holes = [(-1, at, at + 3) for at in range(0, 120_000, 1000)]
    smooth, holed = (Screen(made.recording(one)) for one in (x, made.holed(x, holes)))
    monkeypatch.setattr(screen_module, "MOST_FILTERED", 150_000)
    for screen, is_quick in ((smooth, True), (holed, False)):
        screen.wait()
        seen = screen.see(0, 60_000, 1400, [0], BAND)
        assert (seen.share == 1.0 and seen.trace.width == 43) == is_quick
        screen.wait()
        assert screen.see(0, 60_000, 1400, [0], BAND).eye == BAND
        screen.close()


def test_edges_of_gaps_are_counted_as_far_as_the_pyramid_is_filled(screen: Screen) -> None:
    trace = screen._plain.trace
    assert trace.n_edges(0, N, [0]) == 4
    assert trace.n_edges(80_000, 130_000, [0, 1]) == 4
    assert trace.n_edges(-100, 4000, [0, 1]) == 0
