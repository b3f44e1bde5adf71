"""The last contact check of a board, kept as a file."""

import datetime as dt
import json
from pathlib import Path

from emgrig.calibration.certificate import certificate_file as record_file
from emgrig.electrodes.check import ContactCheck
from emgrig.errors import RecordingError

MAX_AGE_S = 12 * 3600.0
"""A check of the day before says nothing about the electrodes of today."""


def default_folder() -> Path:
    """Return where checks are kept: ``$XDG_DATA_HOME/emgrig/contact`` or its default."""
    return record_file.default_folder().with_name("contact")


def save_check(check: ContactCheck, folder: Path | None = None) -> Path:
    """Write a check as its board's last one, and return the path.

    If it looked at some of the channels only, those of the check before that is still valid are
    kept beside it; each electrode says when it was measured. A damaged file is replaced.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder = default_folder() if folder is None else folder
    try:
        before = last_check(
            check.serial_number, is_simulated=check.is_simulated, now=check.made_utc, folder=folder
        )
    except RecordingError:
        before = None
    if before is not None and before.conditions.limits == check.conditions.limits:
        check = before.updated(check, MAX_AGE_S)
    folder.mkdir(parents=True, exist_ok=True)
    path = record_file.certificate_path(check.serial_number, folder)
    text = json.dumps(check.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)
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

    Parameters
    ----------
    serial_number : str
    is_simulated : bool
        A simulated board's check is none of a real one, nor the other way round.
    now : datetime
        With time zone.
    max_age_s : float
    folder : Path, optional
        None is `default_folder`.

    Raises
    ------
    RecordingError
        If the file is damaged or cannot be read.
    """
    folder = default_folder() if folder is None else folder
    path = record_file.certificate_path(serial_number, folder)
    if not path.is_file():
        return None
    try:
        check = ContactCheck.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path} is no contact check: {error}; check anew") from error
    is_of_board = (check.serial_number, check.is_simulated) == (serial_number, is_simulated)
    age_s = (now - check.made_utc).total_seconds()
    return check if is_of_board and -60.0 < age_s <= max_age_s else None
