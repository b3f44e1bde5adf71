"""A simulated function generator: its settings, its errors, and the commands of two families.

Facts: Agilent 33220A User's Guide, Keysight 33500 series Operating and Service Guide, Siglent SDG
Programming Guide and the data sheets, transcribed apart from `emgrig.calibration.bench`, so that a
mistake there shows up here.

Of Siglent's: replies begin with their header, there is no error queue, and what is out of range is
moved to the limit without a word. Only channel 1 is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from emgrig.simulator.bench.scpi import Handler, Interpreter, ScpiError, number, shown

OUTPUT_OHM: Final = 50.0
INFINITE: Final = 9.9e37
_LARGEST_OFFSET_V: Final = 10.0  # peak of ac and dc together, into an open end


@dataclass(frozen=True)
class Kind:
    """One generator as its data sheet has it; voltages into an open end."""

    identity: str
    least_vpp: float
    most_vpp: float
    most_hz: float
    ppm: float
    load_at_start: float | None
    is_siglent: bool = False


KINDS: Final = {
    "33220A": Kind(
        "Agilent Technologies,33220A,MY44000001,2.07-2.06-22-2", 20e-3, 20.0, 20e6, 20.0, 50.0
    ),
    "33511B": Kind(
        "Agilent Technologies,33511B,MY52000001,2.03-1.19-2.00-52-00", 2e-3, 20.0, 20e6, 1.0, 50.0
    ),
    "SDG2042X": Kind(
        "Siglent Technologies,SDG2042X,SDG2XSIM000001,2.01.01.23R7",
        *(2e-3, 20.0, 40e6, 1.0, None, True),
    ),
}
"""What can be simulated."""


@dataclass(frozen=True)
class Waveform:
    """What a generator's source drives behind its 50 ohm: a constant, and a sine on it."""

    dc_v: float = 0.0
    peak_v: float = 0.0
    frequency_hz: float = 0.0


@dataclass(frozen=True)
class Settings:
    """What was set; voltages into an open end, whatever the display shows."""

    is_on: bool = False
    shape: str = "SIN"
    vpp: float = 0.2
    offset_v: float = 0.0
    frequency_hz: float = 1000.0
    load_ohm: float | None = None

    @property
    def share(self) -> float:
        """What the display shows of an open end's voltage."""
        return 1.0 if self.load_ohm is None else self.load_ohm / (self.load_ohm + OUTPUT_OHM)


