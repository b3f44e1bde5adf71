"""The simulated bench: what its instruments answer, and what the electrodes see."""

import math
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.simulator.assembly import build_board
from emgrig.simulator.bench.coupled import GENERATOR, METER, Divider, SimulatedBench, Wiring
from emgrig.simulator.bench.generator import KINDS, SimulatedGenerator, Waveform
from emgrig.simulator.bench.meter import IDENTITIES, SimulatedMeter
from emgrig.simulator.bench.server import BenchServer, board_on_bench
from emgrig.simulator.options import SimOptions

OPEN = Divider(nominal_ratio=1.0, tolerance=0.0, input_ohm=None)
NO_ERROR = '+0,"No error"'


def keysight() -> SimulatedGenerator:
    return SimulatedGenerator("33220A", seed=1)


def siglent() -> SimulatedGenerator:
    return SimulatedGenerator("SDG2042X", seed=1)


def tell(generator: SimulatedGenerator, *lines: str) -> None:
    for line in lines:
        assert generator.execute(line) is None


def number(answer: str | None) -> float:
    assert answer is not None
    return float(answer)


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=300)


def on_bench(seed: int = 0, chips: int = 1, divider: Divider = OPEN) -> SimulatedBench:
    board = build_board(SimOptions(source="silence", is_bench=True, chips=chips))
    return SimulatedBench(board, seed=seed, divider=divider)


# ---- generators ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["VOLT 1.5", "volt 1.5", "VOLTage 1.5", ":SOUR:VOLT 1.5", "SOURce1:VOLT 1500 mVpp"]
)
def test_headers_have_short_and_long_forms(line: str) -> None:
    generator = keysight()
    tell(generator, line)
    assert generator.execute("SYST:ERR?") == NO_ERROR
    assert number(generator.execute("VOLT?")) == 1.5


def test_the_display_doubles_with_high_impedance_and_the_output_does_not() -> None:
    generator = keysight()
    tell(generator, "OUTP:LOAD 50", "VOLT 1", "OUTP ON")
    before = generator.waveform()
    assert before.peak_v == pytest.approx(1.0, rel=0.02)  # 1 Vpp into 50 ohm is 2 Vpp open
    tell(generator, "OUTP:LOAD INF")
    assert generator.waveform() == before
    assert number(generator.execute("VOLT?")) == pytest.approx(2.0)
    assert number(generator.execute("OUTP:LOAD?")) == 9.9e37


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("NONSENSE 1", '-113,"Undefined header"'),
        ("VOLT", '-109,"Missing parameter"'),
        ("VOLT abc", '-104,"Data type error"'),
        ("VOLT 1 Hz", '-131,"Invalid suffix"'),
        ("VOLT 11", '-222,"Data out of range; value clipped to upper limit"'),
        ("VOLT 1e-3", '-222,"Data out of range; value clipped to lower limit"'),
        ("FREQ 1e9", '-222,"Data out of range; value clipped to upper limit"'),
        ("VOLT:OFFS 5", '-222,"Data out of range; value clipped to upper limit"'),
        ("FUNC TRIANGLE", '-224,"Illegal parameter value"'),
        ("VOLT:UNIT DBM", '-224,"Illegal parameter value"'),
        ("OUTP PERHAPS", '-224,"Illegal parameter value"'),
    ],
)
def test_errors_are_in_the_queue(line: str, error: str) -> None:
    generator = keysight()  # 50 ohm, so 10 mVpp to 10 Vpp
    tell(generator, line)
    assert generator.execute("SYST:ERR?") == error
    assert generator.execute("SYST:ERR?") == NO_ERROR


def test_the_queue_holds_twenty_and_says_when_it_is_full() -> None:
    generator = keysight()
    tell(generator, *["WHAT"] * 25)
    errors = [generator.execute("SYSTem:ERRor?") for _ in range(21)]
    assert errors[18] == '-113,"Undefined header"'
    assert errors[19:] == ['-350,"Queue overflow"', NO_ERROR]
    tell(generator, "WHAT", "*CLS")
    assert generator.execute("SYST:ERR?") == NO_ERROR


def test_an_offset_that_a_sine_has_no_room_for_is_a_conflict() -> None:
    generator = keysight()
    tell(generator, "OUTP:LOAD INF", "FUNC DC", "VOLT:OFFS 9.99", "FUNC SIN")
    assert str(generator.execute("SYST:ERR?")).startswith('-221,"Settings conflict')
    assert number(generator.execute("VOLT:OFFS?")) == pytest.approx(9.9)  # 0.2 Vpp were set


