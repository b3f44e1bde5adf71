"""Crosstalk by the chip's own means: the test signal on one channel, all others shorted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from emgrig.calibration.figures.datasheet import GAINS
from emgrig.calibration.figures.sinefit import fit_sine_3
from emgrig.calibration.figures.transfer import crosstalk_db
from emgrig.calibration.procedures.acquire import (
    Progress,
    Record,
    Tracker,
    acquire,
    checked_channels,
    prepare,
    silent,
)
from emgrig.calibration.procedures.readings import Quantity, Reading, Report
from emgrig.calibration.procedures.scale import FAST_CLOCKS, NOMINAL_CLOCK_HZ
from emgrig.driver.board import Board
from emgrig.driver.keeping import kept
from emgrig.errors import DeviceError

RATE_HZ = 250
FREQUENCY_HZ = NOMINAL_CLOCK_HZ / FAST_CLOCKS


@dataclass(frozen=True)
class CrosstalkSettings:
    """What to measure.

    `channels` are driven, one after the other, and looked at; None is all. Each record lasts
    `duration_s`, 4 s or more; four times as long shows 6 dB less.
    """

    channels: tuple[int, ...] | None = None
    gain: int = 24
    duration_s: float = 16.0

    def __post_init__(self) -> None:
        if self.gain not in GAINS:
            raise ValueError(f"a gain of {self.gain}; the chip has {GAINS}")
        if not self.duration_s >= 4:
            raise ValueError(f"{self.duration_s} s are too short; 4 or more")


def measure_crosstalk(
    board: Board, settings: CrosstalkSettings | None = None, *, progress: Progress = silent
) -> Report:
    """Measure what each channel shows of the test signal on another, at its fundamental (1.95 Hz).

    It is the multiplexers, amplifiers and converters that are tested, not wires and electrodes.

    The report has a level in dB for each driven channel and each other one, "at most" where noise
    hides it. Raises ValueError if a setting makes no sense, and nothing was sent; DeviceError if
    the driven channel does not show the test signal.
    """
    settings = settings or CrosstalkSettings()
    channels = checked_channels(board, settings.channels)
    if len(channels) < 2:
        raise ValueError("crosstalk needs two channels or more")
    tracker = Tracker(progress, len(channels) * settings.duration_s)
    period = RATE_HZ / FREQUENCY_HZ
    n_samples = round(math.floor(settings.duration_s * FREQUENCY_HZ) * period)
    readings: list[Reading] = []
    with kept(board) as keeping:
        prepare(board, gain=settings.gain, rate_hz=RATE_HZ)
        board.chip.test_signal(on=True, amplitude=2, frequency="fast")
        for driven in channels:
            tracker.say(f"crosstalk from channel {driven}")
            board.chip.configure(mux="shorted")
            board.chip.configure(channels=[driven], mux="test")
            record = acquire(board, n_samples, tracker=tracker)
            readings += _readings(record, driven, channels, settings.gain)
    return Report("Crosstalk", tuple(readings), keeping.restored)


def _readings(record: Record, driven: int, channels: Sequence[int], gain: int) -> list[Reading]:
    source = fit_sine_3(record.volts[:, driven - 1], record.rate_hz, FREQUENCY_HZ)
    if source.amplitude_v < 1e-3:
        raise DeviceError(
            f"channel {driven} shows {source.amplitude_v * 1e6:.1f} µV of the test signal, "
            "expected 4800 µV: see emgrig bringup"
        )
    found = []
    for victim in record.usable(channels):
        if victim == driven:
            continue
        fit = fit_sine_3(record.volts[:, victim - 1], record.rate_hz, FREQUENCY_HZ)
        result = record.counted(crosstalk_db(source, fit))
        condition = f"test signal on channel {driven}, all others shorted"
        found.append(
            Reading(Quantity.CROSSTALK, result, victim, gain, RATE_HZ, condition,
                    note=f"from channel {driven}")
        )  # fmt: skip
    return found
