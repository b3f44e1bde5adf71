"""The bench over real pyvisa-py and loopback sockets, against simulated instruments."""

import gc
import math
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import emgrig
from emgrig.calibration.bench import Applied, Attenuator, open_bench
from emgrig.calibration.bench.generator import generator_model
from emgrig.calibration.bench.meter import meter_model
from emgrig.calibration.figures.response import sinc3_magnitude
from emgrig.calibration.figures.sinefit import fit_sine_4
from emgrig.calibration.figures.transfer import fit_gain
from emgrig.driver.board import Board
from emgrig.errors import (
    DeviceError,
    IdentityError,
    TransportError,
    TransportTimeout,
    WireError,
)
from emgrig.simulator.analog.frontend import AnalogueFrontEnd
from emgrig.simulator.bench.coupled import GENERATOR, METER, Divider, SimulatedBench, Wiring
from emgrig.simulator.bench.generator import KINDS
from emgrig.simulator.bench.meter import IDENTITIES
from emgrig.simulator.bench.server import BenchServer, BoardOnBench, board_on_bench
from emgrig.simulator.transport import SimTransport

DIVIDER = Divider(nominal_ratio=100.0, tolerance=1e-3, input_ohm=10e3)
LABEL = Attenuator(ratio=100.0, relative_uncertainty=1e-3 / math.sqrt(3), input_ohm=10e3)
GENERATORS, METERS = tuple(KINDS), tuple(IDENTITIES)


