"""Packets to blocks: nothing is lost without a count, and no sample is at a wrong place."""

from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.chip.rate import RateVerdict
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.samples.assemble import Assembler
from emgrig.driver.samples.block import Block, Epoch, make_epoch
from emgrig.driver.samples.foreseen import Foresight
from emgrig.errors import DeviceError
from emgrig.protocol import packets as wire
from emgrig.protocol.account import Cause
from emgrig.protocol.decoder import (
    CRC_BATCH,
    Decoder,
    OnePacket,
    RequestPacket,
    SamplePackets,
)
from emgrig.protocol.frames import FrameLayout, pack_codes
from emgrig.protocol.framing import CRC_BYTES, HEADER_BYTES, PacketEncoder, PacketType
from emgrig.protocol.packets import SAMPLES_HEADER_BYTES, EventType, Request
from fake_board import RESET, true_codes
from packet_maker import PERIOD_US, Maker
from properties import examples


def epoch(number: int, rate_code: int = 0x94) -> Epoch:
    raw = bytearray(RESET)
    raw[1] = rate_code
    return make_epoch(number, [RegisterFile(bytes(raw))], f_clk_hz=2_048_000.0, vref_v=4.5)


@dataclass
class Reader:
    """Decoder and assembler, and the blocks that came out."""

    assembler: Assembler = field(
        default_factory=lambda: Assembler(FrameLayout(), {1: epoch(1), 2: epoch(2, 0x93)})
    )
    decoder: Decoder = field(default_factory=Decoder)
    blocks: list[Block] = field(default_factory=list)
    n_others: int = 0  #: Items that are no samples.

    def feed(self, data: bytes, host_s: float = 0.0) -> None:
        for item in self.decoder.feed(data):
            self.blocks += self.assembler.add(item, host_s)
            self.n_others += not isinstance(item, SamplePackets)

    def finish(self) -> None:
        if tail := self.assembler.finish():
            self.blocks.append(tail)


@dataclass(frozen=True)
class Plan:
    """Some runs on a bad link: the bytes in pieces, and how many conversions there were."""

    pieces: list[bytes]
    produced: int
    maker: Maker


FATES = st.sampled_from(["ok"] * 6 + ["drop", "double", "damage", "late", "missed", "insert"])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    maker, out, produced, run_us = Maker(), [], 0, 0
    for run in range(1, draw(st.integers(1, 3)) + 1):
        out.append(maker.started(run, run_us))
        conversion, held = 0, b""
        for fate in draw(st.lists(FATES, max_size=8)):
            n_frames = draw(st.sampled_from([1, 3, 4]))
            if fate == "missed":  # the board itself did not read them
                conversion += n_frames
                continue
            packet = maker.samples(run, conversion, n_frames, run_us)
            conversion += n_frames
            at = draw(st.integers(0, len(packet) - 1))
            damaged = (
                packet[:at] + bytes([packet[at] ^ draw(st.integers(1, 255))]) + packet[at + 1 :]
            )
            noise = packet[:at] + draw(st.binary(min_size=1, max_size=3)) + packet[at:]
            out.append(
                {"ok": packet, "drop": b"", "double": 2 * packet, "damage": damaged,
                 "late": b"", "insert": noise}[fate]
            )  # fmt: skip
            out[-1] += held
            held = packet if fate == "late" else b""
        produced += conversion
        stop_us = run_us + (4 + conversion) * PERIOD_US
        out += [maker.stopped(run, conversion, stop_us), held]
        run_us = stop_us + draw(st.integers(1, 50)) * PERIOD_US
    data = b"".join(out)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return Plan(pieces, produced, maker)


