"""A calibration certificate: what channels, lead-off currents and clock of a board really are.

A JSON file (`certificate.schema.json`), one a board. It is found by the board's serial number,
refused if it is another board's or out of date, applied to volts, and noted in the sidecar of a
recording.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Interval, MaxLen, MinLen
from numpy.typing import ArrayLike, NDArray

from emgrig.calibration.figures.uncertainty import Result
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import Epoch
from emgrig.errors import IdentityError, RecordingError
from emgrig.filemodel import FileModel, Moment, Rule, one_of

VALID_DAYS = 365


def _in(unit: str, values: dict[str, float] | None = None) -> Rule:
    return Rule(
        f"a result in {unit}",
        lambda result: result.unit == unit,
        {"properties": {"unit": {"const": unit}, **({"value": values} if values else {})}},
    )


@dataclass(frozen=True)
class NamedBoard:
    """Which board: the name it gives itself, and whether it is a simulated one."""

    serial_number: Annotated[str, MaxLen(255)]  #: The link has no room for a longer one.
    is_simulated: bool


@dataclass(frozen=True)
class Instrument:
    """An instrument that a value rests on.

    Attributes
    ----------
    role : str
        "meter", "generator", "attenuator", "resistors".
    identity : str
        What it answered to ``*IDN?``, or what is written on it.
    due : date or None
        When its own calibration is due; None if nobody said.
    """

    role: str
    identity: str
    due: dt.date | None = None


@dataclass(frozen=True)
class GainCalibration:
    """One channel at one gain setting.

    Attributes
    ----------
    setting : int
        By the register: 1, 2, 4, 6, 8, 12 or 24.
    gain : Result
        Volts by the nominal scale over volts at the input, V/V; near 1.
    offset : Result or None
        What the channel reads with nothing at its input, µV by the nominal scale.
    method : str
        How the gain was found.
    """

    setting: Annotated[int, one_of(1, 2, 4, 6, 8, 12, 24)]
    gain: Annotated[Result, _in("V/V", {"exclusiveMinimum": 0.5, "exclusiveMaximum": 2})]
    offset: Annotated[Result, _in("uV")] | None
    method: str

    def __post_init__(self) -> None:
        if not 0.5 < self.gain.value < 2:
            raise ValueError(f"a gain of {self.gain.value:g} V/V, expected 1 or nearly so")


@dataclass(frozen=True)
class LeadOffCalibration:
    """The lead-off current of one input.

    Attributes
    ----------
    side : str
        "p" or "n".
    nominal : str
        "6nA", "24nA", "6uA" or "24uA".
    current : Result
        nA.
    """

    side: Annotated[str, one_of("p", "n")]
    nominal: Annotated[str, one_of("6nA", "24nA", "6uA", "24uA")]
    current: Annotated[Result, _in("nA")]


@dataclass(frozen=True)
class ChannelCalibration:
    """All that is known of one channel, 1 to n."""

    channel: Annotated[int, Interval(ge=1, le=32)]
    gains: tuple[GainCalibration, ...] = ()
    lead_off: tuple[LeadOffCalibration, ...] = ()


@dataclass(frozen=True)
class Equaliser:
    """A droop equaliser that suits the board at one rate.

    Attributes
    ----------
    rate_hz, edge_hz : float
        Flat from 0 to `edge_hz`.
    max_error_db, noise_gain : float
        How flat, and what it does to the chip's white noise (rms, whole band).
    taps : tuple of float
        Symmetric FIR.
    """

    rate_hz: Annotated[float, Gt(0)]
    edge_hz: Annotated[float, Gt(0)]
    max_error_db: Annotated[float, Ge(0)]
    noise_gain: Annotated[float, Ge(0)]
    taps: Annotated[tuple[float, ...], MinLen(3)]


@dataclass(frozen=True)
class Clock:
    """The sample clock.

    Attributes
    ----------
    error : Result
        Actual over nominal rate less 1, ppm.
    """

    error: Annotated[Result, _in("ppm")]


@dataclass(frozen=True)
class Certificate(FileModel):
    """What was found out about one board.

    Attributes
    ----------
    made_utc, valid_until_utc : datetime
        With time zone. The earliest end of all that was put together.
    """

    FORMAT: ClassVar = "emgrig calibration 1"

    board: NamedBoard
    made_utc: Moment
    valid_until_utc: Moment
    software: str
    channels: tuple[ChannelCalibration, ...] = ()
    clock: Clock | None = None
    equalisers: tuple[Equaliser, ...] = ()
    instruments: tuple[Instrument, ...] = ()

    def __post_init__(self) -> None:
        for name in ("made_utc", "valid_until_utc"):
            if getattr(self, name).tzinfo is None:
                raise ValueError(f"{name} needs a time zone")

    def __str__(self) -> str:
        return (
            f"calibration of board {self.board.serial_number}, {self.made_utc:%Y-%m-%d}, "
            f"valid until {self.valid_until_utc:%Y-%m-%d}"
        )

    # Is it the right one?

    def check(self, serial_number: str, now: dt.datetime, *, is_simulated: bool) -> None:
        """Refuse it for a board that it is not about, or after its time.

        Raises IdentityError if it is of another board, or of a simulated one for a real one, or the
        other way round; RecordingError if it is out of date, or from the future.
        """
        if self.board.serial_number != serial_number:
            raise IdentityError(
                f"the calibration is of board {self.board.serial_number}, but this is board "
                f"{serial_number}; calibrate this one (emgrig calibrate all)"
            )
        if self.board.is_simulated != is_simulated:
            words = ("a real", "a simulated")
            raise IdentityError(
                f"the calibration of {serial_number} is of {words[self.board.is_simulated]} board, "
                f"but this is {words[is_simulated]} one; calibrate this one (emgrig calibrate all)"
            )
        if now > self.valid_until_utc:
            raise RecordingError(
                f"the calibration of board {serial_number} was valid until "
                f"{self.valid_until_utc:%Y-%m-%d}; calibrate it anew (emgrig calibrate all)"
            )
        if now < self.made_utc - dt.timedelta(days=1):
            raise RecordingError(
                f"the calibration of board {serial_number} was made on {self.made_utc:%Y-%m-%d}, "
                f"and today is {now:%Y-%m-%d}: is the computer's clock right?"
            )

    def check_board(self, identity: BoardIdentity, now: dt.datetime) -> None:
        """Refuse it as `check` does, for the board that is connected."""
        self.check(identity.serial_number, now, is_simulated=identity.is_simulated)

    # What it is for.

    def apply(
        self,
        volts: ArrayLike,
        gains: ArrayLike,
        *,
        powered: ArrayLike | None = None,
        channels: Sequence[int] | None = None,
    ) -> NDArray[np.float64]:
        """Return calibrated volts: ``(volts - offset) / gain`` for each channel.

        `volts`, shape (n_samples, n_channels), are by the nominal scale, as a block has them;
        `gains`, shape (n_channels,), are settings as read back (`Epoch.gain`). Channels that are
        not `powered` stay as they are. `channels` says which channel each column is, from 1;
        without it 1 to n. Raises ValueError if shapes do not fit, or a channel that is on was not
        calibrated at its gain.
        """
        array = np.asarray(volts, dtype=np.float64)
        settings = np.asarray(gains, dtype=np.float64)
        if array.ndim != 2 or settings.shape != (array.shape[1],):
            raise ValueError(f"{settings.shape} gains for volts of shape {array.shape}")
        numbers = list(channels or range(1, array.shape[1] + 1))
        if len(numbers) != array.shape[1]:
            raise ValueError(f"{len(numbers)} channel numbers for {array.shape[1]} channels")
        is_on = np.ones(array.shape[1], bool) if powered is None else np.asarray(powered, bool)
        scale, offset_v = np.ones(array.shape[1]), np.zeros(array.shape[1])
        for index in np.flatnonzero(is_on):
            found = self.gain_of(numbers[index], int(settings[index]))
            scale[index] = 1 / found.gain.value
            offset_v[index] = found.offset.value * 1e-6 if found.offset else 0.0
        return np.asarray((array - offset_v) * scale)

    def gain_of(self, channel: int, setting: int) -> GainCalibration:
        """Return what is known of a channel at a gain setting; ValueError if nothing is."""
        known = [gain for one in self.channels if one.channel == channel for gain in one.gains]
        for gain in known:
            if gain.setting == setting:
                return gain
        there = ", ".join(str(gain.setting) for gain in known) or "no gain"
        raise ValueError(
            f"channel {channel} of board {self.board.serial_number} is calibrated at {there}, not "
            f"at gain {setting}: run emgrig calibrate gain --gains {setting} --save"
        )

    def lead_off_current_a(self, channel: int, side: str, nominal: str) -> Result | None:
        """Return a calibrated lead-off current, A, for `leadoff.impedances`; None if not known."""
        for one in self.channels:
            for entry in one.lead_off:
                if (one.channel, entry.side, entry.nominal) == (channel, side, nominal):
                    return entry.current.scaled(1e-9, "A")
        return None

    def rate_hz(self, nominal_hz: float) -> float:
        """Return the actual sample rate for a nominal one, Hz; that itself if it is not known."""
        if self.clock is None:
            return nominal_hz
        return nominal_hz * (1 + self.clock.error.value * 1e-6)

    # Newer knowledge.

    def updated(self, newer: "Certificate") -> "Certificate":
        """Return this record with what `newer` knows put over it.

        The validity is the earlier end: a part that was not measured again does not grow younger.
        Raises IdentityError if they are of two boards.
        """
        if self.board != newer.board:
            raise IdentityError(
                f"records of boards {self.board.serial_number} and {newer.board.serial_number} "
                "cannot be joined"
            )
        mine = {one.channel: one for one in self.channels}
        for one in newer.channels:
            mine[one.channel] = _joined(mine.get(one.channel), one)
        rates = {one.rate_hz: one for one in (*self.equalisers, *newer.equalisers)}
        return replace(
            newer,
            valid_until_utc=min(self.valid_until_utc, newer.valid_until_utc),
            channels=tuple(mine[number] for number in sorted(mine)),
            clock=newer.clock or self.clock,
            equalisers=tuple(rates[rate] for rate in sorted(rates)),
            instruments=tuple(dict.fromkeys((*self.instruments, *newer.instruments))),
        )


def _joined(old: ChannelCalibration | None, new: ChannelCalibration) -> ChannelCalibration:
    if old is None:
        return new
    gains = {gain.setting: gain for gain in (*old.gains, *new.gains)}
    lead_off = {(one.side, one.nominal): one for one in (*old.lead_off, *new.lead_off)}
    return ChannelCalibration(
        new.channel,
        tuple(gains[setting] for setting in sorted(gains)),
        tuple(lead_off[key] for key in sorted(lead_off)),
    )


def scale_uv(
    calibration: Certificate | None, epoch: Epoch, channel_index: int
) -> tuple[float, float]:
    """Return the volts of one code and of code 0 of a channel, µV: calibrated where known."""
    nominal = float(epoch.scale_v[channel_index]) * 1e6
    if calibration is None:
        return nominal, 0.0
    try:
        known = calibration.gain_of(channel_index + 1, round(epoch.gain[channel_index]))
    except ValueError:  # a gain that was set in mid-recording and was never calibrated
        return nominal, 0.0
    offset_uv = known.offset.value if known.offset else 0.0
    return nominal / known.gain.value, -offset_uv / known.gain.value
