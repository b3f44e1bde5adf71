"""What a board that is recorded is set up by: profile, calibration, contact, patience."""

import datetime as dt
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emgrig.errors import RecordingError
from emgrig.tools.common.options import Addresses, Overwrite, Printed, Profile, Recorded, option
from emgrig.tools.common.output import note

if TYPE_CHECKING:
    from emgrig.calibration.certificate.certificate import Certificate
    from emgrig.driver.board import Board
    from emgrig.driver.recovery import ReconnectPolicy
    from emgrig.electrodes import ContactCheck

USUAL_PROFILE, KEEP = "facial-emg", "keep"


@dataclass(frozen=True, kw_only=True)
class RecordOptions(Recorded, Printed):
    """What `emgrig record` takes."""

    address: Addresses
    output: Path = option(
        "The file to make, FILE.bdf; the folder, for several boards.", ..., "-o", "--output"
    )
    profile: Profile = None
    duration: float | None = option("Seconds of board time; else until Ctrl-C.", min=0.001)
    overwrite: Overwrite = False
    outage: float | None = option(
        "Seconds of an outage after which to give up; else any, with --duration that or 30.", min=0
    )


def patience(given: RecordOptions, address: str) -> "ReconnectPolicy":
    """Choose how long an outage may last: who records unattended wants what comes behind it."""
    from emgrig.driver.recovery import ReconnectPolicy

    usual_s = ReconnectPolicy().total_s
    if given.outage is not None:
        return ReconnectPolicy(total_s=given.outage)
    if address.partition(":")[0].lower() in ("sim", "replay"):  # their time is not ours
        return ReconnectPolicy()
    return ReconnectPolicy(total_s=max(given.duration or math.inf, usual_s))


def find_calibration(board: "Board", where: str | None) -> "Certificate | None":
    """Find the certificate of this board, if there is one; one that does not fit is refused.

    `where` is a folder or file, "none", or None for the usual folder. Raises RecordingError if the
    place that is named has none, or the record is damaged or out of date; IdentityError if it is of
    another board.
    """
    from emgrig.calibration.certificate.certificate_file import find_certificate

    if where == "none":
        return None
    found = find_certificate(
        board.identity.serial_number,
        Path(where) if where else None,
        dt.datetime.now(dt.UTC),
        is_simulated=board.identity.is_simulated,
    )
    if found is None and where:
        raise RecordingError(f"{where} holds no calibration of {board.identity.serial_number}")
    return found


def profile_for(board: "Board", said: str | None) -> str:
    """Return the profile to apply; an empty text keeps what is set.

    Without a word it is the usual one, and none for a board that takes none.
    """
    from emgrig.driver.can import Registers

    if said is None:
        said = USUAL_PROFILE if board.can.registers is Registers.ALL else KEEP
    return "" if said == KEEP else said


def contact_of(board: "Board") -> "ContactCheck | None":
    """Return the last check of this board's electrodes; a damaged file is said and left alone."""
    from emgrig.electrodes import last_check

    identity, now = board.identity, dt.datetime.now(dt.UTC)
    try:
        return last_check(identity.serial_number, is_simulated=identity.is_simulated, now=now)
    except RecordingError as error:
        note(str(error))
        return None


def reference_words(board: "Board") -> str:
    """Say that the chip's own reference is off; nothing if it is on, or not for us to switch on."""
    from emgrig.driver.chip.registers import Config3

    if not board.can.writes(Config3.ADDRESS):
        return ""
    if all(file.get(Config3).internal_reference for file in board.chip.files):
        return ""
    return (
        "the chip's own reference is off: unless the board has another one, every code will be at "
        "the rail; a profile switches it on (docs/profiles.md), or emgrig registers write ADDRESS "
        "CONFIG3=E0"
    )
