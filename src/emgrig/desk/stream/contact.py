"""Electrode contact as the desk shows it: the last check, and what the samples say since."""

import datetime as dt
from dataclasses import dataclass

from emgrig.desk.stream.hub import Hub
from emgrig.electrodes import Channel, ContactCheck, ContactWatch, Light, Limits
from emgrig.electrodes.lights import worst


@dataclass(frozen=True)
class CheckState:
    """How a check goes: what is being done, the share that is done, and why it failed."""

    is_on: bool = False
    text: str = ""
    share: float = 0.0
    problem: str = ""


class Contact:
    """Lights that follow the samples, and the impedances of the last check.

    `check` is the last one, if it is not old; `live` are the figures of each channel over the last
    seconds, empty before there are any; `state` is that of the check that is on, if one is.
    """

    def __init__(self, hub: Hub, limits: Limits, check: ContactCheck | None = None) -> None:
        self.limits = limits
        self.state = CheckState()
        self.check: ContactCheck | None = None
        self.live: tuple[Channel, ...] = ()
        self._hub = hub
        self._begin()
        hub.on_block(lambda block: self._watch.feed(block))
        hub.on_layout(self._begin)
        if check is not None:
            self.take(check)

    def _begin(self) -> None:
        """Watch the channels that are on now."""
        names = dict(self._hub.channels)
        vref_v = self._hub.board.identity.vref_v
        self._watch = ContactWatch(list(names), names, vref_v, self.limits)
        self.live = ()

    def follow(self) -> None:
        """Look at the last seconds; without enough of them what is known stays."""
        with self._hub.lock:
            self.live = self._watch.look()

    def light_of(self, channel: int, side: str) -> Light:
        """Return the light of an electrode: the worse of its impedance and its channel now."""
        live = next((one.light for one in self.live if one.channel == channel), Light.GREY)
        electrodes = self.check.electrodes if self.check is not None else ()
        of_it = (one.light for one in electrodes if (one.channel, one.side) == (channel, side))
        measured = next(of_it, Light.GREY)
        # Good samples do not say that a contact is good: without a check it stays grey.
        is_known = live is Light.RED or measured is not Light.GREY
        return worst(measured, live) if is_known else Light.GREY

    def words(self) -> list[str]:
        """Say what to do, what the samples say first."""
        said = [one.advice for one in self.live if one.advice]
        if self.check is not None:
            said += self.check.findings
        return list(dict.fromkeys(said))

    def age_s(self, now: dt.datetime) -> float | None:
        """Return how old the last check is, s; None if there is none."""
        return None if self.check is None else (now - self.check.made_utc).total_seconds()

    def take(self, check: ContactCheck) -> None:
        """Take over a check, for the page and for recordings that begin from now on."""
        self.check = check
        self._hub.contact = check.to_json()
