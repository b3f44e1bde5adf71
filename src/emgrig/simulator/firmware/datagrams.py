"""The way out of a board that sends datagrams: whole ones arrive, or none.

Within a process they are handed over as a sniffer would show them: the port that each goes to, its
length, and its bytes.
"""

import struct
from typing import Final

from emgrig.onboard.outlet import Outlet

HEAD: Final = struct.Struct(">HH")
"""Port and length."""


class DatagramOutlet(Outlet):
    """An outlet of datagrams; see `Outlet`."""

    def send_datagram(self, port: int, payload: bytes, now_s: float) -> None:
        """Send one datagram; what the link does to it happens now."""
        for whole in survivors(payload, self.link.damage([payload])):
            framed = HEAD.pack(port, len(whole)) + whole
            if self.has_room(len(framed)):
                self.send_samples([framed], 1, now_s)

    def _through_link(self, packets: list[bytes]) -> bytes:
        """Return them as they are: what the link does was done to each datagram."""
        return b"".join(packets)


def survivors(sent: bytes, arrived: bytes) -> list[bytes]:
    """Return the datagrams of what arrives: a damaged one is thrown away, for its checksum."""
    if not arrived.startswith(sent):
        return [sent] if arrived.endswith(sent) else []
    rest = arrived[len(sent) :]
    return [sent, rest] if rest else [sent]
