"""How two families of generators are told what to do: Keysight's SCPI and Siglent's commands.

Sources: see `generator`. The Siglents have no error queue and move what is out of range to the
nearest limit without a word; reading back is the only way to know.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from emgrig.calibration.bench.visa import Instrument
from emgrig.errors import WireError


class Shape(Enum):
    """What a generator makes."""

    SINE = "sine"
    DC = "dc"
    OTHER = "another waveform"


@dataclass(frozen=True)
class Setting:
    """What a generator says it is set to; voltages are into `load_ohm` (None: high impedance)."""

    shape: Shape
    frequency_hz: float
    vpp: float
    offset_v: float
    load_ohm: float | None
    is_on: bool


class Dialect(Protocol):
    """Commands of one family, and how it says what it is set to."""

    has_error_queue: bool

    def load(self, load_ohm: float | None) -> str:
        """Command that tells it what it feeds; None is high impedance."""
        ...

    def sine(self, vpp: float, frequency_hz: float) -> tuple[str, ...]:
        """Commands for a sine without offset, in an order in which no two settings conflict."""
        ...

    def dc(self, level_v: float) -> tuple[str, ...]:
        """Commands for a constant level."""
        ...

    def output(self, *, is_on: bool) -> str:
        """Command that switches the output."""
        ...

    def read(self, instrument: Instrument) -> Setting:
        """Ask for all settings."""
        ...


class _Keysight:
    has_error_queue = True

    def load(self, load_ohm: float | None) -> str:
        return f"OUTP:LOAD {'INF' if load_ohm is None else f'{load_ohm:.6g}'}"

    def sine(self, vpp: float, frequency_hz: float) -> tuple[str, ...]:
        return (
            "VOLT:OFFS 0",
            "FUNC SIN",
            "VOLT:UNIT VPP",
            f"FREQ {frequency_hz:.10g}",
            f"VOLT {vpp:.6g}",
        )

    def dc(self, level_v: float) -> tuple[str, ...]:
        return ("VOLT:OFFS 0", "FUNC DC", f"VOLT:OFFS {level_v:.6g}")

    def output(self, *, is_on: bool) -> str:
        return f"OUTP {'ON' if is_on else 'OFF'}"

    def read(self, instrument: Instrument) -> Setting:
        shapes = {"SIN": Shape.SINE, "DC": Shape.DC}
        load_ohm = instrument.query_number("OUTP:LOAD?")
        return Setting(
            shape=shapes.get(instrument.query("FUNC?"), Shape.OTHER),
            frequency_hz=instrument.query_number("FREQ?"),
            vpp=instrument.query_number("VOLT?"),
            offset_v=instrument.query_number("VOLT:OFFS?"),
            load_ohm=None if load_ohm > 1e30 else load_ohm,  # SCPI's infinity is 9.9E+37
            is_on=instrument.query_number("OUTP?") != 0,
        )


class _Siglent:
    has_error_queue = False

    def load(self, load_ohm: float | None) -> str:
        return f"C1:OUTP LOAD,{'HZ' if load_ohm is None else round(load_ohm)}"

    def sine(self, vpp: float, frequency_hz: float) -> tuple[str, ...]:
        return (
            "C1:BSWV WVTP,SINE",
            "C1:BSWV OFST,0",
            f"C1:BSWV FRQ,{frequency_hz:.10g}",
            f"C1:BSWV AMP,{vpp:.6g}",
        )

    def dc(self, level_v: float) -> tuple[str, ...]:
        return ("C1:BSWV WVTP,DC", f"C1:BSWV OFST,{level_v:.6g}")

    def output(self, *, is_on: bool) -> str:
        return f"C1:OUTP {'ON' if is_on else 'OFF'}"

    def read(self, instrument: Instrument) -> Setting:
        wave = _pairs(instrument, "C1:BSWV?")
        output = _pairs(instrument, "C1:OUTP?")
        load = output.get("LOAD", "")
        shapes = {"SINE": Shape.SINE, "DC": Shape.DC}
        return Setting(
            shape=shapes.get(wave.get("WVTP", ""), Shape.OTHER),
            frequency_hz=_number(instrument, wave.get("FRQ", "0")),
            vpp=_number(instrument, wave.get("AMP", "0")),
            offset_v=_number(instrument, wave.get("OFST", "0")),
            load_ohm=None if load == "HZ" else _number(instrument, load),
            is_on=output["STATE"] == "ON",
        )


def _pairs(instrument: Instrument, query: str) -> dict[str, str]:
    """Take ``C1:BSWV WVTP,SINE,FRQ,100HZ,…`` apart; a bare ON or OFF in front is STATE."""
    answer = instrument.query(query)
    header = query.rstrip("?")
    if not answer.startswith(header):
        raise WireError(f"{instrument.name} answered {query} with {answer!r}; expected {header} …")
    words = [word.strip() for word in answer[len(header) :].split(",")]
    if len(words) % 2:
        words.insert(0, "STATE")
    return {"STATE": "", **dict(zip(words[::2], words[1::2], strict=True))}


def _number(instrument: Instrument, text: str) -> float:
    found = re.match(r"[-+]?[\d.]+([eE][-+]?\d+)?", text)
    try:
        return float(found.group() if found else text)
    except ValueError as error:
        raise WireError(f"{instrument.name} gave {text!r}; expected a number") from error


KEYSIGHT: Dialect = _Keysight()
SIGLENT: Dialect = _Siglent()
