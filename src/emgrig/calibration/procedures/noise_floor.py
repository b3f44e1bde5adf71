"""The noise floor for any set of gains, rates and channels, inputs shorted or as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emgrig.calibration.figures import noise
from emgrig.calibration.figures.datasheet import GAINS, NOISE_UV_RMS, judge_noise
from emgrig.calibration.figures.spectrum import EMG_BAND, WIDE_EMG_BAND, Band, Spectrum, welch
from emgrig.calibration.figures.uncertainty import Result
from emgrig.calibration.procedures.acquire import (
    SCALE_U,
    UNCALIBRATED,
    Progress,
    Record,
    Tracker,
    acquire,
    checked_channels,
    prepare,
    silent,
    widened,
)
from emgrig.calibration.procedures.readings import Curve, Inputs, Quantity, Reading, Report
from emgrig.driver.board import Board
from emgrig.driver.keeping import kept

SEGMENT_S = 2.0
MIN_DURATION_S = 5 * SEGMENT_S
"""Five segments, so that mains lines can be told from the floor."""
EQUALISED_SHARE = 0.4
"""Of the rate: as far as the droop equaliser goes."""
SHORTED = "inputs shorted in the chip"


@dataclass(frozen=True)
class NoiseSettings:
    """What to measure.

    Every gain is measured at every rate; None is all channels. A record lasts `duration_s`, 10 s or
    more. `mux` is "shorted", or "normal" for the inputs as they are; `condition` says what is
    connected. The rms is reported in `bands`; what reaches beyond half the rate is left out, and
    noted. Mains is 50 or 60 Hz.
    """

    gains: tuple[int, ...] = (24,)
    rates_hz: tuple[int, ...] = (1000,)
    channels: tuple[int, ...] | None = None
    duration_s: float = 20.0
    mux: str = "shorted"
    condition: str = SHORTED
    mains_hz: float = 50.0
    bands: tuple[Band, ...] = (EMG_BAND, WIDE_EMG_BAND)

    def __post_init__(self) -> None:
        if not self.gains or not set(self.gains) <= set(GAINS):
            raise ValueError(f"gains are {self.gains}; the chip has {GAINS}")
        if not self.rates_hz or not set(self.rates_hz) <= set(NOISE_UV_RMS):
            raise ValueError(f"rates are {self.rates_hz}; the chip has {sorted(NOISE_UV_RMS)}")
        if not self.duration_s >= MIN_DURATION_S:
            raise ValueError(f"a record of {self.duration_s} s; {MIN_DURATION_S:g} s or more")
        if self.mains_hz not in (50, 60):
            raise ValueError(f"mains of {self.mains_hz} Hz; expected 50 or 60")
        if self.mux not in ("shorted", "normal"):
            raise ValueError(f"mux {self.mux!r}; expected shorted or normal")


def measure_noise(
    board: Board, settings: NoiseSettings | None = None, *, progress: Progress = silent
) -> Report:
    """Measure the noise floor, and judge it by the data sheet where the inputs are shorted.

    The report has for each gain, rate and channel: rms of the whole band (judged), in the bands, of
    the EMG band behind the droop equaliser, white level, 1/f corner, mains lines, peak to peak with
    its N, offset. Channels at the rail are left out, and noted. Raises ValueError if a setting
    makes no sense, and nothing was sent; EmgrigError if the board fails: the registers are put back
    first.
    """
    settings = settings or NoiseSettings()
    channels = checked_channels(board, settings.channels)
    pairs = [(gain, rate) for rate in settings.rates_hz for gain in settings.gains]
    tracker = Tracker(progress, len(pairs) * settings.duration_s)
    readings: list[Reading] = []
    curves: list[Curve] = []
    notes: list[str] = []
    with kept(board) as keeping:
        for gain, rate_hz in pairs:
            tracker.say(f"noise, gain {gain}, {rate_hz} SPS, {settings.condition}")
            prepare(
                board, gain=gain, rate_hz=rate_hz, mux=settings.mux, bias=settings.mux == "normal"
            )
            record = acquire(board, round(settings.duration_s * rate_hz), tracker=tracker)
            notes += [f"channel {n}: {record.unusable[n].words} ({settings.condition})"
                      for n in channels if n in record.unusable]  # fmt: skip
            usable = record.usable(channels)
            if usable:
                found, curve = _readings(record, usable, gain, rate_hz, settings)
                readings += found
                curves.append(curve)
    title = f"Noise floor, {settings.condition}"
    return Report(title, tuple(readings), keeping.restored, tuple(curves), tuple(notes))


def _readings(
    record: Record, channels: Sequence[int], gain: int, rate_hz: int, settings: NoiseSettings
) -> tuple[list[Reading], Curve]:
    volts = record.columns(channels)
    spectrum = welch(volts, rate_hz, segment_s=SEGMENT_S)
    found: list[Reading] = []

    def add(
        quantity: Quantity,
        results: Sequence[Result],
        note: str = "",
        *,
        is_judged: bool = False,
        band: Band | None = None,
    ) -> None:
        for channel, result in zip(channels, results, strict=True):
            full = widened(record.counted(result), SCALE_U, UNCALIBRATED)
            verdict = judge_noise(full, gain, rate_hz) if is_judged else None
            at = (channel, gain, rate_hz, settings.condition)
            outcome, said = None, note or (band.name if band else "")
            if verdict is not None:
                outcome = verdict.outcome
                said = f"data sheet, typical: {verdict.typical_uv_rms:g} µV"
            found.append(Reading(quantity, full, *at, outcome, said, inputs, band))

    shorted = settings.mux == "shorted"
    inputs = Inputs.SHORTED if shorted else Inputs.OTHER
    add(Quantity.NOISE, noise.total_rms(volts, rate_hz), is_judged=shorted)
    for band in settings.bands:
        if band.high_hz <= rate_hz / 2:
            add(Quantity.NOISE_BAND, noise.band_rms(spectrum, band), band=band)
    equalised = _equalised_band(rate_hz)
    if equalised is not None:
        levels = noise.band_rms(noise.equalised(spectrum), equalised)
        add(Quantity.NOISE_EQUALISED, levels, band=equalised)
    floors = noise.fit_noise_floor(spectrum, mains_hz=settings.mains_hz)
    add(Quantity.WHITE, [floor.white_nv_per_rthz for floor in floors])
    for floor, channel in zip(floors, channels, strict=True):
        corner = record.counted(floor.corner_hz)  # a frequency: no scale is in it
        found.append(Reading(Quantity.CORNER, corner, channel, gain, rate_hz, settings.condition))
    for line in zip(*noise.mains_lines(spectrum, settings.mains_hz, n_harmonics=3), strict=True):
        add(Quantity.MAINS, [level.rms for level in line], f"{line[0].frequency_hz:g} Hz")
    _add_ranges(found, record, channels, gain, rate_hz, settings.condition)
    add(Quantity.OFFSET, noise.offset(volts))
    return found, _curve(spectrum, channels, gain, settings.condition)


def _equalised_band(rate_hz: int) -> Band | None:
    """Return the EMG band as far as the equaliser restores it."""
    high = min(EMG_BAND.high_hz, EQUALISED_SHARE * rate_hz)
    low = EMG_BAND.low_hz
    return Band(f"{low:g}-{high:g} Hz", low, high) if high > 2 * low else None


def _add_ranges(
    found: list[Reading],
    record: Record,
    channels: Sequence[int],
    gain: int,
    rate_hz: int,
    condition: str,
) -> None:
    for channel, span in zip(channels, noise.peak_to_peak(record.columns(channels)), strict=True):
        result = Result(
            span.range_uv, "uV", span.range_uv * SCALE_U, span.n_samples,
            n_lost=record.n_lost, n_rejected=record.n_rejected, assumptions=(UNCALIBRATED,),
        )  # fmt: skip
        note = (
            f"of N = {span.n_samples} samples: {span.range_over_rms:.1f} rms; as many Gaussian "
            f"ones have {span.expected_over_rms:.1f}"
        )
        found.append(
            Reading(Quantity.PEAK_TO_PEAK, result, channel, gain, rate_hz, condition, note=note)
        )


def _curve(spectrum: Spectrum, channels: Sequence[int], gain: int, condition: str) -> Curve:
    shown = spectrum.frequency_hz > 0
    return Curve(
        title=f"gain {gain}, {spectrum.rate_hz:g} SPS, {condition}",
        x_label="Hz",
        y_label="nV/√Hz",
        x=spectrum.frequency_hz[shown],
        y=np.sqrt(spectrum.psd[shown]) * 1e9,
        names=tuple(f"channel {n}" for n in channels),
    )
