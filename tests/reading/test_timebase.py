"""Time bases by hand: what each stamp, index and clock says, and the refusals with both values."""

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.reading.indices import by_index
from emgrig.reading.runs import Runs
from emgrig.reading.timebase import agree, from_records, from_times

NOISE = [np.random.default_rng(0).normal(size=2000)]


def places(base: object) -> list[int]:
    return base.runs.positions.tolist()  # type: ignore[attr-defined]


def test_steady_stamps_are_one_run() -> None:
    base = from_times(7 + np.arange(50) / 250, None)
    assert (base.rate_hz, base.runs.is_steady, base.rate_from) == (250, True, "the time column")


def test_a_gap_lies_where_the_stamps_say() -> None:
    base = from_times(np.r_[0:10, 14:20] / 100, None)
    assert places(base) == [*range(10), *range(14, 20)]
    assert base.runs.gaps.tolist() == [[10, 14]]


def test_a_rate_of_its_own_is_kept_where_it_is_told_from_a_round_one() -> None:
    assert from_times(np.arange(20_000) / 999.9, None).rate_hz == pytest.approx(999.9, rel=1e-9)
    assert from_times(np.arange(300) / 1000.0001, None).rate_hz == 1000


def test_stamps_that_were_rounded_keep_their_rate() -> None:
    """512 Hz in ms: steps of 1 and 2 ms."""
    base = from_times((np.arange(5000) / 512).round(3), None)
    assert base.rate_hz == pytest.approx(512, abs=1e-3)
    assert base.runs.is_steady


@pytest.mark.parametrize(
    ("time_s", "said"),
    [
        ([0.0, 0.1, float("nan"), 0.3], "has no time in row 3"),
        ([0.0, 0.1, 1e300, 1e300], "has no time in row 3, but 1e[+]300"),
        ([0.0, 0.2, 0.1, 0.3], r"goes back in row 3, from 0\.2 to 0\.1 s"),
        ([5.0, 5.0, 5.0, 5.0], "stands still at 5 s"),
        ([0.0, 0.1], "2 rows have a time"),
        ([*np.arange(90) / 100, 1e12], "its times put 91 rows over 1e[+]14 samples"),
        (np.cumsum(np.random.default_rng(1).exponential(1, 400)), "does not run at a steady rate"),
    ],
)
def test_stamps_that_are_none_are_refused(time_s: list[float], said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        from_times(np.array(time_s), None)


def test_a_stated_rate_that_contradicts_is_refused_with_both() -> None:
    with pytest.raises(RecordingError, match=r"gives 1000 Hz, the header says 500 Hz"):
        from_times(np.arange(100) / 1000, (500.0, "the header"))


def test_rows_that_stand_twice_are_left_out_wherever_they_stand() -> None:
    time_s = np.r_[0:10, 5:10, 10:20] / 100
    values = np.r_[0:10, 5:10, 10:20].astype(float)
    base = from_times(time_s, None, columns=[values])
    assert base.runs.spread(values).tolist() == list(range(20))
    assert base.remarks == ("5 rows stood twice and were left out",)
    with pytest.raises(RecordingError, match="goes back in row 11"):
        from_times(time_s, None, columns=[values + np.arange(25)])


def test_a_row_twice_under_stamps_too_coarse_for_it() -> None:
    """2 kHz in ms: two rows a stamp, and one of them twice."""
    rows = np.r_[0:101, 100:400]
    values = NOISE[0][rows]
    base = from_times((rows / 2000).round(3), None, columns=[values])
    assert base.runs.n_samples == 400


def test_jitter_is_said_and_one_that_hides_losses_is_refused() -> None:
    rng = np.random.default_rng(2)
    time_s = np.maximum.accumulate(np.arange(4000) / 1000 + rng.uniform(0, 0.004, 4000))
    base = from_times(time_s, None)
    assert base.runs.is_steady
    assert base.rate_hz == pytest.approx(1000, rel=1e-4)
    assert "a loss shorter than" in base.remarks[0]
    with pytest.raises(RecordingError, match="does not run at a steady rate"):
        from_times(np.delete(time_s, np.s_[1000:1004]), (1000.0, "the header"))


# Sample index.


@pytest.mark.parametrize(
    "count",
    [
        lambda n: n % 256,
        lambda n: 2 * n % 256,
        lambda n: n % 201,
        lambda n: n // 2 % 101,
        lambda n: (n % 201 + 1) // 2,
        lambda n: n % 128,
        lambda n: n % 16,
        lambda n: n + 1000,
    ],
)
def test_the_index_in_all_its_cycles(count) -> None:
    """Cyton, Daisy, Ganglion in three ways, 0-127, OpenSignals, and one that never begins anew."""
    rows = np.arange(1000)
    assert by_index(count(rows).astype(float), 250, "x", [NOISE[0][:1000]]).runs.is_steady
    lost = np.r_[0:500, 507:1000]
    found = by_index(count(lost).astype(float), 250, "x", [NOISE[0][lost]])
    kept = lost if found.runs.positions[-1] == 999 else None
    assert kept is not None
    assert abs(found.runs.positions - lost).max() <= 1  # of a pair the half is not known


def test_whole_cycles_are_told_by_the_clock_alone() -> None:
    rows = np.r_[0:400, 1000:1500]
    index, clock = (rows % 256).astype(float), rows / 250
    assert places(by_index(index, 250, "x", NOISE[:0], clock)) == rows.tolist()
    without = by_index(index, 250, "x", NOISE[:0])
    assert without.remarks == ("the index does not tell a loss of 256 samples or more",)


def test_a_clock_that_is_held_up_loses_nothing() -> None:
    """A buffer of two seconds: rows arrive together; nothing is missing."""
    rows = np.arange(1500)
    clock = rows / 250
    clock[500:1000] = np.maximum(clock[500:1000], clock[1000])
    assert by_index((rows % 256).astype(float), 250, "x", NOISE[:0], clock).runs.is_steady


def test_the_clock_gives_the_true_rate() -> None:
    rows = np.arange(20_000)
    found = by_index((rows % 256).astype(float), 250, "the heading", NOISE[:0], rows / 249.8)
    assert found.rate_hz == pytest.approx(249.8, rel=1e-6)
    assert found.rate_from == "the time stamps"
    assert "the time stamps give 249.8 Hz, the heading says 250 Hz" in found.remarks[-1]
    with pytest.raises(RecordingError, match="give 125 Hz, the heading says 250 Hz"):
        by_index((rows % 256).astype(float), 250, "the heading", NOISE[:0], rows / 125)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ([1.0, 2.5, 3.0], "whole numbers"),
        ([1.0, float("nan"), 3.0], "whole numbers"),
        ([1.0, 1e300, 3.0], "whole numbers"),
        ([3.0, 3.0, 3.0, 3.0], "does not count"),
        ([*range(50), 47, *range(50, 60)], r"goes back in row 51, from 49 to 47"),
        ([*range(256), 0, 1, 2, 99, *range(4, 40)], "row 260 has the index 99 between 2 and 4"),
        ([*range(90), 9e14], "its times put 91 rows over"),
    ],
)
def test_an_index_that_is_none_is_refused(index: list[float], said: str) -> None:
    values = [NOISE[0][: len(index)]]
    with pytest.raises(RecordingError, match=said):
        by_index(np.array(index, float), 250, "x", values)


