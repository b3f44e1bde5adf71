"""Requests and replies on good and bad links, and what is said when no answer comes."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.native.link import Direction, Link
from emgrig.driver.native.port import NativePort
from emgrig.driver.transports.tcp import TcpTransport
from emgrig.errors import (
    RecordingError,
    RequestRefused,
    TransportError,
    TransportTimeout,
    WireError,
)
from emgrig.protocol.decoder import (
    Decoder,
    EventPacket,
    Item,
    OnePacket,
    ReplyPacket,
    RequestPacket,
    SamplePackets,
)
from emgrig.protocol.framing import PacketEncoder, PacketType, encode_packet
from emgrig.protocol.packets import (
    BootEvent,
    ErrorCode,
    EventHeader,
    EventType,
    Hello,
    HelloArguments,
    ReadRegisters,
    Registers,
    ReplyHeader,
    Request,
    SamplesHeader,
    StartArguments,
    Started,
    Stats,
    Stopped,
    TriggerEvent,
)
from emgrig.protocol.unmade import PacketForm, Received, UnmadePacket
from fake_board import FakeTransport
from fake_server import TcpServer
from properties import examples

HELLO = HelloArguments(1, "test")


class Garbage(FakeTransport):
    """Something that is not this board answers."""

    def __init__(self, says: bytes) -> None:
        super().__init__()
        self.says = says

    def write(self, data: bytes, /) -> None:
        self.board.out += self.says


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def link(transport: FakeTransport) -> Iterator[Link]:
    made = Link(transport)
    yield made
    made.close()


def test_a_request_gets_its_answer(link: Link) -> None:
    assert link.request(Request.HELLO, HELLO, Hello).serial_number == "F-1"


def test_an_answer_is_found_among_samples_and_old_answers(
    link: Link, transport: FakeTransport
) -> None:
    # BrainFlow, row H: what is left of the stream was taken for the answer.
    link.request(Request.START, StartArguments(4, 1), Started)
    transport.clock.sleep(0.5)
    transport.board.out += b"\x00" * 7 + bytes.fromhex("a55a01") * 3
    assert link.request(Request.STATS, None, Stats).streaming == 1
    link.request(Request.STOP, None, Stopped)
    assert link.request(Request.HELLO, HELLO, Hello).serial_number == "F-1"


def test_a_request_that_was_not_heard_is_asked_again_and_done_once(
    link: Link, transport: FakeTransport
) -> None:
    transport.board.deaf = 2
    assert link.request(Request.START, StartArguments(16, 1), Started).run == 1
    assert transport.board.requests == [Request.START]


@pytest.mark.parametrize("n_lost", [1, 2])
def test_an_answer_that_was_lost_is_given_again_and_the_request_done_once(
    link: Link, transport: FakeTransport, n_lost: int
) -> None:
    left = iter([b""] * n_lost)
    transport.board.on_the_wire = lambda packet: next(left, packet)
    assert link.request(Request.START, StartArguments(16, 1), Started).run == 1
    assert transport.board.run == 1


@pytest.mark.slow
@examples(60)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=2),
    st.binary(max_size=40),
)
def test_two_damaged_answers_and_any_noise_do_not_matter(
    damage: list[tuple[int, int]], noise: bytes
) -> None:
    transport = FakeTransport()
    link = Link(transport)
    left = iter(damage)

    def on_the_wire(packet: bytes) -> bytes:
        at, change = next(left, (0, 0))
        at %= len(packet)
        return noise + packet[:at] + bytes([packet[at] ^ change]) + packet[at + 1 :]

    transport.board.on_the_wire = on_the_wire
    assert link.request(Request.HELLO, HELLO, Hello).serial_number == "F-1"
    link.close()


def test_silence_says_how_often_it_was_asked(link: Link, transport: FakeTransport) -> None:
    transport.board.deaf = 3
    before_s = transport.clock.now
    with pytest.raises(TransportTimeout, match="HELLO was asked 3 times in 3 s and nothing came"):
        link.request(Request.HELLO, HELLO, Hello)
    assert transport.clock.now - before_s == pytest.approx(3.0)


def test_another_protocol_is_shown() -> None:
    # BrainFlow, complaint 12: "board not ready", and no word of what came.
    link = Link(Garbage(b"OpenBCI V3 8-16 channel\r\n"))
    with pytest.raises(WireError, match="first bytes seen: 4F 70 65 6E 42 43 49 20") as caught:
        link.request(Request.HELLO, HELLO, Hello)
    assert "baud" in str(caught.value)
    link.close()


def test_another_version_is_named() -> None:
    link = Link(Garbage(bytes.fromhex("a55a0211000000001234")))
    with pytest.raises(WireError, match="may speak version 2 of the board link"):
        link.request(Request.HELLO, HELLO, Hello)
    link.close()


def test_a_board_that_sends_but_does_not_answer_is_told_apart(
    link: Link, transport: FakeTransport
) -> None:
    link.request(Request.START, StartArguments(16, 1), Started)
    transport.board.deaf = 3
    with pytest.raises(TransportTimeout, match=r"not answered, though \d+ good packets came"):
        link.request(Request.STATS, None, Stats)


def test_an_answer_that_makes_no_sense_is_a_wire_error(
    link: Link, transport: FakeTransport
) -> None:
    encode = PacketEncoder()
    transport.board.on_the_wire = lambda packet: encode(PacketType.REPLY, packet[8:12])
    with pytest.raises(WireError, match="Hello"):
        link.request(Request.HELLO, HELLO, Hello)


@pytest.mark.parametrize(
    ("code", "hint"),
    [(ErrorCode.BUSY, "close that"), (ErrorCode.IN_RDATAC, "stop the stream"), (99, "")],
)
def test_a_refused_request_raises_with_what_to_do(
    link: Link, transport: FakeTransport, code: int, hint: str
) -> None:
    # BrainFlow, row I: "Failure: ..." came back as a normal string.
    transport.board.refuse[Request.STATS] = (code, "no")
    with pytest.raises(
        RequestRefused, match=f"the board refused STATS: no .code {int(code)}.{hint and '.*'}{hint}"
    ) as caught:
        link.request(Request.STATS, None, Stats)
    assert (caught.value.request, caught.value.code, caught.value.text) == ("STATS", code, "no")


def test_an_argument_that_does_not_fit_is_refused_before_anything_is_sent(
    link: Link, transport: FakeTransport
) -> None:
    with pytest.raises(ValueError, match="ReadRegisters"):
        link.request(Request.READ_REGISTERS, ReadRegisters(0, 300, 1), Registers)
    assert transport.board.requests == []


def test_a_closed_link_says_so(link: Link) -> None:
    link.close()
    link.close()
    with pytest.raises(TransportError, match="closed"):
        link.request(Request.STATS, None, Stats)


def test_the_listener_gets_everything_in_order(link: Link, transport: FakeTransport) -> None:
    items: list[Item] = []
    link.listener = lambda item, unix_s: items.append(item)
    link.request(Request.START, StartArguments(4, 1), Started)
    transport.clock.sleep(0.1)
    link.request(Request.STOP, None, Stopped)
    kinds = [type(item) for item in items]
    assert kinds == [RequestPacket, ReplyPacket, RequestPacket, *kinds[3:-1], ReplyPacket]
    assert kinds[3:-1]
    assert all(issubclass(kind, SamplePackets) for kind in kinds[3:-1])


def test_the_tap_gets_every_byte_both_ways(link: Link, transport: FakeTransport) -> None:
    seen: list[tuple[Direction, bytes, float]] = []
    link.tap = lambda direction, data, unix_s: seen.append((direction, data, unix_s))
    link.request(Request.HELLO, HELLO, Hello)
    assert [direction for direction, _, _ in seen] == [Direction.SENT, Direction.RECEIVED]
    assert [type(Decoder().feed(data)[0]) for _, data, _ in seen] == [RequestPacket, ReplyPacket]
    assert seen[0][2] == pytest.approx(transport.clock.unix_s())


def test_registers_go_through_the_native_port(link: Link) -> None:
    port = NativePort(link, 0)
    assert port.epoch is None
    port.command(0x11)
    assert port.read(0x00, 3) == bytes.fromhex("3E96C0")
    assert port.epoch == 0
    port.write(0x01, b"\x94\xd0")
    assert port.epoch == 1
    assert port.read(0x01, 2) == b"\x94\xd0"


# A paced link has a reader thread.


@pytest.fixture
def server() -> Iterator[TcpServer]:
    with TcpServer() as served:
        yield served


def wait(link: Link, done: Callable[[], bool]) -> None:
    assert link.wait(done, 300.0)


def test_a_tap_that_fails_in_the_reader_thread_is_heard_of(server: TcpServer) -> None:
    link = Link(TcpTransport(server.address))

    def fail(direction: Direction, data: bytes, unix_s: float) -> None:
        if direction is Direction.RECEIVED:
            raise RecordingError("the disk is full")

    link.tap = fail
    with pytest.raises(RecordingError, match="disk is full"):
        link.request(Request.HELLO, HELLO, Hello)
    link.close()


def test_a_hang_up_ends_the_reading_without_a_busy_loop(
    server: TcpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # BrainFlow, row K: 96 to 100 % of a core, no exception.
    link = Link(TcpTransport(server.address))
    link.request(Request.HELLO, HELLO, Hello)
    server.hang_up()
    for _ in range(3):
        with pytest.raises(TransportError, match="closed the link"):
            link.wait(lambda: False, 300.0)
    assert link.failure is not None
    with (
        monkeypatch.context() as patched
    ):  # nobody reads what is over: not who waits, not the thread
        patched.setattr(link.transport, "read", None)
        for _ in range(3):
            with pytest.raises(TransportError, match="closed the link"):
                link.wait(lambda: False, 300.0)
    assert "closed the link" in str(link.failure)
    link.reopen()
    assert link.failure is None
    assert link.request(Request.HELLO, HELLO, Hello).serial_number == "F-1"
    link.close()


def test_a_link_that_takes_nothing_any_more_is_lost_until_it_is_opened_anew(
    link: Link, transport: FakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(data: bytes) -> None:
        raise TransportError("the port is lost")

    with monkeypatch.context() as patched:
        patched.setattr(transport, "write", fail)
        with pytest.raises(TransportError, match="the port is lost"):
            link.request(Request.HELLO, HELLO, Hello)
    assert "the port is lost" in str(link.failure)
    with pytest.raises(TransportError, match="the port is lost"):
        link.request(Request.HELLO, HELLO, Hello)
    link.reopen()
    assert link.request(Request.HELLO, HELLO, Hello).serial_number == "F-1"


def test_a_silent_board_on_a_real_link_is_a_timeout(server: TcpServer) -> None:
    server.silent = True
    link = Link(TcpTransport(server.address))
    with pytest.raises(TransportTimeout, match="HELLO was asked 3 times"):
        link.request(Request.HELLO, HELLO, Hello, timeout_s=0.01)
    link.close()


def test_a_reopening_that_fails_leaves_an_error_and_not_a_wait(server: TcpServer) -> None:
    transport = TcpTransport(server.address)
    link = Link(transport)
    transport._port = 1  # nobody listens there
    with pytest.raises(TransportError, match="refused"):
        link.reopen()
    with pytest.raises(TransportError, match="refused"):
        link.request(Request.HELLO, HELLO, Hello)
    link.close()


def test_ids_begin_anywhere_on_a_line_that_may_hold_old_answers(server: TcpServer) -> None:
    ids = set()
    for _ in range(3):
        link = Link(TcpTransport(server.address))
        link.listener = lambda item, _: ids.add(item.id) if isinstance(item, ReplyPacket) else None
        link.request(Request.HELLO, HELLO, Hello)
        link.close()
    assert len(ids) > 1


# A board that floods, drips or answers too little holds nobody.


@pytest.mark.parametrize("n_bytes", [0, 1, 13])
def test_an_answer_that_is_too_short_names_the_request_and_the_board(
    link: Link, transport: FakeTransport, n_bytes: int
) -> None:
    reply = PacketEncoder()

    def answer(data: bytes) -> None:
        for item in Decoder().feed(data):
            assert isinstance(item, RequestPacket)
            head = ReplyHeader(item.id, item.request, 0).encode()
            transport.board.out += reply(PacketType.REPLY, head + b"\x01" * n_bytes)

    transport.write = answer  # type: ignore[method-assign, assignment]
    with pytest.raises(WireError, match=rf"^fake:: the answer to STOP has {n_bytes} bytes"):
        link.request(Request.STOP, None, Stopped)


@pytest.mark.slow
def test_answers_to_nobody_and_a_flood_of_events_are_counted_and_not_decoded(
    link: Link, transport: FakeTransport
) -> None:
    told: list[Item] = []
    link.listener = lambda item, _: told.append(item)
    encode = PacketEncoder()
    head = EventHeader(EventType.TRIGGER, 0, 0).encode()
    event = TriggerEvent(1, 1).encode()
    for _ in range(6000):
        transport.board.out += encode(PacketType.EVENT, head + event)
    stranger = ReplyHeader(0xBEEF, Request.STOP, 0).encode() + Stopped(1, 7, 0).encode()
    transport.board.out += 100 * encode(PacketType.REPLY, stranger)
    boot = EventHeader(EventType.BOOT, 0, 0).encode() + BootEvent(1).encode()
    transport.board.out += encode(PacketType.EVENT, boot)
    assert link.request(Request.HELLO, HELLO, Hello).serial_number == "F-1"
    events = [item for item in told if isinstance(item, EventPacket)]
    assert len(events) == 5000 + 1
    assert isinstance(events[-1].body, BootEvent)  # what says what samples mean is heard
    assert sum(isinstance(item, ReplyPacket) for item in told) == 1
    assert link.counts.unheard == 1000 + 100


def test_all_requests_within_a_limit_end_with_it(link: Link, transport: FakeTransport) -> None:
    transport.board.deaf = 1000
    began_s = transport.clock.now
    with link.within(4.0), link.within(100.0):
        for _ in range(3):
            with pytest.raises(TransportTimeout):
                link.request(Request.STOP, None, Stopped)
    assert transport.clock.now - began_s == pytest.approx(4.0)
    with pytest.raises(TransportTimeout):
        link.request(Request.STOP, None, Stopped)
    assert transport.clock.now - began_s == pytest.approx(7.0)


class Foreseen:
    """A foreseer that takes everything, or nothing."""

    def __init__(self, *, takes: bool) -> None:
        self.takes, self.came = takes, list[Received]()

    def take(self, data: Received, unix_s: float, /) -> bool:
        del unix_s
        self.came.append(data)
        return self.takes

    def settle(self) -> None: ...


@pytest.mark.parametrize("takes", [True, False])
@pytest.mark.parametrize("is_tapped", [True, False])
def test_a_packet_that_nobody_has_made_is_made_for_who_wants_its_bytes(
    takes: bool, is_tapped: bool
) -> None:
    """A tap gets the bytes, and the decoder, if it is not taken: a packet of 2 frames of zeros."""
    form = PacketForm(2, 27, 5, 3, 27, 0, lambda data: data[:-1])
    packet = UnmadePacket(form, 7, 1 << 31, 123_456_789, bytes(2 * 27 + 1))
    link = Link(FakeTransport())
    foreseen, tapped, heard = Foreseen(takes=takes), list[bytes](), list[Item]()
    link.foreseer, link.listener = foreseen, lambda item, _: heard.append(item)
    if is_tapped:
        link.tap = lambda _direction, data, _unix_s: tapped.append(data)
    with link.lock:
        link._take(packet)
    payload = SamplesHeader(1 << 31, 123_456_789, 2, 27, 5, 0).encode() + bytes(2 * 27)
    expected = encode_packet(PacketType.SAMPLES, 7, payload)
    assert foreseen.came == [expected if is_tapped else packet]
    assert tapped == [expected] * is_tapped
    assert link._decoder.counts.packets == (not takes)
    link.close()
    assert [type(item) for item in heard] == [OnePacket] * (not takes)
