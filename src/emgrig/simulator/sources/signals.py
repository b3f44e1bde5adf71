"""What the simulated electrodes see: silence, tones, square waves; and the words that choose one.

All are `Source`s: pure functions of true time. Recordings are in `recordings`, a face in `face`
and `performer`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.simulator.quantities import VOLTS, parse_quantity
from emgrig.simulator.seams import Source
from emgrig.simulator.sources.performer import Performer
from emgrig.simulator.sources.recordings import load_recording

FORMS = {
    "silence": "silence",
    "sine": "sine:AMPLITUDE,FREQUENCY[,PHASEdeg] (sine:1mV,37Hz)",
    "square": "square:AMPLITUDE,FREQUENCY (square:1mV,5Hz)",
    "tones": "tones:AMPLITUDE@FREQUENCY+… (tones:100uV@20Hz+50uV@120Hz)",
    "bench": "bench",
    "face": "face[?events_per_minute=N]",
    "file": "file:PATH?unit=uV&rate=HZ[&columns=1,-,2,…][&end=loop|hold]",
}
"""What `parse_source` takes, for help texts."""


class Silence:
    """All electrodes at 0 V."""

    is_silent = True

    def __init__(self, n_electrodes: int) -> None:
        self.n_electrodes = n_electrodes

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        return np.zeros((len(t_s), self.n_electrodes))


@dataclass(frozen=True)
class Tone:
    """A sine: frequency, phase at 0 s, and its peak amplitude on each electrode, V."""

    frequency_hz: float
    amplitude_v: tuple[float, ...]
    phase_rad: float = 0.0


class MultiTone:
    """The sum of some sines.

    Parameters
    ----------
    tones : sequence of Tone
        At least one; all with the same number of electrodes.

    Raises
    ------
    ValueError
        If there is no tone, if numbers of electrodes differ, or a value is not finite.
    """

    def __init__(self, tones: Sequence[Tone]) -> None:
        if not tones:
            raise ValueError("a MultiTone needs at least one tone")
        self.tones = tuple(tones)
        self.n_electrodes = len(tones[0].amplitude_v)
        self._amplitude_v = np.array([tone.amplitude_v for tone in tones], dtype=np.float64)
        for tone in tones:
            if not np.isfinite((tone.frequency_hz, tone.phase_rad)).all() or tone.frequency_hz < 0:
                raise ValueError(f"{tone}: frequency ≥ 0 and phase must be finite")
        if not np.isfinite(self._amplitude_v).all():
            raise ValueError("amplitudes must be finite")

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        total = np.zeros((len(t_s), self.n_electrodes))
        for tone, amplitudes in zip(self.tones, self._amplitude_v, strict=True):
            wave = np.sin(2 * np.pi * tone.frequency_hz * t_s + tone.phase_rad)
            on = np.nonzero(amplitudes)[0]
            if len(on) == 1:
                total[:, on[0]] += wave * amplitudes[on[0]]
            else:
                total += np.multiply.outer(wave, amplitudes)
        return total


def sine(
    n_electrodes: int,
    amplitude_v: ArrayLike,
    frequency_hz: float,
    phase_rad: float = 0.0,
) -> MultiTone:
    """One sine; `amplitude_v` (peak) is a number, or one for each electrode."""
    amplitudes = np.broadcast_to(np.asarray(amplitude_v, dtype=np.float64), n_electrodes)
    return MultiTone([Tone(frequency_hz, tuple(amplitudes.tolist()), phase_rad)])


class Square:
    """A square wave, first +amplitude, then -amplitude, half a period each.

    Parameters
    ----------
    amplitude_v : float or array-like, shape (n_electrodes,)
        Half of the peak-to-peak value, V.
    frequency_hz : float
        > 0.
    """

    def __init__(self, n_electrodes: int, amplitude_v: ArrayLike, frequency_hz: float) -> None:
        if not frequency_hz > 0:
            raise ValueError(f"a square wave of {frequency_hz} Hz; it must be > 0")
        self.n_electrodes = n_electrodes
        self.frequency_hz = frequency_hz
        self.amplitude_v = np.broadcast_to(
            np.asarray(amplitude_v, dtype=np.float64), n_electrodes
        ).copy()

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        sign = np.where((t_s * self.frequency_hz) % 1.0 < 0.5, 1.0, -1.0)
        return np.multiply.outer(sign, self.amplitude_v)


def bench(n_electrodes: int) -> MultiTone:
    """Make a bench generator's test pattern: every channel can be told from every other.

    Channel c has (100 c) uV peak at (11 + 6 c) Hz; all have 50 uV peak at 120 Hz.
    """
    tones = [Tone(120.0, (50e-6,) * n_electrodes)]
    for index in range(n_electrodes):
        amplitudes = [0.0] * n_electrodes
        amplitudes[index] = 100e-6 * (index + 1)
        tones.append(Tone(11.0 + 6 * (index + 1), tuple(amplitudes)))
    return MultiTone(tones)


def parse_source(text: str, n_channels: int = 8, seed: int = 0) -> Source:
    """Make a source from a word on the command line.

    Parameters
    ----------
    text : str
        One of `FORMS`. Amplitudes (peak) have a unit: V, mV, uV or nV. Columns of a file are
        numbers from 1 or names.
    n_channels : int
        Electrodes; a file with fewer columns leaves the others at 0 V.
    seed : int
        For `face`.

    Raises
    ------
    ValueError
        If the text is none of these; it says what is allowed.
    EmgrigError
        If a file cannot be read.
    """
    name, separator, rest = text.partition(":")
    if not separator:
        name, separator, rest = text.partition("?")
    makers: dict[str, Callable[[], Source]] = {
        "silence": lambda: Silence(_nothing(rest, n_channels)),
        "sine": lambda: _parse_sine(rest, n_channels),
        "square": lambda: _parse_square(rest, n_channels),
        "tones": lambda: _parse_tones(rest, n_channels),
        "bench": lambda: bench(_nothing(rest, n_channels)),
        "face": lambda: _parse_face(rest, n_channels, seed),
        "file": lambda: _parse_file(rest, n_channels),
    }
    if name not in makers:
        raise ValueError(f"no source {name!r}; there are: {'; '.join(FORMS.values())}")
    try:
        return makers[name]()
    except ValueError as error:
        raise ValueError(f"source {text!r}: {error}; the form is {FORMS[name]}") from error


def _nothing(rest: str, n_channels: int) -> int:
    if rest:
        raise ValueError(f"{rest!r} means nothing here")
    return n_channels


def _parse_sine(rest: str, n_channels: int) -> Source:
    parts = rest.split(",")
    if len(parts) not in (2, 3):
        raise ValueError("expected AMPLITUDE,FREQUENCY or AMPLITUDE,FREQUENCY,PHASEdeg")
    phase_deg = parse_quantity(parts[2], {"deg": 1.0}) if len(parts) == 3 else 0.0
    amplitude_v, frequency_hz = _amplitude_and_frequency(parts[0], parts[1])
    return sine(n_channels, amplitude_v, frequency_hz, float(np.deg2rad(phase_deg)))


def _parse_square(rest: str, n_channels: int) -> Source:
    parts = rest.split(",")
    if len(parts) != 2:
        raise ValueError("expected AMPLITUDE,FREQUENCY")
    amplitude_v, frequency_hz = _amplitude_and_frequency(parts[0], parts[1])
    return Square(n_channels, amplitude_v, frequency_hz)


def _parse_tones(rest: str, n_channels: int) -> Source:
    tones = []
    for part in rest.split("+"):
        amplitude, at, frequency = part.partition("@")
        if not at:
            raise ValueError(f"{part!r} is not AMPLITUDE@FREQUENCY")
        amplitude_v, frequency_hz = _amplitude_and_frequency(amplitude, frequency)
        tones.append(Tone(frequency_hz, (amplitude_v,) * n_channels))
    return MultiTone(tones)


def _amplitude_and_frequency(amplitude: str, frequency: str) -> tuple[float, float]:
    return parse_quantity(amplitude, VOLTS), parse_quantity(frequency, {"Hz": 1.0, "kHz": 1e3})


def _parse_face(rest: str, n_channels: int, seed: int) -> Source:
    options = _options(rest.lstrip("?"), {"events_per_minute"})
    rate = options.get("events_per_minute")
    if rate is None:
        return Performer(n_channels, seed)
    return Performer(n_channels, seed, events_per_minute=parse_quantity(rate, {"": 1.0}))


def _parse_file(rest: str, n_channels: int) -> Source:
    path, _, query = rest.partition("?")
    options = _options(query, {"rate", "unit", "columns", "end"})
    if not path:
        raise ValueError("a path is missing")
    rate = options.get("rate")
    columns = [part.strip() for part in options.get("columns", "").split(",") if part.strip()]
    return load_recording(
        path,
        n_electrodes=n_channels,
        rate_hz=None if rate is None else parse_quantity(rate, {"": 1.0, "Hz": 1.0, "kHz": 1e3}),
        unit=options.get("unit"),
        columns=columns or None,
        end=options.get("end", "loop"),
    )


def _options(query: str, allowed: set[str]) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    if query and not pairs:
        raise ValueError(f"{query!r} is not KEY=VALUE")
    for key, _ in pairs:
        if key not in allowed:
            raise ValueError(f"no option {key!r}; there are {', '.join(sorted(allowed))}")
    return dict(pairs)