def test_a_siglent_moves_to_the_limit_without_a_word() -> None:
    generator = siglent()
    tell(generator, "C1:BSWV AMP,50", "C1:BSWV FRQ,1e9", "NONSENSE", "SYST:ERR?")
    answer = str(generator.execute("C1:BSWV?"))
    assert answer.startswith("C1:BSWV WVTP,SINE,FRQ,4e+07HZ,")
    assert ",AMP,20V," in answer


def test_a_siglent_keeps_an_offset_for_dc() -> None:
    generator = siglent()
    tell(generator, "C1:BSWV WVTP,DC", "C1:BSWV AMP,2", "C1:BSWV OFST,1.5")
    assert generator.execute("C1:BSWV?") == "C1:BSWV WVTP,DC,OFST,1.5V"
    tell(generator, "C1:BSWV WVTP,SINE", "C1:OUTP LOAD,50", "C1:OUTP ON")
    assert ",OFST,0V," in str(generator.execute("C1:BSWV?"))
    assert generator.execute("C1:OUTP?") == "C1:OUTP ON,LOAD,50,PLRT,NOR"


@pytest.mark.parametrize("kind", KINDS)
def test_generators_are_off_their_setting_within_the_data_sheet(kind: str) -> None:
    worst = 0.0
    for seed in range(200):
        generator = SimulatedGenerator(kind, seed)
        generator.settings = generator.settings.__class__(is_on=True, vpp=1.0, frequency_hz=100.0)
        wave = generator.waveform()
        error_vpp = abs(2 * wave.peak_v - 1.0)
        assert error_vpp <= 0.01 + 2e-3
        assert abs(wave.frequency_hz / 100.0 - 1) <= KINDS[kind].ppm * 1e-6
        worst = max(worst, error_vpp)
    assert worst > 0.008  # who believes settings must be caught


# ---- meters -------------------------------------------------------------------------------------


def meter(wave: Waveform, kind: str = "34461A", seed: int = 0) -> SimulatedMeter:
    return SimulatedMeter(kind, seed, lambda: wave)


@pytest.mark.parametrize("kind", IDENTITIES)
def test_readings_are_within_the_data_sheet(kind: str) -> None:
    errors = []
    for seed in range(200):
        instrument = meter(Waveform(0.3, math.sqrt(2) * 0.5, 1000.0), kind, seed)
        instrument.execute("CONF:VOLT:AC")
        errors.append(number(instrument.execute("READ?")) - 0.5)
        assert number(instrument.execute("VOLT:AC:RANG?")) == 1.0
        instrument.execute("CONF:VOLT:DC")
        assert abs(number(instrument.execute("READ?")) - 0.3) <= 1.05 * (0.3 * 40e-6 + 7e-6)
    limit_v = 0.5 * 0.06e-2 + 0.03e-2
    assert 0.6 * limit_v < np.abs(errors).max() <= 1.05 * limit_v


def test_each_meter_has_its_own_word_for_the_filter() -> None:
    wave = Waveform(0.0, 1.0, 30.0)
    for kind, own, other in (
        ("34401A", "DET:BAND", "VOLT:AC:BAND"),
        ("34461A", "VOLT:AC:BAND", "DET:BAND"),
    ):
        instrument = meter(wave, kind)
        instrument.execute(f"{other} 3")
        assert instrument.execute("SYST:ERR?") == '-113,"Undefined header"'
        instrument.execute("CONF:VOLT:AC")
        fast_v = number(instrument.execute("READ?"))
        instrument.execute(f"{own} 3")
        slow_v = number(instrument.execute("READ?"))
        assert fast_v / slow_v == pytest.approx(1 - 0.22e-2, abs=1e-4)


def test_a_fixed_range_overloads() -> None:
    instrument = meter(Waveform(-5.0))
    instrument.execute("CONF:VOLT:DC 1")
    assert instrument.execute("READ?") == "-9.9000000000000E+37"
    instrument.execute("VOLT:DC:RANG 5000")
    assert str(instrument.execute("SYST:ERR?")).startswith("-222")


