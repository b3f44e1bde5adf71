from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from emgrig.analysis.signal.filters import (
    CASMEMG_CODE,
    PAPER_TEXT,
    Preprocessing,
    band_pass,
    envelope,
)
from emgrig.analysis.signal.live import LiveEnvelope
from emgrig.analysis.spotting.casmemg import casmemg_code
from places import DATA, SHARED
from properties import examples


def noise(n_samples: int, n_channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=5, size=(n_samples, n_channels))


@pytest.mark.slow
@pytest.mark.parametrize(("place", "n_clips"), [(DATA, 6), (SHARED, 40)])
def test_all_golden_clips_come_out_as_the_published_code_under_octave(
    place: Path, n_clips: int
) -> None:
    if not place.is_dir():
        pytest.skip("needs clips that have no licence to come along, in ../shared/data/casmemg")
    golden = np.load(place / "casmemg" / "baseline_golden.npz")
    clips = sorted({name.partition("__")[0] for name in golden.files})
    assert len(clips) == n_clips
    for clip in clips:
        ours = envelope(golden[f"{clip}__emg"], 1000.0)[:, 0]
        np.testing.assert_allclose(ours, golden[f"{clip}__envelope"], rtol=1e-10, atol=0)
        events = casmemg_code(golden[f"{clip}__emg"]) + 1
        np.testing.assert_array_equal(events[:, 0], golden[f"{clip}__onset"])
        np.testing.assert_array_equal(events[:, 1], golden[f"{clip}__offset"])


def test_scipys_padding_would_not_reproduce_the_golden_envelope() -> None:
    golden = np.load(DATA / "casmemg" / "baseline_golden.npz")
    scipy_padding = Preprocessing("scipy", mean_removed="after", padding="scipy")
    ours = envelope(golden["s002__emg"], 1000.0, preset=scipy_padding)[:, 0]
    assert not np.allclose(ours, golden["s002__envelope"], rtol=1e-6)


def test_the_envelope_equals_transfer_function_filtering_in_matlabs_manner() -> None:
    x = noise(3000)[:, 0]
    b, a = signal.butter(2, [20, 450], "band", fs=1000)
    banded = signal.filtfilt(b, a, x, padlen=3 * (len(a) - 1))
    b, a = signal.butter(2, 6, fs=1000)
    expected = signal.filtfilt(b, a, abs(banded - banded.mean()), padlen=3 * (len(a) - 1))
    np.testing.assert_allclose(envelope(x, 1000.0)[:, 0], expected, rtol=1e-9)


def test_each_channel_is_filtered_as_if_it_were_alone() -> None:
    many = noise(60_000, 5)
    together = envelope(many, 1000.0)
    for index in range(5):
        np.testing.assert_array_equal(together[:, [index]], envelope(many[:, index], 1000.0))


@pytest.mark.parametrize("frequency_hz", [20.0, 450.0])
def test_the_zero_phase_band_has_minus_6_db_at_its_edges(frequency_hz: float) -> None:
    t = np.arange(20_000) / 1000
    tone = np.sin(2 * np.pi * frequency_hz * t)
    inside = band_pass(tone, 1000.0)[5000:15_000, 0]
    ratio = np.sqrt(np.mean(inside**2) / np.mean(tone[5000:15_000] ** 2))
    assert 20 * np.log10(ratio) == pytest.approx(-6.02, abs=0.05)


def test_the_text_preset_delays_and_the_code_preset_does_not() -> None:
    x = np.zeros(4000)
    x[2000] = 1000.0
    code = envelope(x, 1000.0, preset=CASMEMG_CODE)[:, 0]
    text = envelope(x, 1000.0, preset=PAPER_TEXT)[:, 0]
    assert abs(int(code.argmax()) - 2000) < 3
    assert 20 < int(text.argmax()) - int(code.argmax()) < 80


def test_a_band_that_the_rate_cannot_carry_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"20-450 Hz does not fit in 250 samples a second"):
        envelope(noise(5000), 250.0)


@pytest.mark.parametrize("rate_hz", [0.0, -1000.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate_hz: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        envelope(noise(5000), rate_hz)


def test_a_record_shorter_than_the_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="12 samples; the filter needs more than 12"):
        envelope(noise(12), 1000.0)


@pytest.mark.parametrize(
    ("samples", "error"),
    [
        (np.array([]), ValueError),
        (np.zeros((3, 3, 3)), ValueError),
        (np.array(["1", "2"]), TypeError),
        (np.array([1j, 2.0] * 50), TypeError),
        (np.array([1.0, np.inf] * 50), ValueError),
    ],
)
def test_samples_that_are_no_record_are_refused(
    samples: np.ndarray, error: type[Exception]
) -> None:
    with pytest.raises(error):
        envelope(samples, 1000.0)


def test_a_gap_is_respected_and_never_filtered_across() -> None:
    x = noise(5000)
    whole = x.copy()
    x[2000:2100] = np.nan
    gapped = envelope(x, 1000.0)
    assert np.isnan(gapped[2000:2100]).all()
    np.testing.assert_array_equal(gapped[:2000], envelope(whole[:2000], 1000.0))
    np.testing.assert_array_equal(gapped[2100:], envelope(whole[2100:], 1000.0))


def test_a_stretch_too_short_between_gaps_becomes_a_gap() -> None:
    x = noise(5000)
    x[2000:2100] = np.nan
    x[2105:2200] = np.nan
    assert np.isnan(envelope(x, 1000.0)[2000:2200]).all()


def test_a_gap_in_one_channel_leaves_the_others_alone() -> None:
    x = noise(5000, 2)
    alone = envelope(x[:, 1], 1000.0)
    x[100:200, 0] = np.nan
    np.testing.assert_array_equal(envelope(x, 1000.0)[:, [1]], alone)


@pytest.mark.slow
@examples(30)
@given(
    cuts=st.lists(st.integers(1, 999), max_size=8),
    gap=st.integers(0, 900),
    mains=st.sampled_from([None, 50.0]),
)
def test_live_blocks_give_what_one_block_gives(
    cuts: list[int], gap: int, mains: float | None
) -> None:
    x = noise(1000, 2, seed=1) + 1e4
    x[gap : gap + 20, 0] = np.nan
    once = LiveEnvelope(1000.0, 2, mains_hz=mains).feed(x)
    live = LiveEnvelope(1000.0, 2, mains_hz=mains)
    edges = sorted({0, 1000, *cuts})
    parts = [live.feed(x[a:b]) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(parts), once)


def test_the_live_envelope_is_the_causal_filter_and_starts_without_a_step() -> None:
    x = noise(3000)[:, 0]
    sos = signal.butter(2, [20, 450], "band", fs=1000, output="sos")
    low = signal.butter(2, 6, fs=1000, output="sos")
    expected = signal.sosfilt(low, abs(signal.sosfilt(sos, x)))
    live = LiveEnvelope(1000.0, 1).feed(x + 187_000.0)[:, 0]
    np.testing.assert_allclose(live[1000:], expected[1000:], rtol=1e-4)
    assert live[:1000].max() < 10


def test_a_block_with_other_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="3 channels, expected 2"):
        LiveEnvelope(1000.0, 2).feed(noise(10, 3))
