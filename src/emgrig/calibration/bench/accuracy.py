"""How far the meters' readings may be off: one year after calibration, at 23 ± 5 °C.

Sources: Agilent 34401A Product Overview (5968-0162EN), accuracy specifications; Keysight Truevolt
data sheet (5991-1983EN), 34461A. For dc volts and for ac volts from 3 Hz to 20 kHz the two print
the same figures. Ac figures are for sines above 5 % of range, and the slow filter; the additional
errors at low frequencies are then 0 (so are the medium filter's from 200 Hz on).
"""

from dataclasses import dataclass

AC_LEAST_HZ, AC_MOST_HZ = 3.0, 20e3
AC_LEAST_SHARE = 0.01
"""Below this share of the range nothing is promised for ac."""
MEDIUM_FILTER_HZ = 200.0
"""From here on the medium filter is as good as the slow one."""


@dataclass(frozen=True)
class Accuracy:
    """Limit of error: so many percent of the reading and so many percent of the range."""

    reading_percent: float
    range_percent: float

    def __str__(self) -> str:
        return f"{self.reading_percent:g} % of reading + {self.range_percent:g} % of range"

    def limit_v(self, reading_v: float, range_v: float) -> float:
        """Largest error of a reading, V."""
        return (self.reading_percent * abs(reading_v) + self.range_percent * range_v) / 100


_DC = {
    0.1: Accuracy(0.0050, 0.0035),
    1.0: Accuracy(0.0040, 0.0007),
    10.0: Accuracy(0.0035, 0.0005),
    100.0: Accuracy(0.0045, 0.0006),
}
# Up to which frequency, Hz; percent of reading. Of the range: 0.04 at 0.1 V, 0.03 above.
_AC_READING = ((5.0, 1.00), (10.0, 0.35), (AC_MOST_HZ, 0.06))
_AC_RANGES_V = (0.1, 1.0, 10.0, 100.0)
_SMALL_AC_SHARE, _SMALL_AC_PERCENT = 0.05, 0.1  # more of the range for 1 to 5 % of range


def dc_accuracy(range_v: float) -> Accuracy:
    """Return the limit of error of dc volts on a range; ValueError if there is no such range."""
    return _DC[_range(range_v, tuple(_DC))]


def ac_accuracy(range_v: float, reading_v: float, frequency_hz: float) -> Accuracy:
    """Return the limit of error of a sine's rms on a range.

    Raises ValueError if the data sheets promise nothing: outside 3 Hz to 20 kHz, or below 1 % of
    the range.
    """
    if not AC_LEAST_HZ <= frequency_hz <= AC_MOST_HZ:
        raise ValueError(
            f"{frequency_hz:g} Hz: the meter's ac accuracy is known from {AC_LEAST_HZ:g} Hz to "
            f"{AC_MOST_HZ:g} Hz"
        )
    range_v = _range(range_v, _AC_RANGES_V)
    if reading_v < AC_LEAST_SHARE * range_v:
        raise ValueError(
            f"{reading_v:.3g} V ac on the {range_v:g} V range: below 1 % of it the meter's data "
            "sheet promises nothing; use a larger level and an attenuator"
        )
    reading_percent = next(percent for most, percent in _AC_READING if frequency_hz <= most)
    range_percent = 0.04 if range_v == 0.1 else 0.03
    if reading_v < _SMALL_AC_SHARE * range_v:
        range_percent += _SMALL_AC_PERCENT
    return Accuracy(reading_percent, range_percent)


def _range(range_v: float, ranges: tuple[float, ...]) -> float:
    for candidate in ranges:
        if abs(range_v / candidate - 1) < 1e-6:
            return candidate
    raise ValueError(f"the meter's {range_v:g} V range is not in the table")
