"""From inputs and a source to codes: one stretch of time under one set of registers."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.analog.inputs import HEADROOM_V, Inputs
from emgrig.simulator.analog.product import product, times_row
from emgrig.simulator.analog.sinc import WINDOW_PERIODS, cumulative_taps, point_weights
from emgrig.simulator.analog.waves import Grid, Wave
from emgrig.simulator.seams import Source, WindowedSource

FULL_SCALE = 2.0**23
WINDOW_TO_EDGE_TICKS = 9  # t_SETTLE is 4 t_DR + 9 tCLK: the window ends 9 ticks before DRDY falls
_FINE_CELLS = 16

REFERENCE_V = 4.5
# SBAS499C 7.5: start-up 150 ms typical; taken as an exponential that is within 0.1 % by then.
REFERENCE_TAU_S = 0.150 / 7
# What is left on VREFP with nothing driving it. Any offset is then far over full scale: codes are
# on the rails, by the sign of each channel's offset, or noise.
UNDRIVEN_REFERENCE_V = 1e-4
_SETTLED = 40.0  # exp(-40) is below the resolution of a double


@dataclass(frozen=True)
class Reference:
    """Voltage on VREFP since it was switched last."""

    tick: int
    start_v: float
    target_v: float
    tau_ticks: float

    def at(self, tick: int) -> float:
        """Voltage at `tick`, V."""
        return float(self.over(np.array([tick]))[0])

    def over(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Voltage at each of `ticks`, V."""
        age = np.clip((ticks - self.tick) / self.tau_ticks, 0.0, _SETTLED)
        left = np.where(age >= _SETTLED, 0.0, np.exp(-age))
        return self.target_v + (self.start_v - self.target_v) * left

    def is_settled(self, tick: int) -> bool:
        """Return True if nothing moves any more from `tick` on."""
        return tick - self.tick >= _SETTLED * self.tau_ticks or self.start_v == self.target_v