@pytest.mark.long
@pytest.mark.slow
@examples(150)
@given(plans())
def test_received_and_lost_are_what_was_produced_and_every_sample_is_at_its_place(
    plan: Plan,
) -> None:
    reader = Reader()
    for piece in plan.pieces:
        reader.feed(piece)
    for item in reader.decoder.flush():
        reader.blocks += reader.assembler.add(item, 0.0)
    reader.finish()
    totals = reader.assembler.totals
    assert totals.received + totals.lost == plan.produced
    assert totals.received == sum(block.n_samples for block in reader.blocks)
    assert totals.hidden == 0
    position, before = 0, None
    for block in reader.blocks:
        assert block.first_conversion - block.lost_before == position
        assert (block.cause is Cause.NONE) == (block.lost_before == 0)
        position = block.first_conversion + block.n_samples
        places = [plan.maker.where[int(code)] for code in block.codes[:, 0]]
        if places:
            run, conversions, time_us = zip(*places, strict=True)
            np.testing.assert_array_equal(block.codes, true_codes(run, conversions))
            since_us = PERIOD_US * np.arange(len(places))
            np.testing.assert_array_equal(time_us, block.board_time_us + since_us)
        if places and before is not None:
            # The board's clock and the count of data periods agree, over pauses too.
            assert block.first_conversion - before[0] == (places[0][2] - before[1]) // PERIOD_US
        if places:
            before = block.first_conversion, places[0][2]
    if position:
        assert position == totals.received + totals.lost + totals.paused


@dataclass
class ArraysOnly(Reader):
    """A reader that gets each packet as arrays, as if it had come among many."""

    def feed(self, data: bytes, host_s: float = 0.0) -> None:
        for item in self.decoder.feed(data):
            as_arrays = item.part(slice(None)) if isinstance(item, SamplePackets) else item
            assert not isinstance(as_arrays, OnePacket)
            self.blocks += self.assembler.add(as_arrays, host_s)


def told(reader: Reader) -> list[object]:
    """All that came out, to be compared."""
    out: list[object] = [reader.assembler.totals, reader.assembler.rate_check]
    out += [reader.assembler.position, reader.assembler.board_time.steps]
    for block in reader.blocks:
        arrays = {"codes": block.codes, "status": block.status}
        listed = {name: array.tolist() for name, array in arrays.items()}
        fields = {field.name: getattr(block, field.name) for field in dataclass_fields(block)}
        out.append({**fields, **listed, "epoch": block.epoch.number})
        out.append([(a.dtype, a.shape, a.flags.c_contiguous) for a in arrays.values()])
    return out


@pytest.mark.slow
@examples(60)
@given(plans(), st.lists(st.integers(-3_000_000, 3_000_000), max_size=3))
def test_a_packet_alone_becomes_what_it_becomes_among_many(plan: Plan, jumps: list[int]) -> None:
    ones, arrays = Reader(), ArraysOnly()
    left = dict(enumerate(jumps, start=2))
    for reader in (ones, arrays):
        for n, piece in enumerate(plan.pieces):
            reader.feed(piece, float(n))
            if n in left:  # the board's clock is set anew
                reader.assembler.board_time._offset_us += left[n]
        reader.finish()
    assert told(ones) == told(arrays)


@dataclass
class Foreseeing(Reader):
    """A reader that makes blocks of what was foreseen, as a stream does."""

    n_foreseen: int = 0

    def __post_init__(self) -> None:
        self.foresight = Foresight(self.assembler, FrameLayout(), lambda: self.decoder)

    def feed(self, data: bytes, host_s: float = 0.0) -> None:
        blocks = self.foresight.take(data, host_s, 1 << 17)
        if blocks is not None:
            self.blocks += blocks
            self.n_foreseen += sum(block.n_samples for block in blocks)
            return
        self.foresight.settle()
        for item in self.decoder.feed(data):
            self.blocks += self.assembler.add(item, host_s)
            self.n_others += not isinstance(item, SamplePackets)
            self.foresight.look(item)

    def finish(self) -> None:
        self.foresight.settle()
        super().finish()


WHOLE = ["ok"] * 12
AMISS = ["drop", "double", "damage", "missed", "settings", "flag", "status", "later", "sooner"]
BETWEEN = ["event", "reply", "noise", "boot"]


