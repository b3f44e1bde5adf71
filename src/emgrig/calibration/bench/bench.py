"""The bench: a generator feeds an attenuator, the attenuator the board; the meter sees its input.

::

    generator ──┬── attenuator ── board's inputs
                │
              meter

What the generator was told is never the result: it is what the meter read, over the ratio.
"""

import logging
import math
from dataclasses import dataclass, replace
from typing import Self

from emgrig.calibration.bench import generator as generators
from emgrig.calibration.bench import meter as meters
from emgrig.calibration.bench.generator import SOURCE_OHM, Generator, generator_model
from emgrig.calibration.bench.meter import N_READINGS, Meter, meter_model
from emgrig.calibration.bench.visa import TIMEOUT_S, Instrument
from emgrig.calibration.figures.uncertainty import Component, Result, rectangular
from emgrig.errors import DeviceError, EmgrigError, IdentityError

log = logging.getLogger(__name__)

FAR_OFF = 0.1
"""If the meter's reading is so far from what was set, something is wired or set wrongly."""
FAR_OFF_V = 5e-3
"""What a generator's offset may add to a small level, V."""


@dataclass(frozen=True)
class Attenuator:
    """A divider of known ratio, between generator and board.

    `ratio`, 1 or more, is input over output, loaded as it is used: 1000 makes 1 V into 1 mV, 1 is a
    wire. `relative_uncertainty` is the standard one of the ratio over the ratio: resistors within
    ±0.1 % and nothing more known give about 0.0006 for one resistor that counts (a rectangle).
    `input_ohm`, 50 or more, is what the generator feels of it; None is nothing. `name` says make
    and serial number, for the record.
    """

    ratio: float = 1.0
    relative_uncertainty: float = 0.0
    input_ohm: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.ratio < math.inf:
            raise ValueError(f"an attenuator's ratio is 1 or more, not {self.ratio}")
        if not 0 <= self.relative_uncertainty < 1:
            raise ValueError(
                f"the ratio's relative uncertainty is 0 to 1, not {self.relative_uncertainty}"
            )
        if self.input_ohm is not None and not SOURCE_OHM <= self.input_ohm < math.inf:
            raise ValueError(
                f"input_ohm is {self.input_ohm}; generators drive {SOURCE_OHM:g} Ω or more"
            )


@dataclass(frozen=True)
class Applied:
    """What is on the board's inputs now.

    `level` is at the board's inputs, V: the amplitude (peak) of a sine, or a constant level; the
    meter's and the attenuator's errors are common to all levels of a bench, not independent.
    `reading` is the meter's, V: rms of a sine, or dc. `frequency` is as set, Hz, within the
    generator's data sheet; None for a constant level. `set_v` is what the generator was told, V,
    peak or dc; for the record only.
    """

    level: Result
    reading: Result
    frequency: Result | None
    set_v: float


