"""How often the truth lies within the stated uncertainty (k = 2): a hundred simulated boards.

Each seed is another board: gain errors, offsets, reference, test signal, lead-off currents and
oscillator are drawn by it, and the noise of its first channel too. The goal is 93 of 100 for each
quantity. Uncertainties that are ruled by a data sheet's limits (type B) cover more.
"""

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from emgrig.calibration.bench import Attenuator, open_bench
from emgrig.calibration.figures.uncertainty import Result, rectangular
from emgrig.calibration.procedures.bench_transfer import BenchSettings, measure_bench_gain
from emgrig.calibration.procedures.clock import ClockSettings, measure_clock
from emgrig.calibration.procedures.lead_off import LeadOffSettings, measure_lead_off
from emgrig.calibration.procedures.noise_floor import NoiseSettings, measure_noise
from emgrig.calibration.procedures.readings import Quantity, Report
from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale
from emgrig.calibration.procedures.setup import Ask, Setup
from emgrig.driver.board import Board
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.analog.noise import shorted_noise_v
from emgrig.simulator.analog.tolerances import oscillator_error_ppm
from emgrig.simulator.analog.world import WIRE, ChannelFault, Electrode
from emgrig.simulator.bench.coupled import Divider, Wiring
from emgrig.simulator.bench.server import board_on_bench
from emgrig.simulator.board import SimulatedBoard
from emgrig.simulator.transport import SimTransport

GAIN, GAIN_INDEX, VREF_V, DECIMATION_1000 = 24, 6, 4.5, 1024
CHANNELS = (1, 2)
GOAL = 93


@dataclass(frozen=True)
class Pair:
    """What was measured, and what is true."""

    result: Result
    truth: float

    @property
    def is_covered(self) -> bool:
        """Whether the truth lies within the stated uncertainty."""
        return self.result.contains(self.truth)


def front_end_of(board: SimulatedBoard) -> AnalogueFrontEnd:
    """Return the analogue half of the first chip."""
    front_end = board.front_ends[0]
    assert isinstance(front_end, AnalogueFrontEnd)
    return front_end


def star(board: SimulatedBoard) -> Ask:
    """Return who connects the resistors that a procedure asks for."""

    def ask(setup: Setup) -> None:
        resistor = (Electrode(r_ohm=setup.ohm, c_f=0.0, series_ohm=0.0),) * 8
        part = front_end_of(board)
        world = replace(part.world, p=resistor, n=resistor, bias=WIRE)
        part.set_world(board.bank.buses[0].tick, world)

    return ask


def only(report: Report, quantity: Quantity) -> Result:
    """Return the first channel's (or the board's) value."""
    return next(r.result for r in report.of(quantity) if r.channel in (None, 1))


def by_own_means(seed: int) -> dict[str, Pair]:
    """Calibrate one board with what the chip has, and with resistors."""
    transport = SimTransport(f"bench&source=silence&seed={seed}")
    simulated = transport.board
    part = front_end_of(simulated)
    true = part.tolerances
    noise_factor = float(np.random.default_rng([seed, 0xCA1]).uniform(0.7, 3.0))
    part.set_world(0, part.world.with_fault(1, ChannelFault.NOISY, noise_factor))
    with Board(transport) as board:
        noise = measure_noise(board, NoiseSettings(channels=CHANNELS, duration_s=10.0))
        scale = measure_scale(board, ScaleSettings(channels=CHANNELS, n_periods=8))
        clock = measure_clock(board, ClockSettings(duration_s=20.0, host_ppm=0.0))
        lead_off = measure_lead_off(
            board, star(simulated), LeadOffSettings(channels=CHANNELS, n_blocks=10)
        )
    scale_of = (1 + true.gain_error[:, GAIN_INDEX]) / (1 + true.reference_error)
    lsb_v = VREF_V / GAIN / 2**23
    noise_v = math.hypot(
        shorted_noise_v(DECIMATION_1000, GAIN) * noise_factor, lsb_v / math.sqrt(12)
    )
    pair = 1 + true.gain_error[:2, GAIN_INDEX]
    return {
        "noise": Pair(only(noise, Quantity.NOISE), noise_v * 1e6),
        "offset": Pair(
            only(scale, Quantity.OFFSET), float(true.offset_v[0] * scale_of[0]) / GAIN * 1e6
        ),
        "gain, test signal": Pair(only(scale, Quantity.GAIN), float(scale_of[0])),
        "matching": Pair(only(scale, Quantity.MATCHING), float(pair[0] / pair.mean())),
        "clock": Pair(only(clock, Quantity.CLOCK_ERROR), oscillator_error_ppm(seed)),
        "lead-off current, P": Pair(
            only(lead_off, Quantity.LEAD_OFF_P), 24 * (1 + float(true.lead_off_error[0]))
        ),
        "lead-off current, N": Pair(
            only(lead_off, Quantity.LEAD_OFF_N), 24 * (1 + float(true.lead_off_error[8]))
        ),
    }


def by_bench(seed: int) -> dict[str, Pair]:
    """Calibrate one board's gain with a simulated bench of the same seed."""
    divider = Divider()
    known = Attenuator(divider.nominal_ratio, rectangular(divider.tolerance), divider.input_ohm)
    query = f"bench&source=silence&seed={seed}"
    with board_on_bench(query, seed=seed, divider=divider) as there:
        assert there.transport is not None
        true = front_end_of(there.transport.board).tolerances

        def ask(setup: Setup) -> None:
            there.bench.wire(Wiring(p=setup.channels))

        with (
            Board(there.transport) as board,
            open_bench(there.resources, attenuator=known) as bench,
        ):
            found = measure_bench_gain(board, bench, ask, BenchSettings(channels=(1,)))
    truth = (1 + float(true.gain_error[0, GAIN_INDEX])) / (1 + true.reference_error)
    return {"gain, bench": Pair(only(found, Quantity.GAIN), truth)}


def coverage(seeds: Iterable[int]) -> dict[str, list[Pair]]:
    """Calibrate a board of each seed; return all pairs of each quantity."""
    pairs: dict[str, list[Pair]] = {}
    for seed in seeds:
        for name, pair in (by_own_means(seed) | by_bench(seed)).items():
            pairs.setdefault(name, []).append(pair)
    return pairs


def main() -> None:
    """Print the table for seeds 0 to 99."""
    pairs = coverage(range(100))
    print(f"{'quantity':24}{'covered':>9}{'median |error| / U':>22}")
    for name, found in pairs.items():
        covered = sum(pair.is_covered for pair in found)
        ratio = np.median(
            [abs(p.result.value - p.truth) / p.result.expanded_uncertainty for p in found]
        )
        print(f"{name:24}{covered:>5}/{len(found)}{ratio:>22.2f}")
    if any(sum(p.is_covered for p in found) < GOAL for found in pairs.values()):
        sys.exit(f"a quantity is covered in fewer than {GOAL} of 100")