def wires(fates: list[str], n_frames: int) -> list[bytes]:
    """What a board sends in a run, packet by packet, and what becomes of it on the way."""
    maker, pieces, conversion, settings, run_us, run = Maker(), [], 0, 1, 0, 1
    pieces.append(maker.started(1, 0))
    for fate in fates:
        if fate == "missed":
            conversion += n_frames
            continue
        if fate == "boot":
            conversion, settings, run_us, run = 0, 1, 0, run + 1
            pieces.append(maker.event(EventType.BOOT, wire.BootEvent(1)))
            pieces.append(maker.started(run, 0))
            continue
        if fate == "event":
            pieces.append(maker.event(EventType.OVERFLOW, wire.OverflowEvent(3), conversion))
            continue
        if fate == "reply":
            pieces.append(maker.reply(Request.CLOCK, wire.ClockReading(1, conversion)))
            continue
        if fate == "noise":
            pieces.append(bytes.fromhex("A5 5A 01 01 A5"))
            continue
        settings = 3 - settings if fate == "settings" else settings
        run_us += {"later": 700, "sooner": -700}.get(fate, 0)
        words = [0x123456] * n_frames if fate == "status" else None
        packet = maker.samples(run, conversion, n_frames, run_us, settings, status=words)
        if fate == "flag":
            payload = bytearray(packet[HEADER_BYTES:-CRC_BYTES])
            payload[SAMPLES_HEADER_BYTES - 2] |= 1
            maker.encode._sequence -= 1
            packet = maker.encode(PacketType.SAMPLES, bytes(payload))
        conversion += n_frames
        changed = packet[:20] + bytes([packet[20] ^ 1]) + packet[21:]
        pieces += {"drop": [], "double": [packet, packet], "damage": [changed]}.get(fate, [packet])
    pieces.append(maker.stopped(run, conversion, run_us + (4 + conversion) * PERIOD_US))
    return pieces


def check_foreseen(pieces: list[bytes]) -> Foreseeing:
    """Feed pieces to both readers; all that comes out must be the same, to the bit."""
    plain, ahead = Reader(), Foreseeing()
    for n, piece in enumerate(pieces):
        for reader in (plain, ahead):
            reader.feed(piece, float(n))
        assert (len(ahead.blocks), ahead.n_others) == (len(plain.blocks), plain.n_others)
    for reader in (plain, ahead):
        reader.finish()
    assert told(ahead) == told(plain)
    assert ahead.decoder.counts == plain.decoder.counts
    assert ahead.decoder.held == plain.decoder.held
    return ahead


@pytest.mark.slow
@examples(60)
@given(st.lists(st.sampled_from(WHOLE + AMISS), min_size=4, max_size=40), st.integers(1, 4))
def test_what_is_foreseen_is_what_the_packets_say(fates: list[str], n_frames: int) -> None:
    check_foreseen(wires(fates, n_frames))


@pytest.mark.slow
@examples(60)
@given(
    st.lists(st.sampled_from(4 * WHOLE + AMISS + BETWEEN), min_size=4, max_size=120),
    st.integers(1, 4),
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
    st.lists(st.floats(0, 1), max_size=6),
)
def test_however_many_packets_a_read_gives_and_wherever_it_ends_they_say_the_same(
    fates: list[str], n_frames: int, together: list[int], cuts: list[float]
) -> None:
    left, pieces, n = wires(fates, n_frames), [], 0
    while left:
        n_now = together[n % len(together)]
        pieces.append(b"".join(left[:n_now]))
        left, n = left[n_now:], n + 1
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    data, more = b"".join(pieces), [round(cut * ends[-1]) for cut in cuts]
    ends = sorted({*ends, *more})
    check_foreseen([data[a:b] for a, b in zip([0, *ends], ends, strict=False)])


