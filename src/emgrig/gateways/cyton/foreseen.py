"""A Cyton's packets that were foreseen, a Daisy's in pairs; see `emgrig.gateways.foreseen`."""

from functools import cache
from operator import sub
from struct import Struct
from typing import Final

from emgrig.gateways.cyton.frames import EACH, PACKET_BYTES, CytonDecoder, CytonNumbering, Standing
from emgrig.gateways.decoding import COUNTS, TURN
from emgrig.gateways.foreseen import Foreseen
from emgrig.gateways.outgoing import Outgoing
from emgrig.protocol.frames import CODE_BYTES
from emgrig.protocol.unmade import PacketForm

_HEADER: Final = b"\xa0"
_NO_STATUS: Final = bytes(3)
_PERIODS: Final = 1.4  #: A step of more is looked at closer: something may not have been sent.
_CODES_AT: Final = 2
_TIME_AT: Final = 28
_FOOTER_AT: Final = PACKET_BYTES - 1


@cache
def _times(n_packets: int) -> Struct:
    """Return what reads the times of so many packets."""
    return Struct(">" + f"{_TIME_AT}xIx" * n_packets)


class CytonPackets(Foreseen):
    """Packets of a Cyton, each the next one and none late.

    Parameters
    ----------
    decoder, out
        See `Foreseen`.
    numbering : CytonNumbering
        That would number them.
    standing : Standing
        Where it stands.
    """

    def __init__(
        self, decoder: CytonDecoder, out: Outgoing, numbering: CytonNumbering, standing: Standing
    ) -> None:
        self._has_daisy = numbering.has_daisy
        super().__init__(decoder, out, numbering.frames_until(out.per_packet))
        n_all = self._n_all
        self._headers = _HEADER * n_all
        self._footers = standing.footer * n_all
        self._counts = COUNTS * (1 + n_all // TURN)
        self._count = (standing.counter + 1) % TURN
        self._raw, self._offset_us = standing.raw_ms, standing.offset_us
        self._most_ms = _PERIODS * standing.period_ms
        self._reader = _times(n_all)

    def _form_of(self, n_frames: int, frame_bytes: int, settings: int) -> PacketForm:
        if self._has_daisy:  # a Daisy's packet comes before the board's, which is the first chip
            places = PACKET_BYTES + _CODES_AT, 2 * PACKET_BYTES, -PACKET_BYTES
            return PacketForm(n_frames, frame_bytes, settings, *places, self._pairs)
        places = _CODES_AT, PACKET_BYTES, 0
        return PacketForm(n_frames, frame_bytes, settings, *places, self._singles)

    def _singles(self, data: bytes) -> bytes:
        return _NO_STATUS + _NO_STATUS.join(self._codes_of(data))

    def _pairs(self, data: bytes) -> bytes:
        codes = self._codes_of(data)
        swapped = [b""] * self._n_frames
        swapped[0::2], swapped[1::2] = codes[1::2], codes[0::2]
        return _NO_STATUS + _NO_STATUS.join(swapped)

    def _codes_of(self, data: bytes) -> list[bytes]:
        """Return the codes of each packet, but of those that are there for proof."""
        begins = range(_CODES_AT, self._n_bytes, PACKET_BYTES)
        return [data[begin : begin + CODE_BYTES * EACH] for begin in begins]

    def _frames(self, data: bytes) -> tuple[bytes, int] | None:
        count, n_packets = self._count, self._n_frames
        if (
            data[1::PACKET_BYTES] != self._counts[count : count + self._n_all]
            or data[0::PACKET_BYTES] != self._headers
            or data[_FOOTER_AT::PACKET_BYTES] != self._footers
        ):
            return None
        millis = self._reader.unpack(data)
        steps_ms = tuple(map(sub, millis, (self._raw, *millis)))
        if min(steps_ms) < 0 or max(steps_ms) >= self._most_ms:
            return None
        first_ms = millis[self._has_daisy]  # the board's gives a pair its time
        self._count, self._raw = (count + n_packets) % TURN, millis[n_packets - 1]
        return data, first_ms * 1000 + self._offset_us
