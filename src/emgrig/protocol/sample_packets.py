"""Sample packets as the decoder gives them: many as arrays, one as numbers.

A board at its own pace sends packet by packet, and for one of them every array costs more than what
is done with it. So one packet carries numbers, and makes arrays of them for whoever asks.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import HEADER_BYTES
from emgrig.protocol.packets import SAMPLES_HEADER_BYTES

#: What a whole packet of samples begins with: the framing's header, then `packets.SamplesHeader`.
SAMPLES_HEAD: Final = np.dtype(
    [
        ("sync", "S2"),
        ("version", "u1"),
        ("type", "u1"),
        ("sequence", "<u2"),
        ("length", "<u2"),
        ("first_conversion", "<u4"),
        ("board_time_us", "<u8"),
        ("n_frames", "u1"),
        ("frame_bytes", "u1"),
        ("settings", "<u2"),
        ("flags", "<u2"),
    ]
)
SAMPLES_HEAD_BYTES: Final = HEADER_BYTES + SAMPLES_HEADER_BYTES
assert SAMPLES_HEAD.itemsize == SAMPLES_HEAD_BYTES


class SamplePackets:
    """A run of sample packets of one shape, in the order they came; all CRCs are good."""

    n_packets: int  #: Packets in this run.
    first_conversion: NDArray[np.int64]  #: int64, shape (n_packets,)
    board_time_us: NDArray[np.int64]  #: int64, shape (n_packets,)
    settings: NDArray[np.int64]
    flags: NDArray[np.int64]
    #: int64, shape (n_packets,); Packets of any kind that the link has lost up to here, since the
    #: decoder was made.
    link_lost: NDArray[np.int64]
    #: uint8, shape (n_packets, n_frames, frame_bytes); A view into the bytes that were fed.
    frames: NDArray[np.uint8]

    def __init__(
        self,
        first_conversion: NDArray[np.int64],
        board_time_us: NDArray[np.int64],
        settings: NDArray[np.int64],
        flags: NDArray[np.int64],
        link_lost: NDArray[np.int64],
        frames: NDArray[np.uint8],
    ) -> None:
        self.n_packets = len(first_conversion)
        self.first_conversion, self.board_time_us = first_conversion, board_time_us
        self.settings, self.flags, self.link_lost = settings, flags, link_lost
        self.frames = frames

    @property
    def n_frames(self) -> int:
        """Frames in each packet."""
        return int(self.frames.shape[1])

    @property
    def frame_bytes(self) -> int:
        """Bytes of each frame."""
        return int(self.frames.shape[2])

    def part(self, which: slice | NDArray[np.bool_]) -> "SamplePackets":
        """Return some of the packets."""
        return SamplePackets(
            self.first_conversion[which],
            self.board_time_us[which],
            self.settings[which],
            self.flags[which],
            self.link_lost[which],
            self.frames[which],
        )

    def at(self, board_time_us: NDArray[np.int64]) -> "SamplePackets":
        """Return the same packets at other times."""
        return SamplePackets(
            self.first_conversion,
            board_time_us,
            self.settings,
            self.flags,
            self.link_lost,
            self.frames,
        )

    def codes(self, layout: FrameLayout) -> NDArray[np.int32]:
        """Return the codes of all frames, shape (n_packets * n_frames, n_channels)."""
        return layout.codes(self.frames)

    def status(self, layout: FrameLayout) -> NDArray[np.uint32]:
        """Return the status words of all frames, shape (n_packets * n_frames, n_chips)."""
        return layout.status(self.frames)


class OnePacket(SamplePackets):
    """One sample packet: numbers; its arrays are made when somebody asks for them.

    Parameters
    ----------
    conversion, time_us, epoch, flag_bits, n_link_lost : int
        What the arrays `first_conversion`, `board_time_us`, `settings`, `flags` and `link_lost` of
        `SamplePackets` hold.
    data : bytes
        Where the frames are, from byte `begin` on: `frame_count` of `frame_size` bytes each. Behind
        them is at least one byte more; in a packet, that is its CRC.
    """

    def __init__(
        self,
        conversion: int,
        time_us: int,
        epoch: int,
        flag_bits: int,
        n_link_lost: int,
        data: bytes,
        begin: int,
        frame_count: int,
        frame_size: int,
    ) -> None:
        self.n_packets = 1
        self.conversion, self.time_us, self.epoch = conversion, time_us, epoch
        self.flag_bits, self.n_link_lost = flag_bits, n_link_lost
        self.data, self.begin = data, begin
        self.frame_count, self.frame_size = frame_count, frame_size

    def __getattr__(self, name: str) -> NDArray[np.int64] | NDArray[np.uint8]:
        """Make an array from its number."""
        if name == "frames":
            shape = (1, self.frame_count, self.frame_size)
            self.frames = np.ndarray(shape, np.uint8, self.data, self.begin)
            return self.frames
        if name not in _NUMBERS:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        made = np.array([getattr(self, _NUMBERS[name])], np.int64)
        setattr(self, name, made)
        return made

    @property
    def n_frames(self) -> int:
        """Frames in the packet."""
        return self.frame_count

    @property
    def frame_bytes(self) -> int:
        """Bytes of each frame."""
        return self.frame_size

    def at_us(self, time_us: int) -> "OnePacket":
        """Return the same packet at another time, µs."""
        return OnePacket(
            self.conversion,
            time_us,
            self.epoch,
            self.flag_bits,
            self.n_link_lost,
            self.data,
            self.begin,
            self.frame_count,
            self.frame_size,
        )

    def codes(self, layout: FrameLayout) -> NDArray[np.int32]:
        """Return the codes of all frames, shape (n_frames, n_channels)."""
        return layout.codes_in(self.data, self.begin, self.frame_count)

    def status(self, layout: FrameLayout) -> NDArray[np.uint32]:
        """Return the status words of all frames, shape (n_frames, n_chips)."""
        return layout.status_in(self.data, self.begin, self.frame_count)

    def status_begins(self, layout: FrameLayout) -> bytes:
        """Return the first byte of each status word of each frame."""
        end = self.begin + self.frame_count * self.frame_size
        return self.data[self.begin : end : layout.chip_bytes]


_NUMBERS = {
    "first_conversion": "conversion",
    "board_time_us": "time_us",
    "settings": "epoch",
    "flags": "flag_bits",
    "link_lost": "n_link_lost",
}