@pytest.mark.parametrize("n_together", [1, 2, 7, CRC_BATCH])
def test_a_run_without_events_is_foreseen_from_its_second_read_on(n_together: int) -> None:
    pieces = wires(["ok"] * 6 * CRC_BATCH, 16)
    start, packets, stop = pieces[0], pieces[1:-1], pieces[-1]
    reads = [b"".join(packets[n : n + n_together]) for n in range(0, len(packets), n_together)]
    reader = check_foreseen([start, *reads, stop])
    n_samples = 16 * len(packets)
    assert reader.assembler.totals.received == n_samples
    assert reader.n_foreseen == n_samples - 16 * n_together
    assert len(reader.blocks) == len(reads)


def test_a_read_that_ends_in_mid_packet_is_foreseen_too() -> None:
    pieces = wires(["ok"] * 200, 16)
    data = b"".join(pieces[1:-1])
    reads = [data[n : n + 1000] for n in range(0, len(data), 1000)]
    reader = check_foreseen([pieces[0], *reads, pieces[-1]])
    assert reader.n_foreseen == 16 * (200 - 2)  # all but those of the first read


def test_where_a_board_started_anew_counts_from_when_its_last_packet_was_whole() -> None:
    *pieces, stop = wires(["ok"] * 6 + ["boot"] + ["ok"] * 3, 16)
    before, after, half = pieces[:7], pieces[8:], pieces[1][:100]  # without the packet lost there
    reader = check_foreseen([*before, half, pieces[7], *after, stop])
    assert [block.cause for block in reader.blocks if block.lost_before] == [Cause.RESTART]


def test_a_shorter_packet_is_not_taken_for_the_begin_of_a_longer_one() -> None:
    maker = Maker()
    packets = [maker.samples(1, 16 * n, 16, 0) for n in range(3)]
    check_foreseen([maker.started(1, 0), *packets, maker.samples(1, 48, 4, 0)])


def test_an_event_behind_a_packet_of_the_same_read_is_told_with_the_next_block() -> None:
    start, first, second, event, third, stop = wires(["ok", "ok", "event", "ok"], 16)
    reader = check_foreseen([start, first, second + event, third, stop])
    assert [len(block.events) for block in reader.blocks] == [0, 0, 1]


def test_volts_of_few_samples_and_of_many_are_the_same_to_the_bit() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(-(1 << 23), 1 << 23, (600, 8)).astype(np.int32)
    settings = epoch(1)
    volts = Block(codes, np.empty((600, 1), np.uint32), 0, 0, settings).volts
    for n in (0, 1, 16, 16, 200, 16):
        few = Block(codes[:n], np.empty((n, 1), np.uint32), 0, 0, settings).volts
        assert few.tobytes() == volts[:n].tobytes()
        assert few.shape == (n, 8)
        few[:] = 0.0  # whoever has them may write there


def test_every_field_of_a_packet_alone_is_that_of_its_arrays() -> None:
    head = wire.SamplesHeader((1 << 32) - 2, (1 << 63) + 5, 3, 54, 0xFFFF, 0x8001)
    codes = np.arange(48, dtype=np.int32).reshape(3, 16) * 349_525 - (1 << 23)
    frames = pack_codes(codes, np.array([[0xC12345, 0xC00000]] * 3, np.uint32))
    packet = PacketEncoder(7)(PacketType.SAMPLES, head.encode() + frames.tobytes())
    (alone,) = Decoder().feed(packet)
    (among, _) = Decoder().feed(packet + PacketEncoder(8)(PacketType.REPLY, bytes(5)))
    many = Decoder().feed(packet + packet)[0]
    assert isinstance(alone, OnePacket)
    assert isinstance(among, OnePacket)
    assert isinstance(many, SamplePackets)
    assert not isinstance(many, OnePacket)
    layout = FrameLayout(2, 8)
    for one in (alone, among):
        assert (one.n_packets, one.n_frames, one.frame_bytes) == (1, 3, 54)
        for name in ("first_conversion", "board_time_us", "settings", "flags", "frames"):
            np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[:1])
            assert getattr(one, name).dtype == getattr(many, name).dtype
        np.testing.assert_array_equal(one.codes(layout), codes)
        np.testing.assert_array_equal(one.codes(layout), many.codes(layout)[:3])
        np.testing.assert_array_equal(one.status(layout), many.status(layout)[:3])
        assert one.status_begins(layout) == bytes.fromhex("C1 C0") * 3
    with pytest.raises(AttributeError, match="nothing"):
        _ = alone.nothing