class Bench:
    """Generator, meter and attenuator; as a context manager it ends with the output off.

    The generator is told what the attenuator is to it.
    """

    def __init__(self, generator: Generator, meter: Meter, attenuator: Attenuator) -> None:
        self.generator = generator
        self.meter = meter
        self.attenuator = attenuator

    @property
    def identities(self) -> tuple[str, str]:
        """What generator and meter answered to ``*IDN?``, for the record."""
        return self.generator.instrument.identity, self.meter.instrument.identity

    def apply_sine(
        self, amplitude_v: float, frequency_hz: float, *, n_readings: int = N_READINGS
    ) -> Applied:
        """Put a sine on the board's inputs, and measure it.

        `amplitude_v` is the peak at the board's inputs, V, above 0; `frequency_hz` is 3 to 20 000
        Hz, where the meter's accuracy is known. Of `n_readings`, two or more, each takes some
        seconds below 200 Hz. Raises ValueError if generator or meter cannot do it, and nothing was
        sent; DeviceError if an instrument refuses, or the reading is far from what was set;
        TransportError if an instrument is gone.
        """
        set_v = amplitude_v * self.attenuator.ratio
        self.meter.check_ac(frequency_hz, n_readings)
        self.generator.set_sine(set_v, frequency_hz)
        self.generator.turn_on()
        reading = self.meter.read_ac(frequency_hz, n_readings)
        self._refuse_far_off(math.sqrt(2) * reading.value, set_v)
        limit_hz = self.generator.model.frequency_ppm * 1e-6 * frequency_hz
        frequency = Result(frequency_hz, "Hz", rectangular(limit_hz), 1)
        return Applied(self._at_board(reading, math.sqrt(2)), reading, frequency, set_v)

    def apply_dc(self, level_v: float, *, n_readings: int = N_READINGS) -> Applied:
        """Put a constant level on the board's inputs, and measure it; raises as `apply_sine`."""
        set_v = level_v * self.attenuator.ratio
        if n_readings < 2:
            raise ValueError(f"n_readings is {n_readings}; expected 2 or more")
        self.generator.set_dc(set_v)
        self.generator.turn_on()
        reading = self.meter.read_dc(n_readings)
        self._refuse_far_off(reading.value, set_v)
        return Applied(self._at_board(reading, 1.0), reading, None, set_v)

    def turn_off(self) -> None:
        """Switch the generator's output off; its 50 ohm stay across the attenuator's input."""
        self.generator.turn_off()

    def close(self) -> None:
        """Switch the output off, and close both instruments.

        Raises TransportError or DeviceError if it is not known that the output is off. Both are
        closed all the same.
        """
        try:
            self.generator.close()
        finally:
            self.meter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            self.close()
        except EmgrigError as late:
            if error is None:
                raise
            log.warning("the generator's output may still be on: %s", late)

    def _at_board(self, reading: Result, crest: float) -> Result:
        """Divide a reading by the ratio, with its uncertainty."""
        factor = crest / self.attenuator.ratio
        value = reading.value * factor
        ratio = Component("ratio of the attenuator", self.attenuator.relative_uncertainty, value)
        u = math.hypot(reading.standard_uncertainty * factor, ratio.contribution)
        return replace(reading, value=value, standard_uncertainty=u)

    def _refuse_far_off(self, found_v: float, set_v: float) -> None:
        if abs(found_v - set_v) > FAR_OFF * abs(set_v) + FAR_OFF_V:
            raise DeviceError(
                f"the meter sees {found_v:.4g} V where the {self.generator.model.name} was set to "
                f"{set_v:.4g} V: check the leads, and that the attenuator's input_ohm is right "
                "(a wrong load halves or doubles the amplitude)"
            )


def open_bench(
    resources: str,
    *,
    attenuator: Attenuator | None = None,
    timeout_s: float = TIMEOUT_S,
    reading_timeout_s: float | None = None,
) -> Bench:
    """Open a generator and a meter, and see who is which; the generator's output is off then.

    `resources` are two VISA resources with a comma between them, in either order; no attenuator is
    a wire, ratio 1. `timeout_s` is how long to wait for an answer, `reading_timeout_s` for a
    reading: 45 (34401A) or 20 (34461A) unless given. Raises ValueError if `resources` are not two,
    and nothing was opened; TransportError if pyvisa is not installed, there is no such resource, or
    it does not answer; IdentityError if one is neither generator nor meter that is known here, or
    both are the same.
    """
    names = [name.strip() for name in resources.split(",")]
    if len(names) != 2 or not all(names) or names[0] == names[1]:
        raise ValueError(
            f"bench {resources!r}: expected two VISA resources, GENERATOR,METER, such as "
            "TCPIP::192.168.1.20::5025::SOCKET,USB0::0x2A8D::0x1301::MY53000001::INSTR"
        )
    opened: list[Instrument] = []
    try:
        for name in names:
            opened.append(Instrument(name, timeout_s=timeout_s))
            _refuse_unknown(opened[-1])
        return _assemble(opened, attenuator or Attenuator(), reading_timeout_s)
    except BaseException:
        for instrument in opened:
            instrument.close()
        raise


def _assemble(
    opened: list[Instrument], attenuator: Attenuator, reading_timeout_s: float | None
) -> Bench:
    first, second = opened
    if generator_model(first.identity) is None:
        first, second = second, first
    kind, meter_kind = generator_model(first.identity), meter_model(second.identity)
    if kind is None or meter_kind is None:
        what = "meters" if kind is None else "generators"
        raise IdentityError(
            f"{opened[0].resource} and {opened[1].resource} are both {what}; "
            "a bench needs one generator and one meter"
        )
    meter = Meter(second, meter_kind, reading_timeout_s=reading_timeout_s)
    return Bench(Generator(first, kind, load_ohm=attenuator.input_ohm), meter, attenuator)


def _refuse_unknown(instrument: Instrument) -> None:
    if generator_model(instrument.identity) or meter_model(instrument.identity):
        return
    known = ", ".join(model.name for model in (*generators.MODELS, *meters.MODELS))
    raise IdentityError(
        f"{instrument.resource} is {instrument.identity!r}, which is none of the instruments known "
        f"here: {known}"
    )
