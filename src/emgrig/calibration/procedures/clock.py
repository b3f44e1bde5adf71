"""The sample clock: conversions against the board's clock, and that against the host's.

Time stamps of packets are the board's, made at the data-ready edge, so they do not suffer from the
link. CLOCK exchanges tell the board's clock against the host's, each to within half its delay.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.datasheet import NOISE_UV_RMS
from emgrig.calibration.figures.sampleclock import PPM, ClockFit, allan_deviation, fit_clock
from emgrig.calibration.figures.uncertainty import (
    Component,
    Result,
    combine,
    coverage_factor,
    rectangular,
)
from emgrig.calibration.procedures.acquire import Progress, Tracker, prepare, silent
from emgrig.calibration.procedures.readings import Curve, Quantity, Reading, Report
from emgrig.driver.board import Board
from emgrig.driver.captures.journal import Entry
from emgrig.driver.keeping import kept
from emgrig.errors import DeviceError

N_WINDOWS = 10
EXCHANGES_AT_ONCE = 2
LEAST_TURNS = 100
MIN_DURATION_S = 20.0
STAMP_US = 1.0
"""Resolution of the board's time stamps."""
MIN_STAMPS = 4 * N_WINDOWS


@dataclass(frozen=True)
class ClockSettings:
    """How to measure.

    The error of the slope falls with `duration_s`, 20 s or more. `host_ppm` is the standard
    uncertainty of this computer's clock: about 30 for a bare crystal, below 1 with NTP over hours.
    The result is never better.
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
    """What came in a run; an exchange is when it was sent, board time (µs), when answered."""

    conversion: NDArray[np.int64]
    board_us: NDArray[np.int64]
    exchanges: NDArray[np.float64]
    n_samples: int
    n_lost: int


def measure_clock(
    board: Board, settings: ClockSettings | None = None, *, progress: Progress = silent
) -> Report:
    """Measure the sample clock against this computer's.

    The report has error (ppm) and rate (Hz) against the host, drift, jitter of the time stamps, and
    Allan deviation of conversions against the board's clock. Raises ValueError if a setting makes
    no sense, and nothing was sent; DeviceError if the board started anew meanwhile, or too few time
    stamps came.
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
                why = stream.recoveries[0].reason.words
                raise DeviceError(f"the board's clock was interrupted: {why}; try again")
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
    stamp_s = stamps.board_us.astype(np.float64) * 1e-6
    sent_s, asked_us, received_s = _quickest(stamps.exchanges).T
    against_board = _fit(nominal_s, stamp_s, rate_hz)
    against_host = _fit(asked_us * 1e-6, (sent_s + received_s) / 2, rate_hz)
    delay_s = received_s - sent_s
    # Half of what a delay is longer than the shortest may be on either way; ends may differ twice.
    uneven_ppm = float(np.ptp(delay_s)) / float(np.ptp(asked_us)) * PPM * PPM
    error = _combined(against_board, against_host, uneven_ppm, stamps, settings)
    rate = replace(
        error,
        value=rate_hz * (1 + error.value / PPM),
        unit="Hz",
        standard_uncertainty=rate_hz * error.standard_uncertainty / PPM,
    )
    drift = _drift(against_board.drift_ppm_per_hour, against_host.drift_ppm_per_hour, stamps)
    jitter = Result(
        against_board.delay_rms_s * PPM, "us", rectangular(STAMP_US / 2), len(nominal_s),
        n_lost=stamps.n_lost, assumptions=("time stamps at the data-ready edge, in whole µs",),
    )  # fmt: skip
    tau_s, longest, curve = _allan(nominal_s, stamp_s)
    longest = replace(longest, n_lost=stamps.n_lost)
    host, own = "against this computer's clock", "against the board's own clock"
    return [
        Reading(Quantity.CLOCK_ERROR, error, rate_hz=rate_hz, condition=host),
        Reading(Quantity.CLOCK_RATE, rate, rate_hz=rate_hz, condition=host),
        Reading(Quantity.CLOCK_DRIFT, drift, rate_hz=rate_hz, condition=host),
        Reading(Quantity.CLOCK_JITTER, jitter, rate_hz=rate_hz, condition=own),
        Reading(
            Quantity.CLOCK_ALLAN, longest, rate_hz=rate_hz, condition=own, note=f"at {tau_s:.3g} s"
        ),
    ], curve