@dataclass(frozen=True)
class Stretch:
    """A run's time from `start_tick` on, under one set of registers, with one source."""

    grid: Grid
    cells: int  #: Points at which the source is looked at in each data period.
    restart_tick: int  #: When the run's filter was reset; from when this stretch holds.
    start_tick: int
    inputs: Inputs
    source: Source
    reference: Reference

    def window_start(self, conversion: int) -> int:
        """Tick at which a conversion's window begins."""
        return self.grid.origin_tick + conversion * self.grid.data_period_ticks

    def sees_the_same_as(self, other: "Stretch") -> bool:
        """Return True if nothing but the start differs."""
        mine, others = self.inputs, other.inputs
        return (
            self.source is other.source
            and self.reference == other.reference
            and (mine.settings, mine.world) == (others.settings, others.world)
        )

    def codes(self, first: int, count: int) -> NDArray[np.float64]:
        """Codes without noise and not rounded, of `count` conversions from `first` on.

        As if this stretch had no beginning and no end. What of the input is linear goes through the
        filter at once; channels near the amplifier's rails take the longer way.
        """
        volts = self._steady(first, count)
        if self._lead_off is not None:
            volts += self._lead_off.conversions(first, count)[:, : volts.shape[1]]
        seen = self._seen(first, count) if self._sees_source else None
        if seen is not None:
            volts += seen[0]
        clipping = self._clipping(None if seen is None else seen[1])
        if clipping.size:
            volts[:, clipping] = self._clipped(first, count, clipping)
        windows = self.window_start(first) + self.grid.data_period_ticks * np.arange(count)
        return self._scale(volts, windows, self._test_rows(first, count))

    def part(self, conversion: int, end_tick: int | None) -> NDArray[np.float64]:
        """Return what this stretch, up to `end_tick`, adds to a conversion it shares."""
        cell_ticks, begin = self._fine_cell_ticks, self.window_start(conversion)
        borders = begin + cell_ticks * np.arange(3 * self._fine_cells + 1)
        stop = borders[-1] if end_tick is None else end_tick
        inside = np.clip(borders, self.start_tick, max(stop, self.start_tick)) - begin
        taps = cumulative_taps(self.grid.decimation)
        weights = np.diff(np.interp(inside / 2, np.arange(len(taps)), taps))
        ticks = borders[:-1] + cell_ticks // 2
        seen = self._source_volts(ticks) @ self.inputs.mix.T
        volts = self._amplified(ticks, seen, slice(None)) + self.inputs.offset_v
        test = np.full(len(ticks), self.inputs.test_level)
        if self._test is not None:
            test = self._test.at(ticks)[:, 0]
        return weights @ self._scale(volts, np.full(len(ticks), begin), test[:, None])

    def lead_off_bits(self, edges: NDArray[np.int64]) -> NDArray[np.uint8]:
        """LOFF_STATP and LOFF_STATN at data-ready edges; shape (2, n_edges)."""
        bits = np.empty((2, len(edges)), dtype=np.uint8)
        both = [self.inputs.comparators(polarity) for polarity in (+1, -1)]
        for row in range(2):
            bits[row] = both[0][row]
        if self.inputs.is_chopped:
            is_second_half = self.chopper(edges) < 0
            for row in range(2):
                bits[row, is_second_half] = both[1][row]
        return bits

    def chopper(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Polarity of the lead-off current, +1 or -1, at each of `ticks`."""
        period = self.inputs.settings.chop_period_ticks
        if not self.inputs.is_chopped:
            return np.ones(len(ticks), dtype=np.int64)
        is_derived = period == 4 * self.grid.data_period_ticks
        phase = (ticks - (self.restart_tick if is_derived else 0)) % period
        return np.where(2 * phase < period, 1, -1)

    @cached_property
    def noise_scale(self) -> NDArray[np.float32]:
        """Noise of each channel in codes rms, for a settled reference."""
        inputs = self.inputs
        scale = inputs.noise_v * inputs.nominal_gain * FULL_SCALE / self.reference.target_v
        return scale.astype(np.float32)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """Points of a data period (rows) to its part in three conversions (columns)."""
        taps = point_weights(self.grid.decimation, self.cells).reshape(3, self.cells)
        # A conversion weights its first period with taps[0]; the window is symmetric.
        product = np.einsum("jm,ce->mejc", taps, self.inputs.mix)
        channels, sources = self.inputs.mix.shape
        return np.ascontiguousarray(product.reshape(self.cells * sources, 3 * channels))

    @cached_property
    def _mix(self) -> NDArray[np.float64]:
        """Source electrodes (rows) to channels (columns)."""
        return np.ascontiguousarray(self.inputs.mix.T)

    @cached_property
    def _lead_off(self) -> Wave | None:
        if not self.inputs.is_chopped:
            return None
        return self.inputs.lead_off_wave(self.grid, self.cells, self.restart_tick)

    @cached_property
    def _test(self) -> Wave | None:
        return self.inputs.test_wave(self.grid, self.cells) if self.inputs.is_test.any() else None

    @cached_property
    def _has_mains(self) -> bool:
        return bool(np.any(self.inputs.mains))

    @cached_property
    def _sees_source(self) -> bool:
        """False if nothing of the source gets in: all inputs shorted, or on signals of the chip."""
        return bool(np.any(self.inputs.mix)) and not getattr(self.source, "is_silent", False)

    @cached_property
    def _windowed(self) -> WindowedSource | None:
        return self.source if isinstance(self.source, WindowedSource) else None

    @property
    def _fine_cells(self) -> int:
        return max(self.cells, _FINE_CELLS)

    @property
    def _fine_cell_ticks(self) -> int:
        return self.grid.data_period_ticks // self._fine_cells

    def _point_ticks(self, first: int, n_points: int) -> NDArray[np.int64]:
        cell_ticks = self._cell_ticks
        return self.window_start(first) + cell_ticks // 2 + cell_ticks * np.arange(n_points)

    @property
    def _cell_ticks(self) -> int:
        return self.grid.data_period_ticks // self.cells

    def _source_volts(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.source.volts(ticks / self.inputs.f_clk_hz)

    def _steady(self, first: int, count: int) -> NDArray[np.float64]:
        """Return dc, offset and mains, filtered, V: what is there without source and lead-off."""
        inputs = self.inputs
        level_v = inputs.dc_v + inputs.offset_v
        if not self._has_mains:
            return np.tile(level_v, (count, 1))
        middle_tick = self.window_start(first) + WINDOW_PERIODS * self.grid.data_period_ticks // 2
        step_rad = self._mains_rad_tick * self.grid.data_period_ticks
        turns = _turns(step_rad, count) * np.exp(1j * (self._mains_rad_tick * middle_tick))
        basis = np.ones((count, 3))
        basis[:, 0], basis[:, 1] = turns.real, turns.imag
        phasors = inputs.mains[0] * inputs.mains_response
        return product(basis, np.stack((phasors.real, -phasors.imag, level_v)))

    @property
    def _mains_rad_tick(self) -> float:
        inputs = self.inputs
        return 2 * float(np.pi) * inputs.world.mains.frequency_hz / inputs.f_clk_hz

    def _mains_volts(
        self, ticks: NDArray[np.int64], phasors: NDArray[np.complex128]
    ) -> NDArray[np.float64]:
        turn = self._mains_rad_tick * ticks
        basis = np.stack((np.cos(turn), np.sin(turn)), axis=1)
        return product(basis, np.stack((phasors.real, -phasors.imag)))

    def _test_rows(self, first: int, count: int) -> NDArray[np.float64]:
        if self._test is None:
            return np.full((1, 1), self.inputs.test_level)
        return self._test.conversions(first, count)

    def _seen(self, first: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the source's part of each channel, filtered, and the peaks of its electrodes; V.

        The points of all periods go through the filter and the mix in one matrix product, unless
        the source can do better.
        """
        if (source := self._windowed) is not None:
            taps = point_weights(self.grid.decimation, self.cells)
            period, cell_ticks = self.grid.data_period_ticks, self._cell_ticks
            begins = self.window_start(first) + cell_ticks // 2 + period * np.arange(count)
            f_clk_hz = self.inputs.f_clk_hz
            sums, peak = source.window_sums(begins / f_clk_hz, cell_ticks / f_clk_hz, taps)
            return product(sums, self._mix), peak
        x = self._points(first, count)
        parts = product(x.reshape(-1, self._weights.shape[0]), self._weights)
        parts = parts.reshape(-1, WINDOW_PERIODS, len(self.inputs.gain))
        volts = parts[:count, 0] + parts[1 : count + 1, 1]
        volts += parts[2:, 2]
        return volts, np.maximum(x.max(axis=0), -x.min(axis=0))

    def _points(self, first: int, count: int) -> NDArray[np.float64]:
        """Return what the source gives in all the cells of `count` conversions; V, a row each."""
        n_points = (count + WINDOW_PERIODS - 1) * self.cells
        if not self._sees_source:
            return np.zeros((n_points, self.inputs.n_sources))
        return self._source_volts(self._point_ticks(first, n_points))

    def _clipping(self, peak_v: NDArray[np.float64] | None) -> NDArray[np.int64]:
        """Channels (indices) whose amplifier may come near a rail with a source of such peaks."""
        if peak_v is None:
            return self._clipping_in_silence
        if not self._may_clip(np.full(len(peak_v), peak_v.max())).any():
            return np.empty(0, dtype=np.int64)
        return self._powered(self._may_clip(peak_v))

    @cached_property
    def _clipping_in_silence(self) -> NDArray[np.int64]:
        return self._powered(self._may_clip(np.zeros(self.inputs.n_sources)))

    def _powered(self, is_near: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.nonzero(is_near & ~np.array(self.inputs.settings.powered_down))[0]

    def _may_clip(self, peaks_v: NDArray[np.float64]) -> NDArray[np.bool_]:
        swing = self._own_swing + self.inputs.gain / 2 * (np.abs(self.inputs.mix) @ peaks_v)
        result: NDArray[np.bool_] = swing > self._limit_v
        return result

    @cached_property
    def _own_swing(self) -> NDArray[np.float64]:
        """How far the amplifiers' outputs go from mid-supply, at most, without the source, V."""
        inputs, channels = self.inputs, len(self.inputs.gain)
        swing = np.abs(inputs.dc_v) + np.abs(inputs.mains[0])
        common = np.abs(inputs.common_v) + np.abs(inputs.mains[1])
        if self._lead_off is not None:
            largest = np.abs(self._lead_off.table).max(axis=0)
            swing += largest[:channels]
            common += largest[channels:]
        result: NDArray[np.float64] = common + inputs.gain * swing / 2
        return result

    @property
    def _limit_v(self) -> float:
        """How far an amplifier's output can go from mid-supply, V."""
        return max(self.inputs.world.avdd_v / 2 - HEADROOM_V, 0.0)

    def _clipped(self, first: int, count: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the filtered input, with the offset, of some channels whose amplifiers clip, V."""
        x = self._points(first, count)
        ticks = self._point_ticks(first, len(x))
        volts = self._amplified(ticks, product(x, self.inputs.mix[columns].T), columns)
        taps = point_weights(self.grid.decimation, self.cells).reshape(3, self.cells)
        parts = np.einsum("jm,pmc->jpc", taps, volts.reshape(-1, self.cells, len(columns)))
        result: NDArray[np.float64] = parts[0, :-2] + parts[1, 1:-1] + parts[2, 2:]
        return result + self.inputs.offset_v[columns]

    def _amplified(
        self,
        ticks: NDArray[np.int64],
        volts: NDArray[np.float64],
        columns: NDArray[np.int64] | slice,
    ) -> NDArray[np.float64]:
        """Add to the source's part everything else, and clip each output of each amplifier.

        Returns the clipped difference referred to the input, V.
        """
        inputs, channels = self.inputs, len(self.inputs.gain)
        volts = volts + inputs.dc_v[columns]
        common = np.zeros_like(volts) + inputs.common_v[columns]
        if self._lead_off is not None:
            wave = self._lead_off.at(ticks)
            volts += wave[:, :channels][:, columns]
            common += wave[:, channels:][:, columns]
        if self._has_mains:
            differential, common_mode = inputs.mains
            volts += self._mains_volts(ticks, differential[columns])
            common += self._mains_volts(ticks, common_mode[columns])
        gain, limit = inputs.gain[columns], self._limit_v
        half = gain * volts / 2
        clipped = np.clip(common + half, -limit, limit) - np.clip(common - half, -limit, limit)
        return clipped / gain

    def _scale(
        self, volts: NDArray[np.float64], windows: NDArray[np.int64], test: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Turn input volts with the offset into codes in place; `windows` are begins of windows."""
        inputs = self.inputs
        per_vref = inputs.gain * FULL_SCALE
        middle = windows + WINDOW_PERIODS * self.grid.data_period_ticks // 2
        if self.reference.is_settled(int(middle[0])):
            times_row(volts, per_vref / self.reference.target_v)
        else:
            vref = self.reference.over(np.maximum(middle, self.start_tick))
            volts *= per_vref / vref[:, None]
        if inputs.is_test.any():
            volts += test * (inputs.is_test * per_vref)
        return volts


def combined(stretches: list[Stretch], conversion: int) -> NDArray[np.float64]:
    """Codes of a conversion whose window several stretches share; shape (n_channels,)."""
    ends = [stretch.start_tick for stretch in stretches[1:]]
    total = np.zeros(len(stretches[0].inputs.gain))
    for stretch, end_tick in zip(stretches, [*ends, None], strict=True):
        total += stretch.part(conversion, end_tick)
    return total


@lru_cache(maxsize=16)
def _turns(step_rad: float, count: int) -> NDArray[np.complex128]:
    """How a phasor stands after 0 to `count` - 1 steps; shape (count,)."""
    turns: NDArray[np.complex128] = np.exp(1j * (step_rad * np.arange(count)))
    turns.setflags(write=False)
    return turns
