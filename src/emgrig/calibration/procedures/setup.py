"""What a person is asked to connect: words for the person, and the same for a simulated bench."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum


class Connection(Enum):
    """How the inputs are wired."""

    STAR = "a resistor from each input to a common point with the bias electrode"
    SOURCE = "a resistor between P and N of each channel"
    OPEN = "nothing on the inputs"
    DIFFERENTIAL = "the bench on P, N at its ground"
    COMMON_MODE = "the bench on P and N together"


@dataclass(frozen=True)
class Setup:
    """One thing to connect to `channels`, with a `text` for a person.

    `ohm` is the resistor of `STAR` and `SOURCE`; for the bench, the one in series with each P
    input.
    """

    connection: Connection
    text: str
    channels: tuple[int, ...]
    ohm: float = 0.0

    def __str__(self) -> str:
        return self.text


Ask = Callable[[Setup], None]
"""Shows a person what to connect, and returns when it is; raises to give up."""


def list_channels(channels: Sequence[int]) -> str:
    """Write channels down: "1-8", or "1,3"."""
    first, last = channels[0], channels[-1]
    is_run = list(channels) == list(range(first, last + 1)) and len(channels) > 1
    return f"{first}-{last}" if is_run else ",".join(str(n) for n in channels)
