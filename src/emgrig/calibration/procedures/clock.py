"""The sample clock: conversions against the board's clock, and that against the host's.

Time stamps of packets are the board's, made at the data-ready edge, so they do not suffer from the
link. CLOCK exchanges tell the board's clock against the host's, each to within half its delay.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.datasheet import NOISE_UV_RMS
from emgrig.calibration.procedures.acquire import Progress, Tracker, prepare, silent
from emgrig.calibration.procedures.keeping import kept
from emgrig.calibration.procedures.readings import Curve, Quantity, Reading, Report
from emgrig.calibration.sampleclock import PPM, ClockFit, allan_deviation, fit_clock
from emgrig.calibration.uncertainty import Result
from emgrig.driver.board import Board
from emgrig.driver.journal import Entry
from emgrig.protocol.errors import DeviceError

N_WINDOWS = 10
EXCHANGES_AT_ONCE = 4
LEAST_TURNS = 40
MIN_DURATION_S = 10.0
STAMP_US = 1.0
"""Resolution of the board's time stamps."""
MIN_STAMPS = 4 * N_WINDOWS


@dataclass(frozen=True)
class ClockSettings:
    """How to measure.

    Attributes
    ----------
    duration_s : float
        10 or more; the error of the slope falls with it.
    rate_hz : int
    host_ppm : float
        Standard uncertainty of this computer's clock, ppm: about 30 for a bare crystal, below 1
        with NTP over hours. The result is never better.
    """

    duration_s: float = 60.0
    rate_hz: int = 1000
    host_ppm: float = 30.0

    def __post_init__(self) -> None:
        if not self.duration_s >= MIN_DURATION_S:
            raise ValueError(f"{self.duration_s} s are too short; {MIN_DURATION_S:g} or more")
        if self.rate_hz not in NOISE_UV_RMS:
            raise ValueError(f"a rate of {self.rate_hz}; the chip has {sorted(NOISE_UV_RMS)}")
        if not self.host_ppm >= 0:
            raise ValueError(f"host_ppm is {self.host_ppm}; expected 0 or more")


@dataclass(frozen=True, eq=False)
class _Stamps:
    """What came in a run: conversion numbers, board time (µs), exchanges (sent, board, received)."""

    conversion: NDArray[np.int64]
    board_us: NDArray[np.int64]
    exchanges: NDArray[np.float64]
    n_samples: int
    n_lost: int


def measure_clock(
    board: Board, settings: ClockSettings | None = None, *, progress: Progress = silent
) -> Report:
    """Measure the sample clock against this computer's.

    Returns
    -------
    Report
        Error (ppm) and rate (Hz) against the host, drift, jitter of the time stamps and Allan
        deviation of conversions against the board's clock.

    Raises
    ------
    ValueError
        If a setting makes no sense; nothing was sent.
    DeviceError
        If the board started anew meanwhile, or too few time stamps came.
    """
    settings = settings or ClockSettings()
    tracker = Tracker(progress, settings.duration_s)
    with kept(board) as keeping:
        prepare(board, gain=24, rate_hz=settings.rate_hz)
        tracker.say("sample clock")
        stamps = _run(board, settings, tracker)
    if len(stamps.conversion) < MIN_STAMPS or len(stamps.exchanges) < MIN_STAMPS:
        raise DeviceError(
            f"{len(stamps.conversion)} time stamps and {len(stamps.exchanges)} clock exchanges "
            f"came; {MIN_STAMPS} of each are needed"
        )
    readings, curve = _readings(stamps, settings)
    note = f"host clock taken to be right within {settings.host_ppm:g} ppm (one sigma)"
    return Report("Sample clock", tuple(readings), keeping.restored, (curve,), (note,))


def _run(board: Board, settings: ClockSettings, tracker: Tracker) -> _Stamps:
    """Stream, and ask the board's clock all the while."""
    exchanges: list[list[float]] = []

    def listen(entry: Entry) -> None:
        taken = entry.get("exchanges")
        if entry["kind"] == "clock" and isinstance(taken, list):
            exchanges.extend(taken)

    every_s = settings.duration_s / LEAST_TURNS
    conversion, board_us = [], []
    n_samples = n_lost = 0
    due_s = 0.0
    former = board.journal
    board.journal = listen
    try:
        with board.stream(settings.duration_s) as stream:
            for block in stream:
                n_lost += block.lost_before
                if not block.n_samples:
                    continue
                n_samples += block.n_samples
                conversion.append(block.first_conversion)
                board_us.append(block.board_time_us)
                tracker.advance(block.n_samples / settings.rate_hz)
                if block.first_conversion / settings.rate_hz >= due_s:
                    board.synchronise(EXCHANGES_AT_ONCE)
                    due_s += every_s
            if stream.recoveries:
                raise DeviceError(
                    f"the board's clock was interrupted: {stream.recoveries[0].reason}; try again"
                )
    finally:
        board.journal = former
    return _Stamps(
        np.array(conversion, np.int64),
        np.array(board_us, np.int64),
        np.array(exchanges, np.float64).reshape(-1, 3),
        n_samples,
        n_lost,
    )


def _readings(stamps: _Stamps, settings: ClockSettings) -> tuple[list[Reading], Curve]:
    rate_hz = settings.rate_hz
    nominal_s = stamps.conversion / rate_hz
    against_board = _fit(nominal_s, stamps.board_us * 1e-6, rate_hz, 0.0)
    sent_s, asked_us, received_s = _quickest(stamps.exchanges).T
    board_s = asked_us * 1e-6
    middle_s = (sent_s + received_s) / 2
    against_host = _fit(board_s, middle_s, rate_hz, settings.host_ppm)
    asymmetry_ppm = _asymmetry_ppm(received_s - sent_s, board_s)
    error = _combined(against_board, against_host, asymmetry_ppm, stamps)
    drift = _sum_of_drifts(against_board, against_host)
    rate = replace(
        error,
        value=rate_hz * (1 + error.value / PPM),
        unit="Hz",
        standard_uncertainty=rate_hz * error.standard_uncertainty / PPM,
    )
    jitter, allan = _board_side(nominal_s, stamps)
    curve = Curve(
        "Allan deviation of conversions against the board's clock",
        "averaging time, s", "fractional frequency", allan[0], allan[1][:, None], ("deviation",),
    )  # fmt: skip
    at = {"rate_hz": rate_hz, "condition": "against this computer's clock"}
    by_board = {"rate_hz": rate_hz, "condition": "against the board's own clock"}
    longest = Result(float(allan[1][-1]) * PPM, "ppm", 0.0, stamps.n_samples)
    return [
        Reading(Quantity.CLOCK_ERROR, error, **at),  # type: ignore[arg-type]
        Reading(Quantity.CLOCK_RATE, rate, **at),  # type: ignore[arg-type]
        Reading(Quantity.CLOCK_DRIFT, drift, **at),  # type: ignore[arg-type]
        Reading(Quantity.CLOCK_JITTER, jitter, **by_board),  # type: ignore[arg-type]
        Reading(Quantity.CLOCK_ALLAN, longest, **by_board,  # type: ignore[arg-type]
                note=f"at {allan[0][-1]:.3g} s"),
    ], curve  # fmt: skip