class SimulatedGenerator:
    """One generator; what it gives is not what was set, but within its data sheet.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    seed : int
        Which instrument: its errors.
    """

    def __init__(self, kind: str, seed: int) -> None:
        if kind not in KINDS:
            raise ValueError(f"no generator {kind!r}; there are {', '.join(KINDS)}")
        self.kind = KINDS[kind]
        share = np.random.default_rng([seed, 0x6E4]).uniform(-0.9, 0.9, 4)
        #: Of the amplitude and level; of the offset; of the frequency.
        self.relative_error = float(0.01 * share[0])
        self.amplitude_error_v = float(1e-3 * share[1])  # 1 mVpp into 50 ohm, twice that open
        self.offset_error_v = float(4e-3 * share[2])
        self.ppm_error = float(self.kind.ppm * share[3])
        self.settings = Settings(load_ohm=self.kind.load_at_start)
        self._dc_offset_v = 0.0
        self._interpreter = Interpreter(self.kind.identity, self._handlers(), self._reset)

    def execute(self, line: str) -> str | None:
        """Do what a line says; return the answer, None if there is none."""
        if self.kind.is_siglent:
            return self._execute_siglent(line)
        return self._interpreter.execute(line)

    def waveform(self) -> Waveform:
        """Return what it truly drives, behind 50 ohm."""
        now = self.settings
        if not now.is_on:
            return Waveform()
        if now.shape == "DC":
            return Waveform(dc_v=now.offset_v * (1 + 2 * self.relative_error) + self.offset_error_v)
        return Waveform(
            dc_v=now.offset_v * (1 + 2 * self.relative_error) + self.offset_error_v,
            peak_v=now.vpp / 2 * (1 + self.relative_error) + self.amplitude_error_v,
            frequency_hz=now.frequency_hz * (1 + 1e-6 * self.ppm_error),
        )

    def _reset(self) -> None:
        self.settings = Settings(load_ohm=self.kind.load_at_start)

    def _set(self, **changes: float | bool | str | None) -> None:
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]  # by name

    # ---- Keysight -----------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Handler]:
        return {
            "OUTPut[:STATe]": self._output,
            "OUTPut:LOAD": self._load,
            "[SOURce:]FUNCtion[:SHAPe]": self._function,
            "[SOURce:]FREQuency": self._frequency,
            "[SOURce:]VOLTage": self._amplitude,
            "[SOURce:]VOLTage:OFFSet": self._offset,
            "[SOURce:]VOLTage:UNIT": self._unit,
        }

    def _output(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return str(int(self.settings.is_on))
        if text.upper() not in ("ON", "OFF", "0", "1"):
            raise ScpiError(-224, "Illegal parameter value")
        self._set(is_on=text.upper() in ("ON", "1"))
        return None

    def _load(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return shown(self.settings.load_ohm or INFINITE)
        if text.upper() in ("INF", "INFINITY"):
            self._set(load_ohm=None)
        else:
            self._set(load_ohm=self._clipped(number(text, {"OHM": 1.0, "KOHM": 1e3}), 1.0, 1e4))
        return None

    def _function(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return self.settings.shape
        shapes = {"SIN": "SIN", "SINUSOID": "SIN", "DC": "DC"}
        if text.upper() not in shapes:
            raise ScpiError(-224, "Illegal parameter value")
        self._set(shape=shapes[text.upper()])
        self._keep_offset_in()
        return None

    def _frequency(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return shown(self.settings.frequency_hz)
        units = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6}
        value = self._clipped(number(text, units), 1e-6, self.kind.most_hz)
        self._set(frequency_hz=value)
        return None

    def _amplitude(self, text: str, is_query: bool) -> str | None:
        share = self.settings.share
        if is_query:
            return shown(self.settings.vpp * share)
        units = {"V": 1.0, "VPP": 1.0, "MV": 1e-3, "MVPP": 1e-3}
        least, most = self.kind.least_vpp * share, self.kind.most_vpp * share
        self._set(vpp=_four_digits(self._clipped(number(text, units), least, most)) / share)
        self._keep_offset_in()
        return None

    def _offset(self, text: str, is_query: bool) -> str | None:
        share = self.settings.share
        if is_query:
            return shown(self.settings.offset_v * share)
        room = self._offset_room_v() * share
        value = self._clipped(number(text, {"V": 1.0, "MV": 1e-3}), -room, room)
        self._set(offset_v=_four_digits(value) / share)
        return None

    def _unit(self, text: str, is_query: bool) -> str | None:
        if is_query:
            return "VPP"
        if text.upper() != "VPP":
            raise ScpiError(-224, "Illegal parameter value")  # Vrms and dBm are not simulated
        return None

    def _offset_room_v(self) -> float:
        peak_v = 0.0 if self.settings.shape == "DC" else self.settings.vpp / 2
        return _LARGEST_OFFSET_V - peak_v

    def _keep_offset_in(self) -> None:
        room_v = self._offset_room_v()
        if abs(self.settings.offset_v) > room_v + 1e-12:
            self._set(offset_v=float(np.copysign(room_v, self.settings.offset_v)))
            text = "Settings conflict; offset changed on exit from dc function"
            self._interpreter.add_error(ScpiError(-221, text))

    def _clipped(self, value: float, least: float, most: float) -> float:
        """Clip, and say so in the error queue: the instrument takes the limit nevertheless."""
        if least * (1 - 1e-9) - 1e-12 <= value <= most * (1 + 1e-9):
            return value
        limit = "upper" if value > most else "lower"
        text = f"Data out of range; value clipped to {limit} limit"
        self._interpreter.add_error(ScpiError(-222, text))
        return min(max(value, least), most)

    # ---- Siglent ------------------------------------------------------------------------------

    def _execute_siglent(self, line: str) -> str | None:
        header, _, arguments = line.strip().partition(" ")
        words = [word.strip().upper() for word in arguments.split(",")] if arguments else []
        command = header.upper()
        if command == "*IDN?":
            return self.kind.identity
        if command == "*OPC?":
            return "1"
        if command == "*RST":
            self._reset()
        elif command == "C1:OUTP?":
            load = self.settings.load_ohm
            state = "ON" if self.settings.is_on else "OFF"
            return f"C1:OUTP {state},LOAD,{'HZ' if load is None else f'{load:.0f}'},PLRT,NOR"
        elif command == "C1:BSWV?":
            return self._basic_wave()
        elif command == "C1:OUTP":
            self._siglent_output(words)
        elif command == "C1:BSWV":
            for key, text in zip(words[::2], words[1::2], strict=False):
                self._siglent_wave(key, text)
        return None  # what it does not know it ignores

    def _basic_wave(self) -> str:
        now, share = self.settings, self.settings.share
        if now.shape == "DC":
            return f"C1:BSWV WVTP,DC,OFST,{now.offset_v * share:g}V"
        vpp, offset_v = now.vpp * share, now.offset_v * share
        return (
            f"C1:BSWV WVTP,SINE,FRQ,{now.frequency_hz:g}HZ,PERI,{1 / now.frequency_hz:g}S,"
            f"AMP,{vpp:g}V,AMPVRMS,{0.3535 * vpp:g}Vrms,OFST,{offset_v:g}V,"
            f"HLEV,{offset_v + vpp / 2:g}V,LLEV,{offset_v - vpp / 2:g}V,PHSE,0"
        )

    def _siglent_output(self, words: list[str]) -> None:
        if words and words[0] in ("ON", "OFF"):
            self._set(is_on=words.pop(0) == "ON")
        for key, text in zip(words[::2], words[1::2], strict=False):
            if key == "LOAD" and text == "HZ":
                self._set(load_ohm=None)
            elif key == "LOAD":
                self._siglent_number(text, 50.0, 100e3, lambda v: self._set(load_ohm=float(int(v))))

    def _siglent_wave(self, key: str, text: str) -> None:
        now, share = self.settings, self.settings.share
        if key == "WVTP" and text in ("SINE", "DC"):
            if (text == "DC") != (now.shape == "DC"):  # dc has an offset of its own
                self._set(offset_v=self._dc_offset_v)
                self._dc_offset_v = now.offset_v
            self._set(shape="DC" if text == "DC" else "SIN")
        elif key == "OFST":
            room = self._offset_room_v() * share
            self._siglent_number(text, -room, room, lambda v: self._set(offset_v=v / share))
        elif key == "FRQ" and now.shape == "SIN":
            most = self.kind.most_hz
            self._siglent_number(text, 1e-6, most, lambda v: self._set(frequency_hz=v))
        elif key == "AMP" and now.shape == "SIN":
            least, most = self.kind.least_vpp, self.kind.most_vpp * share
            self._siglent_number(text, least, most, lambda v: self._set(vpp=v / share))

    def _siglent_number(
        self, text: str, least: float, most: float, put: Callable[[float], None]
    ) -> None:
        try:
            value = number(text, {})
        except ScpiError:
            return
        put(min(max(value, least), most))


def _four_digits(value: float) -> float:
    return float(f"{value:.4g}")
