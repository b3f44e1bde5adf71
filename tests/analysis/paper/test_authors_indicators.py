"""The authors' MVC% and iEMG against their own code's answers, and the times that they rest on."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.analysis.paper.annotations import Expression
from emgrig.analysis.paper.authors_indicators import (
    authors_envelope,
    authors_indicators,
    both_ways,
    our_indicators,
)
from emgrig.analysis.paper.casmemg_files import write_casmemg_mat
from emgrig.analysis.paper.synthetic import lost_rows
from emgrig.reading import open_recording
from places import SHARED
from properties import examples

GOLDEN = SHARED / "casmemg" / "indicators_golden.npz"


@pytest.mark.parametrize("name", ["r0", "r1", "r3", "r4"])
def test_the_indicators_are_those_of_the_published_files(name: str) -> None:
    """Under GNU Octave 7, on four made-up recordings, two of them with lost rows."""
    if not GOLDEN.is_file():
        pytest.skip("needs what the published code answers, in ../shared/data/casmemg")
    with np.load(GOLDEN) as golden:
        table = golden[f"{name}__table"].astype(np.float64)
        (channel,), (onset_s,) = golden[f"{name}__channel"], golden[f"{name}__onset_s"]
        (offset_s,), expected_uv = golden[f"{name}__offset_s"], golden[f"{name}__envelope"]
        (peak_uv,), (iemg,) = golden[f"{name}__peak"], golden[f"{name}__iemg"]
    is_lost = table[:, 8] == -1
    kept_uv = authors_envelope(table[:, channel - 1], is_lost)
    np.testing.assert_allclose(kept_uv, expected_uv, rtol=1e-10, atol=1e-10 * expected_uv.max())
    found = authors_indicators(kept_uv, is_lost, round(onset_s * 1000), round(offset_s * 1000))
    assert found.peak_uv == pytest.approx(peak_uv, rel=1e-10)
    assert found.iemg == pytest.approx(iemg, rel=1e-10)


def expression(onset_ms: int, offset_ms: int, channel: int = 5) -> Expression:
    return Expression(
        2, 1, 1, channel, 0.0, None, 1.0, onset_ms, None, offset_ms
    )  # fmt: skip


@examples(40)
@given(
    onset_ms=st.integers(0, 4000),
    length_ms=st.integers(2, 900),
    lost=st.sets(st.integers(0, 5999), max_size=400),
)
def test_their_window_is_where_their_counting_leads(
    onset_ms: int, length_ms: int, lost: set[int]
) -> None:
    """Rows are numbered, and thrown away one by one as their loops do."""
    is_lost = np.array([row in lost for row in range(6000)])
    kept = [row for row in range(199, 6000) if row not in lost]
    # Their window, rows counted from 1: round(onset x 1000 + 200) to round(offset x 1000 + 200).
    first, last = kept[onset_ms + 200 - 1], kept[onset_ms + length_ms + 200 - 1]
    height = np.arange(float(len(kept)))  # rises: its maximum in the window tells the last row
    found = authors_indicators(height, is_lost, onset_ms, onset_ms + length_ms)
    assert found.rows == (first, last + 1)
    assert found.peak_uv == kept.index(last)


def test_without_loss_theirs_is_398_ms_late_and_a_sample_longer() -> None:
    samples_uv = np.random.default_rng(1).normal(size=(9000, 8))
    (found,) = both_ways(samples_uv, [expression(3000, 3300)])
    assert (found.late_ms, found.longer_ms) == (398, 1)
    assert found.ours.rows == (3000, 3300)


def test_what_was_lost_before_moves_their_window_on_and_ours_not() -> None:
    samples_uv = np.random.default_rng(3).normal(scale=2, size=(12_000, 8))
    samples_uv[5000:5400] *= 50
    samples_uv[2000:2300] = np.nan
    (found,) = both_ways(samples_uv, [expression(5000, 5400)])
    assert found.late_ms == 398 + 300
    assert found.authors.peak_uv is not None
    assert found.ours.peak_uv is not None
    assert found.authors.peak_uv < 0.1 * found.ours.peak_uv  # it looks where the burst is over
    assert found.peak_percent == pytest.approx(
        100 * (found.authors.peak_uv / found.ours.peak_uv - 1)
    )


def test_a_gap_inside_is_said_and_not_bridged() -> None:
    envelope_uv = np.linspace(0.0, 1.0, 1000)
    envelope_uv[450:460] = np.nan
    found = our_indicators(envelope_uv, 400, 500)
    assert found.iemg is None
    assert found.peak_uv == pytest.approx(envelope_uv[499])
    assert our_indicators(envelope_uv, 452, 458).peak_uv is None


@pytest.mark.parametrize("span", [(-1, 20), (20, 20), (900, 1001)])
def test_a_window_outside_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="lies outside of the 1000"):
        our_indicators(np.ones(1000), *span)
    with pytest.raises(ValueError, match="lies outside of the 801 rows that are kept"):
        authors_indicators(np.ones(801), np.zeros(1000, bool), *span)


def test_a_flat_channel_has_no_integral() -> None:
    with pytest.raises(ValueError, match="does not vary"):
        our_indicators(np.ones(1000), 100, 200)


def test_eleven_columns_come_back_with_their_gaps(tmp_path: Path) -> None:
    samples_uv = np.random.default_rng(2).normal(scale=50, size=(4000, 7))
    is_lost = np.zeros(4000, bool)
    is_lost[[0, 700, 701, 3999]] = True
    write_casmemg_mat(tmp_path / "01_2.mat", samples_uv, is_lost=is_lost)
    found = open_recording(tmp_path / "01_2.mat")
    matrix = found.matrix()
    assert matrix.shape == (4000, 8)
    np.testing.assert_array_equal(np.isnan(matrix).all(axis=1), is_lost)
    np.testing.assert_allclose(matrix[~is_lost, :7], samples_uv[~is_lost])


@pytest.mark.parametrize("percent", [0.0, 0.5, 20.0])
def test_packets_are_lost_whole_and_as_many_as_asked(percent: float) -> None:
    is_lost = lost_rows(100_000, percent, seed=4)
    np.testing.assert_array_equal(is_lost[:100_000].reshape(-1, 16).sum(axis=1) % 16, 0)
    assert percent <= 100 * is_lost.mean() < percent + 0.16  # the last burst: at most 10 packets
    np.testing.assert_array_equal(is_lost, lost_rows(100_000, percent, seed=4))