def test_the_scale_is_that_of_the_epoch_of_each_sample() -> None:
    maker, raw = Maker(), bytearray(RESET)
    raw[5] = 0x00  # channel 1: gain 1, the others 24
    other = make_epoch(7, [RegisterFile(bytes(raw))], f_clk_hz=2.048e6, vref_v=4.5)
    reader = Reader(Assembler(FrameLayout(), {1: epoch(1), 7: other}))
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0) + maker.samples(1, 4, 4, 0, 7))
    first, second = reader.blocks
    assert second.first_conversion == 4
    # One code is VREF / (gain * 2**23): 22.35 nV at gain 24, 536.4 nV at gain 1.
    np.testing.assert_allclose(first.volts, first.codes * (4.5 / 24 / 2**23), rtol=1e-12)
    np.testing.assert_allclose(second.volts[:, 0], second.codes[:, 0] * (4.5 / 2**23), rtol=1e-12)
    np.testing.assert_allclose(second.volts[:, 1], second.codes[:, 1] * (4.5 / 24 / 2**23))


def test_samples_of_settings_that_nobody_read_are_not_scaled() -> None:
    # BrainFlow, rows A and B: 100 µV came out as 600 µV.
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0, 9))
    with pytest.raises(DeviceError, match="settings epoch 9, whose registers were never read"):
        reader.feed(maker.samples(1, 0, 4, 0, 9))


def test_frames_of_another_length_are_refused() -> None:
    maker = Maker()
    reader = Reader(Assembler(FrameLayout(2), {1: epoch(1)}))
    reader.feed(maker.started(1, 0))
    with pytest.raises(DeviceError, match="frames of 27 bytes came; 2 chips"):
        reader.feed(maker.samples(1, 0, 4, 0))


def test_a_start_whose_answer_was_repeated_is_one_run() -> None:
    maker, reader = Maker(), Reader()
    start = RequestPacket(5, Request.START, b"")
    reader.assembler.add(start, 0.0)
    reader.feed(maker.samples(1, 0, 4, 0))  # the answer before these was damaged
    reader.assembler.add(start, 1.0)
    reader.feed(maker.started(1, 0) + maker.samples(1, 4, 4, 0) + maker.started(1, 0))
    reader.feed(maker.samples(1, 8, 4, 0) + maker.stopped(1, 12, 20_000))
    reader.finish()
    assert [block.first_conversion for block in reader.blocks] == [0, 4, 8]
    assert reader.assembler.totals.received == 12
    assert reader.assembler.totals.lost == 0


def test_a_pause_is_measured_by_the_boards_time() -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0) + maker.stopped(1, 6, 10_000))
    reader.feed(maker.started(2, 500_000) + maker.samples(2, 0, 4, 500_000))
    block = reader.blocks[-1]
    # Run 1 converts at 4 to 9 ms, run 2 from 504 ms on: 2 are lost, 494 periods pass without any.
    assert (block.first_conversion, block.lost_before) == (500, 496)
    assert (block.cause, block.is_estimate) == (Cause.PAUSE, True)
    assert (reader.assembler.totals.paused, reader.assembler.totals.lost_at_end) == (494, 2)


def test_a_pause_follows_the_true_data_rate() -> None:
    maker, reader = Maker(), Reader()  # the chip's clock is 2 % slow
    reader.feed(maker.started(1, 0))
    for first in range(0, 2000, 100):
        reader.feed(maker.samples(1, first, 100, 0, period_us=1020))
    reader.feed(maker.stopped(1, 2000, 2_045_000))
    reader.feed(maker.started(2, 4_080_000) + maker.samples(2, 0, 4, 4_080_000, period_us=1020))
    assert reader.blocks[-1].first_conversion == 4000  # 4.08 s at 1.02 ms