def test_a_block_that_stands_twice_is_no_loss_of_the_rest_of_a_cycle() -> None:
    rows = np.r_[0:600, 550:1000]
    found = by_index((rows % 256).astype(float), 250, "x", [NOISE[0][rows]])
    assert found.runs.n_samples == 1000
    assert found.remarks == ("50 rows stood twice and were left out",)


# Data records.


def test_records_lie_where_their_stamps_say() -> None:
    places, rate_hz, said = from_records(np.array([0.0, 1, 2, 5, 6]), 1.0, 100, is_continuous=False)
    assert (places.tolist(), rate_hz) == ([0, 100, 200, 500, 600], 100)
    assert said == ("1 pause between data records: 200 samples are missing",)


def test_records_that_overlap_are_refused_with_both_times() -> None:
    with pytest.raises(RecordingError, match=r"record 3 begins at 1.5 s, .* \(2 s\)"):
        from_records(np.array([0.0, 1, 1.5]), 1.0, 100, is_continuous=False)


def test_a_clock_a_little_fast_is_a_rate_and_no_pause() -> None:
    _, rate_hz, said = from_records(np.arange(600) * 1.0001, 1.0, 1000, is_continuous=True)
    assert rate_hz == pytest.approx(1000 / 1.0001, rel=1e-9)
    assert "the header 1000 Hz" in said[0]


def test_a_million_years_between_records_are_refused() -> None:
    with pytest.raises(RecordingError, match="its times put"):
        from_records(np.array([0.0, 1, 3e13]), 1.0, 1000, is_continuous=False)


# The rest.


def test_a_told_rate_is_taken_or_refused() -> None:
    assert agree(None, 250.0) == (250.0, "as told")
    assert agree((250.0, "the header"), 250.5) == (250.0, "the header")
    with pytest.raises(ValueError, match=r"--rate 500 contradicts the file: the header says 250"):
        agree((250.0, "the header"), 500.0)


def test_runs_know_the_sample_of_a_row() -> None:
    runs = Runs.at(np.array([0, 1, 5, 6]), np.array([0, 1, 3, 4]))
    assert [runs.sample_of(row) for row in range(5)] == [0, 1, 1, 5, 6]
    assert runs.spread(np.arange(5.0)).tolist()[:2] == [0, 1]
    assert np.isnan(runs.spread(np.arange(5.0))[2:5]).all()