def test_a_meter_tells_its_settings_and_keeps_to_those_it_has() -> None:
    instrument = meter(Waveform(0.05))
    for line, asked, value in (
        ("VOLT:AC:BAND 3", "VOLT:AC:BAND?", 3.0),
        ("VOLT:AC:BAND 19 Hz", "VOLT:AC:BAND?", 3.0),  # the next slower filter
        ("VOLT:AC:BAND 1000", "VOLT:AC:BAND?", 200.0),
        ("VOLT:DC:NPLC 0.02", "VOLT:DC:NPLC?", 0.02),
        ("VOLT:DC:NPLC 3", "VOLT:DC:NPLC?", 10.0),  # the next longer one
        ("VOLT:DC:NPLC 100", "VOLT:DC:NPLC?", 100.0),
        ("VOLT:DC:RANG 1.2", "VOLT:DC:RANG?", 1.0),  # with 20 % over range
        ("VOLT:DC:RANG 1200 mV", "VOLT:DC:RANG?", 1.0),
        ("VOLT:DC:RANG -1.21", "VOLT:DC:RANG?", 10.0),
    ):
        assert instrument.execute(line) is None
        assert number(instrument.execute(asked)) == value
    assert instrument.execute("SYST:ERR?") == NO_ERROR
    instrument.execute("*RST")
    assert number(instrument.execute("VOLT:AC:BAND?")) == 20.0
    assert number(instrument.execute("VOLT:DC:NPLC?")) == 10.0
    instrument.execute("READ?")
    assert number(instrument.execute("VOLT:DC:RANG?")) == 0.1  # by itself


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("VOLT:AC:BAND 2.9", -222),
        ("VOLT:DC:NPLC 0", -222),
        ("VOLT:DC:NPLC 101", -222),
        ("VOLT:DC:RANG 1201", -222),
        ("READ", -113),
        ("CONF:VOLT:DC?", -113),
        ("CONF:VOLT:AC?", -113),
    ],
)
def test_what_a_meter_cannot_do_is_in_its_queue(line: str, code: int) -> None:
    instrument = meter(Waveform())
    assert instrument.execute(line) is None
    assert str(instrument.execute("SYST:ERR?")).startswith(str(code))
    assert instrument.execute("SYST:ERR?") == NO_ERROR


@pytest.mark.slow
@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_line_breaks_an_instrument(lines: list[str]) -> None:
    known = ["VOLT", "OUTP:LOAD", "C1:BSWV", "C1:OUTP", "CONF:VOLT:AC", "VOLT:AC:BAND", "READ?"]
    for instrument in (keysight(), siglent(), meter(Waveform()), meter(Waveform(), "34401A")):
        for head, line in zip([*known, ""], lines, strict=False):
            answer = instrument.execute(f"{head} {line}")
            assert answer is None or answer.isascii()
        assert instrument.execute("*IDN?")


@pytest.mark.parametrize("make", [SimulatedGenerator, lambda k, s: SimulatedMeter(k, s, Waveform)])
def test_an_unknown_model_is_refused(make: type[SimulatedGenerator]) -> None:
    with pytest.raises(ValueError, match="'9000X'; there are"):
        make("9000X", 0)


# ---- what the electrodes see --------------------------------------------------------------------


def start_sine(bench: SimulatedBench, vpp: float, frequency_hz: float) -> None:
    for line in ("OUTP:LOAD INF", f"VOLT {vpp}", f"FREQ {frequency_hz}", "OUTP ON"):
        bench.execute(GENERATOR, line)


def test_electrodes_see_the_generator_over_the_true_ratio() -> None:
    bench = on_bench(seed=4, divider=Divider(100.0, 1e-2, 200.0))
    start_sine(bench, 2.0, 50.0)
    emf = bench.generator.waveform()
    start_s = bench._board.now_s  # the board has booted; the sine begins at its phase 0
    t_s = start_s + np.arange(2000) / 10e3
    seen = bench.volts(t_s)
    assert seen.shape == (2000, 16)
    expected = emf.dc_v + emf.peak_v * np.sin(2 * np.pi * emf.frequency_hz * (t_s - start_s))
    expected *= 200 / 250 / bench.true_ratio
    np.testing.assert_allclose(seen[:, 0], expected, atol=1e-12)
    np.testing.assert_array_equal(seen[:, :8], np.repeat(seen[:, :1], 8, axis=1))
    assert not seen[:, 8:].any()
    assert bench.true_ratio != 100.0
    assert abs(bench.true_ratio / 100 - 1) < 1e-2


def test_a_change_holds_from_its_time_on_and_the_phase_does_not_jump() -> None:
    bench = on_bench()
    board = bench._board
    start_sine(bench, 2.0, 40.0)
    start_s, before = board.now_s, bench.at_electrodes()
    board.run_until(1.0123)
    now_s = board.now_s
    bench.execute(GENERATOR, "FREQ 90")
    after = bench.at_electrodes()
    ends = bench.volts(np.array([now_s - 1e-9, now_s + 1e-9]))[:, 0]
    assert ends[0] == pytest.approx(ends[1], abs=1e-5)
    t_s = np.arange(0, 2, 1e-3)
    seen = bench.volts(t_s)[:, 0]
    turn = 2 * np.pi * before.frequency_hz * (t_s - start_s)
    sine = before.dc_v + before.peak_v * np.sin(turn)
    is_before = (t_s > start_s) & (t_s < now_s)
    np.testing.assert_allclose(seen[is_before], sine[is_before], atol=1e-9)
    assert not seen[t_s < start_s].any()
    tail = np.fft.rfft(seen[t_s >= 1.5] - seen[t_s >= 1.5].mean())
    assert int(np.argmax(np.abs(tail))) * 2 == pytest.approx(90, abs=2)
    assert after.peak_v == before.peak_v


