"""Our filters against scipy's, which are never imported where `emgrig analyse` runs."""

import numpy as np
import pytest
from scipy import signal
from scipy.ndimage import uniform_filter1d

from emgrig.analysis.signal import recursive
from emgrig.analysis.signal.cleaning import subtract_mains

#: Samples: a few, around one block and around several strips of blocks.
LENGTHS = [30, 31, 32, 33, 4095, 4096, 4097, 16_383, 16_384, 16_385, 60_001]


def noise(n_samples: int) -> np.ndarray:
    return np.random.default_rng(n_samples).normal(3.0, 5.0, n_samples)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("band_hz", [(20.0, 450.0), (30.0, 450.0), (5.0, 60.0), (2.0, 495.0)])
def test_a_band_pass_is_scipys(order: int, band_hz: tuple[float, float]) -> None:
    theirs = signal.butter(order, band_hz, "band", fs=1000, output="sos")
    ours = recursive.band_pass(order, band_hz, 1000.0)
    x = noise(30_011)
    expected = signal.sosfilt(theirs, x)
    np.testing.assert_allclose(recursive.forward(ours, x), expected, atol=1e-10, rtol=0)
    assert np.abs(ours[:, 4:]).max() <= 2
    assert all(np.abs(np.roots(row[3:])).max() < 1 for row in ours)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("edge_hz", [2.0, 6.0, 12.0, 200.0, 480.0])
def test_a_low_pass_is_scipys(order: int, edge_hz: float) -> None:
    theirs = signal.butter(order, edge_hz, fs=1000, output="sos")
    ours = recursive.low_pass(order, edge_hz, 1000.0)
    x = noise(30_011)
    np.testing.assert_allclose(
        recursive.forward(ours, x), signal.sosfilt(theirs, x), atol=1e-10, rtol=0
    )


@pytest.mark.parametrize("ends", ["odd", "even"])
@pytest.mark.parametrize("n_samples", LENGTHS)
def test_both_ways_is_sosfiltfilt_at_every_length_of_blocks(n_samples: int, ends: str) -> None:
    x = noise(n_samples)
    given = x.copy()
    band = signal.butter(2, (20, 450), "band", fs=1000, output="sos")
    notches = [np.concatenate(signal.iirnotch(f, f / 2, fs=1000)) for f in range(50, 500, 50)]
    for sections in (band, signal.butter(2, 6, fs=1000, output="sos"), np.array(notches)):
        for pad in (0, 12, 29):
            expected = signal.sosfiltfilt(sections, x, padtype=ends, padlen=pad)
            ours = recursive.both_ways(sections, x, pad, ends=ends)  # type: ignore[arg-type]
            np.testing.assert_allclose(ours, expected, atol=1e-10, rtol=0)
    np.testing.assert_array_equal(x, given)


def test_a_record_shorter_than_its_extension_is_refused() -> None:
    with pytest.raises(ValueError, match="12 samples; the filter needs more than 12"):
        recursive.both_ways(recursive.low_pass(2, 6.0, 1000.0), np.zeros(12), 12)


def one_by_one(x: np.ndarray, rate_hz: float, mains_hz: float) -> np.ndarray:
    """Subtract each harmonic for itself, averages over the whole record by scipy."""
    window = round(2 * rate_hz)

    def average(values: np.ndarray) -> np.ndarray:
        for _ in range(2):
            values = uniform_filter1d(values, window, mode="constant")
        return values

    sections = signal.butter(1, 12.0, fs=rate_hz, output="sos")
    power = np.abs(signal.sosfiltfilt(sections, x * x, padtype="even", padlen=window // 4))
    weight = 1 / np.maximum(power, 1e-12 + 1e-3 * power.mean())
    total, count = average(weight), np.arange(x.size)
    fit = average(weight * x * np.exp(-2j * np.pi * mains_hz / rate_hz * count)) / total
    lag = window // 2
    off = np.angle(np.vdot(fit[:-lag], fit[lag:])) / (2 * np.pi * lag)
    turns = (mains_hz / rate_hz + off) * count
    clean = x.copy()
    for harmonic in range(1, int(0.495 * rate_hz / mains_hz) + 1):
        carrier = np.exp(-2j * np.pi * harmonic * turns)
        clean -= 2 * (average(weight * x * carrier) / total * carrier.conj()).real
    return clean


def with_mains(n_samples: int, rate_hz: float, mains_hz: float) -> np.ndarray:
    turns = (mains_hz + 0.013) / rate_hz * np.arange(n_samples)
    x = noise(n_samples) - 3 + 30 * np.sin(2 * np.pi * turns) + 9 * np.sin(6 * np.pi * turns)
    x[n_samples // 3 : n_samples // 2] *= 4
    return np.asarray(x)


@pytest.mark.parametrize(
    ("n_samples", "rate_hz", "mains_hz"),
    [(2000, 1000, 50), (2901, 1000, 60), (4000, 1000, 50), (45_003, 1000, 50), (20_001, 512.5, 50)],
)
def test_one_convolution_subtracts_what_each_harmonic_by_itself_does(
    n_samples: int, rate_hz: float, mains_hz: float
) -> None:
    x = with_mains(n_samples, rate_hz, mains_hz)
    ours = subtract_mains(x[:, np.newaxis], rate_hz, mains_hz=mains_hz)[:, 0]
    np.testing.assert_allclose(ours, one_by_one(x, rate_hz, mains_hz), atol=1e-7, rtol=0)


def test_a_gap_longer_than_the_average_leaves_the_rest_cleaned() -> None:
    x = with_mains(60_000, 1000.0, 50.0)
    x[20_000:40_000] = np.nan
    ours = subtract_mains(x[:, np.newaxis], 1000.0)[:, 0]
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(x))
    assert np.nanstd(ours[:19_000]) < 8  # 22 of mains are in it before
    assert np.nanstd(ours[41_000:]) < 8
