"""Every fault by its name: it can be switched on, and one sees what it says."""

from collections.abc import Callable

import numpy as np
import pytest

from emgrig.errors import TransportError, TransportTimeout
from emgrig.protocol import packets as wire
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.packets import Request, SampleFlag
from emgrig.simulator.faults.fault import FaultSetting
from emgrig.simulator.faults.named import (
    FAULTS,
    RANDOM,
    describe_faults,
    drawn,
    parameters_of,
    parse_fault,
)
from emgrig.simulator.transport import SimTransport
from simulator.pc import NOTHING, SDATAC, Pc, start

BENCH = "bench&source=silence"
RESET_DUMP = "3e96c060006161616161616161000000000000000f000000"
INTERNAL_REFERENCE = {0x01: 0x93, 0x03: 0xE0, 0x11: 0x5A}
"""2000 SPS, internal reference, and a canary."""
ALL = range(0x05, 0x0D)
TEST_SIGNAL = INTERNAL_REFERENCE | {0x02: 0xD0} | dict.fromkeys(ALL, 0x65)
NORMAL = INTERNAL_REFERENCE | dict.fromkeys(ALL, 0x60)


class Watched:
    """A board with a fault (or none), configured, streamed for a while and stopped."""

    def __init__(
        self, query: str, registers: dict[int, int], duration_s: float, settle_s: float = 1.0
    ) -> None:
        self.transport = SimTransport(query)
        self.board = self.transport.board
        self.pc = Pc(self.transport.write, self._read)
        self.longest_silence_s = 0.0
        self._heard_s = self.transport.clock.now_s()
        self.was_cut = False
        self.ask(Request.CHIP_COMMAND, SDATAC)
        self.before = self.registers()
        for address, value in registers.items():
            self.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(0, address, bytes((value,))))
        self.after = self.registers()
        self.transport.clock.sleep(settle_s)
        self.started = self.ask(Request.START, wire.StartArguments(16, 0x11))
        self.longest_silence_s = 0.0
        end_s = self.transport.clock.now_s() + duration_s
        while self.transport.clock.now_s() < end_s:
            self.pc.receive()
        self.stopped = self.ask(Request.STOP)
        self.stats = self.ask(Request.STATS)

    def ask(self, request: Request, arguments: wire.Message = NOTHING) -> wire.Message:
        return self.pc.ask(request, arguments, tries=20)

    def registers(self) -> bytes:
        reply = self.ask(Request.READ_REGISTERS, wire.ReadRegisters(0, 0, 24))
        return reply.values if isinstance(reply, wire.Registers) else b""

    def codes(self) -> np.ndarray:
        return FrameLayout(1, 8).codes(self.pc.frames())

    def by_conversion(self) -> dict[int, bytes]:
        return {
            int(n): f.tobytes()
            for n, f in zip(self.pc.conversions(), self.pc.frames(), strict=True)
        }

    def _read(self) -> bytes:
        try:
            data = self.transport.read(1 << 16, timeout_s=0.02)
        except TransportTimeout:
            return b""
        except TransportError:
            self.was_cut = True
            self.transport.clock.sleep(0.1)
            if self.board.is_link_up:
                self.transport.reopen()
            return b""
        now_s = self.transport.clock.now_s()
        self.longest_silence_s = max(self.longest_silence_s, now_s - self._heard_s)
        self._heard_s = now_s
        return data


def amplitude(codes: np.ndarray, frequency_hz: float, rate_hz: float = 2000.0) -> np.ndarray:
    """Peak amplitude of one tone, codes, for each channel."""
    t_s = np.arange(len(codes)) / rate_hz
    wave = np.exp(-2j * np.pi * frequency_hz * t_s)
    return 2 * np.abs((codes - codes.mean(axis=0)).T @ wave) / len(codes)


def miso_high(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}", INTERNAL_REFERENCE, 0.1)
    assert seen.before == seen.after == b"\xff" * 24
    assert (seen.pc.frames() == 0xFF).all()