def test_a_link_that_was_cut_is_an_outage_with_the_boards_own_count() -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0))
    reader.assembler.link_lost()
    reader.feed(maker.stopped(1, 1004, 1_010_000))
    reader.feed(maker.started(2, 1_010_000) + maker.samples(2, 0, 4, 1_010_000))
    block, totals = reader.blocks[-1], reader.assembler.totals
    assert (block.cause, block.first_conversion, block.lost_before) == (Cause.OUTAGE, 1010, 1006)
    assert (totals.lost_in_outages, totals.lost, totals.paused) == (1000, 1000, 6)


@pytest.mark.parametrize("gone_on_the_link", [0, 3])
def test_a_run_that_went_on_over_the_outage_is_exact(gone_on_the_link: int) -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0))
    reader.assembler.link_lost()
    for _ in range(gone_on_the_link):
        maker.samples(1, 4, 4, 0)
    reader.feed(maker.samples(1, 104, 4, 0))
    block, totals = reader.blocks[-1], reader.assembler.totals
    assert (block.cause, block.lost_before, block.is_estimate) == (Cause.OUTAGE, 100, False)
    assert (totals.lost_in_outages, totals.lost) == (100, 100)
    assert (totals.lost_on_link, totals.lost_on_board) == (0, 0)


@pytest.mark.parametrize("says_boot", [True, False])
def test_a_board_that_started_anew_is_placed_by_host_time(says_boot: bool) -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(3, 900_000) + maker.samples(3, 0, 100, 900_000), host_s=50.0)
    reader.assembler.link_lost()
    if says_boot:
        reader.feed(maker.event(EventType.BOOT, wire.BootEvent(1)), host_s=52.0)
    reader.feed(maker.stopped(0, 0, 20), host_s=52.0)
    reader.feed(maker.started(1, 100_000), host_s=52.4)
    reader.feed(maker.samples(1, 0, 100, 100_000), host_s=52.5)
    block = reader.blocks[-1]
    # 2.5 s after the last sample of one packet comes the last sample of the next.
    assert (block.cause, block.first_conversion, block.is_estimate) == (Cause.RESTART, 2500, True)
    assert len(block.events) == says_boot


def test_a_chip_that_was_lost_ends_its_run() -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0))
    reader.feed(maker.event(EventType.CHIP_LOST, wire.ChipLostEvent(0, 1, 0x94, 0x96), 10))
    reader.feed(maker.stopped(0, 0, 250_000))
    reader.feed(maker.started(2, 400_000) + maker.samples(2, 0, 4, 400_000))
    block = reader.blocks[-1]
    assert (block.first_conversion, block.cause) == (400, Cause.PAUSE)
    assert reader.assembler.totals.lost_at_end == 6
    assert [event.event for event in block.events] == [EventType.CHIP_LOST]


def test_what_the_end_lacks_is_said_in_an_empty_block() -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0) + maker.stopped(1, 10, 20_000))
    reader.finish()
    tail = reader.blocks[-1]
    assert (tail.n_samples, tail.first_conversion, tail.lost_before) == (0, 10, 6)
    assert (tail.cause, tail.codes.shape, tail.board_time_us) == (Cause.TAIL, (0, 8), 14_000)
    assert reader.assembler.finish() is None


def test_late_packets_of_a_run_that_is_over_are_not_used() -> None:
    maker, reader = Maker(), Reader()
    late = maker.samples(1, 4, 4, 0)
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0) + maker.stopped(1, 8, 13_000))
    reader.feed(maker.started(2, 50_000) + late + maker.samples(2, 0, 4, 50_000) + late)
    assert [block.n_samples for block in reader.blocks] == [4, 4]
    assert reader.assembler.totals.repeated == 8
    assert reader.assembler.totals.lost == 4


def test_a_status_word_that_is_none_is_flagged_here_too() -> None:
    maker, reader = Maker(), Reader()
    codes = np.zeros((2, 8), np.int32)
    frames = pack_codes(codes, np.array([[0xC00000], [0x000000]], np.uint32)).tobytes()
    head = wire.SamplesHeader(0, 4000, 2, 27, 1, 0).encode()
    reader.feed(maker.started(1, 0) + maker.encode(PacketType.SAMPLES, head + frames))
    assert reader.blocks[0].flags == wire.SampleFlag.STATUS_WRONG


