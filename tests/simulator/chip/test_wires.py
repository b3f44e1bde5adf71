"""Faults on the wires between chip and firmware: byte by byte and in bulk, with the same result."""

from collections.abc import Callable

import numpy as np
import pytest

from emgrig.simulator.chip.ads1299 import Ads1299Chip, Frames, Pin
from emgrig.simulator.chip.core import POR_TICKS
from emgrig.simulator.firmware.spi import (
    DeadDrdy,
    NoFault,
    ShiftedMiso,
    SlippedFrames,
    SlowDrdy,
    SpiBus,
    StuckMiso,
    WireFault,
)
from simulator.fake_front_end import CountingFrontEnd

FAULTS: dict[str, Callable[[], WireFault]] = {
    "none": NoFault,
    "MISO low": lambda: StuckMiso(0),
    "MISO high": lambda: StuckMiso(1),
    "one bit early": ShiftedMiso,
    "three bits early": lambda: ShiftedMiso(3),
    "two bits late": lambda: ShiftedMiso(2, early=False),
    "slips": lambda: SlippedFrames(0.3, seed=5),
    "slow DRDY": lambda: SlowDrdy(2),
    "very slow DRDY": lambda: SlowDrdy(5),
    "dead DRDY": DeadDrdy,
}


def make_bus(fault: WireFault) -> SpiBus:
    front_end = CountingFrontEnd()
    front_end.moving_stat = True
    bus = SpiBus(Ads1299Chip(front_end), fault)
    bus.advance_to(POR_TICKS)
    for command in ("11", "41 00 94", "10"):
        bus.transfer(bytes.fromhex(command))
    bus.set_pin(Pin.START, True)
    return bus


def stream_by_transfers(bus: SpiBus, count: int) -> Frames:
    """Wait for each DRDY that the host sees, and transfer 27 zeros."""
    ticks, rows = [], []
    while len(rows) < count and (fall := bus.next_drdy_tick) is not None:
        bus.advance_to(fall)
        assert not bus.drdy
        ticks.append(fall)
        rows.append(bus.transfer(bytes(27), sclk_hz=8e6))
        assert bus.drdy
    data = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 27)
    return Frames(np.array(ticks, np.int64), data)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_bulk_equals_transfers_under_every_fault(fault: Callable[[], WireFault]) -> None:
    fast, slow = make_bus(fault()), make_bus(fault())
    for count in (1, 30, 7):
        got, expected = fast.stream(count), stream_by_transfers(slow, count)
        np.testing.assert_array_equal(got.data, expected.data, strict=True)
        np.testing.assert_array_equal(got.ticks, expected.ticks, strict=True)
        assert fast.tick == slow.tick
        assert fast.n_drdy_falls == slow.n_drdy_falls
        assert fast.drdy == slow.drdy
        assert fast.next_drdy_tick == slow.next_drdy_tick


def test_stuck_miso_reads_one_level_everywhere() -> None:
    for level, byte in ((0, 0x00), (1, 0xFF)):
        bus = make_bus(StuckMiso(level))
        assert (bus.stream(3).data == byte).all()
        assert bus.transfer(b"\x11") == bytes([byte])


def test_wrong_spi_mode_shifts_as_seen_on_boards() -> None:
    """86h reads 43h, C0 00 00 reads 60 00 00 (E2E 215735)."""
    fault = ShiftedMiso()
    assert fault.miso(b"\0", b"\x86") == b"\x43"
    assert fault.miso(bytes(3), b"\xc0\x00\x00") == b"\x60\x00\x00"
    assert fault.miso(bytes(2), b"\x01\x80") == b"\x00\xc0"
    assert ShiftedMiso(early=False).miso(bytes(2), b"\xc0\x80") == b"\x81\x00"
    assert (make_bus(fault).stream(4).data[:, 0] & 0xF8 == 0x60).all()


def test_slipped_frames_lose_one_byte_and_the_rest_moves_up() -> None:
    good, bad = make_bus(NoFault()).stream(400).data, make_bus(SlippedFrames(0.1, 1)).stream(400)
    n_slipped = 0
    for before, after in zip(good, bad.data, strict=True):
        if (before == after).all():
            continue
        n_slipped += 1
        without_one = [np.delete(before, lost).tolist() for lost in range(27)]
        assert after[:-1].tolist() in without_one
        assert after[-1] == 0
    assert 20 <= n_slipped <= 60


def test_slips_spare_commands() -> None:
    bus = make_bus(SlippedFrames(1.0, 1))
    bus.transfer(b"\x11")
    assert bus.transfer(bytes.fromhex("20 01 00 00"))[2:].hex() == "3e94"


def test_dead_drdy_is_never_seen() -> None:
    bus = make_bus(DeadDrdy())
    begin = bus.tick
    assert bus.stream(10).data.shape == (0, 27)
    assert bus.tick == begin
    assert bus.stream(until_tick=begin + 20_000).data.shape == (0, 27)
    assert bus.tick == begin + 20_000
    assert bus.drdy
    assert not bus.chip.drdy
    assert bus.next_drdy_tick is None
    assert bus.n_drdy_falls == 0


def test_slow_drdy_divides_the_rate() -> None:
    bus = make_bus(SlowDrdy(4))
    frames = bus.stream(10)
    assert (np.diff(frames.ticks) == 4 * 2048).all()
    assert bus.chip.n_drdy_falls == 40
    assert bus.n_drdy_falls == 10


def test_slow_drdy_of_a_single_shot_waits_for_ever() -> None:
    bus = make_bus(SlowDrdy(2))
    bus.set_pin(Pin.START, False)
    for command in ("06", "00", "00", "11", "57 00 08", "08"):
        bus.transfer(bytes.fromhex(command))
        bus.advance_to(bus.tick + 20)
    assert bus.chip.next_drdy_tick is not None
    assert bus.next_drdy_tick is None
    assert len(bus.stream(3).ticks) == 0


def test_a_fault_may_come_and_go() -> None:
    bus = make_bus(NoFault())
    first = bus.stream(2).data
    bus.fault = StuckMiso(1)
    assert (bus.stream(2).data == 0xFF).all()
    bus.fault = NoFault()
    assert (bus.stream(2).data[:, 0] & 0xF0 == first[:, 0] & 0xF0).all()


@pytest.mark.parametrize(
    "make_fault",
    [
        lambda: StuckMiso(2),
        lambda: ShiftedMiso(0),
        lambda: ShiftedMiso(8),
        lambda: SlippedFrames(1.5, 0),
        lambda: SlippedFrames(float("nan"), 0),
        lambda: SlowDrdy(1),
    ],
)
def test_faults_out_of_range_are_refused(make_fault: Callable[[], WireFault]) -> None:
    with pytest.raises(ValueError):
        make_fault()
