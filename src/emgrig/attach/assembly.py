"""A bench's chips from its options: clocks, electrodes, tolerances; faults of chips and wires."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, cast

from emgrig.attach.bus_chip import BusChip
from emgrig.attach.options import BenchOptions
from emgrig.simulator.analog.frontend import NOMINAL_F_CLK_HZ, AnalogueFrontEnd
from emgrig.simulator.analog.tolerances import oscillator_error_ppm
from emgrig.simulator.analog.world import Mains, World
from emgrig.simulator.assembly import chip_part
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.chip.ads1299 import Ads1299Chip
from emgrig.simulator.faults.fault import FaultSetting
from emgrig.simulator.faults.named import FAULTS
from emgrig.simulator.firmware.chip_bank import ChipBank
from emgrig.simulator.firmware.spi import SpiBus
from emgrig.simulator.seams import Source
from emgrig.simulator.sources.signals import parse_source

_SEED_STEP: Final = 1_000_003  # from the seed of one chip to that of the next


def parse_electrodes(text: str, options: BenchOptions) -> list[Source]:
    """Return what the electrodes of each chip see of a source; ValueError if there is none such."""
    n_chips, channels = len(options.chips), options.chips[0].channels
    source = parse_source(text, n_chips * channels, options.seed)
    return [chip_part(source, index, channels, n_chips) for index in range(n_chips)]


def build_chips(options: BenchOptions, clock_factor: float) -> list[BusChip]:
    """Make the chips that `options` describe, powered on.

    `clock_factor` is the frequency of every oscillator over what it would be without a fault.

    Raises
    ------
    ValueError
        If the source makes no sense.
    EmgrigError
        If the source's file cannot be read.
    """
    built: list[BusChip] = []
    seen = parse_electrodes(options.source, options)
    for index, (source, given) in enumerate(zip(seen, options.chips, strict=True)):
        seed = options.seed + index * _SEED_STEP
        if given.clock_from is not None:
            f_clk_hz = built[given.clock_from].chip.f_clk_hz
        elif given.daisy_from is not None:
            f_clk_hz = built[given.daisy_from].chip.f_clk_hz
        else:
            ppm = given.oscillator_ppm
            f_clk_hz = NOMINAL_F_CLK_HZ * clock_factor
            f_clk_hz *= 1 + (oscillator_error_ppm(seed) if ppm is None else ppm) * 1e-6
        front_end = AnalogueFrontEnd(
            source,
            n_channels=given.channels,
            seed=seed,
            f_clk_hz=f_clk_hz,
            world=_world(options, seed),
        )
        chip = Ads1299Chip(
            front_end,
            n_channels=given.channels,
            f_clk_hz=f_clk_hz,
            report=options.report,
            enforce=options.enforce,
            dvdd_v=options.dvdd_v,
            has_reference=options.has_reference,
            reading=options.reading,
            daisy_in=None if given.daisy_from is None else built[given.daisy_from].chip,
        )
        clock_from = None if given.clock_from is None else built[given.clock_from]
        built.append(BusChip(chip, front_end, clock_from))
    return built


def _world(options: BenchOptions, seed: int) -> World:
    channels = options.chips[0].channels
    if options.is_wired:
        world = World.ideal(channels)
    else:
        world = replace(World.typical(channels, seed), mains=Mains.typical())
    return replace(world, external_reference_v=4.5) if options.has_reference else world


def put_fault(
    setting: FaultSetting, chips: Sequence[BusChip], wires: Sequence[SpiBus], seed: int
) -> None:
    """Put a fault into chips, their wires or their electrodes; ValueError if it cannot be there."""
    fault = FAULTS[setting.name]
    if not fault.is_of_the_chip:
        known = ", ".join(one.name for one in FAULTS.values() if one.is_of_the_chip)
        raise ValueError(
            f"fault {setting.name}: it is in a board's firmware or link; on a bench there are "
            f"{known}"
        )
    if fault.switch_on is not None:
        # a fault of the chip asks a board for its front ends and its wires only
        board = cast("SimulatedBoard", _FaultTarget(chips, wires))
        fault.switch_on(board, dict(setting.values), seed)


class _FaultTarget:
    """What a fault of the chip asks of a board."""

    def __init__(self, chips: Sequence[BusChip], wires: Sequence[SpiBus]) -> None:
        self.front_ends = tuple(one.front_end for one in chips)
        self.bank = ChipBank(wires)