@pytest.fixture(autouse=True)
def _pyvisa_py(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take pyvisa-py at once; pyvisa looks 0.2 s for others first."""
    monkeypatch.setenv("PYVISA_LIBRARY", "@py")


@pytest.fixture(autouse=True, scope="module")
def _no_socket_is_left_open() -> Iterator[None]:
    """A socket that nobody closed warns when it is collected, and warnings are errors."""
    yield
    gc.collect()


@pytest.fixture
def rig() -> Iterator[BoardOnBench]:
    with board_on_bench(divider=DIVIDER, seed=1) as rig:
        yield rig


class Answers:
    """An instrument that has one answer for everything that is asked; None is silence."""

    def __init__(self, identity: str, answer: str | None = None) -> None:
        self.identity = identity
        self.answer = answer
        self.heard: list[str] = []

    def execute(self, _: str, line: str) -> str | None:
        self.heard.append(line)
        if line == "*IDN?":
            return self.identity
        return self.answer if "?" in line else None

    def is_plugged(self, _: str) -> bool:
        return True


def serving(instrument: Answers) -> BenchServer:
    return BenchServer(instrument)  # type: ignore[arg-type]  # it has what the server uses


def _transport(rig: BoardOnBench) -> SimTransport:
    assert rig.transport is not None
    return rig.transport


def record(board: Board, duration_s: float = 1.0) -> NDArray[np.float64]:
    with board.stream(duration_s=duration_s) as stream:
        return np.concatenate([block.volts for block in stream])


def amplitude_v(board: Board, volts: NDArray[np.float64], frequency_hz: float) -> float:
    """What a channel reads of a sine, V peak before the filter."""
    fit = fit_sine_4(volts, board.chip.rate_hz, frequency_hz)
    return fit.amplitude_v / float(sinc3_magnitude(frequency_hz, board.chip.rate_hz))


def wait_until(is_so: Callable[[], bool]) -> None:
    """A command without an answer arrives when it arrives."""
    waiting = threading.Event()
    for _ in range(30_000):
        if is_so():
            return
        waiting.wait(0.01)
    raise AssertionError("waited for 300 s")


def prepare(board: Board, gain: int = 24) -> None:
    board.chip.reference(internal=True)
    board.chip.set_rate(1000)
    board.chip.configure(gain=gain, mux="normal")


# ---- values -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("frequency_hz", [4.0, 37.0, 450.0])
def test_a_sine_is_what_the_meter_read(generator: str, meter: str, frequency_hz: float) -> None:
    with (
        board_on_bench(divider=DIVIDER, generator=generator, meter=meter, seed=5) as rig,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        assert bench.identities == (KINDS[generator].identity, IDENTITIES[meter])
        applied = bench.apply_sine(1e-3, frequency_hz)
        truth = rig.bench.at_electrodes()
    assert applied.level.contains(truth.peak_v)
    assert applied.level.n_used == 3
    assert applied.frequency is not None
    assert applied.frequency.contains(truth.frequency_hz)
    assert applied.set_v == pytest.approx(0.1)
    assert applied.reading.value == pytest.approx(0.1 / math.sqrt(2), rel=0.02)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("level_v", [-5e-3, 0.0, 60e-3])
def test_a_constant_level_is_what_the_meter_read(generator: str, level_v: float) -> None:
    with (
        board_on_bench(divider=DIVIDER, generator=generator, seed=6) as rig,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        bench.apply_sine(50e-3, 37.0)  # the way back from a large sine must be free of conflicts
        applied = bench.apply_dc(level_v)
        assert applied.level.contains(rig.bench.at_electrodes().dc_v)
        assert applied.frequency is None
        bench.apply_sine(60e-3, 37.0)


def test_the_uncertainty_of_a_sine_is_that_of_data_sheet_and_attenuator(rig: BoardOnBench) -> None:
    with open_bench(rig.resources, attenuator=LABEL) as bench:
        applied = bench.apply_sine(10e-3, 100.0)
    # 0.7 V rms on the 1 V range of a 34461A at 100 Hz: 0.06 % of reading + 0.03 % of range
    limit_v = 0.06e-2 * applied.reading.value + 0.03e-2 * 1.0
    assert applied.reading.standard_uncertainty == pytest.approx(limit_v / math.sqrt(3), rel=2e-2)
    relative = math.hypot(limit_v / math.sqrt(3) / applied.reading.value, 1e-3 / math.sqrt(3))
    assert applied.level.standard_uncertainty == pytest.approx(
        applied.level.value * relative, rel=2e-2
    )
    assert "1 V range: 0.06 % of reading + 0.03 % of range" in " ".join(applied.level.assumptions)


@pytest.mark.long
@pytest.mark.slow
def test_the_truth_lies_within_the_uncertainty_and_the_set_value_does_not() -> None:
    hits = believed = 0
    with board_on_bench(divider=DIVIDER) as rig:
        assert rig.transport is not None
        for seed in range(100):
            bench_truth = SimulatedBench(rig.transport.board, seed=seed, divider=DIVIDER)
            with (
                BenchServer(bench_truth) as server,
                open_bench(server.resources, attenuator=LABEL) as bench,
            ):
                applied = bench.apply_sine(1e-3, 37.0)
                truth_v = bench_truth.at_electrodes().peak_v
            hits += applied.level.contains(truth_v)
            believed += abs(1e-3 - truth_v) <= applied.level.expanded_uncertainty
    assert hits >= 93
    assert believed <= 50  # 1 % of setting and 1 mVpp, against about 0.2 %


@pytest.mark.slow
def test_gain_of_the_board_by_the_bench_is_its_true_gain() -> None:
    levels_v = np.array([2e-3, 10e-3, 25e-3, 50e-3, 90e-3])
    with (
        board_on_bench("bench&source=silence&seed=11", divider=DIVIDER, seed=11) as rig,
        Board(_transport(rig)) as board,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        prepare(board)
        applied: list[Applied] = []
        read_v = []
        for level_v in levels_v:
            applied.append(bench.apply_sine(float(level_v), 37.0))
            read_v.append(amplitude_v(board, record(board)[:, 2], 37.0))
        front_end = _transport(rig).board.front_ends[0]
    assert isinstance(front_end, AnalogueFrontEnd)
    errors = front_end.tolerances
    true_gain = (1 + errors.gain_error[2, 6]) / (1 + errors.reference_error)
    last = applied[-1].level
    result = fit_gain(
        [level.level.value for level in applied],
        read_v,
        full_scale_v=4.5 / 24,
        meter_relative_uncertainty=last.standard_uncertainty / last.value,
    )
    assert result.gain.contains(true_gain)
    assert abs(result.gain.value - true_gain) < 3e-3


# ---- the coupling -------------------------------------------------------------------------------


def test_a_change_reaches_a_stream_that_is_on_at_once_and_takes_no_time(rig: BoardOnBench) -> None:
    with (
        Board(_transport(rig)) as board,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        prepare(board)
        bench.apply_sine(1e-3, 37.0)
        with board.stream() as stream:
            blocks = []
            while sum(block.n_samples for block in blocks) < 1000:
                blocks.append(next(stream))
            before_s = board.clock.now_s()
            bench.apply_sine(4e-3, 37.0)
            assert board.clock.now_s() == before_s
            while sum(block.n_samples for block in blocks) < 2500:
                blocks.append(next(stream))
    volts = np.concatenate([block.volts for block in blocks])[:, 0]
    change = int(np.argmax(np.abs(volts) > 2e-3))
    assert 1000 <= change < 1500  # what was made before and not read yet is as it was
    assert np.abs(volts[: change - 30]).max() < 1.2e-3
    assert np.abs(volts[change + 10 :]).max() == pytest.approx(4e-3, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("query", ["bench&source=silence", "bench&source=silence&speed=20"])
def test_a_served_board_sees_the_bench(query: str) -> None:
    with (
        board_on_bench(query, over_tcp=True, divider=DIVIDER, seed=2) as rig,
        emgrig.connect(rig.address) as board,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        prepare(board)
        applied = bench.apply_sine(1e-3, 40.0)
        volts = record(board, 2.0)
        measured = [amplitude_v(board, channel, 40.0) for channel in volts.T]
    np.testing.assert_allclose(measured, applied.level.value, rtol=1e-2)


def test_a_common_mode_is_a_common_mode(rig: BoardOnBench) -> None:
    rig.bench.wire(Wiring.common_mode(*range(1, 9)))
    with (
        Board(_transport(rig)) as board,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        prepare(board)
        bench.apply_sine(80e-3, 40.0)
        assert record(board).std(axis=0).max() < 80e-3 * 10 ** (-90 / 20)  # 2.5 uV; CMRR 110 dB


def test_channels_that_are_not_wired_see_nothing(rig: BoardOnBench) -> None:
    rig.bench.wire(Wiring.differential(3))
    with (
        Board(_transport(rig)) as board,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        prepare(board)
        bench.apply_sine(10e-3, 40.0)
        volts = record(board)
        assert amplitude_v(board, volts[:, 2], 40.0) == pytest.approx(10e-3, rel=0.02)
    assert np.delete(volts, 2, axis=1).std(axis=0).max() < 2e-6


# ---- the load trap ------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_50_ohm_attenuator_gets_what_was_asked_for(generator: str) -> None:
    divider = replace(DIVIDER, input_ohm=50.0)
    with (
        board_on_bench(divider=divider, generator=generator, seed=8) as rig,
        open_bench(rig.resources, attenuator=replace(LABEL, input_ohm=50.0)) as bench,
    ):
        applied = bench.apply_sine(1e-3, 37.0)
        assert applied.reading.value == pytest.approx(0.1 / math.sqrt(2), rel=0.02)
        assert rig.bench.generator.settings.load_ohm == 50.0


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize(("true_ohm", "told_ohm"), [(50.0, None), (None, 50.0)])
def test_a_wrong_load_is_noticed(
    generator: str, true_ohm: float | None, told_ohm: float | None
) -> None:
    with (
        board_on_bench(divider=replace(DIVIDER, input_ohm=true_ohm), generator=generator) as rig,
        open_bench(rig.resources, attenuator=replace(LABEL, input_ohm=told_ohm)) as bench,
    ):
        with pytest.raises(DeviceError, match="halves or doubles the amplitude"):
            bench.apply_sine(1e-3, 37.0)
        assert rig.bench.generator.settings.is_on


# ---- refused before anything is sent ------------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize(
    ("amplitude_v", "frequency_hz", "said"),
    [
        (0.11, 37.0, "beyond the"),  # 11 V, the limit is 10 V into an open end
        (1e-6, 37.0, "beyond the"),
        (-1e-3, 37.0, "beyond the"),
        (math.nan, 37.0, "beyond the"),
        (1e-3, 2.9, "3 to 20000 Hz"),
        (1e-3, 20_001.0, "3 to 20000 Hz"),
        (1e-3, math.nan, "3 to 20000 Hz"),
    ],
)
def test_what_the_bench_cannot_do_is_refused_and_nothing_is_sent(
    generator: str, amplitude_v: float, frequency_hz: float, said: str
) -> None:
    with (
        board_on_bench(divider=DIVIDER, generator=generator) as rig,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        before = rig.bench.generator.settings
        with pytest.raises(ValueError, match=said) as refused:
            bench.apply_sine(amplitude_v, frequency_hz)
        assert "\n" not in str(refused.value)
        with pytest.raises(ValueError, match="expected 2 or more"):
            bench.apply_sine(1e-3, 37.0, n_readings=1)
        with pytest.raises(ValueError, match="either way into 10000 Ω"):
            bench.apply_dc(0.101)
        assert rig.bench.generator.settings == before


def test_limits_are_halved_into_50_ohm(rig: BoardOnBench) -> None:
    with (
        open_bench(rig.resources, attenuator=replace(LABEL, input_ohm=50.0)) as bench,
        pytest.raises(ValueError, match=r"0\.005 to 5 V into 50 Ω"),
    ):
        bench.apply_sine(0.06, 37.0)


@pytest.mark.parametrize("resources", ["", "a", "a,", "a,b,c", "a,a"])
def test_a_bench_is_two_resources(resources: str) -> None:
    with pytest.raises(ValueError, match="expected two VISA resources, GENERATOR,METER"):
        open_bench(resources)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratio": 0.5},
        {"ratio": math.nan},
        {"ratio": math.inf},
        {"relative_uncertainty": -0.1},
        {"relative_uncertainty": math.nan},
        {"input_ohm": 10.0},
        {"input_ohm": math.nan},
    ],
)
def test_an_impossible_attenuator_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"ratio|uncertainty|input_ohm"):
        Attenuator(**wrong)


# ---- who is there -------------------------------------------------------------------------------


def test_the_order_of_the_resources_does_not_matter(rig: BoardOnBench) -> None:
    generator, meter = rig.resources.split(",")
    with open_bench(f" {meter}, {generator}", attenuator=LABEL) as bench:
        assert bench.generator.instrument.resource == generator
        assert bench.meter.instrument.resource == meter


@pytest.mark.parametrize(
    ("identity", "generator", "meter"),
    [
        ("Agilent Technologies,33220A,MY44,2.02-2.02-22-2", "33220A", None),
        ("Keysight Technologies,33511B,MY52,2.03", "33500 series", None),
        ("Agilent Technologies,33522A,MY50,2.03", "33500 series", None),
        ("Siglent Technologies,SDG2042X,SDG2X1,2.01", "SDG2000X/6000X", None),
        ("Siglent Technologies,SDG1032X,SDG1X1,1.01", "SDG series", None),
        ("*IDN SDG,SDG1025,120465,2.01.01,02-00-00-21-24", "SDG series", None),
        ("HEWLETT-PACKARD,34401A,0,11-5-2", None, "34401A"),
        ("Keysight Technologies,34461A,MY53,A.02", None, "34461A"),
        ("Keysight Technologies,34460A,MY53,A.02", None, None),
        ("KEYSIGHT TECHNOLOGIES,DSO-X 2002A,MY1,1", None, None),
        ("", None, None),
    ],
)
def test_instruments_are_known_by_their_identity(
    identity: str, generator: str | None, meter: str | None
) -> None:
    kind, meter_kind = generator_model(identity), meter_model(identity)
    assert (kind.name if kind else None) == generator
    assert (meter_kind.name if meter_kind else None) == meter


def test_an_unknown_instrument_is_named_and_nothing_but_its_name_is_asked(
    rig: BoardOnBench,
) -> None:
    stranger = Answers("RIGOL TECHNOLOGIES,DG1022Z,DG1ZA1,03.01.12")
    _, meter = rig.resources.split(",")
    said = r"DG1022Z.*none of the instruments known"
    with serving(stranger) as server, pytest.raises(IdentityError, match=said) as error:
        open_bench(f"{server.generator_resource},{meter}")
    assert "\n" not in str(error.value)
    assert stranger.heard == ["*IDN?"]


@pytest.mark.parametrize(("which", "said"), [(0, "both generators"), (1, "both meters")])
def test_two_of_a_kind_are_no_bench(rig: BoardOnBench, which: int, said: str) -> None:
    with board_on_bench() as other:
        two = f"{rig.resources.split(',')[which]},{other.resources.split(',')[which]}"
        with pytest.raises(IdentityError, match=said):
            open_bench(two)


def test_no_such_resource_is_one_line(rig: BoardOnBench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for nobody in (f"TCPIP::127.0.0.1::{port}::SOCKET", "nonsense", "ASRL/dev/ttyNOPE::INSTR"):
        with pytest.raises(TransportError, match=f"no instrument at {nobody}") as error:
            open_bench(f"{rig.resources.split(',')[0]},{nobody}")
        assert "\n" not in str(error.value)


# ---- what goes wrong ----------------------------------------------------------------------------


def test_a_meter_unplugged_in_mid_run_is_one_line_and_the_output_is_off(rig: BoardOnBench) -> None:
    def run() -> None:
        with open_bench(rig.resources, attenuator=LABEL) as bench:
            bench.apply_sine(1e-3, 37.0)
            rig.bench.unplug(METER, after_commands=5)
            bench.apply_sine(2e-3, 37.0)

    with pytest.raises(TransportError, match=r"34461A at .* is gone, at READ\?") as error:
        run()
    assert "\n" not in str(error.value)
    assert not rig.bench.generator.settings.is_on
    rig.bench.plug_in(METER)
    with open_bench(rig.resources, attenuator=LABEL) as bench:
        bench.apply_sine(1e-3, 37.0)


def test_a_generator_that_cannot_be_switched_off_is_said_so(rig: BoardOnBench) -> None:
    bench = open_bench(rig.resources, attenuator=LABEL)
    bench.apply_sine(1e-3, 37.0)
    rig.bench.unplug(GENERATOR)
    with pytest.raises(TransportError, match=r"33220A at .* is gone, at OUTP"):
        bench.close()
    assert rig.bench.generator.settings.is_on  # it goes on by itself, as a real one


def test_the_first_error_is_told_and_a_late_one_is_logged(
    rig: BoardOnBench, caplog: pytest.LogCaptureFixture
) -> None:
    def run() -> None:
        with open_bench(rig.resources, attenuator=LABEL):
            rig.bench.unplug(GENERATOR)
            raise RuntimeError("of the user")

    with pytest.raises(RuntimeError, match="of the user"):
        run()
    assert "output may still be on" in caplog.text


def test_the_output_is_off_before_and_after(rig: BoardOnBench) -> None:
    rig.bench.execute(GENERATOR, "OUTP ON")
    with open_bench(rig.resources, attenuator=LABEL) as bench:
        assert not rig.bench.generator.settings.is_on
        bench.apply_sine(1e-3, 37.0)
        assert rig.bench.generator.settings.is_on
        bench.turn_off()
        assert not rig.bench.generator.settings.is_on
        bench.apply_dc(1e-3)
    assert not rig.bench.generator.settings.is_on


def test_old_errors_in_the_queue_are_not_ours(rig: BoardOnBench) -> None:
    for instrument in (GENERATOR, METER):
        rig.bench.execute(instrument, "NONSENSE 1")
    with open_bench(rig.resources, attenuator=LABEL) as bench:
        bench.apply_sine(1e-3, 37.0)


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        ("33220A", "refused 'VOLT 4'.*-222.*clipped to upper limit"),
        ("SDG2042X", "vpp is 1.99005 after it was set to 4.0; .* without a word"),
    ],
)
def test_a_setting_that_the_generator_changes_is_an_error(generator: str, said: str) -> None:
    with (
        board_on_bench(divider=DIVIDER, generator=generator) as rig,
        open_bench(rig.resources, attenuator=LABEL) as bench,
    ):
        rig.bench.generator.kind = replace(rig.bench.generator.kind, most_vpp=2.0)
        with pytest.raises(DeviceError, match=said):
            bench.apply_sine(20e-3, 37.0)


@pytest.mark.slow
def test_a_silent_instrument_is_given_up_and_not_asked_again() -> None:
    silent = Answers(IDENTITIES["34461A"])
    with board_on_bench() as rig, serving(silent) as server:
        resources = f"{rig.resources.split(',')[0]},{server.meter_resource}"
        with open_bench(resources, attenuator=LABEL, timeout_s=2.0) as bench:
            with pytest.raises(TransportTimeout, match=r"SYST:ERR\? within 2 s: it is unplugged"):
                bench.apply_sine(1e-3, 37.0)
            with pytest.raises(TransportError, match="not asked again: it did not answer"):
                bench.apply_sine(1e-3, 37.0)
        assert not rig.bench.generator.settings.is_on


def test_after_an_interrupted_answer_the_output_is_still_switched_off(
    rig: BoardOnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        with open_bench(rig.resources, attenuator=LABEL) as bench:
            bench.apply_sine(1e-3, 37.0)
            generator = bench.generator.instrument
            monkeypatch.setattr(generator._session, "read", interrupt)
            bench.apply_sine(2e-3, 37.0)

    def interrupt() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    wait_until(lambda: not rig.bench.generator.settings.is_on)


@pytest.mark.parametrize("answer", ["what?", "", "1.0.0", "nan", "inf"])
def test_an_answer_that_is_no_number_is_named(answer: str) -> None:
    with serving(Answers(IDENTITIES["34401A"], answer)) as server:
        from emgrig.calibration.bench.visa import Instrument

        instrument = Instrument(server.meter_resource)
        with pytest.raises(WireError, match=r"READ.*expected a number"):
            instrument.query_number("READ?")
        instrument.close()
        instrument.close()
        with pytest.raises(TransportError, match="is gone"):
            instrument.write("*CLS")


def test_a_level_too_small_for_the_meters_data_sheet_is_refused() -> None:
    with (
        board_on_bench(generator="33511B", divider=Divider(1.0, 0.0, None), seed=4) as rig,
        open_bench(rig.resources) as bench,
    ):
        rig.bench.generator.relative_error = rig.bench.generator.amplitude_error_v = 0.0
        with pytest.raises(DeviceError, match="below 1 % of it"):
            bench.apply_sine(1.2e-3, 37.0)  # 0.85 mV rms on the 100 mV range


def test_an_overloaded_meter_is_said_so(rig: BoardOnBench) -> None:
    with open_bench(rig.resources, attenuator=LABEL) as bench:
        rig.bench.generator.relative_error = 2000.0
        with pytest.raises(DeviceError, match="overloaded"):
            bench.apply_sine(10e-3, 37.0)
