"""Electrodes are on, have good contact, and do not touch each other."""

from collections.abc import Callable

import numpy as np

from emgrig.driver.can import StatusWord
from emgrig.driver.chip.model import ADS1299
from emgrig.hil_tests.judging.check import CannotMeasure, Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.procedures import (
    connect_electrodes,
    impedance_rows,
    mains_uv,
    off_in_frames,
)
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.run import BringupRun

OPEN = "open"


@check("B16", Layer.LEAD_OFF, "lead-off comparators", needs=(Need.EVERY_REGISTER,))
def test_comparators(rig: Rig, measure: Measure, bringup: BringupRun) -> None:
    """6 nA direct current, 95 %: open inputs are seen, those with an electrode are not."""
    connect_electrodes(rig)
    rig.chip.lead_off(
        current="6nA", frequency="dc", threshold=95, sense_p=rig.wired, sense_n=rig.wired,
        flip=[], comparators=True,
    )  # fmt: skip
    capture = rig.capture(500, n_settle=200)
    status = rig.chip.lead_off_status()
    off_p, off_n = set(status.off_p), set(status.off_n)
    if rig.identity.can.status is not StatusWord.NONE:
        off_p, off_n = off_in_frames(rig, capture.status)
        agrees = off_p & status.sensed_p == status.off_p and off_n & status.sensed_n == status.off_n
        measure("status_agrees", agrees, "")
    for channel in rig.wired:
        if bringup.options.inputs == OPEN:
            seen = channel in off_p and channel in off_n
            measure("open_input_seen", seen, "", channel=channel)
        else:
            measure("electrode_p_off", channel in off_p, "", channel=channel)
            measure("electrode_n_off", channel in off_n, "", channel=channel)
    rig.prepare()


def _needs_electrodes(bringup: BringupRun) -> None:
    if bringup.options.inputs == OPEN:
        raise CannotMeasure("nothing is connected (--inputs open)")


@check(
    "B17",
    Layer.LEAD_OFF,
    "impedance of the electrodes, and between channels",
    needs=(Need.RESULTS,),
)
def test_impedance(rig: Rig, measure: Measure, bringup: BringupRun) -> None:
    """One channel at a time; what appears on another channel went through a bridge."""
    _needs_electrodes(bringup)
    connect_electrodes(rig)
    series = rig.identity.series_ohm
    for row, channel in enumerate(rig.wired):
        ohm = impedance_rows(rig, channel)
        own = ohm[row] - 2 * (series[channel - 1] if channel <= len(series) else 0)
        others = np.delete(ohm, row)
        note = "P and N together, ± 20 %"
        measure("impedance", _kohm(own), "kohm", channel=channel, note=note)
        if len(others):
            worst = int(np.delete(np.array(rig.wired), row)[np.argmax(others)])
            shared = float(others.max()) / 1e3
            measure("shared_impedance", shared, "kohm", channel=channel, note=f"on channel {worst}")
    rig.prepare()


def _kohm(ohm: float) -> float:
    """Return kohm; a channel at the rail shows no number but "more than can be measured"."""
    return float(min(ohm, 1e9)) / 1e3


@check("B18", Layer.LEAD_OFF, "mains and headroom of each channel")
def test_contact(
    rig: Rig, measure: Measure, bringup: BringupRun, keep: Callable[..., None]
) -> None:
    """What the electrodes pick up, and how much of full scale is left beside it."""
    _needs_electrodes(bringup)
    connect_electrodes(rig)
    rate_hz = round(rig.chip.rate_hz)
    capture = rig.capture(8 * rate_hz, n_settle=100)
    keep("electrodes", volts=capture.volts[:4000], rate_hz=float(rate_hz))
    for channel in rig.wired:
        volts = capture.volts[:, channel - 1]
        full_scale_v = capture.scale_v[channel - 1] * -ADS1299.code_min
        headroom = 100 * (1 - float(np.abs(volts).max()) / full_scale_v)
        measure("headroom", headroom, "%", channel=channel)
        offset_mv = float(volts.mean() * 1e3)
        measure("electrode_offset", offset_mv, "mV", channel=channel, informs=True)
        if np.ptp(volts) > 0 and not rig.identity.can.rate_hz:  # else other tones fold onto it
            measure("mains", mains_uv(volts, rate_hz), "uV", channel=channel)
