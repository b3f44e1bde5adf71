"""Function generators: Keysight (Agilent) 33210A, 33220A and 33500 series, Siglent SDG series.

Sources: Agilent 33220A User's Guide (33220-90002) and Keysight 33500 series Operating and Service
Guide (33500-90901), commands and data sheets; Siglent SDG Programming Guide PG02-E05, OUTP and
BSWV, and data sheets of the SDG1000X and SDG2000X.
"""

import math
import re
from dataclasses import dataclass

from emgrig.calibration.bench.dialects import KEYSIGHT, SIGLENT, Dialect, Shape
from emgrig.calibration.bench.visa import Instrument
from emgrig.errors import DeviceError

SOURCE_OHM = 50.0
LARGEST_LOAD_OHM = 10e3
"""The Keysights' largest load setting; more is high impedance, at most 0.5 % away from it."""
LEAST_HZ = 1e-3
_AGREES = 2e-3
"""Four digits are what these generators keep of an amplitude."""


@dataclass(frozen=True)
class GeneratorModel:
    """What the data sheet promises of one family.

    Its ``*IDN?`` contains `pattern`. `least_vpp` and `most_vpp` are peak to peak into an open
    circuit, V; `most_hz` is the largest frequency of a sine; `frequency_ppm` limits its error
    within a year.
    """

    name: str
    pattern: str
    dialect: Dialect
    least_vpp: float
    most_vpp: float
    most_hz: float
    frequency_ppm: float


MODELS = (
    GeneratorModel("33220A", r"\b332[12]0A\b", KEYSIGHT, 20e-3, 20.0, 10e6, 20.0),
    GeneratorModel("33500 series", r"\b335\d\d[AB]\b", KEYSIGHT, 2e-3, 20.0, 20e6, 1.0),
    GeneratorModel("SDG2000X/6000X", r"\bSDG[26]\d\d\dX", SIGLENT, 4e-3, 20.0, 10e6, 2.0),
    # The least of what the older series promise.
    GeneratorModel("SDG series", r"\bSDG\d+", SIGLENT, 4e-3, 20.0, 5e6, 100.0),
)


def generator_model(identity: str) -> GeneratorModel | None:
    """Return the family that an answer to ``*IDN?`` belongs to; None if it is none of ours."""
    return next((model for model in MODELS if re.search(model.pattern, identity)), None)


class Generator:
    """One channel (the first) of a function generator; its output is off after this.

    Every setting is followed by the error queue, where there is one, and read back. That says
    that the generator took it; what it gives is for the meter to say.

    `load_ohm` is what its output feeds, at least 50; None is high impedance. Amplitudes are meant
    into this load: a generator that is told 50 ohm gives twice the set amplitude into an open end.
    Raises TransportError or DeviceError if it is gone, or does not take a setting.
    """

    def __init__(
        self, instrument: Instrument, model: GeneratorModel, *, load_ohm: float | None = None
    ) -> None:
        self.instrument = instrument
        self.model = model
        is_high = load_ohm is None or load_ohm > LARGEST_LOAD_OHM
        self.load_ohm = None if is_high else load_ohm
        instrument.name = f"{model.name} at {instrument.resource}"
        instrument.write(model.dialect.output(is_on=False))
        if model.dialect.has_error_queue:
            instrument.write("*CLS")  # the errors of others
        self._send(model.dialect.load(self.load_ohm))
        self._prove(load_ohm=self.load_ohm, is_on=False)

    @property
    def most_v(self) -> float:
        """Largest peak voltage into the load, V."""
        return self.model.most_vpp / 2 * self._share

    @property
    def least_v(self) -> float:
        """Smallest peak amplitude of a sine into the load, V."""
        return self.model.least_vpp / 2 * self._share

    def check_sine(self, amplitude_v: float, frequency_hz: float) -> None:
        """Refuse a sine that it cannot make: ValueError with the limit; nothing is sent."""
        if not LEAST_HZ <= frequency_hz <= self.model.most_hz:
            raise ValueError(
                f"{frequency_hz:g} Hz: the {self.model.name} makes sines of {LEAST_HZ:g} to "
                f"{self.model.most_hz:g} Hz"
            )
        if not self.least_v <= amplitude_v <= self.most_v:
            raise ValueError(
                f"{amplitude_v:.6g} V (peak) is beyond the {self.model.name}: it makes sines of "
                f"{self.least_v:g} to {self.most_v:g} V into {self._load_text}; "
                "use another attenuator or another level"
            )

    def check_dc(self, level_v: float) -> None:
        """Refuse a level that it cannot make: ValueError with the limit; nothing is sent."""
        if not abs(level_v) <= self.most_v:
            raise ValueError(
                f"{level_v:.6g} V is beyond the {self.model.name}: it gives up to "
                f"{self.most_v:g} V either way into {self._load_text}; "
                "use another attenuator or another level"
            )

    def set_sine(self, amplitude_v: float, frequency_hz: float) -> None:
        """Set a sine without offset; the output stays on or off.

        `amplitude_v` is the peak into the load, V. Raises ValueError if the generator cannot make
        it, and nothing was sent; DeviceError if it does not take it.
        """
        self.check_sine(amplitude_v, frequency_hz)
        self._send(*self.model.dialect.sine(2 * amplitude_v, frequency_hz))
        self._prove(shape=Shape.SINE, vpp=2 * amplitude_v, offset_v=0.0, frequency_hz=frequency_hz)

    def set_dc(self, level_v: float) -> None:
        """Set a constant level, V, into the load; raises as `set_sine`."""
        self.check_dc(level_v)
        self._send(*self.model.dialect.dc(level_v))
        self._prove(shape=Shape.DC, offset_v=level_v)

    def turn_on(self) -> None:
        """Switch the output on."""
        self._send(self.model.dialect.output(is_on=True))
        self._prove(is_on=True)

    def turn_off(self) -> None:
        """Switch the output off."""
        self._send(self.model.dialect.output(is_on=False))
        self._prove(is_on=False)

    def close(self) -> None:
        """Switch the output off, and close.

        Raises TransportError or DeviceError if it is not known that the output is off. It is closed
        all the same.
        """
        try:
            self.instrument.write(self.model.dialect.output(is_on=False))
            self._prove(is_on=False)
        finally:
            self.instrument.close()

    @property
    def _share(self) -> float:
        return 1.0 if self.load_ohm is None else self.load_ohm / (self.load_ohm + SOURCE_OHM)

    @property
    def _load_text(self) -> str:
        return "high impedance" if self.load_ohm is None else f"{self.load_ohm:g} Ω"

    def _send(self, *commands: str) -> None:
        for command in commands:
            if self.model.dialect.has_error_queue:
                self.instrument.set(command)
            else:
                self.instrument.write(command)

    def _prove(self, **wanted: float | bool | Shape | None) -> None:
        """Read the settings back, and compare some of them with what was sent."""
        found = self.model.dialect.read(self.instrument)
        for name, value in wanted.items():
            if not _agree(name, value, getattr(found, name)):
                raise DeviceError(
                    f"{self.instrument.name}: {name} is {getattr(found, name)} after it was set to "
                    f"{value}; the generator changed it without a word"
                )


def _agree(name: str, wanted: float | Shape | None, found: float | Shape | None) -> bool:
    if not isinstance(wanted, float) or not isinstance(found, float):
        return wanted == found
    if name == "frequency_hz":
        return math.isclose(wanted, found, rel_tol=1e-5)
    return math.isclose(wanted, found, rel_tol=_AGREES, abs_tol=1e-4)
