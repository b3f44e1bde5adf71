"""The procedures on a simulated board: right values, counted samples, registers as before."""

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import pytest

from emgrig.calibration.figures.datasheet import Outcome
from emgrig.calibration.figures.uncertainty import Bound
from emgrig.calibration.procedures.acquire import acquire, prepare
from emgrig.calibration.procedures.clock import ClockSettings, measure_clock
from emgrig.calibration.procedures.crosstalk import CrosstalkSettings, measure_crosstalk
from emgrig.calibration.procedures.lead_off import LeadOffSettings, measure_lead_off
from emgrig.calibration.procedures.noise_floor import NoiseSettings, measure_noise
from emgrig.calibration.procedures.readings import Quantity
from emgrig.calibration.procedures.scale import ScaleSettings, measure_scale
from emgrig.calibration.procedures.setup import Connection, Setup, list_channels
from emgrig.calibration.procedures.sources import measure_sources, thermal_nv_per_rthz
from emgrig.driver.board import Board
from emgrig.driver.keeping import kept
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.errors import DeviceError, EmgrigError, TransportError
from emgrig.simulator.analog.world import OPEN, WIRE, ChannelFault, Electrode
from emgrig.simulator.transport import SimTransport
from places import ROOT
from properties import least_covered, runs

SHORT = NoiseSettings(channels=(1, 2), duration_s=10.0)


