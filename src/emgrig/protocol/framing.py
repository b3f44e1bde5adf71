"""The frame around every packet, on every byte stream (link protocol, version 1).

::

    A5 5A | version | type | sequence u16 | length u16 | payload … | CRC-32

Little-endian. The CRC is that of `zlib.crc32` over everything between the sync bytes and itself.
"""

import zlib
from enum import IntEnum

import construct as cs

VERSION = 1
SYNC = b"\xa5\x5a"
HEADER_BYTES = 8
CRC_BYTES = 4
OVERHEAD_BYTES = HEADER_BYTES + CRC_BYTES
MAX_PAYLOAD_BYTES = 4096
MAX_PACKET_BYTES = OVERHEAD_BYTES + MAX_PAYLOAD_BYTES


class PacketType(IntEnum):
    """What the payload is."""

    SAMPLES = 0x01
    EVENT = 0x02
    REQUEST = 0x10
    REPLY = 0x11


HEADER = cs.Struct(
    "sync" / cs.Const(SYNC) * "A5 5A",
    "version" / cs.Int8ul * "1",
    "type" / cs.Int8ul * "packet type",
    "sequence" / cs.Int16ul * "one counter a direction, +1 a packet, wraps at 65536",
    "length" / cs.Int16ul * "bytes of payload, 0 to 4096",
)

#: The whole packet as construct sees it: the readable truth that the fast decoder is held against.
PACKET = cs.Struct(
    "header" / HEADER,
    "payload" / cs.Bytes(cs.this.header.length) * "by packet type",
    "crc" / cs.Int32ul * "CRC-32 (zlib.crc32) of everything from `version` to the payload's end",
)


def encode_packet(packet_type: int, sequence: int, payload: bytes) -> bytes:
    """Frame one payload; ValueError if it is longer than 4096 bytes."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"payload of {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} fit")
    head = (
        bytes((VERSION, packet_type))
        + (sequence & 0xFFFF).to_bytes(2, "little")
        + len(payload).to_bytes(2, "little")
    )
    crc = zlib.crc32(payload, zlib.crc32(head))
    return SYNC + head + payload + crc.to_bytes(4, "little")


class PacketEncoder:
    """Frame payloads of one direction, counting the sequence."""

    def __init__(self, first_sequence: int = 0) -> None:
        self._sequence = first_sequence & 0xFFFF

    @property
    def next_sequence(self) -> int:
        """The sequence number of the next packet."""
        return self._sequence

    def __call__(self, packet_type: int, payload: bytes) -> bytes:
        """Frame `payload` with the next sequence number."""
        packet = encode_packet(packet_type, self._sequence, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF
        return packet
