"""Packets that were foreseen: the same bytes, whatever comes, as decoded, counted and packed."""

import numpy as np
import pytest

from emgrig.driver.samples.assemble import Assembler
from emgrig.driver.samples.block import Block, Epoch
from emgrig.driver.samples.foreseen import Foresight
from emgrig.driver.seams import Clock
from emgrig.errors import TransportTimeout
from emgrig.gateways.cyton.gateway import CytonGateway
from emgrig.gateways.foreseen import Foreseen
from emgrig.gateways.frames import FrameGateway
from emgrig.gateways.gathering import Gathering
from emgrig.gateways.template import load_template
from emgrig.protocol.decoder import Decoder, OnePacket, ReplyPacket, SamplePackets
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import (
    NoArguments,
    Request,
    RequestHeader,
    StartArguments,
    Stats,
    Stopped,
)
from emgrig.protocol.schema import Message
from emgrig.protocol.unmade import Received, UnmadePacket, made
from emgrig.simulator.transport import SimTransport
from gateways.cyton import cytons
from gateways.test_gathering import Gate
from gateways.twins import transport_of
from properties import runs

BOARDS = ("cyton", "cyton-daisy", "knight")
RUN_S, STEP_S = 15.0, 0.0005
PER_PACKET = 16
HURT_BYTES = 4000  #: From damage to damage, in the mean.


class Paced:
    """A twin at its own pace, on virtual time, whose bytes suffer on the way."""

    is_paced = True

    def __init__(self, twin: SimTransport, seed: int | None) -> None:
        self.twin, self.address = twin, twin.address
        self._random = np.random.default_rng(seed)
        self._is_good, self._n_read = seed is None, 0
        self._hurt_at = int(self._random.exponential(HURT_BYTES))
        self.is_clean = True  #: Until a run is on.

    @property
    def clock(self) -> Clock:
        return self.twin.clock

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        until_s = self.clock.now_s() + timeout_s
        while True:
            try:
                return self._damaged(self.twin.read(max_bytes, timeout_s=0.0))
            except TransportTimeout:
                if self.clock.now_s() >= until_s:
                    raise
                self.clock.sleep(STEP_S)

    def _damaged(self, data: bytes) -> bytes:
        """Damage the same bytes however they are read."""
        if self.is_clean or self._is_good:
            return data
        at = max(self._hurt_at - self._n_read, 0)
        self._n_read += len(data)
        if at >= len(data):
            return data
        self._hurt_at += 1 + int(self._random.exponential(HURT_BYTES))
        n_lost = int(self._random.choice([0, 1, 33, 100]))
        return data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 + n_lost :]

    def write(self, data: bytes, /) -> None:
        self.twin.write(data)

    def reopen(self) -> None:
        self.twin.reopen()

    def close(self) -> None:
        self.twin.close()


