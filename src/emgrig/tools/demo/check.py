"""What was recorded, held against what the electrodes saw.

The simulated electrodes are a pure function of time, so the demo can ask for the same volts again,
put them through a sinc3 filter of its own, and compare. The filter here is written apart from the
simulator's: three running means on a fine grid.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Points in a data period. 32 make the running means follow the sinc3 to 0.01 dB at 0.45 f_DR.
N_GRID = 32
#: The filter's window ends this many clock periods before the data-ready edge (SBAS499C, table 9:
#: settling takes four data periods and 9 clock periods).
EDGE_CLOCKS = 9

GAIN_LIMIT = 0.007  # ±0.5 % gain error (SBAS499C, 7.5) and ±0.2 % reference
NOISE_LIMIT = 1.3  # times the expected noise


class Electrodes(Protocol):
    """What the electrodes see at true times; see `emgrig.simulator.seams.Source`."""

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return electrode potentials, V, shape (n_samples, n_electrodes)."""
        ...


@dataclass(frozen=True)
class ChannelMatch:
    """How one channel of the recording agrees with its electrodes.

    `gain` is recorded over seen, 1 is perfect, `gain_sigma` its standard error from the residual.
    Levels are input-referred. Mains is the peak value at the mains frequency, which comes from the
    body and the leads and not from the source; the residual is what is left of all that. The noise
    expected is the data sheet's for gain and rate, and the thermal noise of the electrodes.
    """

    channel: int
    name: str
    gain: float
    gain_sigma: float
    offset_uv: float
    mains_uv: float
    residual_uv_rms: float
    signal_uv_rms: float
    expected_noise_uv_rms: float
    n_samples: int

    @property
    def gain_error(self) -> float:
        """How far the gain is from 1."""
        return abs(self.gain - 1)

    @property
    def is_good(self) -> bool:
        """True if gain (to three standard errors) and residual are as the data sheet says."""
        noise_is_good = self.residual_uv_rms <= NOISE_LIMIT * self.expected_noise_uv_rms
        return noise_is_good and self.gain_error <= GAIN_LIMIT + 3 * self.gain_sigma


def seen_by_chip(
    electrodes: Electrodes, first_edge_s: float, period_s: float, n_samples: int, f_clk_hz: float
) -> NDArray[np.float64]:
    """Return what an ideal chip makes of the electrodes, V, shape (n_samples, n_electrodes).

    Times and clock are true ones: of the first data-ready edge, and the data period.
    """
    step_s = period_s / N_GRID
    middle_s = first_edge_s - EDGE_CLOCKS / f_clk_hz - 1.5 * period_s
    length = 3 * N_GRID - 2
    n_grid = (n_samples - 1) * N_GRID + length
    steps = np.arange(n_grid, dtype=np.float64) - (length - 1) / 2
    t_s: NDArray[np.float64] = middle_s + steps * step_s
    smooth = electrodes.volts(t_s)
    for _ in range(3):
        total = np.concatenate([np.zeros((1, smooth.shape[1])), np.cumsum(smooth, axis=0)])
        smooth = (total[N_GRID:] - total[:-N_GRID]) / N_GRID
    return smooth[::N_GRID]


def match(
    channel: int,
    name: str,
    t_s: NDArray[np.float64],
    recorded_v: NDArray[np.float64],
    seen_v: NDArray[np.float64],
    expected_noise_uv_rms: float,
    mains_hz: float = 50.0,
) -> ChannelMatch:
    """Compare one channel; all arrays have shape (n_samples,), s and V.

    Least squares for gain, offset and mains.
    """
    turn = 2 * np.pi * mains_hz * t_s
    design = np.column_stack([seen_v, np.ones_like(seen_v), np.cos(turn), np.sin(turn)])
    (gain, offset_v, *mains_v), *_ = np.linalg.lstsq(design, recorded_v, rcond=None)
    residual = recorded_v - design @ np.array([gain, offset_v, *mains_v])
    residual_uv_rms = float(np.sqrt(np.mean(residual**2))) * 1e6
    signal_uv_rms = float(np.std(seen_v)) * 1e6
    return ChannelMatch(
        channel=channel,
        name=name,
        gain=float(gain),
        gain_sigma=residual_uv_rms / signal_uv_rms / float(np.sqrt(len(recorded_v))),
        offset_uv=float(offset_v) * 1e6,
        mains_uv=float(np.hypot(*mains_v)) * 1e6,
        residual_uv_rms=residual_uv_rms,
        signal_uv_rms=signal_uv_rms,
        expected_noise_uv_rms=expected_noise_uv_rms,
        n_samples=len(recorded_v),
    )
