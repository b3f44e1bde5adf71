"""A simulated board from options: sources, front ends, clock, faults."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.seams import BoardFacts
from emgrig.simulator.analog.frontend import NOMINAL_F_CLK_HZ, AnalogueFrontEnd
from emgrig.simulator.analog.tolerances import oscillator_error_ppm
from emgrig.simulator.analog.world import SERIES_OHM, Mains, World
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.faults.named import clock_factor, drawn, switch_on
from emgrig.simulator.firmware.model import FIRMWARES
from emgrig.simulator.options import SimOptions
from emgrig.simulator.seams import Source, WindowedSource
from emgrig.simulator.sources.signals import parse_source

_SEED_STEP: Final = 1_000_003  #: From the seed of one chip to that of the next.


class ChipPart:
    """The electrodes of one chip among those of a whole board (implements `Source`).

    Parameters
    ----------
    whole : Source
        Of all channels of the board.
    chip : int
        0 is the first.
    n_channels : int
        Of one chip.
    """

    def __init__(self, whole: Source, chip: int, n_channels: int, n_chips: int) -> None:
        self._whole = whole
        sides = whole.n_electrodes // (n_channels * n_chips)
        own = np.arange(chip * n_channels, (chip + 1) * n_channels)
        self._columns = np.concatenate([own + side * n_channels * n_chips for side in range(sides)])
        self.n_electrodes = sides * n_channels
        self.is_silent = getattr(whole, "is_silent", False)

    def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Source.volts`."""
        return self._whole.volts(t_s)[:, self._columns]


class WindowedChipPart(ChipPart):
    """The same of a source that weighs windows by itself (implements `WindowedSource`)."""

    def __init__(self, whole: WindowedSource, chip: int, n_channels: int, n_chips: int) -> None:
        super().__init__(whole, chip, n_channels, n_chips)
        self._windowed = whole

    def window_sums(
        self, t_s: NDArray[np.float64], point_s: float, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `WindowedSource.window_sums`."""
        sums, peak = self._windowed.window_sums(t_s, point_s, weights)
        return sums[:, self._columns], peak[self._columns]


def chip_part(whole: Source, chip: int, n_channels: int, n_chips: int) -> Source:
    """Return the electrodes of one chip among those of a whole board; of one chip, the board's."""
    if n_chips == 1:
        return whole
    if isinstance(whole, WindowedSource):
        return WindowedChipPart(whole, chip, n_channels, n_chips)
    return ChipPart(whole, chip, n_channels, n_chips)


def build_board(options: SimOptions) -> SimulatedBoard:
    """Make the board that `options` describe, powered on, with its faults in it.

    Raises
    ------
    ValueError
        If the source makes no sense, or a fault is about a channel that the board lacks.
    EmgrigError
        If the source's file cannot be read.
    """
    faults = drawn(options.faults, options.seed)
    make_firmware = FIRMWARES.load(options.firmware)
    if options.mended and not hasattr(make_firmware, "TRAPS"):
        raise ValueError(f"mended=: the firmware {options.firmware} has no trap to be mended")
    n_channels = options.channels
    n_all = n_channels * options.chips
    source = parse_source(options.source, n_all, options.seed)
    f_clk_hz = NOMINAL_F_CLK_HZ * (1 + oscillator_error_ppm(options.seed) * 1e-6)
    f_clk_hz *= clock_factor(faults)
    parts = [
        AnalogueFrontEnd(
            chip_part(source, chip, n_channels, options.chips),
            n_channels=n_channels,
            seed=options.seed + chip * _SEED_STEP,
            f_clk_hz=f_clk_hz,
            world=_world(options, chip),
        )
        for chip in range(options.chips)
    ]
    board = SimulatedBoard(
        parts,
        f_clk_hz=f_clk_hz,
        drift_ppm=_drift_ppm(options.seed),
        facts=_facts(options, n_all),
        truth=source,
        firmware=make_firmware,
    )
    switch_on(board, faults, options.seed)
    return board


def _world(options: SimOptions, chip: int) -> World:
    if options.is_bench:
        return World.ideal(options.channels)
    skin = World.typical(options.channels, options.seed + chip * _SEED_STEP)
    return replace(skin, mains=Mains.typical())


def _drift_ppm(seed: int) -> float:
    """Error of a common crystal: within 20 ppm."""
    return float(np.random.default_rng([seed, 0xC75]).uniform(-20, 20))


def _facts(options: SimOptions, n_all: int) -> BoardFacts:
    """Describe the board; with one 8-channel chip it is the paper's: seven channels wired."""
    n_wired = 7 if n_all == 8 and not options.is_bench else n_all
    return BoardFacts(
        serial_number=f"SIM-{options.seed:04d}",
        channels_wired=(1 << n_wired) - 1,
        series_ohm=(0 if options.is_bench else round(SERIES_OHM),) * n_all,
        mended=options.mended,
    )