def _drift(first: Result, second: Result, stamps: _Stamps) -> Result:
    return replace(
        first,
        value=first.value + second.value,
        standard_uncertainty=math.hypot(first.standard_uncertainty, second.standard_uncertainty),
        n_used=stamps.n_samples,
        n_lost=stamps.n_lost,
        assumptions=("steady drift; the host's own is in it",),
    )


def _fit(ours_s: NDArray[np.float64], theirs_s: NDArray[np.float64], rate_hz: int) -> ClockFit:
    return fit_clock(
        ours_s, theirs_s, rate_hz, host_ppm_uncertainty=0.0, n_windows=N_WINDOWS, always_late=False
    )


def _quickest(exchanges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exchanges with the least delay, as many as are needed or more; in order."""
    delay_s = exchanges[:, 2] - exchanges[:, 0]
    enough_s = float(np.sort(delay_s)[MIN_STAMPS - 1])
    limit_s = max(enough_s, 1.5 * float(delay_s.min()) + 2e-6 * STAMP_US)
    chosen = exchanges[delay_s <= limit_s]
    # Two questions within one microsecond of the board would stand still.
    return np.asarray(chosen[np.concatenate([[True], np.diff(chosen[:, 1]) > 0])])


def _combined(
    against_board: ClockFit,
    against_host: ClockFit,
    uneven_ppm: float,
    stamps: _Stamps,
    settings: ClockSettings,
) -> Result:
    first, second = against_board.error_ppm, against_host.error_ppm
    span_us = float(np.ptp(stamps.board_us))
    # The scatter of whole microseconds need not show: they may all be cut alike.
    grain_ppm = rectangular(STAMP_US) / span_us * PPM
    u, free = combine(
        [
            Component("conversions", first.standard_uncertainty, 1.0, N_WINDOWS - 2),
            Component("exchanges", second.standard_uncertainty, 1.0, N_WINDOWS - 2),
            Component("whole microseconds", grain_ppm, math.sqrt(2)),
            Component("delay, one way more than the other", rectangular(uneven_ppm)),
            Component("host clock", settings.host_ppm),
        ]
    )
    value = ((1 + first.value / PPM) * (1 + second.value / PPM) - 1) * PPM
    return Result(
        value, "ppm", u, stamps.n_samples, coverage_factor(free), n_lost=stamps.n_lost,
        assumptions=(
            f"host clock within {settings.host_ppm:g} ppm (one sigma)",
            "the shortest way through the link does not change",
        ),
    )  # fmt: skip


def _allan(
    nominal_s: NDArray[np.float64], stamp_s: NDArray[np.float64]
) -> tuple[float, Result, Curve]:
    """Return the longest averaging time, s, the deviation there, ppm, and the curve."""
    n = len(nominal_s)
    even_s = np.linspace(nominal_s[0], nominal_s[-1], n)
    phase_s = np.interp(even_s, nominal_s, stamp_s) - even_s
    allan = allan_deviation(phase_s, float(even_s[1] - even_s[0]))
    curve = Curve(
        "Allan deviation of conversions against the board's clock", "averaging time, s",
        "fractional frequency", allan.tau_s, allan.deviation[:, None], ("deviation",),
    )  # fmt: skip
    ppm, free = float(allan.deviation[-1]) * PPM, float(allan.degrees_of_freedom[-1])
    longest = Result(ppm, "ppm", ppm / math.sqrt(2 * free), n, coverage_factor(free))
    return float(allan.tau_s[-1]), longest, curve
