"""Samples wait on a link that was opened anew until HELLO has said that it is the same board."""

from collections.abc import Callable

from emgrig.protocol.decoder import Item, ReplyPacket, SamplePackets
from emgrig.protocol.packets import Request

_MOST_HELD = 1024  #: What comes behind shows as a gap.

Timed = tuple[Item, float]
"""An item, and the host time of its bytes, s."""


class Proof:
    """Lets items of one board pass.

    Parameters
    ----------
    is_same : callable or None
        Given what HELLO was answered with, whether it is that board; None lets everything pass.
    """

    def __init__(self, is_same: Callable[[bytes], bool] | None) -> None:
        self._is_same = is_same
        self._held: list[Timed] | None = None
        self._is_other = False

    @property
    def is_calm(self) -> bool:
        """True while everything passes."""
        return self._held is None and not self._is_other

    def link_lost(self) -> None:
        """Hold samples back from here on."""
        if self._is_same is not None and self._held is None:
            self._held = []

    def passed(self, item: Item, host_s: float) -> list[Timed]:
        """Take an item; return what may be used now. Of another board nothing is."""
        if isinstance(item, ReplyPacket) and item.request == Request.HELLO and item.error is None:
            return [*self._hello(item), (item, host_s)]
        if not isinstance(item, SamplePackets):
            return [(item, host_s)]
        if self._is_other:
            return []
        if self._held is None:
            return [(item, host_s)]
        if len(self._held) < _MOST_HELD:
            self._held.append((item, host_s))
        return []

    def rest(self) -> list[Timed]:
        """Return what is held back when nothing more will come: nothing speaks against it."""
        held, self._held = self._held or [], None
        return held

    def _hello(self, reply: ReplyPacket) -> list[Timed]:
        if self._is_same is None:
            return []
        self._is_other = not self._is_same(reply.data)
        held = self.rest()
        return [] if self._is_other else held