def miso_low(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}", INTERNAL_REFERENCE, 0.1)
    assert seen.before == seen.after == bytes(24)
    assert all((run.flags & SampleFlag.STATUS_WRONG).all() for run in seen.pc.samples())


def bit_shift(fault: str) -> None:
    early = Watched(f"{BENCH}&fault={fault}", INTERNAL_REFERENCE, 0.1)
    late = Watched(f"{BENCH}&fault={fault}:sampled=late", INTERNAL_REFERENCE, 0.1)
    assert early.before[0] == 0x3E >> 1
    assert late.before[0] == (0x3E << 1 | 0x96 >> 7) & 0xFF  # bits of the next register move in
    # C0 0x becomes 60 0x, as users of the wrong SPI mode report
    assert early.pc.frames()[0, 0] == 0x60
    assert late.pc.frames()[0, 0] == 0x80


def spi_slip(fault: str) -> None:
    healthy = Watched(BENCH, INTERNAL_REFERENCE, 0.5).pc.frames()
    slipped = Watched(f"{BENCH}&fault={fault}:rate=0.1", INTERNAL_REFERENCE, 0.5).pc.frames()
    is_other = (healthy != slipped).any(axis=1)
    assert is_other.mean() == pytest.approx(0.1, abs=0.04)


def drdy_dead(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}", INTERNAL_REFERENCE, 0.5)
    assert seen.before.hex() == RESET_DUMP
    assert not seen.pc.samples()
    assert seen.stopped.conversions == 0
    assert seen.board.produced[0] > 900


def drdy_slow(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}:factor=2", INTERNAL_REFERENCE, 1.0)
    assert np.array_equal(seen.pc.conversions(), np.arange(seen.stopped.conversions))
    assert seen.stopped.conversions == pytest.approx(seen.board.produced[0] / 2, abs=1)
    times = np.concatenate([run.board_time_us for run in seen.pc.samples()])
    assert np.diff(times[:-1]).mean() == pytest.approx(16 * 1000, rel=0.01)


def reads_missed(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}:rate=0.05", INTERNAL_REFERENCE, 0.5)
    totals = seen.pc.account(seen.stopped).totals
    assert totals.received + totals.lost == seen.board.produced[0]
    assert seen.stats.missed_drdy == totals.lost > 20


def clock_wrong(fault: str) -> None:
    times = []
    for query in (BENCH, f"{BENCH}&fault={fault}:factor=1.05"):
        pc = Watched(query, INTERNAL_REFERENCE, 0.5).pc
        times.append(np.diff(np.concatenate([r.board_time_us for r in pc.samples()])[:-1]).mean())
    assert times[0] / times[1] == pytest.approx(1.05, rel=1e-3)


def brown_out(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}:at=2", INTERNAL_REFERENCE, 1.5)
    (event,) = seen.pc.events(wire.ChipLostEvent)
    assert event.body == wire.ChipLostEvent(0, 0x11, 0x5A, 0x00)
    assert seen.registers().hex() == RESET_DUMP
    assert seen.stats.brown_outs == 1


def board_restart(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}:at=2", INTERNAL_REFERENCE, 1.5)
    (event,) = seen.pc.events(wire.BootEvent)
    assert event.body == wire.BootEvent(wire.ResetCause.WATCHDOG)
    assert (seen.stopped.run, seen.stats.run, seen.stats.settings) == (0, 0, 0)


def reference_off(fault: str) -> None:
    query = "bench&source=square:1mV,5Hz"
    assert np.abs(Watched(query, NORMAL, 0.3).codes()).max() < 2**17
    codes = Watched(f"{query}&fault={fault}", NORMAL, 0.3).codes()
    assert (np.abs(codes).max(axis=0) >= 2**23 - 1).all()


