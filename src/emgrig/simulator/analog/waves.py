"""Periodic signals the chip makes itself: test square wave and chopped lead-off current.

Both divide the master clock, as the data rates do, so a whole number of conversions makes a
period: one period is computed once a run and looked up. The phase against START is not documented;
the dividers by powers of two are taken to run freely from power-on (tick 0), the f_DR / 4 chopper,
which divides the data rate, from the restart of the filter.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.analog.sinc import cell_weights

MOST_CELLS = 4096
HARMONICS = np.arange(1, 128, 2)
"""Odd harmonics of the chopper that are followed through the electrodes' impedances."""


@dataclass(frozen=True)
class Grid:
    """The cells of one run."""

    origin_tick: int  #: Where the window of conversion 0 begins: one data period after the restart.
    decimation: int  #: N.

    @property
    def data_period_ticks(self) -> int:
        """t_DR, ticks."""
        return 2 * self.decimation


@dataclass(frozen=True)
class Wave:
    """One period of a signal, constant within cells."""

    grid: Grid
    cells: int  #: Cells in a data period.
    #: float64, shape (n_periods * cells, n_columns); Value in each cell, from the grid's origin on.
    table: NDArray[np.float64]

    @cached_property
    def converted(self) -> NDArray[np.float64]:
        """Results of the conversions of a period, after sinc3; shape (n_periods, n_columns)."""
        weights = cell_weights(self.grid.decimation, self.cells).reshape(3, self.cells)
        columns = self.table.shape[1]
        blocks = self.table.reshape(-1, self.cells, columns)
        parts: NDArray[np.float64] = np.einsum("jm,pmc->jpc", weights, blocks)
        for periods_ahead in (1, 2):
            parts[0] += np.roll(parts[periods_ahead], -periods_ahead, axis=0)
        total: NDArray[np.float64] = parts[0]
        return total

    def conversions(self, first: int, count: int) -> NDArray[np.float64]:
        """Rows of `converted` for conversions `first` to `first + count - 1`."""
        rows: NDArray[np.float64] = self.converted.take(
            np.arange(first, first + count), axis=0, mode="wrap"
        )
        return rows

    def at(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Value at clock ticks; (n_ticks, n_columns)."""
        cell_ticks = self.grid.data_period_ticks // self.cells
        cell = (ticks - self.grid.origin_tick) // cell_ticks
        values: NDArray[np.float64] = self.table.take(cell, axis=0, mode="wrap")
        return values


def square(
    grid: Grid, least_cells: int, period_ticks: int, zero_tick: int = 0
) -> tuple[int, NDArray[np.float64]]:
    """One period of a square wave as averages over cells: +1 first, then -1.

    Parameters
    ----------
    least_cells : int
        Cells in a data period, at least.
    period_ticks : int
        A multiple of the data period.
    zero_tick : int
        Tick at which a period begins.

    Returns
    -------
    cells : int
        Cells in a data period.
    table : ndarray, shape (n_cells,)
    """
    periods = period_ticks // grid.data_period_ticks
    cells = least_cells
    while cells < min(64, grid.decimation) and 2 * cells * periods <= MOST_CELLS:
        cells *= 2
    cell_ticks = grid.data_period_ticks // cells
    borders = grid.origin_tick - zero_tick + cell_ticks * np.arange(cells * periods + 1)
    phase = borders % period_ticks
    integral = np.minimum(phase, period_ticks - phase)
    return cells, np.diff(integral) / cell_ticks


def through_impedance(
    table: NDArray[np.float64],
    transfer: NDArray[np.complex128],
    at_infinity: NDArray[np.float64],
    phase: float,
) -> NDArray[np.float64]:
    """Pass a square current wave through frequency-dependent impedances.

    The resistive part `at_infinity` acts on the exact square; what the impedance has beyond it is
    summed over `HARMONICS`.

    Parameters
    ----------
    table : ndarray, shape (n_cells,)
        One period of the square wave.
    transfer : ndarray of complex, shape (len(HARMONICS), n_columns)
        Volts for each column at each harmonic of a ±1 wave.
    at_infinity : ndarray, shape (n_columns,)
        Volts at very high frequency.
    phase : float
        Where in its period the wave is at the first cell's beginning, 0 to 1.

    Returns
    -------
    ndarray, shape (n_cells, n_columns)
    """
    n_cells = len(table)
    usable = n_cells / 2 > HARMONICS
    harmonics = HARMONICS[usable]
    middle = phase + 0.5 / n_cells
    beyond = transfer[usable] - at_infinity
    spectrum = np.zeros((n_cells // 2 + 1, transfer.shape[1]), dtype=np.complex128)
    # sin(x) = Re(-j exp(jx)); irfft puts 2/n on each bin.
    turn = np.exp(2j * np.pi * harmonics * middle) * (4 / np.pi / harmonics) * -1j
    spectrum[harmonics] = beyond * turn[:, None] * (n_cells / 2)
    result: NDArray[np.float64] = np.fft.irfft(spectrum, n_cells, axis=0)
    return result + table[:, None] * at_infinity
