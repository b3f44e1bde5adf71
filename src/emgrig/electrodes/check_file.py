"""The last contact check of a board, kept as a file."""

import datetime as dt
from pathlib import Path

from emgrig.calibration.certificate import certificate_file as record_file
from emgrig.calibration.certificate.certificate import NamedBoard
from emgrig.electrodes.check import ContactCheck
from emgrig.errors import RecordingError
from emgrig.filemodel import save
from emgrig.filetext import parse_json, read_text

MAX_AGE_S = 12 * 3600.0
"""A check of the day before says nothing about the electrodes of today."""


def default_folder() -> Path:
    """Return where checks are kept: ``$XDG_DATA_HOME/emgrig/contact`` or its default."""
    return record_file.default_folder().with_name("contact")


def save_check(check: ContactCheck, folder: Path | None = None) -> Path:
    """Write a check as its board's last one, and return the path.

    If it looked at some of the channels only, those of the check before that is still valid are
    kept beside it; each electrode says when it was measured. A damaged file is replaced. Raises
    RecordingError if it cannot be written.
    """
    folder = default_folder() if folder is None else folder
    try:
        before = last_check(
            check.board.serial_number,
            is_simulated=check.board.is_simulated,
            now=check.made_utc,
            folder=folder,
        )
    except RecordingError:
        before = None
    if before is not None and before.conditions.limits == check.conditions.limits:
        check = before.updated(check, MAX_AGE_S)
    path = record_file.certificate_path(check.board.serial_number, folder)
    save(path, check.to_json())
    return path


def last_check(
    serial_number: str,
    *,
    is_simulated: bool,
    now: dt.datetime,
    max_age_s: float = MAX_AGE_S,
    folder: Path | None = None,
) -> ContactCheck | None:
    """Return the last check of a board if there is one that is not too old.

    A simulated board's check is none of a real one, nor the other way round. `now` has a time zone;
    the folder is `default_folder` unless given. Raises RecordingError if the file is damaged or
    cannot be read.
    """
    folder = default_folder() if folder is None else folder
    path = record_file.certificate_path(serial_number, folder)
    if not path.is_file():
        return None
    name = f"contact check {path}"
    try:
        check = ContactCheck.from_json(parse_json(read_text(path, name), name), name)
    except ValueError as error:
        raise RecordingError(f"{error}; check anew") from error
    is_of_board = check.board == NamedBoard(serial_number, is_simulated)
    age_s = (now - check.made_utc).total_seconds()
    return check if is_of_board and -60.0 < age_s <= max_age_s else None
