"""A packet of samples that is made when somebody wants its bytes.

A gateway makes packets of a board's frames in the program that reads them. Where each is as the one
before lets expect, whoever takes them needs no byte of them: the codes are where the board has put
them, and the rest of the packet is known. So it is made late, or many in a row, or not at all.
"""

import zlib
from collections.abc import Callable
from struct import Struct
from typing import Final

from emgrig.protocol.framing import HEADER_BYTES, OVERHEAD_BYTES, SYNC, VERSION, PacketType

#: Sync, version and type; sequence; length; conversion; time; frames, their bytes; settings; flags.
_HEAD: Final = Struct("<4sHHIQBBHH")
_BEGIN: Final = SYNC + bytes((VERSION, PacketType.SAMPLES))


class PacketForm:
    """What is the same in packets that follow each other.

    Parameters
    ----------
    n_frames, frame_bytes : int
        Frames of each, and bytes of each frame.
    settings : int
        Epoch of each.
    begin : int
        Where the first code is in the bytes of `UnmadePacket.data`; behind each code, of 3 bytes,
        is one byte more.
    frame_stride, chip_stride : int
        How many bytes lie from frame to frame, and from the codes of a chip to those of the next;
        those of one chip lie side by side.
    frames : callable
        Makes of such bytes the frames as the chips would send them.
    """

    __slots__ = (
        "begin",
        "chip_stride",
        "frame_bytes",
        "frame_stride",
        "frames",
        "n_bytes",
        "n_frames",
        "settings",
    )

    def __init__(
        self,
        n_frames: int,
        frame_bytes: int,
        settings: int,
        begin: int,
        frame_stride: int,
        chip_stride: int,
        frames: Callable[[bytes], bytes],
    ) -> None:
        self.n_frames, self.frame_bytes, self.settings = n_frames, frame_bytes, settings
        self.begin, self.frame_stride, self.chip_stride = begin, frame_stride, chip_stride
        self.frames = frames
        #: Of a packet that is made.
        self.n_bytes = _HEAD.size - HEADER_BYTES + n_frames * frame_bytes + OVERHEAD_BYTES


class UnmadePacket:
    """One packet of samples with no flag; `made` is its bytes.

    Parameters
    ----------
    form : PacketForm
        What it has in common with others.
    sequence, conversion : int
        Of the packet, and of its first frame, as the packet says them.
    time_us : int
        Board time of its first frame, µs.
    data : bytes
        Where the codes are.
    """

    __slots__ = ("_made", "conversion", "data", "form", "sequence", "time_us")

    def __init__(
        self, form: PacketForm, sequence: int, conversion: int, time_us: int, data: bytes
    ) -> None:
        self.form, self.sequence, self.conversion = form, sequence, conversion
        self.time_us, self.data = time_us, data
        self._made = b""

    def frames(self) -> bytes:
        """Make the frames as the chips would send them, one byte behind them."""
        return self.form.frames(self.data) + b"\0"

    def made(self) -> bytes:
        """Make the packet."""
        if not self._made:
            form = self.form
            head = _HEAD.pack(
                _BEGIN,
                self.sequence,
                form.n_bytes - OVERHEAD_BYTES,
                self.conversion,
                self.time_us,
                form.n_frames,
                form.frame_bytes,
                form.settings,
                0,
            )
            packet = head + form.frames(self.data)
            crc = zlib.crc32(packet[len(SYNC) :])
            self._made = packet + crc.to_bytes(4, "little")
        return self._made


Received = bytes | UnmadePacket
"""What a link gives: bytes, or a packet that can become some."""


def made(received: Received) -> bytes:
    """Return the bytes."""
    return received.made() if isinstance(received, UnmadePacket) else received
