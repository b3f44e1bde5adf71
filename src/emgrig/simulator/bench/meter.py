"""A simulated multimeter, 34401A or 34461A: what it reads is off within its data sheet.

Facts: Agilent 34401A User's Guide, Keysight Truevolt Operating and Service Guide, and the accuracy
tables for one year; transcribed apart from `emgrig.calibration.bench`, so that a mistake there
shows up here.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from emgrig.simulator.bench.generator import Waveform
from emgrig.simulator.bench.scpi import Handler, Interpreter, ScpiError, number, shown

IDENTITIES: Final = {
    "34401A": "HEWLETT-PACKARD,34401A,0,11-5-2",
    "34461A": "Keysight Technologies,34461A,MY53000001,A.02.14-02.40-02.14-00.49-02-01",
}
"""What can be simulated."""

OVERLOAD: Final = 9.9e37
_OVERRANGE: Final = 1.2
_RANGES_V: Final = (0.1, 1.0, 10.0, 100.0, 1000.0)
_LARGEST_AC_V: Final = 750.0
# Relative error of reading, of range; rows are ranges.
_DC_READING: Final = (50e-6, 40e-6, 35e-6, 45e-6, 45e-6)
_DC_RANGE: Final = (35e-6, 7e-6, 5e-6, 6e-6, 10e-6)
# Beyond 20 kHz it is worse than here; nothing on this bench goes there.
_AC_READING: Final = ((5.0, 1.00e-2), (10.0, 0.35e-2), (math.inf, 0.06e-2))
_AC_RANGE: Final = (0.04e-2, 0.03e-2, 0.03e-2, 0.03e-2, 0.03e-2)
# What a filter that is too fast for the frequency takes away besides: below so many Hz, relative.
_FILTER_LOSS: Final = {
    3.0: (),
    20.0: ((20.0, 0.74e-2), (40.0, 0.22e-2), (100.0, 0.06e-2), (200.0, 0.01e-2)),
    200.0: ((40.0, 0.5), (100.0, 0.73e-2), (200.0, 0.22e-2), (1000.0, 0.18e-2)),
}
_NOISE_OF_LIMIT: Final = 0.02
_NPLC: Final = (0.02, 0.2, 1.0, 10.0, 100.0)


class SimulatedMeter:
    """One meter.

    Parameters
    ----------
    kind : str
        One of `IDENTITIES`.
    seed : int
        Which instrument: its errors and its noise.
    probe : function
        What is at its terminals now.
    """

    def __init__(self, kind: str, seed: int, probe: Callable[[], Waveform]) -> None:
        if kind not in IDENTITIES:
            raise ValueError(f"no meter {kind!r}; there are {', '.join(IDENTITIES)}")
        rng = np.random.default_rng([seed, 0x3E7E4])
        #: How much of the data sheet's limits its errors take; the noise takes the rest.
        self.reading_share, self.range_share = (float(v) for v in rng.uniform(-0.95, 0.95, 2))
        self._rng = rng
        self._probe = probe
        self._is_ac = False
        self._range_v: float | None = None
        self._last_range_v = _RANGES_V[-1]
        self._filter_hz = 20.0
        self._nplc = 10.0
        filter_header = "DETector" if kind == "34401A" else "VOLTage:AC"
        self._interpreter = Interpreter(
            IDENTITIES[kind], self._handlers(f"[SENSe:]{filter_header}:BANDwidth"), self._reset
        )

    def execute(self, line: str) -> str | None:
        """Do what a line says; return the answer, None if there is none."""
        return self._interpreter.execute(line)

    def _reset(self) -> None:
        self._configure(is_ac=False, range_v=None)

    def _handlers(self, filter_header: str) -> dict[str, Handler]:
        return {
            "CONFigure:VOLTage:AC": lambda text, q: self._configured(text, q, is_ac=True),
            "CONFigure[:VOLTage]:DC": lambda text, q: self._configured(text, q, is_ac=False),
            "[SENSe:]VOLTage:AC:RANGe": self._range,
            "[SENSe:]VOLTage:DC:RANGe": self._range,
            "[SENSe:]VOLTage:DC:NPLCycles": self._cycles,
            filter_header: self._filter,
            "READ": self._read,
        }

    def _configured(self, text: str, is_query: bool, *, is_ac: bool) -> str | None:
        if is_query:
            raise ScpiError(-113, "Undefined header")
        automatic = text.upper() in ("", "DEF", "AUTO")
        self._configure(is_ac=is_ac, range_v=None if automatic else _range_for(text))
        return None

    def _configure(self, *, is_ac: bool, range_v: float | None) -> None:
        self._is_ac, self._range_v = is_ac, range_v
        self._filter_hz, self._nplc = 20.0, 10.0

    def _range(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return shown(self._last_range_v if self._range_v is None else self._range_v)
        self._range_v = _range_for(text)
        return None

    def _filter(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return shown(self._filter_hz)
        wanted = number(text, {"HZ": 1.0})
        if wanted < 3.0:
            raise ScpiError(-222, "Data out of range")
        self._filter_hz = max(least for least in _FILTER_LOSS if least <= wanted)
        return None

    def _cycles(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return shown(self._nplc)
        wanted = number(text, {})
        if not 0 < wanted <= _NPLC[-1]:
            raise ScpiError(-222, "Data out of range")
        self._nplc = next(cycles for cycles in _NPLC if cycles >= wanted)
        return None

    def _read(self, _: str, is_query: bool) -> str | None:
        if not is_query:
            raise ScpiError(-113, "Undefined header")
        return shown(self._reading())

    def _reading(self) -> float:
        wave = self._probe()
        true_v = wave.peak_v / math.sqrt(2) if self._is_ac else wave.dc_v
        range_v = self._range_v
        if range_v is None:
            fits = (r for r in _RANGES_V if abs(true_v) <= _OVERRANGE * r)
            range_v = next(fits, _RANGES_V[-1])
            self._last_range_v = range_v
        largest_v = _LARGEST_AC_V if self._is_ac else range_v * _OVERRANGE
        if abs(true_v) > min(largest_v, range_v * _OVERRANGE):
            return math.copysign(OVERLOAD, true_v)
        return self._wrong(true_v, range_v, wave.frequency_hz)

    def _wrong(self, true_v: float, range_v: float, frequency_hz: float) -> float:
        """Return what it makes of a voltage."""
        row = _RANGES_V.index(range_v)
        if self._is_ac:
            of_reading = next(error for most, error in _AC_READING if frequency_hz <= most)
            of_range = _AC_RANGE[row]
            losses = _FILTER_LOSS[self._filter_hz]
            loss = next((lost for below, lost in losses if 0 < frequency_hz < below), 0.0)
            true_v *= 1 - loss
        else:
            of_reading, of_range = _DC_READING[row], _DC_RANGE[row]
        limit_v = of_reading * abs(true_v) + of_range * range_v
        error_v = self.reading_share * of_reading * true_v + self.range_share * of_range * range_v
        return true_v + error_v + float(self._rng.normal(0.0, _NOISE_OF_LIMIT * limit_v))


def _range_for(text: str) -> float:
    """Return the smallest range for an expected voltage."""
    wanted = abs(number(text, {"V": 1.0, "MV": 1e-3}))
    for range_v in _RANGES_V:
        if wanted <= _OVERRANGE * range_v:
            return range_v
    raise ScpiError(-222, "Data out of range")
