"""Packets as a board sends them, made one by one, with what is in each sample known."""

from dataclasses import dataclass, field

import numpy as np

from emgrig.protocol import packets as wire
from emgrig.protocol.frames import pack_codes
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import EventType, Request
from emgrig.protocol.schema import Message
from fake_board import true_codes

PERIOD_US = 1000


@dataclass
class Maker:
    """Makes packets as a board does, and knows what is in them."""

    encode: PacketEncoder = field(default_factory=PacketEncoder)
    where: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def samples(
        self,
        run: int,
        first: int,
        n_frames: int,
        run_us: int,
        number: int = 1,
        period_us: int = PERIOD_US,
        status: list[int] | None = None,
    ) -> bytes:
        """Return a packet; `status` has a word for each frame."""
        codes = true_codes(run, range(first, first + n_frames))
        for k in range(n_frames):
            time_us = run_us + (4 + first + k) * period_us
            self.where[int(codes[k, 0])] = run, first + k, time_us
        words = np.array(status or [0xC00000] * n_frames, np.uint32)[:, None]
        frames = pack_codes(codes, words).tobytes()
        time_us = run_us + (4 + first) * period_us
        head = wire.SamplesHeader(first, time_us, n_frames, 27, number, 0)
        return self.encode(PacketType.SAMPLES, head.encode() + frames)

    def reply(self, request: Request, body: Message) -> bytes:
        head = wire.ReplyHeader(1, request, 0).encode()
        return self.encode(PacketType.REPLY, head + body.encode())

    def started(self, run: int, time_us: int, number: int = 1) -> bytes:
        return self.reply(Request.START, wire.Started(run, number, time_us))

    def stopped(self, run: int, conversions: int, time_us: int) -> bytes:
        return self.reply(Request.STOP, wire.Stopped(run, conversions, time_us))

    def event(self, event: EventType, body: Message, conversion: int = 0) -> bytes:
        head = wire.EventHeader(event, conversion, 0)
        return self.encode(PacketType.EVENT, head.encode() + body.encode())
