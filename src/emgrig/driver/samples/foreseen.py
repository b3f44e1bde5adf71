"""Packets that were foreseen: a board at its own pace says nearly nothing new with each of them.

Between two packets the computer does other things, and what it then needs of code and data comes
from far away: each step costs several times what it costs in a row. So packets whose every field
but time and frames is as foreseen become a block in one step, one or as many as a read gave. That
it was so is told to decoder and assembler later, many packets in a row (`Foresight.settle`), and
always before anybody asks them, or anything else comes. What they then say is the truth; here
nothing is decided that they do not.
"""

import struct
import zlib
from collections.abc import Callable
from typing import Final

from emgrig.driver.chip.model import ADS1299
from emgrig.driver.samples.assemble import Assembler
from emgrig.driver.samples.block import Block
from emgrig.driver.samples.calm import Calm
from emgrig.protocol.decoder import CRC_BATCH, Decoder, Item, OnePacket, SamplePackets
from emgrig.protocol.frames import FrameLayout
from emgrig.protocol.framing import CRC_BYTES, HEADER_BYTES, SYNC, VERSION, PacketType
from emgrig.protocol.packets import SAMPLES_HEADER_BYTES
from emgrig.protocol.unmade import PacketForm, Received, UnmadePacket, made

#: Sync, version and type; sequence; length; conversion; time; frames, their bytes; settings; flags.
_HEAD: Final = "<4sHHIqHHH"
_BEGIN: Final = SYNC + bytes((VERSION, PacketType.SAMPLES))
_HEAD_BYTES: Final = HEADER_BYTES + SAMPLES_HEADER_BYTES
_WRAP: Final = 1 << 32
#: Time may be so many data periods from what the count says; at half of one the account would see
#: a hidden loss.
_PERIODS_OFF: Final = 0.25
_MOST_BYTES: Final = 1 << 17  #: So much waits to be told.


class Foreseen:
    """What the next packets must be; `take` makes a block of them.

    Parameters
    ----------
    decoder : Decoder
        That would decode them.
    layout : FrameLayout
        How frames are made.
    calm : Calm
        Where the run stands.
    n_frames : int
        Frames of a packet.
    """

    def __init__(self, decoder: Decoder, layout: FrameLayout, calm: Calm, n_frames: int) -> None:
        self.told: list[Received] = []  #: What became blocks, and nobody else knows of.
        self.n_told_bytes = 0
        self.host_s = 0.0  #: When the last packet of them was whole.
        self.position = calm.position  #: The stream's count that comes next.
        self._layout, self._calm = layout, calm
        self.n_frames = n_frames
        self._n_bytes = _HEAD_BYTES + n_frames * layout.frame_bytes + CRC_BYTES
        self._head = struct.Struct(f"{_HEAD}{self._n_bytes - _HEAD_BYTES}x")
        self._length = self._n_bytes - HEADER_BYTES - CRC_BYTES
        self._length_bytes = self._length.to_bytes(2, "little")
        self._shape = n_frames | layout.frame_bytes << 8
        self._crcs = decoder.whole_crcs(self._n_bytes)
        self._rest = decoder.held  # the begin of the next packet
        self._sequence = decoder.expected_sequence
        self._conversion = calm.conversion
        self._span_us = n_frames * calm.period_us
        self._time_us = calm.raw_us + self._span_us
        self._off_us = _PERIODS_OFF * calm.period_us
        self._form: PacketForm | None = None  # of packets that are not made
        self._places = layout.places(n_frames, 0, 0)

    def take(self, data: Received, host_s: float, most_samples: int) -> list[Block] | None:
        """Take what one read gave, of so many samples at most.

        Returns
        -------
        list of Block, or None
            The block, or nothing if no packet is whole yet. None if anything is not as foreseen:
            then nothing was taken.
        """
        if isinstance(data, UnmadePacket):
            return self._take_unmade(data, host_s, most_samples)
        n_packets, n_rest = divmod(len(self._rest) + len(data), self._n_bytes)
        n_samples = n_packets * self.n_frames
        if n_packets > CRC_BATCH or n_samples > most_samples:
            return None
        whole = self._rest + data if self._rest else data
        rest = b""
        if n_rest:
            whole, rest = whole[:-n_rest], whole[-n_rest:]
            if not self._begins_with(rest):
                return None
        blocks = []
        if n_packets:
            first_us = self._check(whole, n_packets)
            if first_us is None:
                return None
            blocks.append(self._block(whole, n_packets, first_us))
            self.position += n_samples
            self.host_s = host_s
        self._rest = rest
        self.told.append(data)
        self.n_told_bytes += len(data)
        return blocks

    def _take_unmade(
        self, packet: UnmadePacket, host_s: float, most_samples: int
    ) -> list[Block] | None:
        """Take a packet that nobody has made yet: its CRC would be right."""
        form, time_us = packet.form, packet.time_us
        if (
            packet.sequence != self._sequence
            or packet.conversion != self._conversion
            or (form is not self._form and not self._knows(form))
            or self.n_frames > most_samples
            or not -self._off_us < time_us - self._time_us < self._off_us
            or self._rest
        ):
            return None
        layout, calm, n_frames = self._layout, self._calm, self.n_frames
        block = Block.plain(
            layout.codes_at(packet.data, form.begin, *self._places),
            lambda: layout.status_in(packet.frames(), 0, n_frames),
            self.position,
            time_us + calm.offset_us,
            calm.epoch,
        )
        self._sequence = (packet.sequence + 1) & 0xFFFF
        self._conversion = (packet.conversion + n_frames) % _WRAP
        self._time_us = time_us + self._span_us
        self.position += n_frames
        self.host_s = host_s
        self.told.append(packet)
        self.n_told_bytes += form.n_bytes
        return [block]

    def _knows(self, form: PacketForm) -> bool:
        """Tell whether packets of this form are those that are foreseen, and need no other look."""
        calm, shape = self._calm, form.n_frames | form.frame_bytes << 8
        is_known = shape == self._shape and form.settings == calm.epoch.number
        if not is_known or calm.checks_status or calm.is_late:
            return False
        self._form = form
        self._places = self._layout.places(form.n_frames, form.frame_stride, form.chip_stride)
        return True

    def _begins_with(self, rest: bytes) -> bool:
        """Tell whether the decoder would wait for the rest of a packet that begins so."""
        return _BEGIN.startswith(rest[:4]) and self._length_bytes.startswith(rest[6:8])

    def _check(self, whole: bytes, n_packets: int) -> int | None:
        """Return the time of the first packet, µs, and foresee what follows them; else None."""
        if zlib.crc32(whole) != self._crcs[n_packets]:
            return None
        calm, n_bytes, chip_bytes = self._calm, self._n_bytes, self._layout.chip_bytes
        number, shape_now, length_now = calm.epoch.number, self._shape, self._length
        next_sequence, next_conversion, next_us = self._sequence, self._conversion, self._time_us
        first_us, at = None, 0
        for (
            begin,
            sequence,
            length,
            conversion,
            time_us,
            shape,
            settings,
            flags,
        ) in self._head.iter_unpack(whole):
            if (
                conversion != next_conversion
                or sequence != next_sequence
                or begin != _BEGIN
                or length != length_now
                or shape != shape_now
                or settings != number
                or flags
                or not -self._off_us < time_us - next_us < self._off_us
            ):
                return None
            end = at + n_bytes
            if calm.checks_status and not ADS1299.are_status(
                whole[at + _HEAD_BYTES : end - CRC_BYTES : chip_bytes]
            ):
                return None
            if calm.is_late and calm.is_late(self._packet(whole[at:end], conversion, time_us)):
                return None
            if first_us is None:
                first_us = time_us
            next_sequence = (sequence + 1) & 0xFFFF
            next_conversion = (conversion + self.n_frames) % _WRAP
            next_us, at = time_us + self._span_us, end
        self._sequence, self._conversion, self._time_us = next_sequence, next_conversion, next_us
        return first_us

    def _block(self, whole: bytes, n_packets: int, first_us: int) -> Block:
        layout, place = self._layout, (_HEAD_BYTES, self.n_frames, n_packets, self._n_bytes)
        return Block.plain(
            layout.codes_in(whole, *place),
            lambda: layout.status_in(whole, *place),
            self.position,
            first_us + self._calm.offset_us,
            self._calm.epoch,
        )

    def _packet(self, data: bytes, conversion: int, time_us: int) -> OnePacket:
        shape = self.n_frames, self._layout.frame_bytes
        return OnePacket(
            conversion, time_us, self._calm.epoch.number, 0, 0, data, _HEAD_BYTES, *shape
        )


