"""From what procedures found to a calibration certificate."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace

from emgrig.calibration.certificate.certificate import (
    VALID_DAYS,
    Certificate,
    ChannelCalibration,
    Clock,
    Equaliser,
    GainCalibration,
    Instrument,
    LeadOffCalibration,
    NamedBoard,
)
from emgrig.calibration.figures.response import droop_equaliser
from emgrig.calibration.figures.uncertainty import Bound, Result
from emgrig.calibration.procedures.acquire import SCALE_U, UNCALIBRATED
from emgrig.calibration.procedures.readings import Inputs, Quantity, Reading, Report
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.errors import DeviceError

SICK_GAIN_ERROR = 0.1
MATCHED = "matched to the mean of the channels by the test signal"
_SIDES = {Quantity.LEAD_OFF_P: "p", Quantity.LEAD_OFF_N: "n"}


def make_certificate(
    identity: BoardIdentity,
    reports: Sequence[Report],
    *,
    now: dt.datetime,
    software: str,
    instruments: Sequence[Instrument] = (),
    valid_days: int = VALID_DAYS,
) -> Certificate:
    """Put together what belongs into a record of the board that was measured.

    A gain from the bench goes before one from the test signal. The test signal is known to 2 % and
    the nominal scale to 0.6 %, so it does not correct the scale; what it corrects is how the
    channels stand to each other, and their mean is taken to be right.

    The record ends with the first of the instruments' due dates, or after `valid_days`; `now` has a
    time zone. Raises ValueError if an instrument is overdue, or there is nothing in `reports` that
    a record holds; DeviceError if a channel's gain is so far off that the board needs repair.
    """
    ends = [now + dt.timedelta(days=valid_days)]
    for one in instruments:
        if one.due is not None:
            end = dt.datetime.combine(one.due, dt.time(23, 59, 59), dt.UTC)
            if end < now:
                raise ValueError(
                    f"the {one.role} ({one.identity}) was due for calibration on {one.due}; no "
                    "record can rest on it"
                )
            ends.append(end)
    readings = [reading for report in reports for reading in report.readings]
    _refuse_sick(readings)
    clocks = [r.result for r in readings if r.quantity is Quantity.CLOCK_ERROR]
    rates = sorted({r.rate_hz for r in readings if r.quantity is Quantity.NOISE and r.rate_hz})
    record = Certificate(
        board=NamedBoard(identity.serial_number, identity.is_simulated),
        made_utc=now,
        valid_until_utc=min(ends),
        software=software,
        channels=_channels(readings),
        clock=Clock(clocks[-1]) if clocks else None,
        equalisers=tuple(_equaliser(rate) for rate in rates),
        instruments=tuple(instruments),
    )
    if not (record.channels or clocks or rates):
        raise ValueError("nothing was measured that a calibration certificate holds")
    return record


def _refuse_sick(readings: Sequence[Reading]) -> None:
    for reading in readings:
        value = reading.result.value
        if reading.quantity is Quantity.GAIN and abs(value - 1) > SICK_GAIN_ERROR:
            raise DeviceError(
                f"channel {reading.channel} reads {value:.3g} of what is there at gain "
                f"{reading.gain}: no calibration for a board that is ill; see emgrig bringup"
            )


def _channels(readings: Sequence[Reading]) -> tuple[ChannelCalibration, ...]:
    numbers = sorted({reading.channel for reading in readings if reading.channel is not None})
    found = [
        ChannelCalibration(number, _gains(readings, number), _lead_off(readings, number))
        for number in numbers
    ]
    return tuple(one for one in found if one.gains or one.lead_off)


def _gains(readings: Sequence[Reading], channel: int) -> tuple[GainCalibration, ...]:
    own = [reading for reading in readings if reading.channel == channel]
    gains = []
    for setting in sorted({r.gain for r in own if r.gain is not None}):
        at = [reading for reading in own if reading.gain == setting]
        bench = [r for r in at if r.quantity is Quantity.GAIN and r.inputs is Inputs.BENCH]
        matched = [r for r in at if r.quantity is Quantity.MATCHING]
        offsets = [r for r in at if r.quantity is Quantity.OFFSET and r.inputs is Inputs.SHORTED]
        offset = min(
            (r.result for r in offsets), key=lambda r: r.expanded_uncertainty, default=None
        )
        if bench:
            gains.append(GainCalibration(setting, bench[-1].result, offset, bench[-1].condition))
        elif matched:
            gain = _with_scale(matched[-1].result)
            gains.append(GainCalibration(setting, gain, offset, MATCHED))
    return tuple(gains)


def _with_scale(matching: Result) -> Result:
    return replace(
        matching,
        standard_uncertainty=math.hypot(matching.standard_uncertainty, SCALE_U),
        assumptions=(*matching.assumptions, UNCALIBRATED),
    )


def _lead_off(readings: Sequence[Reading], channel: int) -> tuple[LeadOffCalibration, ...]:
    return tuple(
        LeadOffCalibration(_SIDES[r.quantity], r.current, r.result)
        for r in readings
        if r.channel == channel and r.quantity in _SIDES and r.result.bound is Bound.NONE
    )


def _equaliser(rate_hz: int) -> Equaliser:
    made = droop_equaliser(rate_hz)
    return Equaliser(
        made.rate_hz,
        made.edge_hz,
        made.max_error_db,
        made.noise_gain,
        tuple(float(tap) for tap in made.taps),
    )
