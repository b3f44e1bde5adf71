"""The board's sample clock against the host's: rate, drift, jitter, Allan deviation.

A reading of the host's clock when a packet arrives is always late, never early: the link delays
it. The line is therefore laid along the earliest arrivals, not through the middle.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.samples import checked_rate
from emgrig.calibration.figures.uncertainty import Component, Result, combine, coverage_factor

PPM = 1e6


@dataclass(frozen=True)
class ClockFit:
    """The board's clock as the host saw it.

    `error_ppm` is actual over nominal rate less 1, positive for a fast board; its drift has a type
    A uncertainty only. `board_epoch_host_s` is the host time at which the board's clock stood at
    zero, with the least delay of the link. `delay_rms_s` and `delay_max_s` are the spread of the
    arrivals after the earliest: jitter of link and host, not of the sampling.
    """

    error_ppm: Result
    rate_hz: Result
    drift_ppm_per_hour: Result
    board_epoch_host_s: float
    delay_rms_s: float
    delay_max_s: float


def fit_clock(
    board_s: ArrayLike,
    host_s: ArrayLike,
    nominal_rate_hz: float,
    *,
    host_ppm_uncertainty: float,
    n_windows: int = 40,
    always_late: bool = True,
) -> ClockFit:
    """Fit the board's clock to pairs of board time and host time.

    `board_s`, shape (n,), is conversion number over `nominal_rate_hz`, s, increasing: of
    conversions, not of samples that arrived, since lost ones must be counted. `host_s` is the
    host's monotonic clock at each of them, s; `host_ppm_uncertainty` the standard uncertainty of
    that clock (type B): about 30 for a bare PC crystal, under 1 with NTP or PTP over hours. It is
    required: the result is never better. The earliest arrival of each of `n_windows` stretches, 10
    or more, is one point of the line; or its mean, if not `always_late`, for time stamps with
    symmetric error (a pulse per second, a hardware stamp).

    Raises ValueError if there are fewer than four pairs a window, shapes differ, a value is not
    finite, board time does not increase, or the two clocks differ by more than 10 %.
    """
    board, host = _checked_pairs(board_s, host_s, n_windows)
    checked_rate(nominal_rate_hz)
    zero_board, zero_host = float(board[0]), float(host[0])
    board, late = board - zero_board, (host - zero_host) - (board - zero_board)
    coarse = np.polynomial.polynomial.polyfit(board, late, 1)
    flat = late - coarse[0] - coarse[1] * board
    at_s, point = _window_points(board, flat, n_windows, always_late)
    slope, u_slope, bend, u_bend = _line_and_bend(at_s, point)
    slope += float(coarse[1])  # host seconds more than board seconds, per board second
    if abs(slope) > 0.1:
        raise ValueError(f"the clocks differ by {slope:.1%}: is the nominal rate right?")
    scatter = Component("scatter", u_slope * PPM, 1.0, at_s.size - 2)
    u, free = combine([scatter, Component("host clock", host_ppm_uncertainty)])
    k = coverage_factor(free)
    error_ppm = (1 / (1 + slope) - 1) * PPM
    rate_hz = nominal_rate_hz / (1 + slope)
    delay, intercept = _delays(board, late, slope, always_late)
    note = ("host clock as stated; no conversion uncounted",)
    drift = Result(
        -2 * bend * PPM * 3600,
        "ppm/h",
        2 * u_bend * PPM * 3600,
        board.size,
        coverage_factor(at_s.size - 3),
        assumptions=("steady drift; the host's own is in it",),
    )
    return ClockFit(
        error_ppm=Result(error_ppm, "ppm", u, board.size, k, assumptions=note),
        rate_hz=Result(rate_hz, "Hz", rate_hz * u / PPM, board.size, k, assumptions=note),
        drift_ppm_per_hour=drift,
        board_epoch_host_s=zero_host + intercept - zero_board * (1 + slope),
        delay_rms_s=float(delay.std()),
        delay_max_s=float(np.abs(delay).max()),
    )


def _checked_pairs(
    board_s: ArrayLike, host_s: ArrayLike, n_windows: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    board, host = np.asarray(board_s, dtype=np.float64), np.asarray(host_s, dtype=np.float64)
    if n_windows < 10:
        raise ValueError(f"10 windows or more are needed, not {n_windows}")
    if board.ndim != 1 or board.shape != host.shape or board.size < 4 * n_windows:
        raise ValueError(
            f"expected {4 * n_windows} or more pairs of times, got shapes {board.shape} and "
            f"{host.shape}; watch longer"
        )
    if not (np.isfinite(board).all() and np.isfinite(host).all()):
        raise ValueError("a time is NaN or infinite")
    if not (np.diff(board) > 0).all():
        raise ValueError("board time does not increase: a restart or a counter that wrapped")
    return board, host


def _window_points(
    board: NDArray[np.float64], flat: NDArray[np.float64], n_windows: int, always_late: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return one point (time, lateness) for each window."""
    at, points = [], []
    for part in np.array_split(np.arange(board.size), n_windows):
        if always_late:
            first = part[np.argmin(flat[part])]
            at.append(board[first])
            points.append(flat[first])
        else:
            at.append(board[part].mean())
            points.append(flat[part].mean())
    return np.array(at), np.array(points)