class Foresight:
    """Takes what is foreseen, and tells the others of it.

    Parameters
    ----------
    assembler : Assembler
        Knows where the run stands.
    layout : FrameLayout
        How frames are made.
    decoder : callable
        Gives the decoder, another one after the link was opened anew.
    end : int, optional
        The stream's count that is taken from what has been decoded, and none behind it.
    """

    def __init__(
        self,
        assembler: Assembler,
        layout: FrameLayout,
        decoder: Callable[[], Decoder],
        end: int | None = None,
    ) -> None:
        self._assembler, self._layout, self._decoder = assembler, layout, decoder
        self._last = 1 << 62 if end is None else end - 1
        self._foreseen: Foreseen | None = None

    def look(self, item: Item) -> None:
        """Foresee what follows an item that the assembler was given, if that is known."""
        self._foreseen = None
        if isinstance(item, SamplePackets):
            self._look(item.n_frames)

    def _look(self, n_frames: int) -> None:
        calm = self._assembler.calm()
        if calm is not None:
            self._foreseen = Foreseen(self._decoder(), self._layout, calm, n_frames)

    def take(self, data: Received, host_s: float, most_samples: int) -> list[Block] | None:
        """Take what one read gave, as `Foreseen.take` does."""
        foreseen = self._foreseen
        if foreseen is None:
            return None
        blocks = foreseen.take(data, host_s, min(most_samples, self._last - foreseen.position))
        if foreseen.n_told_bytes > _MOST_BYTES:
            self.settle()
            self._look(foreseen.n_frames)
        return blocks

    def settle(self) -> None:
        """Tell decoder and assembler what was taken; nothing is foreseen then."""
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is not None and foreseen.told:
            items = self._decoder().feed(b"".join(map(made, foreseen.told)))
            self._assembler.skim(items, foreseen.host_s)
            if self._assembler.position != foreseen.position:
                raise AssertionError("what was foreseen is not what the packets say")
