"""What is said of a channel's quality."""

import numpy as np
import pytest

from emgrig.analysis.signal.quality import MAINS_DB, ChannelQuality, assess

RATE_HZ, SECONDS, REST_UV = 1000.0, 60, 2.0


def record(mains_uv: float, *, mains_hz: float = 50.0, seed: int = 0) -> np.ndarray:
    """Rest, and mains."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(SECONDS * round(RATE_HZ)) / RATE_HZ
    return rng.normal(scale=REST_UV, size=t_s.size) + mains_uv * np.sin(2 * np.pi * mains_hz * t_s)


def with_contractions(x: np.ndarray, every_s: float, length_s: float) -> np.ndarray:
    """Add bursts of 20 times the rest."""
    rng, out = np.random.default_rng(9), x.copy()
    n = round(length_s * RATE_HZ)
    for at in range(700, x.size - n, round(every_s * RATE_HZ)):
        out[at : at + n] += rng.normal(scale=20 * REST_UV, size=n)
    return out


def with_gaps(x: np.ndarray) -> np.ndarray:
    """Lose 5 samples every three seconds, and once ten seconds."""
    out = x.copy()
    for at in range(1500, x.size, 3000):
        out[at : at + 5] = np.nan
    out[20_000:30_000] = np.nan
    return out


def quality(x: np.ndarray) -> ChannelQuality:
    (one,) = assess(x, RATE_HZ)
    return one


def expected_db(mains_uv: float) -> float:
    """Power of a line over that of white noise in a bin: 2 s, Hann's equivalent width 1.5 bins."""
    in_a_bin = 2 * REST_UV**2 / RATE_HZ * 1.5 / 2  # uV^2
    return float(10 * np.log10(mains_uv**2 / 2 / in_a_bin))


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("mains_uv", [0.5, 6.0, 40.0])
def test_the_height_of_mains_is_that_of_the_line_over_the_noise(
    mains_uv: float, mains_hz: float
) -> None:
    found = quality(record(mains_uv, mains_hz=mains_hz))
    assert found.mains_hz == mains_hz
    assert found.mains_db == pytest.approx(expected_db(mains_uv), abs=1)


@pytest.mark.parametrize(
    ("every_s", "length_s"), [(10.0, 0.2), (6.0, 0.5), (6.0, 2.0), (6.0, 3.0), (20.0, 12.0)]
)
@pytest.mark.parametrize("mains_uv", [0.5, 6.0])
def test_contractions_do_not_change_the_height_of_mains(
    mains_uv: float, every_s: float, length_s: float
) -> None:
    """A mean over all windows gave 35 dB without and 12 with them, and the mains stayed in."""
    rest = record(mains_uv)
    active = quality(with_contractions(rest, every_s, length_s))
    assert active.mains_db == pytest.approx(quality(rest).mains_db, abs=1)
    assert active.mains_hz == 50.0


def test_gaps_do_not_change_the_height_of_mains() -> None:
    rest = record(6.0)
    assert quality(with_gaps(rest)).mains_db == pytest.approx(quality(rest).mains_db, abs=1)
    both = quality(with_gaps(with_contractions(rest, 6.0, 2.0)))
    assert both.mains_db == pytest.approx(quality(rest).mains_db, abs=1)


def test_windows_are_taken_from_both_sides_of_a_gap() -> None:
    """Mains begins behind the gap, in the shorter stretch: the longest one shows nothing of it."""
    x = record(0.0)
    x[34_000:] = record(6.0)[34_000:]
    x[33_000:34_000] = np.nan
    assert quality(x).mains_hz == 50.0


@pytest.mark.parametrize("seed", range(5))
def test_without_mains_none_is_said(seed: int) -> None:
    for x in (record(0.0, seed=seed), with_contractions(record(0.0, seed=seed), 6.0, 2.0)):
        found = quality(with_gaps(x))
        assert np.isnan(found.mains_hz)
        assert found.mains_db < MAINS_DB / 2


@pytest.mark.parametrize(("begin", "end"), [(8000, 12_000), (8000, 20_000)])
def test_where_a_cable_is_off_nothing_is_decided(begin: int, end: int) -> None:
    x = record(6.0)
    x[begin:end] = 0.0
    assert quality(x).mains_db == pytest.approx(expected_db(6.0), abs=1)
    x[begin:end:2] = 1e-9
    assert quality(x).mains_db == pytest.approx(expected_db(6.0), abs=1)


def test_too_short_a_stretch_gives_none() -> None:
    x = record(6.0)
    x[1900::1901] = np.nan
    assert np.isnan(quality(x).mains_db)


@pytest.mark.parametrize(
    ("places", "words"),
    [([7], "1 sample missing in 1 gap"), ([7, 8, 400], "3 samples missing in 2 gaps")],
)
def test_what_is_missing_is_counted_in_words(places: list[int], words: str) -> None:
    x = record(0.0)
    x[places] = np.nan
    assert quality(x).remarks == (words,)
