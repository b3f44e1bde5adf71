"""The board's clock against the host's: robust against late answers, honest about what it knows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emgrig.driver.samples.clockfit import fit_clock
from properties import examples

Times = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def exchanges(
    n: int, span_s: float, drift_ppm: float, seed: int, *, late_share: float = 0.0
) -> Times:
    """Exchanges of a board whose clock read 5 s at Unix time 1.7e9 + 100."""
    rng = np.random.default_rng(seed)
    sent = 1.7e9 + 100 + np.sort(rng.uniform(0, span_s, n))
    there, back = 200e-6 + rng.exponential(100e-6, (2, n))
    late = rng.random(n) < late_share
    back = back + late * rng.uniform(0.01, 0.5, n)
    board = 5e6 + np.round((sent + there - 1.7e9 - 100) * (1e6 + drift_ppm))
    return sent, board, sent + there + back


@examples(40)
@given(
    st.floats(-150, 150),
    st.floats(60, 7200),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.3]),
)
def test_drift_and_offset_are_found_within_what_the_delays_allow(
    drift_ppm: float, span_s: float, seed: int, late_share: float
) -> None:
    sent, board, received = exchanges(200, span_s, drift_ppm, seed, late_share=late_share)
    fit = fit_clock(sent, board, received)
    assert abs(fit.drift_ppm - drift_ppm) <= fit.drift_bound_ppm
    assert fit.is_drift_known
    assert fit.delay_us == pytest.approx((received - sent).min() * 1e6)
    for board_us in (5e6, 5e6 + span_s * 0.5e6, 5e6 + span_s * 1e6):
        true_s = 1.7e9 + 100 + (board_us - 5e6) / (1e6 + drift_ppm)
        assert abs(fit.unix_s(board_us) - true_s) < 300e-6


def test_answers_that_came_late_are_left_out() -> None:
    sent, board, received = exchanges(100, 600.0, 30.0, 1)
    clean = fit_clock(sent, board, received)
    received[::2] += 0.2  # every second answer waits in a queue
    fit = fit_clock(sent, board, received)
    assert fit.n_exchanges == 100
    assert fit.n_used <= 50
    assert fit.drift_ppm == pytest.approx(clean.drift_ppm, abs=1.0)
    assert fit.residual_us < 200


def test_a_drift_that_cannot_be_known_is_not_made_up() -> None:
    sent, board, received = exchanges(8, 0.01, 0.0, 2)
    fit = fit_clock(sent, board, received)
    assert fit.drift_ppm == 0.0
    assert fit.drift_bound_ppm > 1000
    assert not fit.is_drift_known


def test_one_exchange_gives_the_offset() -> None:
    fit = fit_clock(np.array([10.0]), np.array([500.0]), np.array([10.2]))
    assert fit.unix_s(500.0) == pytest.approx(10.1)
    assert fit.drift_bound_ppm == np.inf
    assert (fit.n_used, fit.drift_ppm, fit.residual_us) == (1, 0.0, 0.0)


@pytest.mark.parametrize(
    ("sent", "board", "received", "said"),
    [
        ([], [], [], "at least one"),
        ([1.0], [1.0, 2.0], [1.0], "as many of each"),
        ([2.0], [1.0], [1.0], "before its question"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    sent: list[float], board: list[float], received: list[float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        fit_clock(np.array(sent), np.array(board), np.array(received))
