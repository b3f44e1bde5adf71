"""The outcome of a contact check, and the same as JSON.

The fields of the classes below are the keys of the JSON; `docs/electrodes.md` explains them.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar

from emgrig.calibration.certificate.certificate import NamedBoard
from emgrig.electrodes.lights import Light, Limits
from emgrig.electrodes.quiet import ChannelFigures
from emgrig.filemodel import FileModel, Json, Moment, plain, read

SIDES = {"p": "positive", "n": "negative"}


class Finding(Enum):
    """What is wrong with an electrode, beyond its light."""

    NONE = ""
    OPEN = "open"
    BRIDGED = "bridged"
    HIGH = "high"
    APART = "apart"
    RAILED = "railed"
    FLAT = "flat"
    NO_CURRENT = "no current"
    """Of no electrode: the board drives none."""
    UNKNOWN = "unknown"
    """It could not be measured because of another one."""


@dataclass(frozen=True)
class Electrode:
    """One electrode.

    Attributes
    ----------
    electrode : str
        c1p, c1n, c2p …
    side : str
        "p" or "n".
    name : str
        The muscle.
    impedance_ohm, impedance_u_ohm, k : float or None
        ``|Z|`` of the contact at `at_hz`, without the series resistor, its expanded uncertainty,
        and the coverage factor in it.
    resistance_ohm, capacitance_f : float or None
        R and C of the contact as R ∥ C, where the harmonics tell them.
    resistance_u_ohm, capacitance_u_f : float or None
        Expanded, 95 % too; their coverage factors may differ a little from `k`.
    method : str
        "fit", "magnitude" (the harmonics did not suit R ∥ C: the first one alone), or "".
    n_samples : int
        Behind the impedance.
    advice : str
        What to do, in words.
    """

    electrode: str
    channel: int
    side: str
    name: str
    light: Light
    impedance_ohm: float | None
    impedance_u_ohm: float | None
    k: float | None
    at_hz: float
    resistance_ohm: float | None
    resistance_u_ohm: float | None
    capacitance_f: float | None
    capacitance_u_f: float | None
    method: str
    series_ohm: float
    n_samples: int
    finding: Finding
    advice: str
    made_utc: Moment


@dataclass(frozen=True)
class Bias:
    """The bias electrode; `is_off` is None where it was not found out."""

    light: Light
    is_off: bool | None
    advice: str


@dataclass(frozen=True)
class Channel(ChannelFigures):
    """Figures of a channel with what they mean.

    Attributes
    ----------
    name : str
        The muscle.
    light : Light
        The worst of these figures and, where they were measured, the channel's electrodes.
    rail_light, mains_light : Light
        By one figure each.
    imbalance : float or None
        The larger over the smaller impedance of P and N.
    """

    name: str
    light: Light
    rail_light: Light
    mains_light: Light
    imbalance: float | None
    advice: str


@dataclass(frozen=True)
class Conditions:
    """How it was measured.

    Attributes
    ----------
    is_quick : bool
        Comparators only, no impedance.
    n_samples : int
        For each electrode.
    n_lost, n_rejected : int
        Conversions that never came, and samples that came and were not used (settling, stretches
        before a gap, attempts that were too noisy).
    current_is_calibrated : bool
        By the board's calibration certificate, for every electrode; else the current is taken as
        nominal ± 20 %.
    """

    is_quick: bool
    current: str
    frequency_hz: float
    rate_hz: float
    gain: int
    n_samples: int
    n_lost: int
    n_rejected: int
    current_is_calibrated: bool
    limits: Limits


@dataclass(frozen=True)
class ContactCheck(FileModel):
    """All that one check found.

    Attributes
    ----------
    made_utc : datetime
        With time zone.
    electrodes, channels : tuple
        In order; only those that were looked at.
    registers_proved : bool
        The registers afterwards were what they were before, as read back.
    """

    FORMAT: ClassVar = "emgrig contact 1"

    board: NamedBoard
    made_utc: Moment
    software: str
    conditions: Conditions
    electrodes: tuple[Electrode, ...]
    bias: Bias
    channels: tuple[Channel, ...]
    registers_proved: bool

    @property
    def findings(self) -> tuple[str, ...]:
        """What to do, in words, the most important first, each once; empty if all is well."""
        said = [self.bias.advice, *(one.advice for one in self.electrodes)]
        said += [one.advice for one in self.channels]
        return tuple(dict.fromkeys(text for text in said if text))

    @property
    def is_good(self) -> bool:
        """Nothing is red, all that was to be measured was, and there is nothing to do."""
        lights = {one.light for one in self.electrodes} | {one.light for one in self.channels}
        if not self.electrodes or (Light.GREY in lights and not self.conditions.is_quick):
            return False
        return Light.RED not in {self.bias.light, *lights} and not self.findings

    def updated(self, newer: "ContactCheck", max_age_s: float) -> "ContactCheck":
        """Return `newer`, with the channels that only this check looked at and that are not old."""
        limit = newer.made_utc - dt.timedelta(seconds=max_age_s)
        seen = {one.channel for one in newer.channels}
        seen |= {one.channel for one in self.electrodes if one.made_utc < limit}

        electrodes = [one for one in self.electrodes if one.channel not in seen]
        channels = [one for one in self.channels if one.channel not in seen]
        return replace(
            newer,
            electrodes=tuple(sorted((*electrodes, *newer.electrodes), key=lambda one: one.channel)),
            channels=tuple(sorted((*channels, *newer.channels), key=lambda one: one.channel)),
        )

    def to_json(self) -> Json:
        """Return the content of a file."""
        return {**plain(self), "findings": list(self.findings)}

    @classmethod
    def from_json(cls, content: object, name: str = "") -> "ContactCheck":
        """Return the check that `content` holds; messages begin with `name`.

        Raises ValueError if it holds none; the message names the place.
        """
        if isinstance(content, Mapping):
            content = {key: value for key, value in content.items() if key != "findings"}
        return read(cls, content, name)


def electrode_id(channel: int, side: str) -> str:
    """Return "c1p", "c1n" and the like."""
    return f"c{channel}{side}"


def electrode_words(channel: int, side: str) -> str:
    """Return "c1 positive" and the like."""
    return f"c{channel} {SIDES[side]}"
