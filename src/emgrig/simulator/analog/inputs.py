"""What registers and surroundings put on the inputs of the amplifiers.

One `Inputs` is one set of registers in one world, worked out: how sources mix into channels, dc,
lead-off, mains, gains, noise. It does not depend on time.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.analog.network import Network, electrode_ohm
from emgrig.simulator.analog.noise import TABLE_GAINS, shorted_noise_v, thermal_noise_v
from emgrig.simulator.analog.sinc import response
from emgrig.simulator.analog.tolerances import Tolerances
from emgrig.simulator.analog.waves import HARMONICS, Grid, Wave, square, through_impedance
from emgrig.simulator.analog.world import ChannelFault, World
from emgrig.simulator.chip.decoded import MAIN, Chop, FrontEndSettings, Mux

_Number = TypeVar("_Number", np.float64, np.complex128)

HEADROOM_V = 0.2  # the amplifiers' outputs stay this far from the rails (p. 22)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs under one set of registers, in one world."""

    settings: FrontEndSettings  #: What it follows from.
    world: World
    tolerances: Tolerances
    f_clk_hz: float  #: Actual clock frequency.
    n_sources: int  #: Electrodes the source drives: n_channels (P) or twice that (P, then N).
    is_noisy: bool  #: False: no noise of any kind.

    @cached_property
    def nominal_gain(self) -> NDArray[np.float64]:
        """Gain of each channel by its register, or where it is stuck."""
        stuck = {c: v for c, f, v in self.world.faults if f is ChannelFault.GAIN_STUCK}
        gains = [stuck.get(c, g) for c, g in enumerate(self.settings.gain, start=1)]
        return np.array(gains, dtype=np.float64)

    @cached_property
    def gain(self) -> NDArray[np.float64]:
        """Actual gain of each channel."""
        columns = [TABLE_GAINS.index(int(gain)) for gain in self.nominal_gain]
        rows = np.arange(len(columns))
        return self.nominal_gain * (1 + self.tolerances.gain_error[rows, columns])

    @cached_property
    def offset_v(self) -> NDArray[np.float64]:
        """Offset of each channel, input-referred, V."""
        return self.tolerances.offset_v / self.nominal_gain

    @cached_property
    def _network(self) -> Network:
        return Network(self.settings, self.world, self.tolerances, self.gain)

    @cached_property
    def mix(self) -> NDArray[np.float64]:
        """Volts on each channel for 1 V at each source electrode; shape (n_channels, n_sources)."""
        pins = self._network.from_sources(self.n_sources)
        return self._differential(pins) + self.tolerances.cmrr[:, None] * self._common(pins)

    @cached_property
    def dc_v(self) -> NDArray[np.float64]:
        """Constant voltage on each channel, V."""
        settings, world, tolerances = self.settings, self.world, self.tolerances
        volts = self._differential(self._dc_pins) + tolerances.cmrr * self.common_v
        die_c = world.temperature_c + world.self_heating_c + tolerances.temperature_error_c
        floating_v = tolerances.input_current_a[-1] * tolerances.input_ohm
        bias_v = self._dc_pins[self._network.n_pins - 1] - self._bias_reference_v
        for index, mux in enumerate(settings.mux):
            if mux is Mux.BIAS_MEAS:
                volts[index] = bias_v if settings.bias_measured else floating_v
            elif mux is Mux.SUPPLY:
                ideal_v = world.dvdd_v / 4 if index in (2, 3) else world.avdd_v / 2
                volts[index] = ideal_v * (1 + tolerances.supply_error[index])
            elif mux is Mux.TEMPERATURE:
                volts[index] = 145.3e-3 + 490e-6 * (die_c - 25.0)
        return volts

    @cached_property
    def common_v(self) -> NDArray[np.float64]:
        """Constant common mode of each channel against mid-supply, V."""
        return self._common(self._dc_pins)

    @cached_property
    def mains(self) -> NDArray[np.complex128]:
        """Phasors of the mains on each channel, V: row 0 differential, row 1 common mode."""
        mains = self.world.mains
        if mains.body_v == 0.0 and mains.cable_a == 0.0:
            return np.zeros((2, self.world.n_channels), dtype=np.complex128)
        currents = self._network.mains_currents()[:, None]
        pins = self._network.voltages([2 * np.pi * mains.frequency_hz], currents)[0, :, 0]
        common = self._common(pins)
        return np.array([self._differential(pins) + self.tolerances.cmrr * common, common])

    @cached_property
    def noise_v(self) -> NDArray[np.float64]:
        """Noise of each channel, V rms, input-referred, with that of the electrodes."""
        if not self.is_noisy:
            return np.zeros(self.world.n_channels)
        settings, rate_hz = self.settings, self.f_clk_hz / self.settings.data_period_ticks
        kelvin = self.world.temperature_c + 273.15
        noise = np.empty(self.world.n_channels)
        for index, gain in enumerate(self.nominal_gain):
            own = shorted_noise_v(settings.decimation, int(gain))
            thermal = thermal_noise_v(self._noise_ohm(index, rate_hz), rate_hz, kelvin)
            fault, factor = self.world.fault_of(index + 1)
            noise[index] = np.hypot(own, thermal) * (factor if fault is ChannelFault.NOISY else 1.0)
        return noise

    @cached_property
    def is_chopped(self) -> bool:
        """True if a chopped lead-off current flows anywhere."""
        return self.settings.chop is not Chop.DC and any(
            self.settings.sense_p + self.settings.sense_n
        )

    def lead_off_wave(self, grid: Grid, least_cells: int, restart_tick: int) -> Wave:
        """Make what the chopped lead-off current adds, V: differential columns, then common."""
        period_ticks = self.settings.chop_period_ticks
        zero_tick = restart_tick if self.settings.chop is Chop.QUARTER_RATE else 0
        cells, table = square(grid, least_cells, period_ticks, zero_tick)
        omega = 2 * np.pi * self.f_clk_hz / period_ticks
        transfer = self._swings(omega * HARMONICS.astype(np.float64))
        at_infinity = self._swings(np.array([2 * omega * HARMONICS[-1]]))[0].real
        phase = (grid.origin_tick - zero_tick) % period_ticks / period_ticks
        pins = through_impedance(table, transfer, at_infinity, phase)
        rail, dc = self.world.avdd_v / 2, self._dc_pins
        pins = (np.clip(pins + dc, -rail, rail) - dc).T
        both = np.concatenate((self._differential(pins), self._common(pins)))
        return Wave(grid, cells, both.T)

    def test_wave(self, grid: Grid, least_cells: int) -> Wave | None:
        """Make the test signal in units of VREF, one column; None if it is dc or off."""
        if self.settings.test_amplitude == 0 or self.settings.test_period_ticks == 0:
            return None
        cells, table = square(grid, least_cells, self.settings.test_period_ticks)
        return Wave(grid, cells, table[:, None] * self.test_level)

    @cached_property
    def test_level(self) -> float:
        """Level of the test signal in units of VREF: negative, as CONFIG2 prints it."""
        return -self.settings.test_amplitude / 2400 * (1 + self.tolerances.test_error)

    @cached_property
    def is_test(self) -> NDArray[np.bool_]:
        """Channels that see the test signal."""
        return np.array([mux is Mux.TEST for mux in self.settings.mux])

    def comparators(self, polarity: int) -> tuple[int, int, int]:
        """LOFF_STATP, LOFF_STATN and BIAS_STAT while the chopper is in one half (+1 or -1).

        The comparators see dc (and the chopper), not the signals. Thresholds are shares of the
        supply span; with LOFF_FLIP the sides exchange their thresholds, as they exchange the
        direction in which an open pin goes. Neither is in the data sheet.
        """
        if not self.settings.comparators_on:
            return 0, 0, 0
        return self._compared[polarity < 0]

    @cached_property
    def _compared(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        return self._compare(+1), self._compare(-1)

    def _compare(self, polarity: int) -> tuple[int, int, int]:
        settings = self.settings
        count, avdd_v = self.world.n_channels, self.world.avdd_v
        pins = self._comparator_pins(polarity) + avdd_v / 2
        error, status = self.tolerances.comparator_v, [0, 0]
        for side, senses in enumerate((settings.sense_p, settings.sense_n)):
            for index, is_sensed in enumerate(senses):
                pin = side * count + index
                is_high_side = (side == 0) != settings.flip[index]
                level_v = pins[pin] + error[pin]
                if is_high_side:
                    is_off = level_v > settings.threshold * avdd_v
                else:
                    is_off = level_v < (1 - settings.threshold) * avdd_v
                status[side] |= int(is_sensed and is_off) << index
        bias_v = pins[2 * count + 2] + error[-1]
        is_bias_off = settings.bias_lead_off and bias_v < (1 - settings.threshold) * avdd_v
        return status[0], status[1], int(is_bias_off)

    def override(self, codes: NDArray[np.int32], rows: slice | NDArray[np.bool_]) -> None:
        """Put what dead, railed and powered-down channels give into some rows of `codes`."""
        for channel, fault, _ in self.world.faults:
            if fault is ChannelFault.DEAD:
                codes[rows, channel - 1] = 0
            elif fault is ChannelFault.RAILED:
                codes[rows, channel - 1] = 2**23 - 1
        for index, is_down in enumerate(self.settings.powered_down):
            if is_down:
                codes[rows, index] = 0

    @cached_property
    def mains_response(self) -> float:
        """Sinc3 response at the mains frequency."""
        rate_hz = self.f_clk_hz / self.settings.data_period_ticks
        ratio = np.array([self.world.mains.frequency_hz / rate_hz])
        return float(response(ratio, self.settings.decimation)[0])

    @cached_property
    def _dc_pins(self) -> NDArray[np.float64]:
        is_dc = self.settings.chop is Chop.DC
        return self._network.dc_volts(lead_off=is_dc)

    def _swings(self, omegas: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Node voltages for the lead-off currents at some frequencies, V."""
        current = np.append(self._network.lead_off_currents(), 0.0).astype(np.complex128)
        return self._network.voltages(omegas, current[:, None])[:, :, 0]

    @cached_property
    def _bias_reference_v(self) -> float:
        """BIASREF against mid-supply as the BIAS_MEAS multiplexer gives it."""
        pin_v = self.world.bias_reference_v
        if self.settings.bias_reference_internal or pin_v is None:
            return 0.0
        return pin_v - self.world.avdd_v / 2

    def _comparator_pins(self, polarity: int) -> NDArray[np.float64]:
        if not self.is_chopped:
            return self._dc_pins
        omega = 2 * np.pi * self.f_clk_hz / self.settings.chop_period_ticks
        swing = self._swings(np.array([omega]))[0]
        swing_v = np.abs(swing) * np.sign(swing.real) * polarity
        rail = self.world.avdd_v / 2
        pins: NDArray[np.float64] = np.clip(self._dc_pins + swing_v, -rail, rail)
        return pins

    def _differential(self, pins: NDArray[_Number]) -> NDArray[_Number]:
        """Take channel inputs from node voltages; internal ones see nothing of the pins."""
        count, negative = self.world.n_channels, self._network.negative_pins()
        result = pins[:count] - pins[negative]
        for index, mux in enumerate(self.settings.mux):
            if mux is Mux.BIAS_MEAS and self.settings.bias_measured:
                result[index] = pins[self._network.n_pins - 1]
            elif mux not in MAIN:
                result[index] = 0
        return result

    def _common(self, pins: NDArray[_Number]) -> NDArray[_Number]:
        """Take common modes from node voltages; internal inputs sit at mid-supply."""
        count, negative = self.world.n_channels, self._network.negative_pins()
        result = (pins[:count] + pins[negative]) / 2
        for index, mux in enumerate(self.settings.mux):
            if mux not in MAIN:
                result[index] = 0
        return result

    def _noise_ohm(self, index: int, rate_hz: float) -> float:
        """Resistance whose thermal noise a channel sees, averaged over the pass band, ohm."""
        if self.settings.mux[index] not in MAIN:
            return 0.0
        frequency = np.linspace(0.02, 0.5, 13)
        weight = response(frequency, self.settings.decimation) ** 2
        electrodes = self.world.electrodes
        total = 0.0
        for pin in (index, int(self._network.negative_pins()[index])):
            if electrodes[pin].is_connected:
                ohm = electrode_ohm(electrodes[pin], 2 * np.pi * frequency * rate_hz).real
                total += float(np.sum(ohm * weight) / np.sum(weight))
        return total
