"""The packet that was foreseen: a board at its own pace sends what follows, packet after packet.

Between two packets the computer does other things, and what it then needs of code and data comes
from far away: each step costs several times what it costs in a row. So bytes of the board whose
every frame is the next one become a packet of the board link in one step. Whoever decodes, counts
and packs is told of them later, many packets in a row (`Foreseen.check`), and always before anybody
asks, or anything else comes. What they then make must be what was handed on.
"""

from collections.abc import Callable
from typing import Final

from emgrig.gateways.decoding import COUNTS, TURN, WHOLE, FrameDecoder
from emgrig.gateways.outgoing import Outgoing
from emgrig.gateways.template import FrameTemplate
from emgrig.protocol.frames import STATUS_BYTES
from emgrig.protocol.unmade import PacketForm, UnmadePacket

_MOST: Final = 64  #: Packets that wait to be told.


class Foreseen:
    """Frames that must come next; `take` makes a packet of them.

    Parameters
    ----------
    decoder : FrameDecoder
        That would find them.
    out : Outgoing
        That would pack them; nothing waits in it.
    n_frames : int
        Frames of the board that fill a packet.
    """

    def __init__(self, decoder: FrameDecoder, out: Outgoing, n_frames: int) -> None:
        self.told: list[bytes] = []  #: What the board sent, and nobody else knows of.
        self.made: list[UnmadePacket] = []  #: The packets that were made of it.
        self.heard_s = 0.0  #: When the last of it came.
        self._held = decoder.held
        self._n_frames = n_frames
        self._frame_bytes = decoder.frame_bytes
        self._n_bytes = n_frames * decoder.frame_bytes
        self._n_checked = self._n_bytes + decoder.n_behind * decoder.frame_bytes
        self._n_all = n_frames + decoder.n_behind
        self._per_packet = out.per_packet
        self._sequence, self._conversion, settings = out.following
        self._form = self._form_of(out.per_packet, out.frame_bytes, settings)
        #: Bytes that are lacking to a packet.
        self.n_lacking = max(self._n_checked - len(self._held), 1)
        self.is_full = False  #: As much waits to be told as may.

    def take(self, data: bytes, max_bytes: int, now_s: float) -> UnmadePacket | bool:
        """Take what came, if it is as foreseen.

        Returns
        -------
        UnmadePacket or bool
            The packet, of at most `max_bytes`; True while bytes are lacking to it; False if
            anything is not as foreseen, and nothing is taken then.
        """
        whole = self._held + data if self._held else data
        n_spare = len(whole) - self._n_checked
        if n_spare >= self._n_bytes or self.is_full or not data:
            return False
        if n_spare < 0:
            self._held = whole
            self.n_lacking = -n_spare
            self._tell(data, now_s)
            return True
        if self._form.n_bytes > max_bytes:
            return False
        frames_at = self._frames(whole[: self._n_checked] if n_spare else whole)
        if frames_at is None:
            return False
        frames, time_us = frames_at
        packet = UnmadePacket(self._form, self._sequence, self._conversion, time_us, frames)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._conversion = (self._conversion + self._per_packet) & 0xFFFFFFFF
        self._held = held = whole[self._n_bytes :]
        self.n_lacking = max(self._n_checked - len(held), 1)
        self.made.append(packet)
        self._tell(data, now_s)
        return packet

    def _tell(self, data: bytes, now_s: float) -> None:
        self.told.append(data)
        self.is_full = len(self.told) >= _MOST
        self.heard_s = now_s

    def _form_of(self, n_frames: int, frame_bytes: int, settings: int) -> PacketForm:
        """Return what packets have in common; `_frames` gives the bytes that hold the codes."""
        raise NotImplementedError

    def _frames(self, data: bytes) -> tuple[bytes, int] | None:
        """Return the bytes that hold the codes, and the board time of the first frame, µs.

        None if what came, and what proves it, are not the next frames; nothing is done then.
        """
        raise NotImplementedError

    def parts(self) -> tuple[bytes, bytes]:
        """Return what was told: what the packets were made of, and what came behind it."""
        whole = b"".join(self.told)
        if not self.made:
            return b"", whole
        end = len(whole) - (len(self._held) - (self._n_checked - self._n_bytes))
        return whole[:end], whole[end:]

    def check(self, made: bytes) -> None:
        """See that what was made of what was told is what was handed on."""
        if made != b"".join([packet.made() for packet in self.made]):
            raise AssertionError("what was foreseen is not what the frames say")


class CountedFrames(Foreseen):
    """Frames that a byte alone counts, and nothing else proves but bytes that are fixed.

    Parameters
    ----------
    template : FrameTemplate
        `fits` it.
    decoder, out
        See `Foreseen`.
    move : callable
        Makes frames of the chips of so many as fill a packet.
    last : bytes
        The last frame; lead-off bytes are as in it.
    time_us : float
        Board time of the last frame, µs.
    """

    def __init__(
        self,
        template: FrameTemplate,
        decoder: FrameDecoder,
        out: Outgoing,
        move: Callable[[bytes], bytes],
        last: bytes,
        time_us: float,
    ) -> None:
        self._n_chips, _ = template.parts
        super().__init__(decoder, out, out.per_packet)
        assert template.counter is not None
        status = template.status
        places = [place for place, _, _ in template.fixed]
        places += [place for place in (status.lead_off_p, status.lead_off_n) if place >= 0]
        self._fixed = [(place, last[place : place + 1] * self._n_all) for place in places]
        self._counter_at = template.counter.at
        self._count = (last[self._counter_at] + 1) % TURN
        self._counts = COUNTS * (1 + self._n_all // TURN)
        self._move = move
        self._period_us = 1e6 / template.channels.rate_hz
        self._time_us = time_us

    def _form_of(self, n_frames: int, frame_bytes: int, settings: int) -> PacketForm:
        places = STATUS_BYTES, frame_bytes, frame_bytes // self._n_chips
        return PacketForm(n_frames, frame_bytes, settings, *places, lambda data: data[:-1])

    @staticmethod
    def fits(template: FrameTemplate, time_us: float) -> bool:
        """Tell whether such frames are; sums of whole times are the same however they are made."""
        counter = template.counter
        return (
            counter is not None
            and counter.bytes == 1
            and counter.period == TURN
            and not template.is_loss_by_time
            and template.frame.checksum is None
            and template.frame.coding == "plain"
            and all(mask == WHOLE for _, mask, _ in template.fixed)
            and (1e6 / template.channels.rate_hz).is_integer()
            and float(time_us).is_integer()
        )

    def _frames(self, data: bytes) -> tuple[bytes, int] | None:
        n_bytes, count = self._frame_bytes, self._count
        for place, expected in self._fixed:
            if data[place::n_bytes] != expected:
                return None
        if data[self._counter_at :: n_bytes] != self._counts[count : count + self._n_all]:
            return None
        frames = self._move(data[: self._n_bytes]) + b"\0"  # a byte behind the last code
        time_us = self._time_us + self._period_us
        self._count = (count + self._n_frames) % TURN
        self._time_us += self._n_frames * self._period_us
        return frames, round(time_us)
