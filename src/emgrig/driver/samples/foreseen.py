"""The packet that was foreseen: a board at its own pace says nearly nothing new with each packet.

Between two packets the computer does other things, and what it then needs of code and data comes
from far away: each step costs several times what it costs in a row. So a packet whose every field
but time and frames is as foreseen becomes a block in one step. That it was so is told to decoder
and assembler later, many packets in a row (`Foreseen.settle`), and always before anybody asks them,
or anything else comes. What they then say is the truth; here nothing is decided that they do not.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

from emgrig.driver.chip.model import ADS1299
from emgrig.driver.samples.block import Block, Epoch
from emgrig.protocol.decoder import Decoder, OnePacket
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import CRC_BYTES, HEADER_BYTES, SYNC, VERSION, PacketType
from emgrig.protocol.packets import SAMPLES_HEADER_BYTES

#: Sync, version and type; sequence; length; conversion; time; frames and their bytes; settings, flags.
_HEAD: Final = struct.Struct("<4sHHIqHHH")
_BEGIN: Final = SYNC + bytes((VERSION, PacketType.SAMPLES))
_HEAD_BYTES: Final = HEADER_BYTES + SAMPLES_HEADER_BYTES
_WRAP: Final = 1 << 32
#: Time may be so many data periods from what the count says; at half of one the account would see
#: a hidden loss.
_PERIODS_OFF: Final = 0.25
_MOST: Final = 64  #: Packets that wait to be told.


class Calm(NamedTuple):
    """Where a run stands in which nothing is missing, pending or new."""

    conversion: int  #: That comes next, modulo 2**32.
    position: int  #: The stream's count of it.
    raw_us: int  #: Board time of the last packet, as it was said, µs.
    offset_us: int  #: What makes of it a time on the line.
    period_us: float  #: Data period, µs.
    epoch: Epoch
    checks_status: bool  #: Frames have whole status words.
    is_late: Callable[[OnePacket], bool] | None  #: Whether it is of a run that is over.


class Foreseen:
    """What the next packet must be; `take` makes a block of it.

    Parameters
    ----------
    decoder : Decoder
        That would decode it.
    layout : FrameLayout
        How frames are made.
    calm : Calm
        Where the run stands.
    n_frames : int
        Frames of a packet.
    """

    def __init__(self, decoder: Decoder, layout: FrameLayout, calm: Calm, n_frames: int) -> None:
        self.told: list[bytes] = []  #: Packets that became blocks, and nobody else knows of.
        self.host_s = 0.0  #: When the last of them came.
        self.position = calm.position  #: The stream's count that comes next.
        self._layout, self._calm = layout, calm
        self.n_frames = n_frames
        self._n_bytes = _HEAD_BYTES + n_frames * layout.frame_bytes + CRC_BYTES
        self._length = self._n_bytes - HEADER_BYTES - CRC_BYTES
        self._shape = n_frames | layout.frame_bytes << 8
        self._crc = decoder.whole_crc(self._n_bytes)
        self._sequence = decoder.expected_sequence
        self._conversion = calm.conversion
        self._span_us = n_frames * calm.period_us
        self._time_us = calm.raw_us + self._span_us
        self._off_us = _PERIODS_OFF * calm.period_us

    def take(self, data: bytes, host_s: float) -> Block | None:
        """Return the block of a packet that is as foreseen; None if anything is not."""
        if len(data) != self._n_bytes:
            return None
        begin, sequence, length, conversion, time_us, shape, settings, flags = _HEAD.unpack_from(
            data
        )
        calm = self._calm
        if (
            conversion != self._conversion
            or sequence != self._sequence
            or begin != _BEGIN
            or length != self._length
            or shape != self._shape
            or settings != calm.epoch.number
            or flags
            or not -self._off_us < time_us - self._time_us < self._off_us
            or zlib.crc32(data) != self._crc
            or len(self.told) == _MOST
        ):
            return None
        layout, n_frames = self._layout, self.n_frames
        if calm.checks_status and not ADS1299.are_status(
            data[_HEAD_BYTES:-CRC_BYTES : layout.chip_bytes]
        ):
            return None
        if calm.is_late is not None and calm.is_late(self._packet(data, conversion, time_us)):
            return None
        block = Block.plain(
            layout.codes_in(data, _HEAD_BYTES, n_frames),
            lambda: layout.status_in(data, _HEAD_BYTES, n_frames),
            self.position,
            time_us + calm.offset_us,
            calm.epoch,
        )
        self.told.append(data)
        self.host_s = host_s
        self._sequence = (sequence + 1) & 0xFFFF
        self._conversion = (conversion + n_frames) % _WRAP
        self.position += n_frames
        self._time_us = time_us + self._span_us
        return block

    def _packet(self, data: bytes, conversion: int, time_us: int) -> OnePacket:
        shape = self.n_frames, self._layout.frame_bytes
        return OnePacket(
            conversion, time_us, self._calm.epoch.number, 0, 0, data, _HEAD_BYTES, *shape
        )
