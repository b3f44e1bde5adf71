"""The electrical network of pins, electrodes and body, solved node by node.

Nodes are the pins (P, N, SRB1, SRB2, BIAS, in the order of `World.electrodes`) and the body. All
voltages are against mid-supply. Electrodes join pins to the body; lead-off currents, input currents
and mains currents are injected; the bias amplifier closes its loop through the body. So the answers
to "which resistances are in the loop" (who returns the current, what a shared SRB2 electrode
adds up, what a gel bridge does) come from the network and not from a list of cases.

Data sheet: SBAS499C figures 18, 38 and 73. The input resistors of the bias amplifier are 220 kohm
in the figures and 330 kohm in equation 11; 220 kohm is used.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emgrig.simulator.analog.tolerances import Tolerances
from emgrig.simulator.analog.world import Electrode, World
from emgrig.simulator.chip.decoded import MAIN, FrontEndSettings, Mux

_Complex: TypeAlias = NDArray[np.complex128]
_Branch: TypeAlias = tuple[int, int, _Complex | float]

SWITCH_S = 1e-2  # SRB2 and BIAS_DRP/DRN switches: 100 ohm
LEAST_OHM = 1e-3  # stands for a wire
BODY_S, BODY_F = 1e-12, 200e-12  # what leaks from the body to the board by itself
BIAS_INPUT_OHM, BIAS_FEEDBACK_OHM, BIAS_FEEDBACK_F = 220e3, 1e6, 1.5e-9


@dataclass(frozen=True)
class Network:
    """Registers, chip and surroundings, as far as currents and voltages at the pins go."""

    settings: FrontEndSettings
    world: World
    tolerances: Tolerances
    gain: NDArray[np.float64]

    @property
    def n_pins(self) -> int:
        """P, N, SRB1, SRB2 and BIAS pins."""
        return 2 * self.world.n_channels + 3

    def voltages(self, omegas: ArrayLike, currents: NDArray[np.complex128]) -> _Complex:
        """Node voltages against mid-supply for currents into the nodes.

        Parameters
        ----------
        omegas : array-like, shape (n_omegas,)
            Angular frequencies, rad/s; 0 for dc.
        currents : ndarray, shape (n_pins + 1, n_cases)
            A into each pin and, last, into the body. With the bias amplifier on, the entry of the
            BIAS pin is a voltage added to the amplifier's output instead.

        Returns
        -------
        ndarray of complex, shape (n_omegas, n_pins + 1, n_cases)

        Notes
        -----
        Solved for the voltages between pins and body and for that of the body, with the sum of all
        node equations in place of the body's own: what holds the body against the board can be a
        million million times weaker than the electrodes, and must not drown in their rounding.
        """
        omega = np.asarray(omegas, dtype=np.float64)
        pins, bias = self.n_pins, self.n_pins - 1
        into_board = self._input_admittances(omega)
        y = np.zeros((len(omega), pins + 1, pins + 1), dtype=np.complex128)
        y[:, np.arange(pins), np.arange(pins)] = into_board
        y[:, :pins, pins] = into_board
        y[:, pins, :pins] = into_board
        y[:, pins, pins] = into_board.sum(axis=1) + BODY_S + 1j * omega * BODY_F
        right = currents.astype(np.complex128)
        right[pins] = currents.sum(axis=0)
        branches = self._branches(omega)
        for first, second, admittance in branches:
            _join(y, first, second, admittance)
        if self.settings.bias_on:
            right[pins] -= currents[bias]
            self._without_bias_pin(y, into_board[:, bias], branches)
            y[:, bias] = self._bias_rows(omega)
        scale = 1 / np.abs(y).max(axis=2, keepdims=True)
        solved: _Complex = np.linalg.solve(y * scale, right * scale)
        solved[:, :pins] += solved[:, pins:]
        return solved

    def from_sources(self, n_sources: int) -> NDArray[np.float64]:
        """Pin voltages for 1 V at each source electrode; shape (n_pins + 1, n_sources).

        Sources are the P electrodes, then (if there are as many again) the N electrodes.
        """
        solved = self.voltages([0.0], self._electrode_currents()[:, :n_sources])
        pins: NDArray[np.float64] = solved[0].real
        return pins

    def dc_volts(self, *, lead_off: bool) -> NDArray[np.float64]:
        """Dc node voltages against mid-supply, V, within the supply rails; shape (n_pins + 1,).

        From half-cell potentials, input currents, BIASREF and, if asked for, the lead-off currents
        at their first polarity.
        """
        pins = self.n_pins
        current = np.zeros((pins + 1, 1), dtype=np.complex128)
        half_cells = np.array([e.half_cell_v for e in self.world.electrodes])
        current[:, 0] = self._electrode_currents() @ half_cells
        current[:pins, 0] += self.tolerances.input_current_a
        if lead_off:
            current[:pins, 0] += self.lead_off_currents()
        current[pins - 1, 0] += self._bias_lead_off()
        if self.settings.bias_on:
            current[pins - 1, 0] = self._bias_reference_v()
        rail = self.world.avdd_v / 2
        return np.clip(self.voltages([0.0], current)[0, :, 0].real, -rail, rail)

    def lead_off_currents(self) -> NDArray[np.float64]:
        """Return the current into each pin, A, in the first half of a period; shape (n_pins,)."""
        settings = self.settings
        sign = np.where(settings.flip, -1.0, 1.0)
        p = settings.lead_off_a * sign * np.array(settings.sense_p)
        n = -settings.lead_off_a * sign * np.array(settings.sense_n)
        errors = self.tolerances.lead_off_error[:-1]
        return np.concatenate((np.concatenate((p, n)) * (1 + errors), np.zeros(3)))

    def mains_currents(self) -> NDArray[np.complex128]:
        """Phasor of the mains current into each node, A; shape (n_pins + 1,)."""
        mains = self.world.mains
        omega = 2 * np.pi * mains.frequency_hz
        current = np.full(self.n_pins + 1, 1j * mains.cable_a, dtype=np.complex128)
        current[self.n_pins] = mains.body_v * (BODY_S + 1j * omega * BODY_F)
        if self.settings.bias_on:
            current[self.n_pins - 1] = 0.0  # the amplifier's output is stiff
        return current

    def negative_pins(self) -> NDArray[np.int64]:
        """Pin each channel's negative input is on in the main modes: INxN, or SRB1."""
        count = self.world.n_channels
        own = np.arange(count, 2 * count)
        return np.full(count, 2 * count) if self.settings.srb1 else own

    def _branches(self, omega: NDArray[np.float64]) -> list[_Branch]:
        """List what joins two nodes: electrodes, bridges and the chip's own switches."""
        world, settings = self.world, self.settings
        count, body = world.n_channels, self.n_pins
        srb2, bias = 2 * count + 1, 2 * count + 2
        branches: list[_Branch] = [
            (pin, body, 1 / electrode_ohm(electrode, omega))
            for pin, electrode in enumerate(world.electrodes)
            if electrode.is_connected
        ]
        for bridge in world.bridges:
            ends = world.pin_index(bridge.first), world.pin_index(bridge.second)
            branches.append((*ends, 1 / bridge.ohm))
        for index, mux in enumerate(settings.mux):
            if settings.srb2[index]:
                branches.append((index, srb2, SWITCH_S))
            if mux is Mux.BIAS_DRP:
                branches.append((index, bias, SWITCH_S))
            if mux is Mux.BIAS_DRN:
                branches.append((count + index, bias, SWITCH_S))
        return branches

    def _input_admittances(self, omega: NDArray[np.float64]) -> _Complex:
        resistance = np.full(self.n_pins, self.tolerances.input_ohm)
        resistance[np.nonzero(self.lead_off_currents())] /= 2
        susceptance = omega * self.tolerances.input_f
        result: _Complex = 1 / resistance + 1j * susceptance[:, None]
        return result

    def _electrode_currents(self) -> NDArray[np.complex128]:
        """Norton currents for 1 V in each electrode, at dc; shape (n_pins + 1, n_pins)."""
        pins = self.n_pins
        current = np.zeros((pins + 1, pins), dtype=np.complex128)
        for pin, electrode in enumerate(self.world.electrodes):
            if electrode.is_connected:
                admittance = complex(1 / electrode_ohm(electrode, np.zeros(1))[0])
                current[pin, pin] = admittance
                current[pins, pin] = -admittance
        if self.settings.bias_on:
            current[pins - 1] = 0.0
        return current

    def _without_bias_pin(self, y: _Complex, into_board: _Complex, branches: list[_Branch]) -> None:
        """Take the BIAS pin out of the sum of node equations: the amplifier feeds it."""
        pins, bias = self.n_pins, self.n_pins - 1
        y[:, pins, bias] -= into_board
        y[:, pins, pins] -= into_board
        for first, second, admittance in branches:
            if bias in (first, second):
                other = second if first == bias else first
                y[:, pins, bias] -= admittance
                if other != pins:
                    y[:, pins, other] += admittance

    def _bias_rows(self, omega: NDArray[np.float64]) -> _Complex:
        """Equation of the bias amplifier: output plus gain times what is sensed is given."""
        row = np.zeros((len(omega), self.n_pins + 1), dtype=np.complex128)
        row[:, self.n_pins - 1] = 1.0
        loop = BIAS_FEEDBACK_OHM / BIAS_INPUT_OHM
        loop_gain = loop / (1 + 1j * omega * BIAS_FEEDBACK_OHM * BIAS_FEEDBACK_F)
        count, negative = self.world.n_channels, self.negative_pins()
        for index in range(count):
            if self.settings.mux[index] not in MAIN or self.settings.powered_down[index]:
                continue
            # An amplifier's outputs are the common mode plus and minus half the amplified signal.
            near, far = (1 + self.gain[index]) / 2, (1 - self.gain[index]) / 2
            positive = self.settings.bias_p[index] * near + self.settings.bias_n[index] * far
            row[:, index] += loop_gain * positive
            row[:, negative[index]] += loop_gain * (
                self.settings.bias_p[index] * far + self.settings.bias_n[index] * near
            )
        row[:, self.n_pins] = row.sum(axis=1)  # all of them ride on the body
        return row

    def _bias_reference_v(self) -> float:
        """BIASREF against mid-supply, referred to the output: (1 + gain) times it."""
        pin_v = self.world.bias_reference_v
        if self.settings.bias_reference_internal or pin_v is None:
            return 0.0
        sensed = sum(self.settings.bias_p) + sum(self.settings.bias_n)
        gain = 1 + sensed * BIAS_FEEDBACK_OHM / BIAS_INPUT_OHM
        return (pin_v - self.world.avdd_v / 2) * gain

    def _bias_lead_off(self) -> float:
        """Return the current into the BIAS pin, A: a sink, with BIAS_LOFF_SENS on."""
        if not self.settings.bias_lead_off or self.settings.bias_on:
            return 0.0
        return -self.settings.lead_off_a * float(1 + self.tolerances.lead_off_error[-1])


def electrode_ohm(electrode: Electrode, omega: NDArray[np.float64]) -> _Complex:
    """Impedance of a connected electrode with its series resistor, ohm, at each frequency."""
    r_ohm = max(electrode.r_ohm, LEAST_OHM)
    parallel = r_ohm / (1 + 1j * (omega * r_ohm * electrode.c_f))
    return (electrode.series_ohm + parallel).astype(np.complex128)


def _join(y: _Complex, first: int, second: int, admittance: _Complex | float) -> None:
    """Add an admittance to the equations of the pins it joins; the body is the last node.

    Columns of pins are voltages against the body, so the body's column gets nothing.
    """
    body = y.shape[1] - 1
    for one, other in ((first, second), (second, first)):
        if one != body:
            y[:, one, one] += admittance
            if other != body:
                y[:, one, other] -= admittance
