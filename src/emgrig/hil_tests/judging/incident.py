"""What happens in a check that no limit judges: a kind and numbers; the words are for people."""

import errno
from dataclasses import dataclass
from enum import StrEnum

from emgrig.errors import (
    EmgrigError,
    ReadBackError,
    RequestRefused,
    TransportError,
    TransportTimeout,
    WireError,
)

_TAKEN = (errno.EBUSY, errno.EAGAIN, errno.EADDRINUSE)


class IncidentKind(StrEnum):
    """What kind of incident it is; the table of causes reads these."""

    NO_LINK = "no_link"  # the address cannot be opened
    BUSY = "busy"  # another program holds the board
    OTHER_PROTOCOL = "other_protocol"  # what comes is not the board link, or another version of it
    SILENT = "silent"  # the link is open, and nothing at all came back
    NO_ANSWER = "no_answer"  # the link is open, and a request was not answered
    LINK_LOST = "link_lost"  # the link broke; the value says after how long it came back, s
    BOARD_STARTED = "board_started"  # the processor started anew; the value is the reset cause
    CHIP_LOST = "chip_lost"  # a chip fell back to its reset values by itself
    FRAMES_DROPPED = "frames_dropped"  # the board threw frames away; the value says how many
    WRITES_IGNORED = "writes_ignored"  # registers can be read and not written
    NO_SAMPLES = "no_samples"  # the board runs, and no sample comes
    DEVICE = "device"  # the board or its chip did something else; see the words


@dataclass(frozen=True)
class Incident:
    """Something that should not have happened.

    Attributes
    ----------
    words : str
        For people; nothing reads them.
    chip : int or None
        1 is the first; None if it is not about one chip.
    value : float or None
        A number that belongs to it; `IncidentKind` says which.
    """

    kind: IncidentKind
    words: str
    chip: int | None = None
    value: float | None = None


def kind_of(error: EmgrigError, *, is_linked: bool, n_packets: int) -> IncidentKind:
    """Say what kind of incident an error is, by its class and values.

    `is_linked` says if the link could be opened, `n_packets` how many good packets came over it.
    """
    if isinstance(error, ReadBackError) and error.had_no_effect:
        return IncidentKind.WRITES_IGNORED
    if _says_busy(error) or getattr(error.__cause__, "errno", None) in _TAKEN:
        return IncidentKind.BUSY
    if isinstance(error, WireError):
        return IncidentKind.OTHER_PROTOCOL
    if not isinstance(error, TransportError):
        return IncidentKind.DEVICE
    if not is_linked:
        return IncidentKind.NO_LINK
    is_silent = isinstance(error, TransportTimeout) and not n_packets
    return IncidentKind.SILENT if is_silent else IncidentKind.NO_ANSWER


def _says_busy(error: EmgrigError) -> bool:
    """Say if the board itself refused, since another holds it."""
    if not isinstance(error, RequestRefused):
        return False
    from emgrig.protocol.packets import ErrorCode  # who was refused a link does not wait for it

    return error.code == ErrorCode.BUSY