def supply_low(fault: str) -> None:
    mvdd = INTERNAL_REFERENCE | dict.fromkeys(ALL, 0x03)
    # MVDD of channel 1 is (AVDD + AVSS) / 2 at gain 1, to 2 % (SBAS499C, 9.3.1.4)
    volts = Watched(f"{BENCH}&fault={fault}:avdd=4.6", mvdd, 0.1).codes()[:, 0].mean() * 4.5 / 2**23
    assert volts == pytest.approx(2.3, rel=0.02)


def channel_dead(fault: str) -> None:
    codes = Watched(f"{BENCH}&fault={fault}:channel=3", TEST_SIGNAL, 0.3).codes()
    assert (codes[:, 2] == 0).all()
    assert (codes.std(axis=0)[[0, 1, 3, 4, 5, 6, 7]] > 0).all()


def channel_railed(fault: str) -> None:
    codes = Watched(f"{BENCH}&fault={fault}:channel=8", TEST_SIGNAL, 0.3).codes()
    assert (codes[:, 7] == 2**23 - 1).all()
    assert np.abs(codes[:, :7]).max() < 2**20


def channel_noisy(fault: str) -> None:
    noise = Watched(f"{BENCH}&fault={fault}:channel=2,factor=8", INTERNAL_REFERENCE, 1.0).codes()
    std = noise.std(axis=0)
    assert std[1] / np.median(std) == pytest.approx(8, rel=0.15)


def gain_stuck(fault: str) -> None:
    codes = Watched(f"{BENCH}&fault={fault}:channel=5,gain=6", TEST_SIGNAL, 1.1).codes()
    peak_to_peak = np.ptp(codes, axis=0)
    assert peak_to_peak[4] / np.median(peak_to_peak) == pytest.approx(6 / 24, rel=0.03)


DC_LEAD_OFF = NORMAL | {0x03: 0xEC, 0x17: 0x02, 0x0F: 0xFF, 0x10: 0xFF}


def electrode_off(fault: str) -> None:
    assert not Watched("source=silence", DC_LEAD_OFF, 0.3).pc.events(wire.LeadOffEvent)
    for side, expected in (("p", (0x08, 0)), ("n", (0, 0x08))):
        seen = Watched(f"source=silence&fault={fault}:channel=4,side={side}", DC_LEAD_OFF, 0.3)
        body = seen.pc.events(wire.LeadOffEvent)[-1].body
        assert body == wire.LeadOffEvent(*expected)


def electrode_poor(fault: str) -> None:
    # 6 nA at 31.25 Hz into P and N of all channels; bias amplifier on
    ac = NORMAL | {0x03: 0xEC, 0x04: 0x02, 0x0F: 0xFF, 0x10: 0xFF}
    healthy = amplitude(Watched("source=silence", ac, 1.024).codes(), 31.25)
    poor = amplitude(Watched(f"source=silence&fault={fault}:channel=6", ac, 1.024).codes(), 31.25)
    assert poor[5] > 4 * healthy[5]
    assert poor[0] == pytest.approx(healthy[0], rel=0.05)


def electrode_bridged(fault: str) -> None:
    registers = NORMAL | {0x03: 0xEC}

    def correlation(query: str) -> float:
        codes = Watched(query, registers, 1.0).codes()
        return float(np.corrcoef(codes[:, 2], codes[:, 3])[0, 1])

    assert abs(correlation("source=bench")) < 0.3
    assert correlation(f"source=bench&fault={fault}:channel=3,other=4") > 0.95


def bias_off(fault: str) -> None:
    registers = NORMAL | {0x03: 0xEC, 0x0D: 0x7F, 0x0E: 0x7F}
    healthy = Watched("source=silence", registers, 1.0)
    seen = Watched(f"source=silence&fault={fault}", registers, 1.0)
    assert (amplitude(seen.codes(), 50.0) > 4 * amplitude(healthy.codes(), 50.0))[:7].all()
    # CONFIG3 with bias lead-off sensing in place of the amplifier; bit 0 is BIAS_STAT
    for seen_board, expected in ((healthy, 0), (seen, 1)):
        seen_board.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(0, 0x17, b"\x02"))
        seen_board.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(0, 0x03, b"\xe2"))
        assert seen_board.registers()[3] & 1 == expected