@pytest.mark.parametrize(
    ("period_us", "verdict"),
    [
        (1000, RateVerdict.OK),
        (1004, RateVerdict.OK),
        (1010, RateVerdict.WARN),
        (1030, RateVerdict.BAD),
        (4000, RateVerdict.BAD),  # BrainFlow, row C: 1000 Hz was said, 250 were sent
    ],
)
def test_the_rate_is_judged_by_the_limits_of_the_chips_clock(
    period_us: int, verdict: RateVerdict
) -> None:
    maker, reader = Maker(), Reader()
    assert reader.assembler.rate_check is None
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 100, 0, period_us=period_us))
    check = reader.assembler.rate_check
    assert check is not None
    assert check.verdict is RateVerdict.UNKNOWN
    for first in range(100, 1000, 100):
        reader.feed(maker.samples(1, first, 100, 0, period_us=period_us))
    check = reader.assembler.rate_check
    assert check is not None
    assert check.verdict is verdict
    assert check.measured_hz == pytest.approx(1e6 / period_us)
    assert check.deviation_pct == pytest.approx(100 * (1000 / period_us - 1))


def test_chips_of_different_rates_have_no_epoch() -> None:
    raw = bytearray(RESET)
    raw[1] = 0x94
    files = [RegisterFile(RESET), RegisterFile(bytes(raw))]
    with pytest.raises(DeviceError, match="different rates"):
        make_epoch(1, files, f_clk_hz=2.048e6, vref_v=4.5)


# A run begins with START, BOOT or a link opened anew; time is advice, conversions are what is true.


def played(
    reader: Reader, maker: Maker, run: int, firsts: range, run_us: int, wrap: int = 1 << 63
) -> list[bytes]:
    """Feed packets of 16 of one run, whose times wrap; return them."""
    made = []
    for first in firsts:
        codes = true_codes(run, range(first, first + 16))
        frames = pack_codes(codes, np.full((16, 1), 0xC00000, np.uint32)).tobytes()
        time_us = (run_us + (4 + first) * PERIOD_US) % wrap
        head = wire.SamplesHeader(first % (1 << 32), time_us, 16, 27, 1, 0).encode()
        made.append(maker.encode(PacketType.SAMPLES, head + frames))
        reader.feed(made[-1])
    return made


def test_a_buffer_that_is_sent_twice_over_a_start_is_of_the_run_before() -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0))
    sent = played(reader, maker, 1, range(0, 1600, 16), 0)
    reader.feed(maker.stopped(1, 1600, 1_610_000) + maker.started(2, 1_700_000))
    reader.feed(b"".join(sent))  # its first number is the one that run 2 begins with
    played(reader, maker, 2, range(0, 160, 16), 1_700_000)
    totals = reader.assembler.totals
    assert (totals.received, totals.repeated, totals.lost) == (1760, 1600, 0)
    for block in reader.blocks[100:]:
        conversion = block.first_conversion - 1700
        np.testing.assert_array_equal(block.codes[0], true_codes(2, conversion))


@pytest.mark.slow
@pytest.mark.parametrize("before_us", [8_000_000, 100_000])
def test_a_clock_of_32_bits_wraps_and_nothing_is_dropped(before_us: int) -> None:
    wrap = 1 << 32
    maker, reader = Maker(), Reader()
    began_us = wrap - before_us
    reader.feed(maker.started(1, began_us))
    played(reader, maker, 1, range(0, 16_000, 16), began_us, wrap)
    reader.feed(maker.stopped(1, 16_000, 8_000_000 + 10_000))
    assert reader.assembler.totals.received == 16_000
    assert reader.assembler.board_time.n_steps == 0
    times_us = [block.board_time_us for block in reader.blocks]
    assert times_us == [began_us + (4 + first) * PERIOD_US for first in range(0, 16_000, 16)]
    check = reader.assembler.rate_check
    assert check is not None
    assert check.measured_hz == pytest.approx(1000.0)


