"""A coupled bench: a generator, an attenuator, the board's electrodes, and a meter that looks on.

::

    generator ── 50 ohm ──┬── attenuator ── electrodes of the board
                          │
                        meter

**Time.** A setting of the generator holds from the board's true time of the moment at which the
command arrives; the sine's phase goes on without a jump. Instruments take no board time: between a
command and its answer true time stands still on virtual time (`sim:`), and goes on by itself on a
board that is served. A meter's reading is that of the settings in force, fully settled. What the
board made before a command and nobody has read yet is as it was: begin a stream after the command.
"""

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.assembly import chip_part
from emgrig.simulator.bench.generator import OUTPUT_OHM, SimulatedGenerator, Waveform
from emgrig.simulator.bench.meter import SimulatedMeter
from emgrig.simulator.board import SimulatedBoard

GENERATOR: Final = "generator"
METER: Final = "meter"


@dataclass(frozen=True)
class Wiring:
    """Which electrodes the attenuator's output is on; all others are at 0 V."""

    p: tuple[int, ...] = ()  #: Channels, from 1 over all chips, whose P or N electrode is driven.
    n: tuple[int, ...] = ()
    #: ≥ 0; Resistor in the lead of every driven P or N electrode, ohm: for input impedance, or an
    #: imbalance.
    series_p_ohm: float = 0.0
    series_n_ohm: float = 0.0

    def __post_init__(self) -> None:
        if not (self.series_p_ohm >= 0 and self.series_n_ohm >= 0):
            raise ValueError(f"{self}: resistors are 0 Ω or more")

    @classmethod
    def differential(cls, *channels: int) -> "Wiring":
        """P driven, N at 0 V."""
        return cls(p=channels)

    @classmethod
    def common_mode(cls, *channels: int) -> "Wiring":
        """P and N driven together."""
        return cls(p=channels, n=channels)


@dataclass(frozen=True)
class Divider:
    """An attenuator as it is, which its label says only nearly."""

    nominal_ratio: float = 100.0  #: ≥ 1; Input over output.
    tolerance: float = 1e-3  #: ≥ 0; The true ratio is drawn within so much of it, relative.
    #: What the generator feels; None is nothing. The output's resistance is 0.
    input_ohm: float | None = 10e3


@dataclass(eq=False)
class _Lead:
    """What all electrodes see under one setting (implements `Source`).

    P of all channels, then N.
    """

    wave: Waveform
    phase_rad: float
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.n_electrodes = len(self.weights)

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        wave = self.wave
        turn = 2 * np.pi * wave.frequency_hz * t_s + self.phase_rad
        return np.multiply.outer(wave.dc_v + wave.peak_v * np.sin(turn), self.weights)


