"""Volts of a code: calibrated where that is known, nominal elsewhere."""

from emgrig.calibration.certificate.certificate import CalibrationRecord
from emgrig.driver.samples.block import Epoch


def scale_uv(
    calibration: CalibrationRecord | None, epoch: Epoch, channel_index: int
) -> tuple[float, float]:
    """Return the volts of one code and of code 0 of a channel, µV."""
    nominal = float(epoch.scale_v[channel_index]) * 1e6
    if calibration is None:
        return nominal, 0.0
    try:
        known = calibration.gain_of(channel_index + 1, round(epoch.gain[channel_index]))
    except ValueError:  # a gain that was set in mid-recording and was never calibrated
        return nominal, 0.0
    offset_uv = known.offset_uv.value if known.offset_uv else 0.0
    return nominal / known.gain.value, -offset_uv / known.gain.value
