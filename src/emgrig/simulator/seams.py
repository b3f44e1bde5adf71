"""The seams inside the simulator: what the electrodes see, and what the chip asks its front end.

Time is counted in two ways. The chip counts *ticks* of its own master clock (integers; tick 0 is
power-on). The world has *true seconds*; ``true_s = tick / f_clk_hz`` with the oscillator's actual
frequency, so a chip whose clock is 1 % fast samples the world 1 % faster.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Source(Protocol):
    """What the simulated electrodes see, as a pure function of true time.

    One that always gives 0 V may say so with ``is_silent = True``; it is then not looked at.
    """

    #: Columns of `volts`: the P electrodes of channels 1 to n against the body's reference (then
    #: the N electrodes are at 0 V), or, when it is twice the number of channels, all P electrodes
    #: and then all N electrodes.
    n_electrodes: int

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Electrode potentials, V, shape (n_samples, n_electrodes), at true times `t_s`.

        The times, shape (n_samples,), are increasing; the same times give the same values in
        whatever pieces they are asked for.
        """


@runtime_checkable
class WindowedSource(Source, Protocol):
    """A source that can do by itself, and quicker, what a conversion does with its values."""

    def window_sums(
        self, t_s: NDArray[np.float64], point_s: float, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weigh `volts` over rows of points.

        Parameters
        ----------
        t_s : ndarray, shape (n_windows,)
            Increasing true times of each row's first point, s.
        point_s : float
            From one point to the next, s.
        weights : ndarray, shape (n_points,)
            Of each point of a row; the sum is 1.

        Returns
        -------
        sums : ndarray, shape (n_windows, n_electrodes)
            V.
        peak : ndarray, shape (n_electrodes,)
            What no value of these windows goes beyond, V; it may be more than the largest.
        """


@dataclass(frozen=True)
class Conversions:
    """Results of consecutive conversions."""

    #: int32, shape (n_conversions, n_channels); ADC codes, -2**23 to 2**23 - 1; 0 for a channel
    #: that is powered down.
    codes: NDArray[np.int32]
    #: uint8, shape (n_conversions,); LOFF_STATP and LOFF_STATN as latched at each data-ready edge;
    #: bit n - 1 is channel n.
    loff_p: NDArray[np.uint8]
    loff_n: NDArray[np.uint8]


class FrontEnd(Protocol):
    """The analogue half of the chip: from electrodes to codes.

    The chip calls it in the order of time. How many conversions are asked for in one call never
    changes a single bit of any of them.
    """

    n_channels: int

    def restart(self, tick: int, registers: bytes) -> None:
        """Reset the digital filter at `tick`; the next conversion is the first settled one.

        `registers` is the whole file, 24 bytes from ID to CONFIG4. The k-th conversion after it
        (k from 0) falls at ``tick + 4*t_dr + 9 + k*t_dr`` with t_dr the data period in ticks.
        """

    def change(self, tick: int, registers: bytes) -> None:
        """Take new registers without a restart: the filter mixes old and new for 3 t_dr.

        May be called before any `restart` (chip not converting).
        """

    def convert(self, count: int) -> Conversions:
        """Return the next `count` ≥ 1 conversions of the run that `restart` began."""

    def next_row(self) -> tuple[Conversions, int]:
        """Return the next conversion as a row of a block of many, which may be shared."""

    def comparators(self, tick: int) -> tuple[int, int, int]:
        """LOFF_STATP, LOFF_STATN and BIAS_STAT (0 or 1) at `tick`, for a register read."""
