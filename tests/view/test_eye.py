"""Filters for the eye: scipy's over the whole stretch, and the same wherever the window begins."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from emgrig.view import layer as layer_module
from emgrig.view.eye import Eye, Filter
from emgrig.view.layer import Recent, filtered
from view import made

RATE_HZ = made.RATE_HZ
EYES = [
    Eye(20, 450),
    Eye(5, None),
    Eye(None, 100),
    Eye(None, None, 50),
    Eye(20, 450, 50, has_envelope=True),
    Eye(has_envelope=True),
]


def of_scipy(x: np.ndarray, eye: Eye) -> tuple[np.ndarray, np.ndarray | None]:
    """Filter a stretch without a gap with scipy's design and scipy's run."""
    fitted = eye.fitted(RATE_HZ)
    parts = []
    if fitted.low_hz is not None:
        band = (fitted.low_hz, fitted.high_hz)
        parts.append(signal.butter(2, band, "bandpass", fs=RATE_HZ, output="sos"))
    elif fitted.high_hz is not None:
        parts.append(signal.butter(2, fitted.high_hz, fs=RATE_HZ, output="sos"))
    if fitted.mains_hz is not None:
        top = fitted.high_hz or RATE_HZ / 2 - 2
        for hz in np.arange(fitted.mains_hz, min(top + fitted.mains_hz, RATE_HZ / 2 - 2) + 1, 50):
            b, a = signal.iirnotch(hz, hz / 2, fs=RATE_HZ)
            parts.append(np.concatenate([b, a])[None])
    context = Filter(fitted, RATE_HZ).context
    pad = Filter(replace(fitted, has_envelope=False), RATE_HZ).context
    y = signal.sosfiltfilt(np.vstack(parts), x, padlen=min(pad, x.size - 1)) if parts else x
    if not fitted.has_envelope:
        return y, None
    low = signal.butter(2, 6, fs=RATE_HZ, output="sos")
    return y, signal.sosfiltfilt(low, np.abs(y), padlen=min(context - pad, x.size - 1))


@pytest.mark.slow
@pytest.mark.parametrize("eye", EYES, ids=lambda one: one.words())
def test_a_stretch_is_filtered_as_scipy_does(eye: Eye) -> None:
    x = made.table(6000)
    trace, level = filtered(
        made.recording(x), Filter(eye.fitted(RATE_HZ), RATE_HZ), 0, 6000, [0, 1]
    )
    for channel in (0, 1):
        expected, envelope = of_scipy(x[channel], eye)
        np.testing.assert_allclose(trace[channel], expected, atol=1e-6)
        assert (level is None) == (envelope is None)
        if level is not None and envelope is not None:
            np.testing.assert_allclose(level[channel], envelope, atol=1e-6)


HOLES = [(-1, 9000, 9007), (0, 9100, 9101), (-1, 15_000, 17_000), (1, 0, 3)]


@pytest.mark.slow
@given(st.sampled_from(EYES), st.integers(0, 29_999), st.integers(1, 4000))
def test_what_is_shown_does_not_depend_on_where_the_window_begins(
    eye: Eye, begin: int, n: int
) -> None:
    trace, level = _whole(eye)
    end = min(begin + n, 30_000)
    one = Filter(eye.fitted(RATE_HZ), RATE_HZ)
    part, part_level = filtered(RECORDING, one, begin, end, [1, 0])
    # The offset is 240 mV; what is left of it is less than a billionth.
    np.testing.assert_allclose(part, trace[[1, 0], begin:end], atol=1e-3, rtol=0)
    if level is not None and part_level is not None:
        np.testing.assert_allclose(part_level, level[[1, 0], begin:end], atol=1e-3, rtol=0)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.sampled_from(EYES[:5]), st.integers(0, 29_000), st.integers(1, 3000)),
        min_size=2,
        max_size=5,
    )
)
def test_a_step_shows_the_same_whatever_was_shown_before_it(
    steps: list[tuple[Eye, int, int]],
) -> None:
    recent = Recent(RECORDING)
    for eye, begin, n in steps:
        end = min(begin + n, 30_000)
        trace, level = _whole(eye)
        one = Filter(eye.fitted(RATE_HZ), RATE_HZ)
        part, part_level = recent.filtered(one, begin, end, [1, 0])
        np.testing.assert_allclose(part, trace[[1, 0], begin:end], atol=1e-3, rtol=0)
        assert (level is None) == (part_level is None)
        if level is not None and part_level is not None:
            np.testing.assert_allclose(part_level, level[[1, 0], begin:end], atol=1e-3, rtol=0)


def test_of_a_step_to_the_side_only_what_is_new_is_filtered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []

    def counted(_: object, __: object, begin: int, end: int, channels: list[int]) -> object:
        asked.append((begin, end))
        return np.full((len(channels), end - begin), float(begin)), None

    monkeypatch.setattr(layer_module, "filtered", counted)
    recent, one = Recent(RECORDING), Filter(Eye(20, 450), RATE_HZ)
    for window in ((1000, 3000), (1500, 3500), (2000, 2500), (1000, 4000), (1000, 4000)):
        trace, _ = recent.filtered(one, *window, [0, 1])
        assert trace.shape == (2, window[1] - window[0])
    assert asked == [(1000, 3000), (3000, 3500), (1000, 1500), (3500, 4000)]
    begins = np.repeat([1000, 1000, 3000, 3500], [500, 1500, 500, 500])
    np.testing.assert_array_equal(trace[1], begins)
    recent.filtered(one, 1000, 4000, [1])
    recent.filtered(Filter(Eye(30, 450), RATE_HZ), 1000, 4000, [1])
    assert asked[-2:] == [(1000, 4000)] * 2


RECORDING = made.recording(made.holed(made.table(30_000), HOLES))
_KNOWN: dict[Eye, tuple[np.ndarray, np.ndarray | None]] = {}


def _whole(eye: Eye) -> tuple[np.ndarray, np.ndarray | None]:
    if eye not in _KNOWN:
        one = Filter(eye.fitted(RATE_HZ), RATE_HZ)
        _KNOWN[eye] = filtered(RECORDING, one, 0, 30_000, [0, 1])
    return _KNOWN[eye]


def test_gaps_stay_gaps_and_nothing_is_filtered_across_them() -> None:
    x = made.holed(made.table(4000), [(-1, 1500, 1600), (0, 1700, 1701)])
    other = x.copy()
    other[:, 1600:] += 5000  # what lies behind a gap does not reach over it
    one = Filter(Eye(20, 450).fitted(RATE_HZ), RATE_HZ)
    (trace, _), (changed, _) = (
        filtered(made.recording(v), one, 0, 4000, [0, 1]) for v in (x, other)
    )
    np.testing.assert_array_equal(np.isnan(trace), np.isnan(x))
    np.testing.assert_array_equal(trace[:, :1500], changed[:, :1500])


def test_a_few_samples_between_gaps_are_shown_too() -> None:
    x = made.holed(made.table(500), [(-1, 0, 100), (-1, 101, 200), (-1, 204, 500)])
    one = Filter(Eye(20, 450, has_envelope=True).fitted(RATE_HZ), RATE_HZ)
    trace, level = filtered(made.recording(x), one, 0, 500, [0])
    assert np.flatnonzero(np.isfinite(trace[0])).tolist() == [100, 200, 201, 202, 203]
    assert level is not None
    assert np.isfinite(level[0, 200:204]).all()


def test_a_filter_is_narrowed_to_what_the_rate_carries() -> None:
    assert Eye(20, 450).fitted(500) == Eye(20, 225)
    assert Eye(20, None).fitted(1000) == Eye(20, 450)
    assert Eye(None, 450).fitted(1000) == Eye()
    assert Eye(None, None, 50).fitted(100) == Eye()
    assert Eye(has_envelope=True).fitted(2000) == Eye(20, 450, has_envelope=True)
    # Of what lies below the band an envelope would show the offset of the electrodes.
    assert Eye(None, 90, has_envelope=True).fitted(1000) == Eye(20, 90, has_envelope=True)
    assert Eye().is_plain


@pytest.mark.parametrize(
    ("eye", "said"),
    [
        (Eye(0.1, 100), "at least 0.5"),
        (Eye(-1, 100), "above 0"),
        (Eye(None, float("nan")), "above 0"),
        (Eye(100, 50), "below the upper"),
        (Eye(300, 450), "below the upper"),
        (Eye(None, None, float("inf")), "above 0"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(eye: Eye, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        eye.fitted(500)


def test_words_say_what_is_done() -> None:
    assert Eye().words() == "unfiltered"
    assert Eye(20, 450, 50, has_envelope=True).words() == (
        "20-450 Hz, notches at 50 Hz and multiples, envelope 6 Hz"
    )
    assert Eye(None, 100).words() == "below 100 Hz"
