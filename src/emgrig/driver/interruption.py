"""What can end a run unasked, or make it necessary to prove a board anew."""

from dataclasses import dataclass
from enum import StrEnum

from emgrig.sentences import sentence


class Happened(StrEnum):
    """What happened to a board or its link."""

    LINK_LOST = "link_lost"
    BOARD_STARTED = "board_started"
    BOARD_STOPPED = "board_stopped"
    CHIP_LOST = "chip_lost"
    REBOOT_ASKED = "reboot_asked"
    RECONNECT_ASKED = "reconnect_asked"


@dataclass(frozen=True)
class Interruption:
    """Why the chips must be compared with what they are believed to hold."""

    happened: Happened
    #: What the board said with BOARD_STARTED (`emgrig.protocol.packets.ResetCause`).
    reset_cause: int | None = None
    chip: int | None = None  #: Which chip of CHIP_LOST, from 1.
    link_said: str = ""  #: The error of LINK_LOST, for people.

    @property
    @sentence
    def words(self) -> str:
        """The trouble for a person to read."""
        return {
            Happened.LINK_LOST: self.link_said or "the link was lost",
            Happened.BOARD_STARTED: f"the board started anew (reset cause {self.reset_cause})",
            Happened.BOARD_STOPPED: "the board stopped by itself",
            Happened.CHIP_LOST: f"chip {self.chip} lost its registers (brown-out)",
            Happened.REBOOT_ASKED: "the board was asked to start anew",
            Happened.RECONNECT_ASKED: "asked to connect anew",
        }[self.happened]
