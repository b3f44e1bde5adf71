"""A Cyton's packets that were foreseen, a Daisy's in pairs; see `emgrig.gateways.foreseen`."""

from functools import cache
from operator import sub
from struct import Struct
from typing import Final

from emgrig.gateways.cyton.frames import EACH, PACKET_BYTES, CytonDecoder, CytonNumbering, Standing
from emgrig.gateways.decoding import COUNTS, TURN
from emgrig.gateways.foreseen import Foreseen
from emgrig.gateways.outgoing import Outgoing

_HEADER: Final = b"\xa0"
_NO_STATUS: Final = bytes(3)
_PERIODS: Final = 1.4  #: A step of more is looked at closer: something may not have been sent.
_FOOTER_AT: Final = PACKET_BYTES - 1


@cache
def _codes_and_times(n_packets: int) -> Struct:
    """Return what reads of so many packets the codes and the time of each, one after the other."""
    return Struct(">" + f"2x{3 * EACH}s2xIx" * n_packets)


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
        super().__init__(decoder, out, numbering.frames_until(out.per_packet))
        n_all = self._n_all
        self._headers = _HEADER * n_all
        self._footers = standing.footer * n_all
        self._counts = COUNTS * (1 + n_all // TURN)
        self._count = (standing.counter + 1) % TURN
        self._raw, self._offset_us = standing.raw_ms, standing.offset_us
        self._most_ms = _PERIODS * standing.period_ms
        self._reader = _codes_and_times(n_all)
        self._has_daisy = numbering.has_daisy

    def _frames(self, data: bytes) -> tuple[bytes, int] | None:
        count, n_packets = self._count, self._n_frames
        if (
            data[1::PACKET_BYTES] != self._counts[count : count + self._n_all]
            or data[0::PACKET_BYTES] != self._headers
            or data[_FOOTER_AT::PACKET_BYTES] != self._footers
        ):
            return None
        said = self._reader.unpack(data)
        millis = said[1::2]
        steps_ms = tuple(map(sub, millis, (self._raw, *millis)))
        if min(steps_ms) < 0 or max(steps_ms) >= self._most_ms:
            return None
        codes = said[0 : 2 * n_packets : 2]
        first_ms = millis[0]
        if self._has_daisy:  # a Daisy's comes before the board's, which gives the pair its time
            swapped = [b""] * n_packets
            swapped[0::2], swapped[1::2] = codes[1::2], codes[0::2]
            codes, first_ms = tuple(swapped), millis[1]
        self._count, self._raw = (count + n_packets) % TURN, millis[n_packets - 1]
        return _NO_STATUS + _NO_STATUS.join(codes), first_ms * 1000 + self._offset_us