def test_a_clock_that_wraps_between_two_runs_makes_a_pause_and_no_restart() -> None:
    wrap = 1 << 32
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, wrap - 50_000))
    played(reader, maker, 1, range(0, 16, 16), wrap - 50_000, wrap)
    reader.feed(maker.stopped(1, 16, wrap - 20_000) + maker.started(2, 50_000))
    played(reader, maker, 2, range(0, 16, 16), wrap + 50_000, wrap)
    block = reader.blocks[-1]
    assert (block.cause, block.first_conversion) == (Cause.PAUSE, 100)
    assert reader.assembler.totals.paused == 84


@pytest.mark.slow
@pytest.mark.parametrize("set_to_us", [0, 5_000_000_000])
def test_a_clock_that_is_set_anew_in_mid_run_is_named_and_the_samples_come(set_to_us: int) -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 10_000_000))
    played(reader, maker, 1, range(0, 4000, 16), 10_000_000)
    shift_us = set_to_us - 4000 * PERIOD_US
    played(reader, maker, 1, range(4000, 8000, 16), shift_us)
    assert reader.assembler.totals.received == 8000
    (step,) = reader.assembler.board_time.steps
    assert step.conversion == 4000
    assert step.expected_us == 16 * PERIOD_US
    assert "follows the count" in step.words
    assert {b.lost_before for b in reader.blocks} == {0}
    times_us = np.array([block.board_time_us for block in reader.blocks])
    assert (np.diff(times_us) == 16 * PERIOD_US).all()


def test_a_first_packet_of_the_very_time_of_its_start_is_used() -> None:
    """A clock of whole milliseconds, at 16 kSPS."""
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0) + maker.samples(1, 0, 4, 0) + maker.stopped(1, 4, 9000))
    reader.feed(maker.started(2, 54_000) + maker.samples(2, 0, 4, 50_000))  # at 54 ms
    assert reader.assembler.totals.received == 8
    assert reader.assembler.totals.lost == 0


@pytest.mark.parametrize("start", [(1 << 32) - 800, 1 << 31, (1 << 31) - 800])
def test_a_run_that_does_not_begin_at_0_is_counted_from_its_first_packet(start: int) -> None:
    """Days at 16 kSPS: over 2**31 and 2**32 nothing is lost and nothing comes twice."""
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0))
    for k, first in enumerate(range(start, start + 1600, 16)):
        codes = true_codes(1, (first + np.arange(16)) % (1 << 23))
        frames = pack_codes(codes, np.full((16, 1), 0xC00000, np.uint32)).tobytes()
        head = wire.SamplesHeader(first % (1 << 32), (4 + 16 * k) * PERIOD_US, 16, 27, 1, 0)
        reader.feed(maker.encode(PacketType.SAMPLES, head.encode() + frames))
    reader.feed(maker.stopped(1, (start + 1600) % (1 << 32), 1_700_000))
    totals = reader.assembler.totals
    assert (totals.received, totals.lost, totals.repeated) == (1600, 0, 0)
    assert [block.first_conversion for block in reader.blocks] == list(range(0, 1600, 16))


def test_what_came_before_a_boot_does_not_count_as_paused() -> None:
    maker, reader = Maker(), Reader()
    reader.feed(maker.started(1, 0))
    for first in range(0, 5000, 100):
        reader.feed(maker.samples(1, first, 100, 0), host_s=10.0 + (first + 100) / 1000)
    reader.feed(maker.event(EventType.BOOT, wire.BootEvent(1)), host_s=15.1)
    reader.feed(maker.started(1, 1000), host_s=15.2)
    reader.feed(maker.samples(1, 0, 16, 1000), host_s=15.3)
    block = reader.blocks[-1]
    assert (block.cause, block.lost_before) == (Cause.RESTART, 284)
    assert reader.assembler.totals.paused == 284