def load_coverage() -> ModuleType:
    path = ROOT / "benchmarks" / "calibration_coverage.py"
    spec = importlib.util.spec_from_file_location("calibration_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def transport() -> SimTransport:
    return SimTransport("bench&source=silence&seed=3")


@pytest.fixture
def board(transport: SimTransport) -> Iterator[Board]:
    with Board(transport) as board:
        yield board


def electrodes(transport: SimTransport, setup: Setup) -> None:
    """Do what the procedures ask a person for."""
    part = transport.board.front_ends[0]
    ohm = setup.ohm / 2 if setup.connection is Connection.SOURCE else setup.ohm
    resistor = Electrode(r_ohm=ohm, c_f=0.0, series_ohm=0.0)
    one = OPEN if setup.connection is Connection.OPEN else resistor
    world = replace(part.world, p=(one,) * 8, n=(one,) * 8, bias=WIRE)
    part.set_world(transport.board.bank.buses[0].tick, world)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.nightly
def test_the_truth_lies_within_the_stated_uncertainty() -> None:
    """A part of benchmarks/calibration_coverage.py: a tenth of its boards by night, three by day.

    At 95.45 % for each of ten boards, eight or more are covered in 99 of 100 such samples; of
    three, two.
    """
    for name, pairs in load_coverage().coverage(range(runs(3, nightly=10))).items():
        covered = sum(pair.is_covered for pair in pairs)
        assert covered >= least_covered(len(pairs)), f"{name}: {covered} of {len(pairs)}"


@pytest.mark.slow
def test_noise_is_judged_by_the_data_sheet_and_reported_in_bands(board: Board) -> None:
    report = measure_noise(board, SHORT)
    (level,) = report.of(Quantity.NOISE, channel=1)
    assert level.outcome is Outcome.PASS
    assert level.result.value == pytest.approx(0.28, rel=0.05)  # table 4: gain 24, 1000 SPS
    assert level.result.n_used == 10_000
    assert level.result.n_rejected > 0  # the settling
    bands = {reading.note: reading.result.value for reading in report.of(Quantity.NOISE_BAND)}
    # Noise after sinc³ between two edges, by the integral of (66 + 52 cos + 2 cos 2) / 120.
    shares = [_share(20, 450), _share(10, 500)]
    assert bands["20-450 Hz"] == pytest.approx(0.28 * math.sqrt(shares[0]), rel=0.06)
    assert bands["10-500 Hz"] == pytest.approx(0.28 * math.sqrt(shares[1]), rel=0.06)
    (white,) = report.of(Quantity.WHITE, channel=1)
    assert white.result.value == pytest.approx(280 / math.sqrt(0.275 * 1000), rel=0.06)
    (corner,) = report.of(Quantity.CORNER, channel=2)
    assert corner.result.bound is Bound.AT_MOST  # the simulator has no 1/f noise
    (span,) = report.of(Quantity.PEAK_TO_PEAK, channel=1)
    assert "N = 10000" in span.note
    assert len(report.of(Quantity.MAINS, channel=1)) == 3
    assert report.curves[0].y.shape[1] == 2


def _share(low_hz: float, high_hz: float, rate_hz: float = 1000.0) -> float:
    """Part of the noise power between two edges, in closed form."""

    def below(f: float) -> float:
        w = 2 * math.pi * f / rate_hz
        return (66 * w + 52 * math.sin(w) + math.sin(2 * w)) / (66 * math.pi)

    return below(high_hz) - below(low_hz)


@pytest.mark.slow
def test_a_noisy_channel_fails_and_a_railed_one_is_noted(
    board: Board, transport: SimTransport
) -> None:
    part = transport.board.front_ends[0]
    world = part.world.with_fault(1, ChannelFault.NOISY, 4).with_fault(2, ChannelFault.RAILED)
    part.set_world(0, world)
    report = measure_noise(board, replace(SHORT, channels=(1, 2, 3)))
    assert report.of(Quantity.NOISE, channel=1)[0].outcome is Outcome.FAIL
    assert report.of(Quantity.NOISE, channel=2) == ()
    assert report.of(Quantity.NOISE, channel=3)[0].outcome is Outcome.PASS
    assert report.notes == (
        "channel 2: at the rail in 100.0% of the samples (inputs shorted in the chip)",
    )
    assert report.outcome is Outcome.FAIL


@pytest.mark.slow
def test_every_gain_is_measured_at_every_rate(board: Board) -> None:
    settings = replace(SHORT, gains=(1, 24), rates_hz=(250, 2000), channels=(1,))
    report = measure_noise(board, settings)
    found = {(r.gain, r.rate_hz): r for r in report.of(Quantity.NOISE)}
    assert set(found) == {(1, 250), (24, 250), (1, 2000), (24, 2000)}
    assert all(reading.outcome is Outcome.PASS for reading in found.values())
    # 450 Hz is beyond half of 250 SPS, so no such band is claimed there.
    assert report.of(Quantity.NOISE_BAND, rate_hz=250) == ()


@pytest.mark.slow
def test_registers_are_as_before_whatever_they_were(board: Board) -> None:
    board.apply("facial-emg")
    board.chip.lead_off(current="6nA", frequency=31.25, sense_p=[2], sense_n=[2])
    before = [file.raw for file in board.chip.read_registers()]
    progress: list[float] = []
    for report in (
        measure_noise(board, SHORT, progress=lambda _text, share: progress.append(share)),
        measure_scale(board, ScaleSettings(channels=(1, 2), n_periods=4)),
        measure_clock(board, ClockSettings(duration_s=20.0)),
        measure_crosstalk(board, CrosstalkSettings(channels=(1, 2), duration_s=4.0)),
    ):
        assert report.restored.is_proved
        assert [file.raw for file in board.chip.read_registers()] == before
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_registers_are_put_back_when_a_procedure_fails(board: Board) -> None:
    before = [file.raw for file in board.chip.read_registers()]

    def give_up(setup: Setup) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_lead_off(board, give_up)
    assert [file.raw for file in board.chip.read_registers()] == before


def cut(transport: SimTransport, board: Board, *, is_for_good: bool) -> None:
    """Lose the link in the middle of a procedure."""
    with kept(board):
        prepare(board, gain=24, rate_hz=1000)
        transport.board.cut_link()
        if not is_for_good:
            transport.board.restore_link()
        raise TransportError("the cable was out")


def test_both_faults_are_told_when_the_board_is_gone_for_good(transport: SimTransport) -> None:
    with Board(transport, reconnect=ReconnectPolicy(total_s=0)) as board:
        with pytest.raises(EmgrigError, match=r"cable.*nor could the registers be") as caught:
            cut(transport, board, is_for_good=True)
        assert "\n" not in str(caught.value)


def lose(transport: SimTransport, board: Board) -> None:
    """Lose the link for good while a procedure takes samples."""
    with kept(board), board.stream(1.0) as stream:
        next(stream)
        transport.board.cut_link()
        list(stream)


def test_who_is_not_back_is_not_waited_for_twice(transport: SimTransport) -> None:
    with Board(transport, reconnect=ReconnectPolicy(total_s=5.0)) as board:
        once = r"not back after \d.* nor could the registers be put.* not back .* \(1 attempt\)"
        with pytest.raises(DeviceError, match=once):
            lose(transport, board)


def test_the_link_may_be_lost_and_come_back(board: Board, transport: SimTransport) -> None:
    before = [file.raw for file in board.chip.read_registers()]
    with pytest.raises(TransportError, match=r"^the cable was out$"):
        cut(transport, board, is_for_good=False)
    assert [file.raw for file in board.chip.read_registers()] == before


@pytest.mark.slow
def test_a_stretch_with_a_gap_is_not_used_but_counted() -> None:
    with Board(SimTransport("bench&source=silence&fault=packets-lost:rate=0.02")) as board:
        prepare(board, gain=24, rate_hz=1000)
        record = acquire(board, 300)
        assert record.volts.shape == (300, 8)
        assert record.n_lost + record.n_rejected > 116  # more than the settling
        with pytest.raises(DeviceError, match="without a gap"):
            acquire(board, 20_000)


@pytest.mark.slow
def test_gain_matching_and_offset_come_from_the_chips_own_signal(
    board: Board, transport: SimTransport
) -> None:
    true = transport.board.front_ends[0].tolerances
    report = measure_scale(board, ScaleSettings(gains=(1, 24), n_periods=8))
    for gain, index in ((1, 0), (24, 6)):
        errors = 1 + true.gain_error[:, index]
        for channel in range(1, 9):
            (matching,) = report.of(Quantity.MATCHING, channel=channel, gain=gain)
            truth = errors[channel - 1] / errors.mean()
            assert matching.result.value == pytest.approx(truth, abs=200e-6 / gain)
    (offset,) = report.of(Quantity.OFFSET, channel=5, gain=1)
    assert offset.result.value == pytest.approx(true.offset_v[4] * 1e6, rel=0.005)
    (gain_1,) = report.of(Quantity.GAIN, channel=1, gain=24)
    # 2 % as a rectangle, k = 2: the test signal is all that it rests on.
    assert gain_1.result.expanded_uncertainty == pytest.approx(0.0233, abs=0.0005)
    (period,) = report.of(Quantity.TEST_PERIOD, channel=1, gain=24)
    assert (period.result.value, period.outcome) == (128, Outcome.PASS)


@pytest.mark.slow
def test_a_stuck_gain_is_seen(board: Board, transport: SimTransport) -> None:
    part = transport.board.front_ends[0]
    part.set_world(0, part.world.with_fault(3, ChannelFault.GAIN_STUCK, 12))
    report = measure_scale(board, ScaleSettings(n_periods=4))
    (gain,) = report.of(Quantity.GAIN, channel=3)
    assert gain.result.value == pytest.approx(0.5, rel=0.02)


@pytest.mark.slow
def test_the_sample_clock_is_found_against_the_host(board: Board) -> None:
    from emgrig.simulator.analog.tolerances import oscillator_error_ppm

    report = measure_clock(board, ClockSettings(duration_s=20.0, host_ppm=0.0))
    (error,) = report.of(Quantity.CLOCK_ERROR)
    assert error.result.contains(oscillator_error_ppm(3))
    assert error.result.expanded_uncertainty < 0.2
    (rate,) = report.of(Quantity.CLOCK_RATE)
    assert rate.result.value == pytest.approx(1000 * (1 + error.result.value * 1e-6))
    honest = measure_clock(board, ClockSettings(duration_s=20.0))
    assert honest.of(Quantity.CLOCK_ERROR)[0].result.expanded_uncertainty >= 60  # the host's


@pytest.mark.slow
def test_a_board_that_starts_anew_spoils_the_clock() -> None:
    query = "bench&source=silence&fault=board-restart:at=12"
    with Board(SimTransport(query)) as board:
        before = [file.raw for file in board.chip.read_registers()]
        with pytest.raises(DeviceError, match="interrupted"):
            measure_clock(board, ClockSettings(duration_s=20.0))
        assert [file.raw for file in board.chip.read_registers()] == before


@pytest.mark.slow
def test_crosstalk_that_is_not_there_is_a_bound(board: Board) -> None:
    report = measure_crosstalk(board, CrosstalkSettings(channels=(1, 2, 3), duration_s=8.0))
    assert len(report.readings) == 6
    for reading in report.readings:
        # 3.75 mV against 0.14 uV over 2000 samples: two such errors lie below -108 dB.
        assert reading.result.value < -105
    assert sum(r.result.bound is Bound.AT_MOST for r in report.readings) >= 5


@pytest.mark.slow
def test_lead_off_currents_are_told_apart_by_side(board: Board, transport: SimTransport) -> None:
    asked: list[Setup] = []

    def ask(setup: Setup) -> None:
        asked.append(setup)
        electrodes(transport, setup)

    settings = LeadOffSettings(channels=(1, 8), n_blocks=8)
    report = measure_lead_off(board, ask, settings)
    true = transport.board.front_ends[0].tolerances.lead_off_error
    assert [setup.ohm for setup in asked] == [10e3, 100e3]
    for channel in (1, 8):
        for quantity, pin in (
            (Quantity.LEAD_OFF_P, channel - 1),
            (Quantity.LEAD_OFF_N, channel + 7),
        ):
            (reading,) = report.of(quantity, channel=channel)
            assert reading.result.unit == "nA"
            assert reading.result.value == pytest.approx(24 * (1 + true[pin]), rel=0.006)
    assert all(abs(r.result.value) < 60 for r in report.of(Quantity.SERIES))


@pytest.mark.slow
def test_resistors_that_are_not_there_are_missed(board: Board) -> None:
    before = [file.raw for file in board.chip.read_registers()]
    with pytest.raises(DeviceError, match="are they connected as asked for"):
        measure_lead_off(board, lambda _setup: None, LeadOffSettings(channels=(1,), n_blocks=4))
    assert [file.raw for file in board.chip.read_registers()] == before


@pytest.mark.slow
def test_the_source_protocol_shows_the_resistors_own_noise(
    board: Board, transport: SimTransport
) -> None:
    asked: list[str] = []

    def ask(setup: Setup) -> None:
        asked.append(str(setup))
        electrodes(transport, setup)

    report = measure_sources(board, ask, NoiseSettings(channels=(1,), duration_s=10.0))
    assert len(asked) == 5
    white = {r.condition: r.result.value for r in report.of(Quantity.WHITE)}
    own = math.sqrt(white["10 kΩ"] ** 2 - white["shorted at the jack"] ** 2)
    assert own == pytest.approx(12.8, rel=0.06)  # sqrt(4 k T 10k) at 25 °C, nV/√Hz
    assert thermal_nv_per_rthz(10e3, 25.0) == pytest.approx(12.83, abs=0.01)
    assert "open" not in white
    assert any("rail" in note for note in report.notes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NoiseSettings(gains=(3,)), "gains"),
        (lambda: NoiseSettings(rates_hz=(123,)), "rates"),
        (lambda: NoiseSettings(duration_s=1.0), "10 s or more"),
        (lambda: NoiseSettings(mains_hz=51.0), "50 or 60"),
        (lambda: ScaleSettings(n_periods=1), "4 or more"),
        (lambda: ClockSettings(duration_s=1.0), "too short"),
        (lambda: LeadOffSettings(resistors_ohm=(10e3, 10e3)), "two or more different"),
        (lambda: LeadOffSettings(current="24uA"), "choose less"),
        (lambda: CrosstalkSettings(gain=5), "gain"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]


def test_a_channel_that_is_not_there_is_refused_before_anything_is_sent(
    board: Board, transport: SimTransport
) -> None:
    epoch = board.ports[0].epoch
    with pytest.raises(ValueError, match="1 to 8"):
        measure_noise(board, replace(SHORT, channels=(9,)))
    assert board.ports[0].epoch == epoch


def test_channels_are_written_as_people_do() -> None:
    assert list_channels([1, 2, 3]) == "1-3"
    assert list_channels([1, 3]) == "1,3"
    assert list_channels([4]) == "4"
