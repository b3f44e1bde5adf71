"""The decoder, fed whole, in pieces, damaged and with garbage."""

import itertools
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.protocol import packets
from emgrig.protocol.account import Cause, LossAccount
from emgrig.protocol.decoder import (
    Decoder,
    EventPacket,
    Item,
    ReplyPacket,
    RequestPacket,
    SamplePackets,
)
from emgrig.protocol.framing import (
    MAX_PACKET_BYTES,
    PACKET,
    PacketEncoder,
    PacketType,
    encode_packet,
)
from properties import examples

SYNC_RICH = st.sampled_from([0xA5, 0x5A, 0x01, 0x00, 0xFF, 0x1B, 0x10])


@dataclass(frozen=True)
class Stream:
    """Sample packets of one run, on the wire, and what is in them."""

    wire: list[bytes]
    first: list[int]
    frames: list[bytes]


@st.composite
def streams(draw: st.DrawFn, min_packets: int = 1) -> Stream:
    """Draw a run of sample packets whose content likes to look like packet heads."""
    n_packets = draw(st.integers(min_packets, 6))
    frame_bytes = draw(st.sampled_from([15, 21, 27, 54]))
    content = st.lists(st.one_of(SYNC_RICH, st.integers(0, 255)), min_size=8, max_size=40)
    encode = PacketEncoder(draw(st.integers(0, 0xFFFF)))
    wire, first, frames, conversion = [], [], [], 0
    for _ in range(n_packets):
        n_frames = draw(st.sampled_from([1, 2, 5]))
        raw = bytes(draw(content))
        payload = (raw * (n_frames * frame_bytes // len(raw) + 1))[: n_frames * frame_bytes]
        head = packets.SamplesHeader(conversion, 1000 * conversion, n_frames, frame_bytes, 7, 0)
        wire.append(encode(PacketType.SAMPLES, head.encode() + payload))
        first.append(conversion)
        frames.append(payload)
        conversion += n_frames
    return Stream(wire, first, frames)


def samples_by_conversion(items: list[Item]) -> dict[int, bytes]:
    """Map every first conversion to the bytes of its packet's frames."""
    found: dict[int, bytes] = {}
    for item in items:
        assert isinstance(item, SamplePackets)
        for index, conversion in enumerate(item.first_conversion.tolist()):
            assert conversion not in found
            found[conversion] = item.frames[index].tobytes()
    return found


def feed_split(decoder: Decoder, data: bytes, cuts: list[int]) -> list[Item]:
    """Feed `data` in the pieces that `cuts` make of it, then flush."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    items: list[Item] = []
    for begin, end in itertools.pairwise(edges):
        items += decoder.feed(data[begin:end])
        assert decoder.held_bytes < MAX_PACKET_BYTES
    return items + decoder.flush()


@pytest.mark.slow
@examples(60)
@given(streams(), st.lists(st.integers(0, 10_000), max_size=8))
def test_any_split_gives_what_construct_reads(stream: Stream, cuts: list[int]) -> None:
    expected = {}
    for wire in stream.wire:
        packet = PACKET.parse(wire)
        assert zlib.crc32(wire[2:-4]) == packet.crc
        read = packets.SAMPLES.parse(packet.payload)
        expected[read.head.first_conversion] = b"".join(read.frames)
    found = samples_by_conversion(feed_split(Decoder(), b"".join(stream.wire), cuts))
    assert found == expected


@pytest.mark.slow
@examples(40)
@given(streams())
def test_byte_by_byte_is_the_same_as_whole(stream: Stream) -> None:
    data = b"".join(stream.wire)
    whole = samples_by_conversion(Decoder().feed(data))
    decoder = Decoder()
    single = [item for byte in data for item in decoder.feed(bytes([byte]))]
    assert (
        samples_by_conversion(single)
        == whole
        == dict(zip(stream.first, stream.frames, strict=True))
    )


@pytest.mark.long
@pytest.mark.slow
@examples(100)
@given(
    streams(min_packets=3),
    st.sampled_from(["change", "lose", "insert"]),
    st.integers(0, 100_000),
    st.integers(1, 255),
    st.lists(st.integers(0, 10_000), max_size=4),
)
def test_one_damaged_byte_costs_at_most_the_packet_it_touches(
    stream: Stream, damage: str, where: int, value: int, cuts: list[int]
) -> None:
    data = bytearray(b"".join(stream.wire))
    at = where % len(data)
    ends = np.cumsum([len(wire) for wire in stream.wire])
    touched = int(np.searchsorted(ends, at, side="right"))
    if damage == "change":
        data[at] ^= value
    elif damage == "lose":
        del data[at]
    else:
        data.insert(at, value)
    found = feed_split(Decoder(), bytes(data), cuts)
    by_conversion = samples_by_conversion(found)
    expected = dict(zip(stream.first, stream.frames, strict=True))
    assert by_conversion.items() <= expected.items(), "a wrong sample came out"
    missing = set(expected) - set(by_conversion)
    assert missing <= {stream.first[touched]}
    assert_account_is_exact(found, stream)


def assert_account_is_exact(items: list[Item], stream: Stream) -> None:
    """Hold received + lost, by the account, against what was sent."""
    account = LossAccount()
    account.begin_run()
    received = 0
    frame_counts = [wire[18 + 2] for wire in stream.wire]  # n_frames lies at offset 20
    produced = sum(frame_counts)
    for item in items:
        assert isinstance(item, SamplePackets)
        for piece in account.add(item):
            received += piece.packets.n_packets * piece.packets.frames.shape[1]
    account.end_run(produced)
    assert account.totals.received == received
    assert account.totals.received + account.totals.lost == produced


@pytest.mark.slow
@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=5))
def test_garbage_never_raises_and_never_grows_memory(garbage: bytes, cuts: list[int]) -> None:
    decoder = Decoder()
    feed_split(decoder, garbage, cuts)
    assert decoder.held_bytes == 0


@pytest.mark.slow
@given(st.lists(SYNC_RICH, max_size=3000))
def test_garbage_full_of_sync_bytes_never_raises(values: list[int]) -> None:
    decoder = Decoder()
    decoder.feed(bytes(values))
    assert decoder.held_bytes < MAX_PACKET_BYTES
    decoder.flush()
    assert decoder.counts.packets == 0 or decoder.counts.skipped_bytes < len(values)


@given(st.integers(0, 255), st.binary(max_size=60))
def test_any_payload_with_a_good_crc_never_raises(packet_type: int, payload: bytes) -> None:
    decoder = Decoder()
    decoder.feed(encode_packet(packet_type, 0, payload))
    assert decoder.counts.packets == 1
    assert decoder.counts.skipped_bytes == 0


@pytest.mark.slow
@given(st.binary(max_size=200))
def test_garbage_before_a_packet_does_not_hide_it(garbage: bytes) -> None:
    packet = encode_packet(PacketType.REPLY, 3, packets.ReplyHeader(9, 7, 0).encode())
    decoder = Decoder()
    items = decoder.feed(garbage + packet) + decoder.flush()
    assert ReplyPacket(9, 7, b"", None) in items


def test_bytes_thrown_away_are_counted() -> None:
    decoder = Decoder()
    packet = encode_packet(PacketType.REPLY, 0, packets.ReplyHeader(1, 7, 0).encode())
    decoder.feed(b"noise" + packet + b"\xa5" + packet)
    assert decoder.counts.skipped_bytes == 6
    assert decoder.counts.packets == 2


def test_an_unknown_type_is_skipped_and_counted() -> None:
    decoder = Decoder()
    assert decoder.feed(encode_packet(0x77, 0, b"from the future")) == []
    assert decoder.counts.unknown == 1
    assert decoder.counts.skipped_bytes == 0


def test_another_version_is_seen_and_remembered() -> None:
    packet = bytearray(encode_packet(PacketType.REPLY, 0, b"1234"))
    packet[2] = 2
    decoder = Decoder()
    assert decoder.feed(bytes(packet)) == []
    assert decoder.counts.bad_version == 1
    assert decoder.counts.last_version == 2


def test_an_impossible_length_is_a_false_sync() -> None:
    packet = encode_packet(PacketType.REPLY, 0, packets.ReplyHeader(1, 7, 0).encode())
    false = b"\xa5\x5a\x01\x01\x00\x00\xff\xff"
    decoder = Decoder()
    assert len(decoder.feed(false + packet)) == 1
    assert decoder.counts.bad_length == 1


def test_a_sample_packet_whose_length_contradicts_its_head_is_no_samples() -> None:
    head = packets.SamplesHeader(0, 0, 4, 27, 0, 0).encode()
    decoder = Decoder()
    assert decoder.feed(encode_packet(PacketType.SAMPLES, 0, head + bytes(3 * 27))) == []
    assert decoder.counts.malformed == 1


def test_requests_replies_and_events_come_out_typed() -> None:
    encode = PacketEncoder()
    write = packets.WriteRegisters(0, 0x05, b"\x60")
    wire = encode(PacketType.REQUEST, packets.RequestHeader(5, 3).encode() + write.encode())
    error = packets.ReplyHeader(5, 3, 1).encode() + packets.ErrorReply(4, "in RDATAC").encode()
    wire += encode(PacketType.REPLY, error)
    lost = packets.ChipLostEvent(0, 3, 0xEC, 0x60)
    wire += encode(PacketType.EVENT, packets.EventHeader(5, 12, 34).encode() + lost.encode())
    request, reply, event = Decoder().feed(wire)
    assert isinstance(request, RequestPacket)
    assert packets.WriteRegisters.decode(request.arguments) == write
    assert reply == ReplyPacket(5, 3, b"", packets.ErrorReply(4, "in RDATAC"))
    assert event == EventPacket(5, 12, 34, lost)


def test_the_sequence_number_wraps_without_a_gap() -> None:
    encode = PacketEncoder(0xFFFE)
    reply = packets.ReplyHeader(1, 7, 0).encode()
    decoder = Decoder()
    for _ in range(5):
        decoder.feed(encode(PacketType.REPLY, reply))
    assert decoder.counts.sequence_gaps == 0
    encode(PacketType.REPLY, reply)
    decoder.feed(encode(PacketType.REPLY, reply))
    assert decoder.counts.sequence_gaps == 1


def run_of(n_packets: int, n_frames: int = 4, first: int = 0, sequence: int = 0) -> list[bytes]:
    """Make the packets of one run, 1000 µs a conversion."""
    encode = PacketEncoder(sequence)
    wire = []
    for index in range(n_packets):
        conversion = (first + index * n_frames) % 2**32
        head = packets.SamplesHeader(
            conversion, 1000 * (first + index * n_frames), n_frames, 27, 0, 0
        )
        wire.append(
            encode(PacketType.SAMPLES, head.encode() + bytes([index % 251]) * 27 * n_frames)
        )
    return wire


def account_for(wire: list[bytes], *, one_by_one: bool = False) -> tuple[LossAccount, list[int]]:
    """Run the wire through decoder and account; also the number of every frame that came out."""
    decoder, account, numbers = Decoder(), LossAccount(), []
    account.begin_run(1000.0)
    for chunk in wire if one_by_one else [b"".join(wire)]:
        for item in decoder.feed(chunk):
            assert isinstance(item, SamplePackets)
            for piece in account.add(item):
                n_samples = piece.packets.n_packets * piece.packets.frames.shape[1]
                numbers += range(piece.first_conversion, piece.first_conversion + n_samples)
    return account, numbers


@pytest.mark.parametrize("one_by_one", [True, False])
def test_many_crcs_are_checked_at_once_and_the_bad_one_is_found(one_by_one: bool) -> None:
    wire = run_of(200)
    for bad in (0, 70, 130, 131, 199):
        damaged = bytearray(wire[bad])
        damaged[60] ^= 0x10
        wire[bad] = bytes(damaged)
    account, numbers = account_for(wire, one_by_one=one_by_one)
    account.end_run(800)
    assert account.totals.received == len(numbers) == 780
    assert account.totals.lost_on_link == 16
    assert account.totals.lost_at_end == 4
    kept = [n for n in range(800) if n // 4 not in (0, 70, 130, 131, 199)]
    assert numbers == kept


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_packet_that_comes_twice_or_late_is_not_used_again(one_by_one: bool) -> None:
    wire = run_of(10)
    order = [0, 1, 1, 3, 2, 4, 5, 7, 6, 8, 9, 9]
    account, numbers = account_for([wire[i] for i in order], one_by_one=one_by_one)
    account.end_run(40)
    assert numbers == sorted(set(numbers))
    assert account.totals.repeated == 4 * 4
    assert account.totals.received + account.totals.lost == 40
    assert account.totals.lost == 2 * 4


def test_a_gap_with_unbroken_sequence_is_the_boards() -> None:
    encode = PacketEncoder()
    decoder, account = Decoder(), LossAccount()
    account.begin_run()
    causes = []
    for conversion in (0, 4, 12):
        head = packets.SamplesHeader(conversion, conversion * 1000, 4, 27, 0, 1)
        for item in decoder.feed(encode(PacketType.SAMPLES, head.encode() + bytes(108))):
            assert isinstance(item, SamplePackets)
            causes += [(p.cause, p.lost_before) for p in account.add(item)]
    assert causes == [(Cause.NONE, 0), (Cause.NONE, 0), (Cause.BOARD, 4)]
    assert account.totals.lost_on_board == 4


def test_conversions_count_on_beyond_32_bits() -> None:
    account = LossAccount()
    account.begin_run()
    account._expected = 2**32 - 6  # three days into a run at 16 kSPS
    decoder = Decoder()
    numbers = []
    for item in decoder.feed(b"".join(run_of(4, first=2**32 - 6))):
        assert isinstance(item, SamplePackets)
        numbers += [(p.first_conversion, p.lost_before) for p in account.add(item)]
    assert numbers[0] == (2**32 - 6, 0)
    assert sum(lost for _, lost in numbers) == 0
    assert account.expected == 2**32 + 10


def test_time_that_jumps_without_a_gap_in_the_count_is_a_hidden_loss() -> None:
    encode = PacketEncoder()
    wire = []
    for index in range(20):
        jump = 50_000 if index >= 12 else 0
        head = packets.SamplesHeader(4 * index, 4100 * index + jump, 4, 27, 0, 0)
        wire.append(encode(PacketType.SAMPLES, head.encode() + bytes(108)))
    for one_by_one in (True, False):
        account, _ = account_for(wire, one_by_one=one_by_one)
        assert account.totals.lost == 0
        assert account.totals.hidden in (48, 49)  # 50 ms at 1.025 ms a conversion: 48.8


def test_a_buffer_that_is_sent_again_is_counted_and_not_used() -> None:
    wire = run_of(50)
    account, numbers = account_for(wire[:40] + wire[:30] + wire[40:], one_by_one=True)
    assert numbers[-1] == 199
    assert account.totals.received == 200
    assert account.totals.repeated == 30 * 4


def test_what_is_not_admitted_is_counted_and_not_decoded() -> None:
    encode, decoder = PacketEncoder(), Decoder()
    event = packets.EventHeader(3, 0, 0).encode() + bytes(2)
    decoder.admits = lambda packet_type, payload: packet_type == PacketType.REPLY or not payload[5]
    assert len(decoder.feed(encode(PacketType.EVENT, event))) == 1
    late = packets.EventHeader(3, 0, 1).encode() + bytes(2)
    assert decoder.feed(encode(PacketType.EVENT, late)) == []
    assert decoder.counts.unheard == 1
    assert decoder.counts.packets == 2
