"""The analogue half of the simulated ADS1299: from electrodes to codes.

Built from parts that each have one subject: `settings` (registers), `world` (electrodes, mains,
supplies, faults), `tolerances` (this chip's errors), `network` (pins and body), `inputs` (what the
amplifiers see), `waves` (test signal, lead-off chopper), `sinc` (the filter), `noise`, and
`conversion` (codes of one stretch of time). Here is what remains: runs, blocks and time.

Conversions are made in blocks that begin at fixed numbers after the restart, and noise comes
from streams that belong to these blocks, so a code does not depend on how it was asked for.

What is not modelled: crosstalk between channels (-110 dB), non-linearity (8 ppm), settling of the
amplifiers and input capacitances (microseconds to milliseconds; an open pin is at once where it
drifts to), 1/f noise, start-up of the reference beyond an exponential, idle tones.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.analog.conversion import (
    REFERENCE_TAU_S,
    REFERENCE_V,
    UNDRIVEN_REFERENCE_V,
    WINDOW_TO_EDGE_TICKS,
    Reference,
    Stretch,
    combined,
)
from emgrig.simulator.analog.inputs import Inputs
from emgrig.simulator.analog.noise import ColouredNoise, block_of
from emgrig.simulator.analog.product import times_row
from emgrig.simulator.analog.sinc import WINDOW_PERIODS
from emgrig.simulator.analog.tolerances import Tolerances
from emgrig.simulator.analog.waves import Grid
from emgrig.simulator.analog.world import World
from emgrig.simulator.chip.decoded import FrontEndSettings, check_length, decode
from emgrig.simulator.seams import Conversions, Source

NOMINAL_F_CLK_HZ = 2.048e6

# The source is looked at this often at least, and four times in a data period at least.
_LEAST_POINT_RATE_HZ = 8000.0
_LEAST_CELLS = 4

# Conversions made at once, at most; a multiple of the largest block of noise.
_LARGEST_BLOCK = 2048
# Stretches a run remembers. More changes than this within three data periods are taken as if the
# older ones had not been.
_MOST_STRETCHES = 64

_CONFIG1, _CONFIG3 = 0x01, 0x03
_RESET_8 = bytes.fromhex("3E96C060006161616161616161000000000000000F000000")
_LOWEST, _HIGHEST = -(2**23), 2**23 - 1


@dataclass
class _Run:
    """Conversions since one restart of the filter."""

    restart_tick: int
    grid: Grid
    cells: int
    stretches: list[Stretch] = field(default_factory=list)
    next_conversion: int = 0
    block: tuple[int, Conversions] | None = None

    def edge(self, conversion: int) -> int:
        """Tick at which DRDY falls for a conversion."""
        period = self.grid.data_period_ticks
        return self.restart_tick + 4 * period + WINDOW_TO_EDGE_TICKS + conversion * period


class AnalogueFrontEnd:
    """The chip's multiplexers, amplifiers, modulators and filters (implements `FrontEnd`).

    Parameters
    ----------
    source : Source
        What the electrodes see; n_channels electrodes (P; the N electrodes are at 0 V), or twice
        as many (all P, then all N).
    n_channels : int
        4, 6 or 8.
    seed : int
        Which chip (offsets, gain errors …), which electrodes and which noise; ≥ 0.
    f_clk_hz : float
        Actual frequency of the clock. The internal oscillator of the chip of this seed runs at
        ``2.048e6 * (1 + oscillator_error_ppm(seed) * 1e-6)``.
    ideal : bool
        True: no noise, no offset, no error of any kind, and `World.ideal` unless `world` is given.
    world : World or None
        Electrodes, supplies, faults; None is `World.typical(n_channels, seed)`.

    Raises
    ------
    ValueError
        If the numbers of channels of source, world and chip do not fit together.
    """

    def __init__(
        self,
        source: Source,
        *,
        n_channels: int = 8,
        seed: int = 0,
        f_clk_hz: float = NOMINAL_F_CLK_HZ,
        ideal: bool = False,
        world: World | None = None,
    ) -> None:
        if n_channels not in (4, 6, 8):
            raise ValueError(f"{n_channels} channels; an ADS1299 has 4, 6 or 8")
        if not f_clk_hz > 0:
            raise ValueError(f"a clock of {f_clk_hz} Hz; it must be > 0")
        if not 0 <= seed < 2**63:
            raise ValueError(f"seed {seed}; it must be 0 to 2**63 - 1")
        if world is None:
            world = World.ideal(n_channels) if ideal else World.typical(n_channels, seed)
        self.n_channels = n_channels
        draw = Tolerances.ideal(n_channels) if ideal else Tolerances.draw(n_channels, seed)
        #: What is wrong with this chip: the truth a calibration should find.
        self.tolerances = draw
        self._noise = ColouredNoise(seed)
        self._f_clk_hz = f_clk_hz
        self._is_noisy = not ideal
        self._source = _checked(source, n_channels)
        self._world = _fitting(world, n_channels)
        self._registers = _RESET_8
        self._inputs: dict[tuple[FrontEndSettings, World, int], Inputs] = {}
        self._resolved: tuple[bytes, World, Source, Inputs] | None = None
        self._run: _Run | None = None
        self._reference = Reference(0, UNDRIVEN_REFERENCE_V, UNDRIVEN_REFERENCE_V, self._tau)
        self._drive_reference(0)

    @property
    def world(self) -> World:
        """Electrodes, mains, supplies and faults as they are now; `set_world` changes them."""
        return self._world

    @property
    def f_clk_hz(self) -> float:
        """Actual frequency of the clock."""
        return self._f_clk_hz

    def restart(self, tick: int, registers: bytes) -> None:
        """See `FrontEnd.restart`."""
        settings = decode(registers, self.n_channels)
        self._registers = registers
        self._drive_reference(tick)
        grid = Grid(tick + settings.data_period_ticks, settings.decimation)
        rate_hz = NOMINAL_F_CLK_HZ / settings.data_period_ticks
        cells = max(_LEAST_CELLS, round(_LEAST_POINT_RATE_HZ / rate_hz))
        self._run = _Run(tick, grid, cells)
        self._run.stretches.append(self._stretch(self._run, tick))

    def change(self, tick: int, registers: bytes) -> None:
        """See `FrontEnd.change`. A new data rate without a restart ends the run."""
        check_length(registers)
        is_new_rate = (registers[_CONFIG1] ^ self._registers[_CONFIG1]) & 0x07
        self._registers = registers
        run = self._run
        # Nobody wanted the conversion that was due: the chip has stopped.
        if is_new_rate or (run is not None and run.edge(run.next_conversion) < tick):
            self._run = None
        self._changed(tick)

    def set_world(self, tick: int, world: World) -> None:
        """Change electrodes, mains, supplies or faults from `tick` on.

        `tick` is not before the last conversion that was asked for.

        Raises
        ------
        ValueError
            If it is a world for another number of channels.
        """
        self._world = _fitting(world, self.n_channels)
        self._changed(tick)

    def set_source(self, tick: int, source: Source) -> None:
        """Change what the electrodes see, as `set_world`.

        ValueError if it has another number of electrodes than channels, or twice as many.
        """
        self._source = _checked(source, self.n_channels)
        self._changed(tick)

    def convert(self, count: int) -> Conversions:
        """See `FrontEnd.convert`.

        Raises
        ------
        ValueError
            If `count` is below 1.
        RuntimeError
            If no run was begun, or it ended by a change that came after its next data-ready edge
            or that changed the rate.
        """
        if count < 1:
            raise ValueError(f"{count} conversions; ask for 1 or more")
        run = self._run
        if run is None:
            raise RuntimeError("the front end does not convert; call restart() first")
        codes = np.empty((count, self.n_channels), dtype=np.int32)
        bits = np.empty((2, count), dtype=np.uint8)
        done = 0
        while done < count:
            start, block = self._block(run)
            begin = run.next_conversion - start
            take = min(count - done, len(block.codes) - begin)
            codes[done : done + take] = block.codes[begin : begin + take]
            bits[0, done : done + take] = block.loff_p[begin : begin + take]
            bits[1, done : done + take] = block.loff_n[begin : begin + take]
            done += take
            run.next_conversion += take
        return Conversions(codes, bits[0], bits[1])

    def next_row(self) -> tuple[Conversions, int]:
        """See `FrontEnd.next_row`; raises as `convert`."""
        run = self._run
        if run is None:
            raise RuntimeError("the front end does not convert; call restart() first")
        start, block = self._block(run)
        run.next_conversion += 1
        return block, run.next_conversion - 1 - start

    def comparators(self, tick: int) -> tuple[int, int, int]:
        """See `FrontEnd.comparators`."""
        inputs = self._resolve()
        if not inputs.is_chopped:
            return inputs.comparators(+1)
        restart_tick = 0 if self._run is None else self._run.restart_tick
        grid = Grid(restart_tick, inputs.settings.decimation)
        now = Stretch(grid, _LEAST_CELLS, restart_tick, tick, inputs, self._source, self._reference)
        return inputs.comparators(int(now.chopper(np.array([tick]))[0]))

    @property
    def _tau(self) -> float:
        return REFERENCE_TAU_S * self._f_clk_hz

    def _changed(self, tick: int) -> None:
        """Begin a new stretch at `tick`, and forget what was computed beyond it."""
        self._drive_reference(tick)
        run = self._run
        if run is None:
            return
        last, new = run.stretches[-1], self._stretch(run, tick)
        if new.sees_the_same_as(last):
            return  # a register that means nothing to the analogue side
        run.block = None
        if last.start_tick == tick:
            run.stretches.pop()
        run.stretches.append(new)
        first_window = run.grid.origin_tick + run.next_conversion * run.grid.data_period_ticks
        while len(run.stretches) > 1 and run.stretches[1].start_tick <= first_window:
            run.stretches.pop(0)
        del run.stretches[:-_MOST_STRETCHES]

    def _stretch(self, run: _Run, tick: int) -> Stretch:
        return Stretch(
            grid=run.grid,
            cells=run.cells,
            restart_tick=run.restart_tick,
            start_tick=tick,
            inputs=self._resolve(),
            source=self._source,
            reference=self._reference,
        )

    def _resolve(self) -> Inputs:
        """Return what registers and surroundings now put on the inputs."""
        if self._resolved is not None:
            registers, world, source, inputs = self._resolved
            if registers == self._registers and world is self._world and source is self._source:
                return inputs
        inputs = self._inputs_of()
        self._resolved = self._registers, self._world, self._source, inputs
        return inputs

    def _inputs_of(self) -> Inputs:
        settings = decode(self._registers, self.n_channels)
        key = (settings, self._world, self._source.n_electrodes)
        if key not in self._inputs:
            if len(self._inputs) >= 8:
                self._inputs.pop(next(iter(self._inputs)))
            self._inputs[key] = Inputs(
                settings=settings,
                world=self._world,
                tolerances=self.tolerances,
                f_clk_hz=self._f_clk_hz,
                n_sources=self._source.n_electrodes,
                is_noisy=self._is_noisy,
            )
        return self._inputs[key]

    def _drive_reference(self, tick: int) -> None:
        """Let VREFP go to where registers and world drive it now."""
        world = self._world
        if world.reference_fault_v is not None:
            target_v = world.reference_fault_v
        elif self._registers[_CONFIG3] & 0x80:
            target_v = REFERENCE_V * (1 + self.tolerances.reference_error)
        elif world.external_reference_v is not None:
            target_v = world.external_reference_v
        else:
            target_v = UNDRIVEN_REFERENCE_V
        target_v = max(min(target_v, world.avdd_v), UNDRIVEN_REFERENCE_V)
        if target_v != self._reference.target_v:
            start_v = self._reference.at(tick)
            self._reference = Reference(tick, start_v, target_v, self._tau)

    def _block(self, run: _Run) -> tuple[int, Conversions]:
        """Return the block that holds the next conversion, and its first conversion's number."""
        block = run.block
        if block is None or not 0 <= run.next_conversion - block[0] < len(block[1].codes):
            start, size = block_of(run.next_conversion, _LARGEST_BLOCK)
            block = run.block = start, self._computed(run, start, size)
        return block

    def _computed(self, run: _Run, start: int, size: int) -> Conversions:
        period = run.grid.data_period_ticks
        windows = run.grid.origin_tick + period * np.arange(start, start + size)
        if len(run.stretches) == 1:
            values, last_of = run.stretches[0].codes(start, size), None
        else:
            values, last_of = self._mixed(run, start, windows)
        if self._is_noisy:
            noise = np.empty(values.shape, dtype=np.float32)
            self._noise.fill(run.restart_tick, start, noise)
            if last_of is None:
                times_row(noise, run.stretches[0].noise_scale)
            else:
                for stretch, rows in _shares(run, last_of):
                    noise[rows] *= stretch.noise_scale
            values += noise
        np.clip(np.rint(values, out=values), _LOWEST, _HIGHEST, out=values)
        codes = values.astype(np.int32)
        bits = np.empty((2, size), dtype=np.uint8)
        edges = windows + WINDOW_PERIODS * period + WINDOW_TO_EDGE_TICKS
        for stretch, rows in _shares(run, last_of):
            stretch.inputs.override(codes, rows)
            bits[:, rows] = stretch.lead_off_bits(edges[rows])
        return Conversions(codes, bits[0], bits[1])

    def _mixed(
        self, run: _Run, start: int, windows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Codes of a block that stretches share, and the last stretch of each conversion."""
        ends = windows + WINDOW_PERIODS * run.grid.data_period_ticks
        begins = np.array([stretch.start_tick for stretch in run.stretches])
        begins[0] = min(begins[0], windows[0])
        first_of = np.searchsorted(begins, windows, side="right") - 1
        last_of = np.searchsorted(begins, ends, side="left") - 1
        values = np.empty((len(windows), self.n_channels))
        is_pure = first_of == last_of
        for number in set(first_of[is_pure].tolist()):
            rows = is_pure & (first_of == number)
            values[rows] = run.stretches[number].codes(start, len(windows))[rows]
        for row in np.nonzero(~is_pure)[0]:
            sharing = run.stretches[first_of[row] : last_of[row] + 1]
            values[row] = combined(sharing, start + int(row))
        return values, last_of


def _shares(
    run: _Run, last_of: NDArray[np.int64] | None
) -> list[tuple[Stretch, slice | NDArray[np.bool_]]]:
    """Stretches of a block with the rows whose windows end in them (None: all in the only one)."""
    if last_of is None:
        return [(run.stretches[0], slice(None))]
    numbers = sorted(set(last_of.tolist()))
    return [(run.stretches[number], last_of == number) for number in numbers]


def _checked(source: Source, n_channels: int) -> Source:
    if source.n_electrodes not in (n_channels, 2 * n_channels):
        raise ValueError(
            f"the source has {source.n_electrodes} electrodes; "
            f"expected {n_channels} (P) or {2 * n_channels} (P, then N)"
        )
    return source


def _fitting(world: World, n_channels: int) -> World:
    if world.n_channels != n_channels:
        raise ValueError(f"a world of {world.n_channels} channels for a chip of {n_channels}")
    return world