def _line_and_bend(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """Return slope and quadratic coefficient with standard errors; the slope of a straight line."""
    centred = (x - x.mean()) / np.ptp(x)
    slope, u_slope = _last_coefficient(np.stack([np.ones_like(x), centred], axis=1), y)
    bend, u_bend = _last_coefficient(np.stack([np.ones_like(x), centred, centred**2], axis=1), y)
    width = float(np.ptp(x))
    return slope / width, u_slope / width, bend / width**2, u_bend / width**2


def _last_coefficient(design: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    residual = y - design @ solution
    variance = float(residual @ residual) / (y.size - design.shape[1])
    covariance = variance * np.linalg.inv(design.T @ design)
    return float(solution[-1]), math.sqrt(covariance[-1, -1])


def _delays(
    board: NDArray[np.float64], late: NDArray[np.float64], slope: float, always_late: bool
) -> tuple[NDArray[np.float64], float]:
    """Return each arrival's delay against the line, and the line's start."""
    rest = late - slope * board
    intercept = float(rest.min() if always_late else rest.mean())
    return rest - intercept, intercept


@dataclass(frozen=True)
class AllanDeviation:
    """Overlapping Allan deviation.

    Arrays of shape (n_tau,): averaging times, s, fractional frequency, and its degrees of freedom,
    those of white frequency noise, 1 or more; white phase noise has more. The standard uncertainty
    of a deviation is ``deviation / sqrt(2 · degrees_of_freedom)``.
    """

    tau_s: NDArray[np.float64]
    deviation: NDArray[np.float64]
    degrees_of_freedom: NDArray[np.float64]


def allan_deviation(phase_s: ArrayLike, interval_s: float) -> AllanDeviation:
    """Compute the overlapping Allan deviation at octaves of the interval.

    `phase_s`, shape (n,), is the time error of the clock, s, at even intervals of `interval_s`:
    host time less board time, say. Raises ValueError if there are fewer than 8 values, or one is
    not finite.

    Notes
    -----
    ``σ²(mτ) = mean((x[i+2m] − 2 x[i+m] + x[i])²) / (2 (mτ)²)`` (NIST SP 1065, 5.2.4); degrees of
    freedom by table 5 there.
    """
    phase = np.asarray(phase_s, dtype=np.float64)
    if phase.ndim != 1 or phase.size < 8 or not np.isfinite(phase).all():
        raise ValueError(f"expected 8 or more finite values, got shape {phase.shape}")
    if not interval_s > 0:
        raise ValueError(f"interval must be > 0 s, not {interval_s}")
    n = phase.size
    steps = 2 ** np.arange(int(math.log2((n - 1) // 3)) + 1)
    deviations = []
    for m in steps:
        second = phase[2 * m :] - 2 * phase[m:-m] + phase[: -2 * m]
        deviations.append(math.sqrt(float((second**2).mean()) / 2) / (m * interval_s))
    averaged = steps.astype(np.float64)
    free = 3 * (n - 1) / (2 * averaged) - 2 * (n - 2) / n
    free *= 4 * averaged**2 / (4 * averaged**2 + 5)
    tau_s = averaged * interval_s
    return AllanDeviation(tau_s, np.array(deviations), np.maximum(free, 1.0))
