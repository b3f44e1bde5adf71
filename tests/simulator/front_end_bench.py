"""A front end on the bench: registers by name, sources that are one line, codes as volts."""

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.analog.frontend import AnalogueFrontEnd

RESET = bytes.fromhex("3E96C060006161616161616161000000000000000F000000")
ADDRESSES = {
    "config1": 0x01,
    "config2": 0x02,
    "config3": 0x03,
    "loff": 0x04,
    "channels": 0x05,
    "bias_p": 0x0D,
    "bias_n": 0x0E,
    "sense_p": 0x0F,
    "sense_n": 0x10,
    "flip": 0x11,
    "misc1": 0x15,
    "config4": 0x17,
}
# CONFIG1 for each rate, and the decimation ratio.
RATES = {
    16000: (0x90, 64),
    8000: (0x91, 128),
    4000: (0x92, 256),
    2000: (0x93, 512),
    1000: (0x94, 1024),
    500: (0x95, 2048),
    250: (0x96, 4096),
}
GAIN_BITS = {1: 0x00, 2: 0x10, 4: 0x20, 6: 0x30, 8: 0x40, 12: 0x50, 24: 0x60}
SETTLED_TICK = 4_096_000
"""Two seconds: long after the reference was switched on at tick 0."""


def registers(**values: int | list[int]) -> bytes:
    """Reset values with the internal reference on, and others; one int sets all channels."""
    file = bytearray(RESET)
    file[0x03] = 0xE0
    for name, value in values.items():
        if name == "channels" and isinstance(value, int):
            value = [value] * 8
        data = bytes([value]) if isinstance(value, int) else bytes(value)
        file[ADDRESSES[name] : ADDRESSES[name] + len(data)] = data
    return bytes(file)


class Dc:
    """A constant voltage on all electrodes, or one for each."""

    def __init__(self, volts: float | list[float], n_electrodes: int = 8) -> None:
        self.n_electrodes = n_electrodes
        self._volts = np.broadcast_to(np.asarray(volts, dtype=np.float64), n_electrodes)

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.tile(self._volts, (len(t_s), 1))


class Step:
    """0 V before a moment, and a voltage from it on."""

    n_electrodes = 8

    def __init__(self, at_s: float, volts: float) -> None:
        self._at_s = at_s
        self._volts = volts

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.tile(np.where(t_s >= self._at_s, self._volts, 0.0)[:, None], (1, 8))


def run(
    front_end: AnalogueFrontEnd, count: int, tick: int = SETTLED_TICK, **values: int | list[int]
) -> NDArray[np.int32]:
    """Codes of `count` conversions from a restart at `tick`; registers hold since tick 0."""
    file = registers(**values)
    front_end.change(0, file)
    front_end.restart(tick, file)
    return front_end.convert(count).codes


def volts(codes: NDArray[np.int32], gain: float) -> NDArray[np.float64]:
    """Input-referred volts for a reference of exactly 4.5 V."""
    return codes * (4.5 / gain / 2**23)


def amplitude(values: NDArray[np.float64], cycles_per_sample: float) -> NDArray[np.complex128]:
    """Complex amplitude of a sine in each column, by least squares with a constant.

    ``values[k] = Re(a exp(2j pi f k))``; so a sine of phase 0 at sample 0 has amplitude -1j.
    """
    turn = 2 * np.pi * cycles_per_sample * np.arange(len(values))
    basis = np.stack([np.cos(turn), -np.sin(turn), np.ones(len(values))], axis=1)
    fitted, *_ = np.linalg.lstsq(basis, values, rcond=None)
    return fitted[0] + 1j * fitted[1]