class SimulatedBench:
    """The bench of one board; replaces what the board's electrodes saw (implements `Source`).

    Parameters
    ----------
    board : SimulatedBoard
        Best made with ``sim:bench``: wires for electrodes, no mains.
    seed : int
        Which instruments and which attenuator: their errors.
    generator : str
        One of `bench_generator.KINDS`.
    meter : str
        One of `bench_meter.IDENTITIES`.
    lock : context manager, optional
        Held while the board is used; `BoardServer.lock` for a board that is served. Without it
        nobody else may use the board during a command, as on virtual time.
    """

    def __init__(
        self,
        board: SimulatedBoard,
        *,
        seed: int = 0,
        generator: str = "33220A",
        meter: str = "34461A",
        divider: Divider | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        divider = divider or Divider()
        rng = np.random.default_rng([seed, 0xD171DE])
        #: Of the attenuator: the truth a calibration should be robust against.
        self.true_ratio = divider.nominal_ratio * (
            1 + divider.tolerance * float(rng.uniform(-0.9, 0.9))
        )
        self.generator = SimulatedGenerator(generator, seed)
        self.meter = SimulatedMeter(meter, seed, self.at_meter)
        self._input_ohm = divider.input_ohm
        self._board = board
        self._lock = lock if lock is not None else threading.Lock()
        self._commands_left: dict[str, int] = {}
        front_ends = board.front_ends
        if not all(isinstance(part, AnalogueFrontEnd) for part in front_ends):
            raise ValueError("a bench needs a board with simulated electrodes")
        self._n_channels = sum(part.n_channels for part in front_ends)
        self.n_electrodes = 2 * self._n_channels
        self._bare_worlds = tuple(part.world for part in self._parts)
        self._wiring = Wiring.differential(*range(1, self._n_channels + 1))
        self._leads: list[tuple[float, _Lead]] = []
        with self._lock:
            self._connect()
        board.truth = self

    def execute(self, instrument: str, line: str) -> str | None:
        """Let `GENERATOR` or `METER` do what a line says; return the answer, if there is one.

        Raises
        ------
        ConnectionError
            If it is unplugged.
        """
        left = self._commands_left.get(instrument, 1)
        if left <= 0:
            raise ConnectionError(f"the {instrument} is unplugged")
        if instrument in self._commands_left:
            self._commands_left[instrument] = left - 1
        with self._lock:
            if instrument == METER:
                return self.meter.execute(line)
            before = self.generator.waveform()
            answer = self.generator.execute(line)
            if self.generator.waveform() != before:
                self._connect()
            return answer

    def unplug(self, instrument: str, *, after_commands: int = 0) -> None:
        """Pull the computer's cable out of `GENERATOR` or `METER`; its other leads stay.

        Parameters
        ----------
        after_commands : int, ≥ 0
            Commands and queries that it still takes.
        """
        if instrument not in (GENERATOR, METER) or after_commands < 0:
            raise ValueError(
                f"{instrument!r} after {after_commands}: generator or meter, 0 or more"
            )
        self._commands_left[instrument] = after_commands

    def plug_in(self, instrument: str) -> None:
        """Put the cable back."""
        self._commands_left.pop(instrument, None)

    def is_plugged(self, instrument: str) -> bool:
        """Return True if it can be connected to."""
        return self._commands_left.get(instrument, 1) > 0

    def wire(self, wiring: Wiring) -> None:
        """Wire the electrodes anew, from now on: what a person does between two measurements.

        Raises
        ------
        ValueError
            If there is no such channel.
        """
        for channel in (*wiring.p, *wiring.n):
            if not 1 <= channel <= self._n_channels:
                raise ValueError(f"channel {channel}: there are channels 1 to {self._n_channels}")
        with self._lock:
            self._wiring = wiring
            self._connect()

    def at_meter(self) -> Waveform:
        """Return what is on the generator's terminals, the truth; amplitudes in V."""
        wave = self.generator.waveform()
        share = 1.0
        if self._input_ohm is not None:
            share = self._input_ohm / (self._input_ohm + OUTPUT_OHM)
        return replace(wave, dc_v=wave.dc_v * share, peak_v=wave.peak_v * share)

    def at_electrodes(self) -> Waveform:
        """Return what is on the driven electrodes, the truth; amplitudes in V."""
        wave = self.at_meter()
        ratio = self.true_ratio
        return replace(wave, dc_v=wave.dc_v / ratio, peak_v=wave.peak_v / ratio)

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`; what the electrodes saw in the past too."""
        begins = np.array([begin_s for begin_s, _ in self._leads])
        which = np.maximum(np.searchsorted(begins, t_s, side="right") - 1, 0)
        volts = np.empty((len(t_s), self.n_electrodes))
        for number in np.unique(which):
            rows = which == number
            volts[rows] = self._leads[number][1].volts(t_s[rows])
        return volts

    @property
    def _parts(self) -> tuple[AnalogueFrontEnd, ...]:
        return tuple(p for p in self._board.front_ends if isinstance(p, AnalogueFrontEnd))

    def _connect(self) -> None:
        """Let every chip see what there is from now on."""
        now_s = self._board.now_s
        lead = _Lead(self.at_electrodes(), self._phase_rad(now_s), self._weights())
        self._leads.append((now_s, lead))
        parts = self._parts
        per_chip = parts[0].n_channels
        for chip, part in enumerate(parts):
            tick = self._board.bank.buses[chip].tick
            part.set_source(tick, chip_part(lead, chip, per_chip, len(parts)))
            self._put_resistors(chip, part, tick)

    def _phase_rad(self, now_s: float) -> float:
        """Phase of the sine to come, such that it goes on where the last one was."""
        if not self._leads:
            return 0.0
        last = self._leads[-1][1]
        turn = last.wave.frequency_hz - self.at_electrodes().frequency_hz
        return float((last.phase_rad + 2 * np.pi * turn * now_s) % (2 * np.pi))

    def _weights(self) -> NDArray[np.float64]:
        weights = np.zeros(self.n_electrodes)
        weights[[channel - 1 for channel in self._wiring.p]] = 1.0
        weights[[self._n_channels + channel - 1 for channel in self._wiring.n]] = 1.0
        return weights

    def _put_resistors(self, chip: int, part: AnalogueFrontEnd, tick: int) -> None:
        wiring, world = self._wiring, part.world
        for side, driven, ohm in (
            ("P", wiring.p, wiring.series_p_ohm),
            ("N", wiring.n, wiring.series_n_ohm),
        ):
            for number in range(1, part.n_channels + 1):
                pin = f"IN{number}{side}"
                index = world.pin_index(pin)
                bare = self._bare_worlds[chip].electrodes[index]
                is_driven = chip * part.n_channels + number in driven
                total = bare.series_ohm + (ohm if is_driven else 0.0)
                if world.electrodes[index].series_ohm != total:
                    changed = replace(world.electrodes[index], series_ohm=total)
                    world = world.with_electrode(pin, changed)
        if world is not part.world:
            part.set_world(tick, world)