class Reader:
    """Whoever asks and reads, one read after the other."""

    def __init__(self, board: str, seed: int | None, *, foresees: bool) -> None:
        twin = transport_of(board) if board == "knight" else cytons.transport_of(board)
        self.link = Paced(twin, seed)
        self.gateway: FrameGateway
        if board == "knight":
            template = load_template(board)
            self.gateway = FrameGateway(template, self.link, address="twin:", name=board)
        else:
            self.gateway = CytonGateway(self.link, address="twin:")
        self.gateway._gathering = Gathering(Gate(twin.clock))  # type: ignore[arg-type]
        if not foresees:
            self.gateway._foresee = lambda n_bytes: None  # type: ignore[method-assign]
        self.samples: list[tuple[int, int, int, int, bytes]] = []
        self.replies: list[ReplyPacket] = []
        self.n_frames = self.n_foreseen = 0
        self._decoder, self._encode = Decoder(), PacketEncoder()
        self.foresees, self.n_unmade = foresees, 0
        self.blocks: list[Block] = []
        n_chips = self.gateway.out.frame_bytes // 27
        can = getattr(self.gateway, "can", None) or self.gateway.template.can
        scale = np.full(8 * n_chips, 1e-8)
        self.assembler = Assembler(
            FrameLayout(n_chips),
            {n: Epoch(n, (), scale, scale, 250.0 / n_chips, n_chips) for n in range(9)},
            can=can,
        )
        self.packets = Decoder()
        self.foresight = Foresight(self.assembler, FrameLayout(n_chips), lambda: self.packets)
        self._host = np.random.default_rng(9)

    def ask(self, request: Request, arguments: Message | None = None) -> ReplyPacket:
        header = RequestHeader(len(self.replies) + 1, request).encode()
        body = (arguments or NoArguments()).encode()
        self.gateway.write(self._encode(PacketType.REQUEST, header + body))
        n_before = len(self.replies)
        while len(self.replies) == n_before:
            self.read()
        return self.replies[-1]

    def read(self) -> None:
        foreseen = self.gateway._foreseen
        n_made = len(foreseen.made) if foreseen is not None else 0
        try:
            received = self.gateway.receive(1 << 16, timeout_s=0.25)
        except TransportTimeout:
            return
        data = made(received)
        self.hand_over(received if self.foresees else data)
        if foreseen is not None:
            self.n_foreseen += len(foreseen.made) - n_made
        for item in self._decoder.feed(data):
            if isinstance(item, ReplyPacket):
                self.replies.append(item)
            elif isinstance(item, OnePacket | SamplePackets):
                self._take(item)
        if self._host.random() < 0.1:  # the computer does something else
            self.link.clock.sleep(float(self._host.exponential(0.02)))

    def hand_over(self, received: Received) -> None:
        """Make blocks, as a stream does; of a packet that nobody has made, if it was foreseen."""
        now_s = self.link.clock.now_s()
        blocks = self.foresight.take(received, now_s, 1 << 17) if self.foresees else None
        if blocks is not None:
            self.n_unmade += isinstance(received, UnmadePacket)
            self.blocks += blocks
            return
        self.foresight.settle()
        for item in self.packets.feed(made(received)):
            self.blocks += self.assembler.add(item, now_s)
            self.foresight.look(item)

    def end(self) -> list[tuple[object, ...]]:
        """Close the board's link, and tell all that the blocks say."""
        self.gateway.close()
        self.foresight.settle()
        return [
            (
                one.first_conversion,
                one.board_time_us,
                one.lost_before,
                one.cause,
                one.flags,
                one.codes.tolist(),
                one.status.tolist(),
            )
            for one in self.blocks
        ]

    def _take(self, item: SamplePackets) -> None:
        self.n_frames += item.n_packets * item.n_frames
        for n in range(item.n_packets):
            head = (item.first_conversion[n], item.board_time_us[n], item.flags[n])
            self.samples.append((*map(int, head), int(item.link_lost[n]), item.frames[n].tobytes()))

    def run(self) -> None:
        """Read a run, and look at the board's counters in the midst of it."""
        self.ask(Request.START, StartArguments(PER_PACKET, 0))
        self.link.is_clean = False
        end_s, n_asked = self.link.clock.now_s() + RUN_S, 0
        while self.link.clock.now_s() < end_s:
            self.read()
            if len(self.samples) // 40 > n_asked and not self.gateway.out:
                n_asked, n_frames = n_asked + 1, self.n_frames
                stats = Stats.decode(self.ask(Request.STATS).data)
                assert stats.frames_sent == n_frames
        self.link.is_clean = True
        self.stopped = Stopped.decode(self.ask(Request.STOP).data)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [None, *range(runs(2, nightly=100))])
@pytest.mark.parametrize("board", BOARDS)
def test_what_is_handed_on_is_the_same_with_and_without_foresight(
    board: str, seed: int | None
) -> None:
    with_it, without = (Reader(board, seed, foresees=foresees) for foresees in (True, False))
    with_it.run()
    without.run()
    assert without.n_foreseen == 0
    assert with_it.n_foreseen > len(with_it.samples) / (2 if seed is None else 8)
    assert with_it.samples == without.samples
    assert with_it.stopped.conversions == without.stopped.conversions
    assert with_it.n_unmade > with_it.n_foreseen / 2
    assert with_it.end() == without.end()
    assert with_it.assembler.totals == without.assembler.totals
    assert with_it.gateway.decoder.counts == without.gateway.decoder.counts
    assert with_it.gateway.numbering.count == without.gateway.numbering.count


def test_a_packet_that_is_not_what_the_frames_say_is_no_secret() -> None:
    reader = Reader("cyton", None, foresees=True)
    reader.ask(Request.START, StartArguments(PER_PACKET, 0))
    while not reader.n_foreseen:
        reader.read()
    foreseen = reader.gateway._foreseen
    assert isinstance(foreseen, Foreseen)
    last = foreseen.made[-1]
    place = last.sequence, last.conversion, last.time_us + 1
    foreseen.made[-1] = UnmadePacket(last.form, *place, last.data)
    with pytest.raises(AssertionError, match="not what the frames say"):
        reader.ask(Request.STATS)
    reader.gateway.close()
