"""Multimeters as the reference: 34401A and 34461A.

Sources: Agilent 34401A User's Guide (34401-90004) and Keysight Truevolt Operating and Service
Guide (34460-90901), commands and settling times; accuracy in `accuracy`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emgrig.calibration.bench.accuracy import (
    AC_LEAST_HZ,
    AC_MOST_HZ,
    MEDIUM_FILTER_HZ,
    Accuracy,
    ac_accuracy,
    dc_accuracy,
)
from emgrig.calibration.bench.visa import Instrument
from emgrig.calibration.figures.uncertainty import Component, Result, mean_result, rectangular
from emgrig.errors import DeviceError

OVERLOAD_V = 9.0e37
"""SCPI's way to say that a reading is too large: 9.9E+37."""
N_READINGS = 3


@dataclass(frozen=True)
class MeterModel:
    """One model.

    Its ``*IDN?`` contains `pattern`; `filter_command` sets the lowest frequency of ac. The slow
    filter settles 7 s (34401A) or 2.5 s (34461A) for each range that is tried, hence
    `reading_timeout_s`.
    """

    name: str
    pattern: str
    filter_command: str
    reading_timeout_s: float


MODELS = (
    MeterModel("34401A", r"\b34401A\b", "DET:BAND", 45.0),
    MeterModel("34461A", r"\b34461A\b", "VOLT:AC:BAND", 20.0),
)


def meter_model(identity: str) -> MeterModel | None:
    """Return the model that an answer to ``*IDN?`` belongs to; None if it is none of ours."""
    return next((model for model in MODELS if re.search(model.pattern, identity)), None)


class Meter:
    """A multimeter.

    Its own trigger delay waits for the input to settle; nothing here needs to. `reading_timeout_s`
    goes in place of the model's.
    """

    def __init__(
        self, instrument: Instrument, model: MeterModel, *, reading_timeout_s: float | None = None
    ) -> None:
        self.instrument = instrument
        self.model = model
        self._timeout_s = reading_timeout_s or model.reading_timeout_s
        instrument.name = f"{model.name} at {instrument.resource}"
        instrument.write("*CLS")

    def check_ac(self, frequency_hz: float, n_readings: int) -> None:
        """Refuse what `read_ac` refuses; nothing is sent."""
        _check_readings(n_readings)
        if not AC_LEAST_HZ <= frequency_hz <= AC_MOST_HZ:
            raise ValueError(
                f"{frequency_hz:g} Hz: the meter reads ac from {AC_LEAST_HZ:g} to {AC_MOST_HZ:g} Hz"
            )

    def read_ac(self, frequency_hz: float, n_readings: int = N_READINGS) -> Result:
        """Read the rms of a sine, ac coupled.

        `frequency_hz`, 3 to 20 000 Hz, selects filter and accuracy; two readings or more. The
        result, V rms, has their scatter, and the data sheet's limit as a rectangle. Raises
        ValueError if an argument is out of range, and nothing was sent; DeviceError if the input is
        too large for the meter, or too small for its data sheet; TransportError if the meter is
        gone.
        """
        self.check_ac(frequency_hz, n_readings)
        self.instrument.set("CONF:VOLT:AC")
        filter_hz = 20 if frequency_hz >= MEDIUM_FILTER_HZ else 3
        self.instrument.set(f"{self.model.filter_command} {filter_hz}")
        return self._read("VOLT:AC:RANG?", n_readings, lambda r, v: ac_accuracy(r, v, frequency_hz))

    def read_dc(self, n_readings: int = N_READINGS) -> Result:
        """Read volts dc, over 10 cycles of the mains each; returns and raises as `read_ac`."""
        _check_readings(n_readings)
        self.instrument.set("CONF:VOLT:DC")
        self.instrument.set("VOLT:DC:NPLC 10")
        return self._read("VOLT:DC:RANG?", n_readings, lambda r, _: dc_accuracy(r))

    def close(self) -> None:
        """Close; the meter stays as it is."""
        self.instrument.close()

    def _read(
        self, range_query: str, n_readings: int, accuracy: Callable[[float, float], Accuracy]
    ) -> Result:
        instrument = self.instrument
        readings = [
            instrument.query_number("READ?", timeout_s=self._timeout_s) for _ in range(n_readings)
        ]
        if max(map(abs, readings)) > OVERLOAD_V:
            raise DeviceError(f"{instrument.name} is overloaded: take the level down")
        range_v = instrument.query_number(range_query)
        try:
            promise = accuracy(range_v, float(np.mean(readings)))
        except ValueError as error:
            raise DeviceError(f"{instrument.name}: {error}") from error
        limit_v = promise.limit_v(float(np.mean(readings)), range_v)
        return mean_result(
            np.array(readings),
            "V",
            type_b=[Component("data sheet of the meter", rectangular(limit_v))],
            assumptions=(
                f"{self.model.name} calibrated within a year, at 23 ± 5 °C",
                f"{range_v:g} V range: {promise}",
            ),
        )


def _check_readings(n_readings: int) -> None:
    if n_readings < 2:
        raise ValueError(f"n_readings is {n_readings}; expected 2 or more")