def exact(fault: str) -> Watched:
    """With a fault in the link: what came is right, and what did not come is counted."""
    healthy = Watched(BENCH, INTERNAL_REFERENCE, 1.0).by_conversion()
    seen = Watched(f"{BENCH}&fault={fault}", INTERNAL_REFERENCE, 1.0)
    totals = seen.pc.account(seen.stopped).totals
    assert totals.received + totals.lost == seen.board.produced[0] == seen.stopped.conversions
    came = seen.by_conversion()
    assert all(healthy[number] == frame for number, frame in came.items() if number in healthy)
    return seen


def packets_lost(fault: str) -> None:
    seen = exact(f"{fault}:rate=0.1")
    assert seen.pc.account(seen.stopped).totals.lost > 50
    assert seen.pc.decoder.counts.sequence_gaps > 3


def packets_doubled(fault: str) -> None:
    seen = exact(f"{fault}:rate=0.1")
    totals = seen.pc.account(seen.stopped).totals
    assert totals.repeated > 50
    assert totals.lost == 0


def packets_reordered(fault: str) -> None:
    seen = exact(f"{fault}:rate=0.1")
    assert (np.diff(seen.pc.conversions()) < 0).any()
    assert sorted(seen.by_conversion()) == list(range(seen.stopped.conversions))


def packets_damaged(fault: str) -> None:
    seen = exact(f"{fault}:rate=0.1")
    assert seen.pc.account(seen.stopped).totals.lost > 50
    assert seen.pc.decoder.counts.skipped_bytes > 1000


def link_garbage(fault: str) -> None:
    seen = exact(f"{fault}:rate=0.2")
    assert seen.pc.account(seen.stopped).totals.lost == 0
    assert seen.pc.decoder.counts.skipped_bytes > 100


def link_stall(fault: str) -> None:
    seen = exact(f"{fault}:at=1.5,for=0.4")
    assert seen.longest_silence_s == pytest.approx(0.4, abs=0.05)
    assert seen.stats.buffer_high_water > 20_000


def link_cut(fault: str) -> None:
    seen = exact(f"{fault}:at=1.5,after=0.4")
    assert seen.was_cut
    totals = seen.pc.account(seen.stopped).totals
    assert totals.lost >= 2000 * 0.4
    assert totals.received == pytest.approx(2000 * (1.5 - 0.15 - 1.0), abs=40)  # until the cut


def host_slow(fault: str) -> None:
    healthy = Watched(BENCH, INTERNAL_REFERENCE, 1.0)
    assert healthy.stats.transmit_overflows == 0
    seen = Watched(f"{BENCH}&fault={fault}:bytes_per_s=20000", INTERNAL_REFERENCE, 5.0)
    totals = seen.pc.account(seen.stopped).totals
    assert totals.received + totals.lost == seen.board.produced[0]
    assert seen.stats.transmit_overflows == totals.lost > 1000
    assert seen.pc.events(wire.OverflowEvent)


def clock_drift(fault: str) -> None:
    seen = Watched(f"{BENCH}&fault={fault}:ppm=1000", INTERNAL_REFERENCE, 0.1)
    first = seen.ask(Request.CLOCK, wire.ClockArguments(0))
    seen.transport.clock.sleep(100.0)
    second = seen.ask(Request.CLOCK, wire.ClockArguments(0))
    assert second.board_time_us - first.board_time_us == pytest.approx(100_100_000, abs=100)


def not_looked_at(fault: str) -> None:
    function = fault.replace("-", "_")
    pytest.fail(f"write a function {function} here (docs/adding-a-fault.md, step 4)")


