"""The procedures that need a bench, on the simulated one, over real sockets."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from emgrig.calibration.bench import Attenuator, Bench, open_bench
from emgrig.calibration.figures.datasheet import Outcome
from emgrig.calibration.figures.uncertainty import rectangular
from emgrig.calibration.procedures.bench_rejection import (
    RejectionSettings,
    measure_cmrr,
    measure_input_impedance,
)
from emgrig.calibration.procedures.bench_transfer import (
    BenchSettings,
    measure_bench_dynamics,
    measure_bench_gain,
    measure_bench_response,
)
from emgrig.calibration.procedures.readings import Quantity
from emgrig.calibration.procedures.setup import Connection, Setup
from emgrig.driver.board import Board
from emgrig.errors import DeviceError, TransportError
from emgrig.simulator.analog.tolerances import Tolerances
from emgrig.simulator.bench.coupled import METER, Divider, SimulatedBench, Wiring
from emgrig.simulator.bench.server import board_on_bench


@dataclass
class There:
    board: Board
    bench: Bench
    simulated: SimulatedBench
    truth: Tolerances

    def ask(self, setup: Setup) -> None:
        n = setup.channels if setup.connection is Connection.COMMON_MODE else ()
        self.simulated.wire(Wiring(p=setup.channels, n=n, series_p_ohm=setup.ohm))


@pytest.fixture
def there() -> Iterator[There]:
    divider = Divider()
    known = Attenuator(divider.nominal_ratio, rectangular(divider.tolerance), divider.input_ohm)
    with board_on_bench("bench&source=silence&seed=11", seed=11, divider=divider) as place:
        assert place.transport is not None
        truth = place.transport.board.front_ends[0].tolerances
        with (
            Board(place.transport) as board,
            open_bench(place.resources, attenuator=known) as bench,
        ):
            yield There(board, bench, place.bench, truth)


@pytest.mark.slow
def test_gain_against_the_meter_is_the_true_one(there: There) -> None:
    report = measure_bench_gain(there.board, there.bench, there.ask, BenchSettings(channels=(1, 2)))
    true = (1 + there.truth.gain_error[:, 6]) / (1 + there.truth.reference_error)
    for channel in (1, 2):
        (gain,) = report.of(Quantity.GAIN, channel=channel)
        assert gain.result.contains(float(true[channel - 1]))
        assert gain.result.expanded_uncertainty < 0.0013  # the attenuator's 0.1 %
        assert report.of(Quantity.LINEARITY, channel=channel)[0].result.value < 5
    assert report.restored.is_proved


@pytest.mark.slow
def test_the_response_is_sinc3(there: There) -> None:
    settings = BenchSettings(channels=(1,), n_frequencies=6)
    report = measure_bench_response(there.board, there.bench, there.ask, settings)
    (error,) = report.of(Quantity.RESPONSE_ERROR)
    assert error.result.value < 0.01
    assert error.outcome is Outcome.PASS
    (corner,) = report.of(Quantity.RESPONSE)
    assert corner.result.value == pytest.approx(262, abs=1)  # 0.262 of the rate


@pytest.mark.slow
def test_sinad_is_what_the_noise_leaves(there: There) -> None:
    report = measure_bench_dynamics(
        there.board, there.bench, there.ask, BenchSettings(channels=(1,))
    )
    (sinad,) = report.of(Quantity.SINAD)
    amplitude_uv = float(sinad.condition.split(", ")[2].split()[0]) * 1e3
    expected_db = 20 * np.log10(amplitude_uv / np.sqrt(2) / 0.28)  # the table's noise
    assert sinad.result.value == pytest.approx(expected_db, abs=0.5)


@pytest.mark.slow
def test_cmrr_is_the_chips_own_and_falls_with_an_imbalance(there: There) -> None:
    settings = RejectionSettings(channels=(1,))
    report = measure_cmrr(there.board, there.bench, there.ask, settings)
    balanced, unbalanced = (r.result for r in report.of(Quantity.CMRR))
    true_db = -20 * np.log10(abs(there.truth.cmrr[0]))
    assert balanced.value == pytest.approx(true_db, abs=1.0)
    # 10 kohm against 1 Gohm: what the divider leaves is 100 dB; the chip's own adds or cancels.
    assert unbalanced.value == pytest.approx(100, abs=3)


@pytest.mark.long
@pytest.mark.slow
def test_input_impedance_shows_behind_a_megohm(there: There) -> None:
    settings = RejectionSettings(channels=(1,))
    report = measure_input_impedance(there.board, there.bench, there.ask, settings)
    (resistance,) = report.of(Quantity.INPUT_RESISTANCE)
    assert resistance.result.contains(1e9)  # SBAS499C: 1000 Mohm
    assert resistance.result.expanded_uncertainty < 0.1e9


@pytest.mark.slow
def test_a_meter_that_is_unplugged_ends_it_with_one_line_and_the_board_as_it_was(
    there: There,
) -> None:
    before = [file.raw for file in there.board.chip.read_registers()]
    there.simulated.unplug(METER, after_commands=20)
    with pytest.raises(TransportError) as caught:
        measure_bench_gain(there.board, there.bench, there.ask, BenchSettings(channels=(1,)))
    assert "\n" not in str(caught.value)
    assert [file.raw for file in there.board.chip.read_registers()] == before
    there.simulated.plug_in(METER)


@pytest.mark.slow
def test_leads_that_are_not_connected_are_missed(there: There) -> None:
    before = [file.raw for file in there.board.chip.read_registers()]
    there.simulated.wire(Wiring())
    with pytest.raises(DeviceError, match="is it connected"):
        measure_bench_dynamics(
            there.board, there.bench, lambda _setup: None, BenchSettings(channels=(1,))
        )
    assert [file.raw for file in there.board.chip.read_registers()] == before
