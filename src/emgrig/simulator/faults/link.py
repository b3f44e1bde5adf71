"""What a bad link does to packets on their way from the board to the PC.

Nothing is exempt: a reply may be lost like a sample packet, and the PC asks again. Each kind of
accident draws its numbers for each packet from its own stream, so what happens to a packet depends
on the seed and on its place in the stream alone, not on how the bytes were asked for.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.protocol.framing import OVERHEAD_BYTES

#: What one accident makes of a packet, given three numbers from 0 to 1.
Accident = Callable[[bytes, tuple[float, float, float]], list[bytes]]

_GARBAGE_BYTES: Final = 64


def lose(packet: bytes, draws: tuple[float, float, float]) -> list[bytes]:  # noqa: ARG001
    """Return nothing."""
    return []


def double(packet: bytes, draws: tuple[float, float, float]) -> list[bytes]:  # noqa: ARG001
    """Return the packet twice."""
    return [packet, packet]


def damage(packet: bytes, draws: tuple[float, float, float]) -> list[bytes]:
    """Return the packet with one bit changed, one byte lost or one byte too many."""
    kind, where, what = draws
    at = int(where * len(packet))
    if kind < 1 / 3:
        changed = packet[at] ^ 1 << int(what * 8)
        return [packet[:at] + bytes((changed,)) + packet[at + 1 :]]
    if kind < 2 / 3:
        return [packet[:at] + packet[at + 1 :]]
    return [packet[:at] + bytes((int(what * 256),)) + packet[at:]]


def add_garbage(packet: bytes, draws: tuple[float, float, float]) -> list[bytes]:
    """Return the packet behind some bytes that mean nothing, false sync bytes among them."""
    seed, length, _ = draws
    noise = np.random.default_rng(int(seed * 2**32)).bytes(1 + int(length * _GARBAGE_BYTES))
    return [b"\xa5\x5a" + noise, packet]


class LinkDamage:
    """All accidents that a link has, in the order in which they were added.

    Parameters
    ----------
    seed : int, ≥ 0
        Which packets, and how.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._accidents: list[tuple[Accident | None, float, np.random.Generator]] = []
        self._held: bytes | None = None

    def add(self, accident: Accident | None, rate: float) -> None:
        """Let `accident` happen to a share `rate` of the packets from now on.

        None lets them arrive behind the packet that follows them.
        """
        rng = np.random.default_rng([self._seed, 0x11E, len(self._accidents)])
        self._accidents.append((accident, rate, rng))

    def __call__(self, packets: list[bytes]) -> bytes:
        """Return the bytes that arrive when `packets` are sent, in this order."""
        for accident, rate, rng in self._accidents:
            draws = rng.random((len(packets), 4))
            hit = np.flatnonzero(draws[:, 0] < rate)
            if accident is None:
                packets = self._reorder(packets, draws[:, 0] < rate)
            elif len(hit):
                packets = _strike(packets, accident, hit, draws)
        return b"".join(packets)

    def _reorder(self, packets: list[bytes], is_late: NDArray[np.bool_]) -> list[bytes]:
        arrived: list[bytes] = []
        for packet, late in zip(packets, is_late.tolist(), strict=True):
            if late and self._held is None:
                self._held = packet
                continue
            arrived.append(packet)
            if self._held is not None:
                arrived.append(self._held)
                self._held = None
        return arrived


def _strike(
    packets: list[bytes], accident: Accident, hit: NDArray[np.intp], draws: NDArray[np.float64]
) -> list[bytes]:
    out = [[packet] for packet in packets]
    for index in hit.tolist():
        packet = packets[index]
        if len(packet) >= OVERHEAD_BYTES:
            kind, where, what = draws[index, 1:].tolist()
            out[index] = accident(packet, (kind, where, what))
    return [part for parts in out for part in parts]