CHECKERS: dict[str, Callable[[str], None]] = {
    name: globals().get(name.replace("-", "_"), not_looked_at) for name in FAULTS
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_visible_effect(name: str) -> None:
    CHECKERS[name](name)


@pytest.mark.parametrize("fault", describe_faults(), ids=lambda fault: fault.name)
def test_a_fault_says_what_it_is_and_which_check_finds_it(fault: object) -> None:
    assert fault.effect  # type: ignore[attr-defined]
    assert fault.cause or fault is RANDOM  # type: ignore[attr-defined]
    assert fault.found_by or fault is RANDOM  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [*FAULTS, "random"])
def test_a_setting_reads_back_as_it_is_written(name: str) -> None:
    setting = parse_fault(name)
    assert parse_fault(str(setting)) == setting


def test_parameters_are_taken() -> None:
    setting = parse_fault("electrode-poor:channel=3,side=n,kohm=80,at=2.5")
    assert dict(setting.values) == {"at": 2.5, "channel": 3.0, "side": "n", "kohm": 80.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "miso-high"),
        ("miso_high", "miso-high"),
        ("miso-high:level=1", "allowed: at"),
        ("link-cut:at", "at="),
        ("link-cut:after=inf", "0 or more s"),
        ("electrode-off:side=q", "p or n"),
        ("drdy-slow:factor=1.5", "whole number"),
        ("gain-stuck:gain=5", "1 or 2 or 4"),
        ("clock-wrong:at=3", "allowed: factor"),
        ("random:count=0", "1 to"),
    ],
)
def test_a_fault_that_is_not_understood_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_fault(text)


def test_random_faults_are_drawn_by_seed() -> None:
    asked = [parse_fault("random:count=3"), FaultSetting("miso-low", (("at", 0.0),))]
    first = drawn(asked, seed=1)
    assert len(first) == 4
    assert first == drawn(asked, seed=1)
    assert first != drawn(asked, seed=2)
    assert first[3].name == "miso-low"
    assert {setting.name for setting in first} <= set(FAULTS)


def test_every_seed_of_random_makes_a_board_that_answers() -> None:
    for seed in range(25):
        transport = SimTransport(f"bench&source=silence&fault=random:count=2&seed={seed}")
        pc = Pc(transport.write, lambda t=transport: t.read(4096, timeout_s=0.1))
        assert pc.ask(Request.STATS, tries=5)


def test_several_faults_hold_at_once() -> None:
    query = f"{BENCH}&fault=drdy-slow:factor=3&fault=bit-shift&fault=channel-dead"
    seen = Watched(query, INTERNAL_REFERENCE, 0.5)
    assert seen.before[0] == 0x1F
    assert seen.stopped.conversions == pytest.approx(seen.board.produced[0] / 3, abs=1)
    assert not seen.pc.frames()[:, 4:6].any()


def test_a_fault_begins_at_its_time() -> None:
    seen = Watched(f"{BENCH}&fault=channel-railed:channel=1,at=1.7", TEST_SIGNAL, 1.0)
    railed = seen.codes()[:, 0] == 2**23 - 1
    at_s = np.flatnonzero(railed)[0] / 2000 + seen.board.true_s(seen.started.board_time_us)
    assert railed[-1]
    assert at_s == pytest.approx(1.7, abs=0.005)


@pytest.mark.parametrize("name", FAULTS)
def test_the_parameters_of_a_fault_have_units_and_meanings(name: str) -> None:
    for key, parameter in parameters_of(FAULTS[name]).items():
        assert key
        assert parameter.meaning
        assert parameter.read(str(parameter.default)) == parameter.default


def test_a_cut_can_count_from_the_first_start() -> None:
    transport = SimTransport("bench&fault=link-cut:from=start,at=2,after=1")
    board = transport.board
    board.run_until(5.0)
    assert board.is_link_up
    pc = Pc(transport.write, lambda: transport.read(1 << 16, timeout_s=0.05))
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    start(pc)
    begun_s = board.now_s
    board.run_until(begun_s + 1.9)
    assert board.is_link_up
    board.run_until(begun_s + 2.1)
    assert not board.is_link_up
    board.run_until(begun_s + 3.2)
    assert board.is_link_up
