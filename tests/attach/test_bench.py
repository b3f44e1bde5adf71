"""The bench: verbs, time, several chips on one bus, SPI modes, pins, faults."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions, Processor
from emgrig.simulator.chip.violations import Rule, Severity
from properties import examples

QUIET = BenchOptions(source="silence", is_wired=True)
TCLK_S = 1 / 2.048e6


def running(options: BenchOptions = QUIET, rate: int = 0x94) -> Bench:
    """A bench whose chips were set up as the data sheet has it, in RDATAC, START high."""
    bench = Bench(options)
    bench.advance(0.15)
    bench.set_pin("RESET", 0)
    bench.advance(2 * TCLK_S)
    bench.set_pin("RESET", 1)
    bench.advance(20e-6)
    for chip in range(bench.n_chips):
        for mosi in ("11", f"4100{rate:02x}", "4300e0", "4507" + "60" * 8, "10"):
            bench.transfer(bytes.fromhex(mosi), chip=chip)
            bench.advance(5e-6)
    bench.advance(0.2)
    bench.set_pin("START", 1)
    return bench


def told(bench: Bench, chip: int = 0) -> list[Rule]:
    return [breach.rule for breach in bench.facts().chips[chip].breaches]


def test_frames_at_each_fall_of_drdy_and_no_breach() -> None:
    bench = running()
    starts = []
    for _ in range(50):
        assert bench.wait_drdy()
        starts.append(bench.now_s)
        frame = bench.transfer(bytes(27), sclk_hz=4e6)
        assert frame[0] >> 4 == 0xC
        assert bench.pin("DRDY") == 1
    assert np.diff(starts) == pytest.approx(2048 * TCLK_S, abs=1e-9)
    facts = bench.facts()
    assert told(bench) == []
    assert (facts.chips[0].n_produced, facts.chips[0].n_read, facts.chips[0].n_missed) == (
        50,
        50,
        0,
    )
    assert facts.n_transfers == 55


def test_all_ways_to_clock_a_frame_give_the_same() -> None:
    """One transfer, bytes by hand, an exchange, and edges by pins."""

    def by_bytes(bench: Bench) -> bytes:
        bench.select()
        got = bytes(bench.byte(0) for _ in range(27))
        bench.advance(4 * TCLK_S)
        bench.deselect()
        return got

    def by_exchange(bench: Bench) -> bytes:
        bench.set_pin("CS", 0)
        got = bench.exchange(bytes(27))
        bench.advance(4 * TCLK_S)
        bench.set_pin("CS", 1)
        return got

    def by_pins(bench: Bench) -> bytes:
        bench.set_pin("CS", 0)
        bits = 0
        for _ in range(27 * 8):
            bench.set_pin("SCLK", 1)
            bits = bits << 1 | bench.pin("DOUT")
            bench.advance(0.5e-6)
            bench.set_pin("SCLK", 0)
            bench.advance(0.5e-6)
        bench.advance(4 * TCLK_S)
        bench.set_pin("CS", 1)
        return bits.to_bytes(27, "big")

    def whole(bench: Bench) -> bytes:
        return bench.transfer(bytes(27))

    got = []
    for way in (whole, by_bytes, by_exchange, by_pins):
        bench = running()
        for _ in range(3):
            assert bench.wait_drdy()
            frame = way(bench)
        got.append(frame)
        assert told(bench) == []
        assert bench.facts().chips[0].n_read == 3
    assert got == [got[0]] * 4


@pytest.mark.parametrize(
    ("mode", "id_read"),
    [
        (1, 0x3E),
        (
            0,
            0x3E >> 1,
        ),  # a bit late: C0 00 00 reads 60 00 00 in the wrong mode (TI's forum, 215735)
        (2, 0x3E),  # the first fall takes DIN before any bit of the answer is due
        (3, 0x00),  # what is sent arrives a bit late too: RREG is not recognised
    ],
)
def test_spi_modes(mode: int, id_read: int) -> None:
    bench = Bench(QUIET)
    bench.advance(0.15)
    bench.transfer(b"\x11")
    assert bench.transfer(b"\x20\x00\x00", mode=mode)[2] == id_read


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_a_clock_that_is_too_fast_is_told_in_every_mode(mode: int) -> None:
    bench = Bench(QUIET)
    bench.advance(0.15)
    bench.transfer(b"\x00", mode=mode, sclk_hz=25e6)
    assert Rule.SCLK_LIMIT in told(bench)


def test_mode_0_frames_are_half_of_what_they_should_be() -> None:
    right, wrong = running(), running()
    for bench in (right, wrong):
        assert bench.wait_drdy()
    expected = int.from_bytes(right.transfer(bytes(27)), "big") >> 1
    assert int.from_bytes(wrong.transfer(bytes(27), mode=0), "big") == expected


def test_two_chips_selected_at_once_are_told() -> None:
    bench = Bench(replace(QUIET, chips=(ChipOptions(), ChipOptions())))
    bench.advance(0.15)
    for chip in (0, 1):
        assert bench.transfer(b"\x11", chip=chip) == b"\0"
    bench.select(0)
    bench.select(1)
    bench.exchange(b"\x20\x00\x00")
    bench.advance(4 * TCLK_S)
    assert {event.kind for event in bench.facts().events} == {"contention"}


@pytest.mark.parametrize("floating", [0, 1])
def test_a_line_that_nobody_drives_floats(floating: int) -> None:
    bench = Bench(replace(QUIET, floating=floating))
    assert bench.byte(0x55) == 0xFF * floating
    assert bench.pin("DOUT") == floating


def test_two_oscillators_drift_apart() -> None:
    chips = (ChipOptions(oscillator_ppm=2500.0), ChipOptions(oscillator_ppm=-2500.0))
    bench = running(replace(QUIET, chips=chips))
    before = [bench.drdy_count(chip) for chip in (0, 1)]
    bench.advance(10.0)
    fast, slow = (bench.drdy_count(chip) - n for chip, n in zip((0, 1), before, strict=True))
    assert fast == pytest.approx(10_025, abs=5)
    assert slow == pytest.approx(9_975, abs=5)


def test_a_chip_whose_master_gives_no_clock_is_dead() -> None:
    """CLKSEL low, CLK from chip 0, which drives it only with CONFIG1.CLK_EN (p. 46)."""
    bench = Bench(replace(QUIET, chips=(ChipOptions(), ChipOptions(clock_from=0))))
    bench.advance(0.2)
    bench.transfer(b"\x11", chip=1)
    assert bench.transfer(b"\x20\x00\x00", chip=1)[2] == 0
    assert not bench.facts().chips[1].is_clocked
    bench.transfer(b"\x11")
    bench.transfer(b"\x41\x00\xb6")  # CLK_EN
    bench.advance(0.2)
    bench.transfer(b"\x11", chip=1)
    assert bench.transfer(b"\x20\x00\x00", chip=1)[2] == 0x3E
    for chip in (0, 1):
        bench.transfer(b"\x41\x00\xb4", chip=chip)
    bench.set_pin("START", 1)
    begin = [bench.drdy_count(chip) for chip in (0, 1)]
    bench.advance(1.0)  # the first after 4 x 2048 + 9 clocks, then every 2048 of 2 048 000
    assert [bench.drdy_count(chip) - n for chip, n in zip((0, 1), begin, strict=True)] == [996, 996]
    bench.transfer(b"\x41\x00\x94")  # and away again
    stopped = bench.drdy_count(1)
    bench.advance(1.0)
    assert bench.drdy_count(1) == stopped


def test_start_that_is_high_before_the_clock_begins_with_it() -> None:
    bench = Bench(replace(QUIET, chips=(ChipOptions(), ChipOptions(clock_from=0))))
    bench.set_pin("START", 1, chip=1)
    bench.advance(0.2)
    bench.transfer(b"\x11")
    bench.transfer(b"\x41\x00\xb6")
    bench.advance(1.0)
    assert bench.drdy_count(1) > 100


def test_daisy_chain_on_the_bus() -> None:
    """DOUT of chip 0 goes to DAISY_IN of chip 1, whose frame comes first."""
    chips = (ChipOptions(), ChipOptions(daisy_from=0))
    bench = Bench(replace(QUIET, chips=chips, source="sine:1mV,10Hz"))
    bench.advance(0.15)
    for mosi in ("11", "410094", "4300e0", "4507" + "60" * 8):
        bench.transfer(bytes.fromhex(mosi), chip=1)
        bench.advance(5e-6)
    bench.advance(0.2)
    bench.transfer(b"\x10", chip=1)
    bench.set_pin("START", 1)
    assert bench.wait_drdy(1)
    assert bench.wait_drdy(1, edge=True)
    both = bench.transfer(bytes(54), chip=1)
    assert [both[0] >> 4, both[27] >> 4] == [0xC, 0xC]
    assert both[27:] == bench.chip(0).last_read


def test_gpio_and_pins_by_name() -> None:
    bench = Bench(QUIET)
    bench.advance(0.15)
    bench.transfer(b"\x11")
    bench.set_pin("GPIO2", 1)
    assert bench.transfer(b"\x34\x00\x00")[2] == 0x2F
    bench.transfer(b"\x54\x00\xd0")  # all outputs: GPIO4, GPIO3 and GPIO1 high
    assert [bench.pin(f"GPIO{n}") for n in (1, 2, 3, 4)] == [1, 0, 1, 1]
    assert [bench.pin(name) for name in ("RESET", "PWDN", "START", "CS")] == [1, 1, 0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda bench: bench.set_pin("DRDY", 1),
        lambda bench: bench.set_pin("LED", 1),
        lambda bench: bench.pin("LED"),
        lambda bench: bench.select(1),
        lambda bench: bench.byte(256),
        lambda bench: bench.byte(0, mode=4),
        lambda bench: bench.byte(0, sclk_hz=0),
        lambda bench: bench.exchange(b"\0", gap_s=-1),
        lambda bench: bench.advance(-1),
        lambda bench: bench.advance(float("nan")),
        lambda bench: bench.advance_to(float("nan")),
        lambda bench: bench.put_fault("packets-lost"),
        lambda bench: bench.put_fault("clock-wrong"),
        lambda bench: bench.put_fault("no-such"),
        lambda bench: bench.set_contact(9, "p", 10),
        lambda bench: bench.set_contact(1, "q", 10),
        lambda bench: bench.set_contact(1, "p", 0),
        lambda bench: bench.claim(9, 1.0),
        lambda bench: bench.chip(1),
        lambda bench: Bench(replace(QUIET, floating=2)),
        lambda bench: Bench(replace(QUIET, chips=())),
        lambda bench: Bench(replace(QUIET, chips=(ChipOptions(channels=7),))),
        lambda bench: Bench(replace(QUIET, chips=(ChipOptions(clock_from=0),))),
        lambda bench: Bench(replace(QUIET, speed=0.0)),
        lambda bench: Bench(replace(QUIET, faults=("link-cut",))),
        lambda bench: Processor("x", -1.0, 0.0),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: object) -> None:
    bench = Bench(QUIET)
    with pytest.raises(ValueError):
        wrong(bench)  # type: ignore[operator]


def test_the_cost_of_a_call_passes_time_and_decides_about_a_command() -> None:
    """CS by a pin: whether SDATAC is obeyed hangs on how long the processor takes (tSCCS)."""
    modes = {}
    for name in ("mcu", "avr"):
        bench = Bench(replace(QUIET, processor=PROCESSORS[name]))
        bench.advance(0.15)
        bench.select()
        bench.byte(0x11)
        bench.deselect()
        modes[name] = bench.facts().chips[0].is_rdatac
    assert modes == {"mcu": True, "avr": False}
    assert PROCESSORS["avr"].faster(2).call_s == 2e-6


def test_what_is_told_has_bench_time_and_bytes() -> None:
    bench = Bench(QUIET)
    bench.advance(0.2)
    bench.transfer(b"\x20\x00\x00")
    (breach,) = bench.facts().chips[0].breaches
    assert breach.rule is Rule.IN_RDATAC
    assert breach.severity is Severity.LOST
    assert breach.at_us == pytest.approx(200_008, abs=1)
    assert (breach.transfer, breach.sent) == (1, b"\x20")
    assert breach.section == "SBAS499C p. 40-41, commands"
    (transfer,) = bench.facts().transfers
    assert (transfer.mosi, transfer.miso, transfer.n_bytes) == (b"\x20\0\0", b"\0\0\0", 3)


def test_an_electrode_comes_off_while_the_firmware_reads() -> None:
    bench = running(replace(QUIET, source="sine:1mV,10Hz", is_wired=False))
    assert bench.wait_drdy()
    bench.set_contact(3, "p", None)
    bench.set_contact(3, "p", 10.0)
    bench.set_source("silence")
    bench.put_fault("miso-high")
    assert bench.wait_drdy(edge=True)
    assert bench.transfer(bytes(27)) == b"\xff" * 27


def test_a_dead_drdy_is_waited_for_in_vain() -> None:
    bench = running(replace(QUIET, faults=("drdy-dead",)))
    begin_s = bench.now_s
    assert not bench.wait_drdy(timeout_s=0.5)
    assert bench.now_s - begin_s == pytest.approx(0.5)
    assert bench.facts().chips[0].n_produced > 400


def test_claims_are_kept_with_the_code_they_are_of() -> None:
    bench = running()
    bench.claim(1, 1.0)  # nothing was read yet
    assert bench.wait_drdy()
    frame = bench.transfer(bytes(27))
    bench.claim(2, -3.5)
    (claim,) = bench.facts().claims
    assert claim.code == int.from_bytes(frame[6:9], "big", signed=True)
    assert (claim.channel, claim.microvolts, claim.chnset) == (2, -3.5, 0x60)


def test_a_power_cycle_begins_anew() -> None:
    bench = running()
    assert bench.wait_drdy()
    bench.power_cycle()
    assert not bench.wait_drdy(timeout_s=0.01, edge=True)
    assert bench.chip().registers[1] == 0x96


DRIVEN = ["START", "RESET", "PWDN", "CLKSEL", "SCLK"]
STEPS = st.one_of(
    st.tuples(st.just("transfer"), st.binary(max_size=30), st.integers(0, 1)),
    st.tuples(st.just("byte"), st.integers(0, 255), st.integers(0, 3)),
    st.tuples(st.just("cs"), st.booleans(), st.integers(0, 1)),
    st.tuples(st.just("pin"), st.sampled_from(DRIVEN), st.booleans()),
    st.tuples(st.just("wait"), st.floats(0, 0.2), st.integers(0, 1)),
    st.tuples(st.just("drdy"), st.booleans(), st.integers(0, 1)),
)  # fmt: skip


@pytest.mark.slow
@examples(60)
@given(
    st.lists(STEPS, max_size=30),
    st.sampled_from(["none", "mcu", "avr", "linux"]),
    st.sampled_from([(), (0,), (None, 0)]),
)
def test_nothing_raises_and_time_never_goes_back(
    steps: list[tuple[str, object, int]], processor: str, clocks: tuple[int | None, ...]
) -> None:
    chips = (ChipOptions(), ChipOptions(clock_from=clocks[0] if clocks else None))
    bench = Bench(replace(QUIET, chips=chips, processor=PROCESSORS[processor]))
    for what, value, chip in steps:
        before_s = bench.now_s
        if what == "transfer":
            assert len(bench.transfer(value, chip=chip)) == len(value)  # type: ignore[arg-type]
        elif what == "byte":
            assert 0 <= bench.byte(value, mode=chip) <= 255  # type: ignore[arg-type]
        elif what == "cs":
            bench.select(chip) if value else bench.deselect(chip)
        elif what == "pin":
            bench.set_pin(value, chip)  # type: ignore[arg-type]
        elif what == "wait":
            bench.advance(value)  # type: ignore[arg-type]
        else:
            bench.wait_drdy(chip, timeout_s=0.05, edge=bool(value))
        assert bench.now_s >= before_s
    facts = bench.facts()
    for one in facts.chips:
        assert one.n_read + one.n_torn <= one.n_produced + one.n_torn
        assert list(one.breaches) == sorted(one.breaches, key=lambda breach: breach.at_us)
