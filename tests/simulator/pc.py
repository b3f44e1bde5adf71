"""The PC's side of the link, as little of it as the tests of the board need."""

from collections.abc import Callable

import numpy as np

from emgrig.protocol import packets as wire
from emgrig.protocol.account import LossAccount
from emgrig.protocol.decoder import Decoder, EventPacket, Item, ReplyPacket, SamplePackets
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import Request
from emgrig.protocol.schema import Message
from emgrig.simulator.board import SimulatedBoard
from simulator.fake_front_end import CountingFrontEnd

SDATAC = wire.ChipCommand(wire.ALL_CHIPS, 0x11)
NOTHING = wire.NoArguments()
RATE_2000 = wire.WriteRegisters(0, 0x01, b"\x93")


def request_bytes(number: int, request: int, arguments: bytes, sequence: int = 0) -> bytes:
    payload = wire.RequestHeader(number, request).encode() + arguments
    return PacketEncoder(sequence)(PacketType.REQUEST, payload)


class Pc:
    """Asks, and keeps everything that came.

    `write` and `read` are a transport's, or a board's (see `on_board`).
    """

    def __init__(self, write: Callable[[bytes], None], read: Callable[[], bytes]) -> None:
        self._write = write
        self._read = read
        self.decoder = Decoder()
        self.items: list[Item] = []
        self.raw = bytearray()
        self._next_id = 0

    def ask(self, request: Request, arguments: Message = NOTHING, *, tries: int = 1) -> Message:
        """Ask, again if no reply comes; an `ErrorReply` is returned like any other."""
        self._next_id += 1
        for _ in range(tries):
            self._write(request_bytes(self._next_id, request, arguments.encode()))
            for _ in range(200):
                self._receive(self._read)
                for reply in self.replies():
                    if reply.id == self._next_id:
                        return reply.error or wire.REPLIES[request].decode(reply.data)
        raise AssertionError(f"no reply to {request.name}")

    def receive(self) -> int:
        """Take what is there; the number of bytes."""
        return self._receive(self._read)

    def replies(self) -> list[ReplyPacket]:
        return [item for item in self.items if isinstance(item, ReplyPacket)]

    def events(self, kind: type[Message]) -> list[EventPacket]:
        found = [item for item in self.items if isinstance(item, EventPacket)]
        return [item for item in found if isinstance(item.body, kind)]

    def samples(self) -> list[SamplePackets]:
        return [item for item in self.items if isinstance(item, SamplePackets)]

    def frames(self) -> np.ndarray:
        """All frames, one a row."""
        runs = [run.frames.reshape(-1, run.frames.shape[2]) for run in self.samples()]
        return np.concatenate(runs)

    def conversions(self) -> np.ndarray:
        """Number of each frame."""
        runs = [
            (run.first_conversion[:, None] + np.arange(run.frames.shape[1])).reshape(-1)
            for run in self.samples()
        ]
        return np.concatenate(runs)

    def account(self, stopped: Message) -> LossAccount:
        """Account for one run that ended as `stopped` says."""
        assert isinstance(stopped, wire.Stopped)
        account = LossAccount()
        account.begin_run()
        for run in self.samples():
            account.add(run)
        account.end_run(stopped.conversions)
        return account

    def _receive(self, read: Callable[[], bytes]) -> int:
        data = read()
        self.raw += data
        self.items += self.decoder.feed(data)
        return len(data)


def on_board(board: SimulatedBoard, wait_s: float = 0.0) -> Pc:
    """A PC right at the board; before each read, `wait_s` of true time pass."""
    client = board.connect()

    def read() -> bytes:
        if wait_s:
            board.run_until(board.now_s + wait_s)
        return board.take(client)

    pc = Pc(lambda data: board.receive(client, data), read)
    pc.client = client  # type: ignore[attr-defined]
    return pc


def counting_board(n_chips: int = 1, n_channels: int = 8, **options: object) -> SimulatedBoard:
    """A board whose codes count conversions."""
    parts = [CountingFrontEnd(n_channels) for _ in range(n_chips)]
    return SimulatedBoard(parts, **options)  # type: ignore[arg-type]


def start(pc: Pc, frames_per_packet: int = 16, canary: int = 0x11, n_chips: int = 1) -> Message:
    """Set 2000 SPS and a canary that is not the default, and start."""
    pc.ask(Request.CHIP_COMMAND, SDATAC)
    for chip in range(n_chips):
        pc.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(chip, 0x01, b"\x93"))
        pc.ask(Request.WRITE_REGISTERS, wire.WriteRegisters(chip, 0x11, b"\x5a"))
    return pc.ask(Request.START, wire.StartArguments(frames_per_packet, canary))
