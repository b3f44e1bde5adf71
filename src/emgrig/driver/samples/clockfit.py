"""Board time against host time, from many question-and-answer pairs.

An exchange says that the board's clock read `board_us` at some moment between `host_sent_s` and
`host_received_s`; that it was the middle is right to within half the delay. So those with the least
delay are worth most, and only they are used.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_STRETCHES = 64  #: Of each stretch of time the best exchange is used: so many stretches.
#: An exchange is used if its delay is below so many times the least delay of all (and 20 µs more).
DELAY_FACTOR = 3.0
DRIFT_BOUND_PPM = 1000.0  #: The drift is taken to be zero while its bound is above this.
#: A clock that is so slow stands still: no line leads from its time to ours.
STANDING_PPM = -999_000.0
RESOLUTION_US = 1.0  #: The board says its time in whole µs.
#: Pairs of exchanges nearer than this share of the whole span do not vote on the drift.
MIN_PAIR_SPAN = 0.25


@dataclass(frozen=True)
class ClockFit:
    """The line from board time to host time."""

    board_us: float  #: A point on the line: board time, µs, and host time (Unix), s.
    host_s: float
    #: How much faster the board's clock runs than the host's, ppm; 0 if it is not known.
    drift_ppm: float
    #: The drift is right to within this whatever the link does; infinite for one exchange.
    drift_bound_ppm: float
    #: Typical distance of the exchanges used from the line (1.4826 times the median), µs.
    residual_us: float
    #: Least delay there and back, µs; half of it bounds what the line may be off as a whole.
    delay_us: float
    n_used: int  #: How many exchanges were used, of how many.
    n_exchanges: int

    @property
    def is_drift_known(self) -> bool:
        """Whether the exchanges tell the drift; else it is taken to be 0."""
        return self.drift_bound_ppm <= DRIFT_BOUND_PPM

    def unix_s(self, board_us: float) -> float:
        """Host time (Unix), s, at which the board's clock reads `board_us`."""
        return self.host_s + (board_us - self.board_us) * 1e-6 / (1.0 + self.drift_ppm * 1e-6)

    def board_time_us(self, unix_s: float) -> float:
        """Board time, µs, at host time (Unix) `unix_s`, s; the inverse of `unix_s`."""
        return self.board_us + (unix_s - self.host_s) * (1e6 + self.drift_ppm)


def fit_clock(
    host_sent_s: NDArray[np.float64],
    board_us: NDArray[np.float64],
    host_received_s: NDArray[np.float64],
) -> ClockFit:
    """Fit board time to host time, robustly.

    Parameters
    ----------
    host_sent_s, host_received_s : ndarray of float64, shape (n_exchanges,)
        Host time before the question and after the answer, s.
    board_us : ndarray of float64, shape (n_exchanges,)
        What the board's clock said in between, µs.

    Raises
    ------
    ValueError
        If there is no exchange, the lengths differ, or an answer came before its question.
    """
    n_exchanges = len(board_us)
    if not n_exchanges or not len(host_sent_s) == n_exchanges == len(host_received_s):
        raise ValueError(
            f"{len(host_sent_s)}, {n_exchanges} and {len(host_received_s)} times; "
            "expected as many of each, at least one"
        )
    delay_s = host_received_s - host_sent_s
    if (delay_s < 0).any():
        raise ValueError("an answer came before its question: host times must be monotonic")
    host_s = host_sent_s + delay_s / 2
    used = _least_delay(host_s, delay_s)
    host_0, board_0 = float(host_s[used].mean()), float(board_us[used].mean())
    x = host_s[used] - host_0
    ahead_us = (board_us[used] - board_0) - x * 1e6
    span_s = float(np.ptp(x))
    # Each end of a pair is off by half its delay at most, and the pairs span a quarter or more.
    worst_us = float(delay_s[used].max()) * 1e6 + RESOLUTION_US
    bound_ppm = worst_us / (MIN_PAIR_SPAN * span_s) if span_s else np.inf
    drift_ppm = _median_slope(x, ahead_us) if bound_ppm <= DRIFT_BOUND_PPM else 0.0
    if drift_ppm <= STANDING_PPM:
        drift_ppm = 0.0
    offset_us = ahead_us - drift_ppm * x
    middle_us = float(np.median(offset_us))
    return ClockFit(
        board_us=board_0 + middle_us,
        host_s=host_0,
        drift_ppm=drift_ppm,
        drift_bound_ppm=float(bound_ppm),
        residual_us=float(1.4826 * np.median(np.abs(offset_us - middle_us))),
        delay_us=float(delay_s.min() * 1e6),
        n_used=int(used.size),
        n_exchanges=n_exchanges,
    )


def _least_delay(host_s: NDArray[np.float64], delay_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """Choose the best exchange of each stretch of time, if it is good enough."""
    span_s = float(np.ptp(host_s))
    stretch = np.zeros(len(host_s), np.intp)
    if span_s > 0:
        stretch = np.minimum(
            (host_s - host_s.min()) / span_s * N_STRETCHES, N_STRETCHES - 1
        ).astype(np.intp)
    order = np.lexsort((delay_s, stretch))
    best = order[np.flatnonzero(np.diff(stretch[order], prepend=-1))]
    limit_s = float(delay_s.min()) * DELAY_FACTOR + 20e-6
    return np.sort(best[delay_s[best] <= limit_s])


def _median_slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Slope of the line through most points: the median of that through every pair (Theil, Sen)."""
    first, second = np.triu_indices(len(x), 1)
    run, rise = x[second] - x[first], y[second] - y[first]
    apart = np.abs(run) >= MIN_PAIR_SPAN * float(np.ptp(x))  # near pairs vote by their noise
    return float(np.median(rise[apart] / run[apart]))