def test_what_is_asked_for_in_pieces_is_the_same() -> None:
    bench = on_bench()
    for step in range(5):
        start_sine(bench, 1.0 + step, 40.0 + step)
        bench._board.run_until(0.1 * (step + 1))
    t_s = np.linspace(0, 0.7, 1001)
    whole = bench.volts(t_s)
    pieces = np.concatenate([bench.volts(part) for part in np.array_split(t_s, 13)])
    np.testing.assert_array_equal(whole, pieces)
    assert bench._board.truth is bench


def test_wiring_says_who_sees_it_on_any_chip() -> None:
    bench = on_bench(chips=2)
    start_sine(bench, 2.0, 40.0)
    bench.wire(Wiring(p=(3, 12), n=(12,), series_p_ohm=1e6))
    weights = bench.volts(np.array([bench._board.now_s + 0.01]))[0] != 0
    assert np.flatnonzero(weights).tolist() == [2, 11, 16 + 11]
    worlds = [part.world for part in bench._parts]
    assert [e.series_ohm for e in worlds[0].p] == [0, 0, 1e6, 0, 0, 0, 0, 0]
    assert [e.series_ohm for e in worlds[1].p] == [0, 0, 0, 1e6, 0, 0, 0, 0]
    bench.wire(Wiring.differential(1))
    assert [part.world for part in bench._parts] == list(bench._bare_worlds)
    for wrong in (0, 17):
        with pytest.raises(ValueError, match="channels 1 to 16"):
            bench.wire(Wiring.common_mode(wrong))
    with pytest.raises(ValueError, match="0 Ω or more"):
        Wiring(series_n_ohm=-1.0)


def test_the_meter_sees_what_the_attenuator_sees() -> None:
    bench = on_bench(divider=Divider(100.0, 0.0, 50.0))
    start_sine(bench, 2.0, 1000.0)
    bench.execute(METER, "CONF:VOLT:AC")
    read_v = number(bench.execute(METER, "READ?"))
    assert read_v * math.sqrt(2) == pytest.approx(bench.at_meter().peak_v, rel=3e-3)
    assert bench.at_meter().peak_v == pytest.approx(bench.generator.waveform().peak_v / 2)


def test_bench_errors_follow_the_seed() -> None:
    assert on_bench(seed=1).generator.relative_error == on_bench(seed=1).generator.relative_error
    assert on_bench(seed=1).true_ratio == 1.0
    some = {on_bench(seed=seed, divider=Divider()).true_ratio for seed in range(5)}
    assert len(some) == 5


# ---- sockets ------------------------------------------------------------------------------------


def test_lines_arrive_in_any_pieces_and_several_at_once() -> None:
    with BenchServer(on_bench()) as server:
        port = int(server.generator_resource.split("::")[2])
        with dial(port) as link:
            for piece in (b"*ID", b"N?\nVOLT 2", b"\r\nVOLT?\n", b"\xff\xfe?\n", b"SYST:ERR?\n"):
                link.sendall(piece)
            answers = link.makefile("r", encoding="ascii")
            assert answers.readline().strip() == KINDS["33220A"].identity
            assert float(answers.readline()) == 2.0
            assert answers.readline().strip() == '-113,"Undefined header"'
            answers.close()


def test_an_endless_line_is_thrown_away() -> None:
    with BenchServer(on_bench()) as server:
        port = int(server.meter_resource.split("::")[2])
        with dial(port) as link:
            link.sendall(b"x" * 100_000 + b"\n*IDN?\n")
            answers = link.makefile("r", encoding="ascii")
            assert answers.readline().strip() == IDENTITIES["34461A"]
            answers.close()


def test_an_unplugged_instrument_resets_the_link_and_takes_no_other() -> None:
    bench = on_bench()
    with BenchServer(bench) as server:
        port = int(server.meter_resource.split("::")[2])
        bench.unplug(METER, after_commands=1)
        with dial(port) as link:
            link.sendall(b"*IDN?\n")
            assert link.recv(100).endswith(b"\n")
            link.sendall(b"*IDN?\n")
            with pytest.raises(ConnectionResetError):
                link.recv(100)
        with pytest.raises(ConnectionResetError), dial(port) as link:
            link.recv(100)
        bench.plug_in(METER)
        with dial(port) as link:
            link.sendall(b"*IDN?\n")
            assert link.recv(100).endswith(b"\n")
    with pytest.raises(ValueError, match="generator or meter"):
        bench.unplug("oscilloscope")


def test_a_bench_in_this_process_needs_virtual_time() -> None:
    with pytest.raises(ValueError, match="needs speed=max"), board_on_bench("bench&speed=real"):
        pass
