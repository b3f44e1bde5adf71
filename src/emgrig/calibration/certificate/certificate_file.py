"""Calibration certificates as files: written, read, found."""

import datetime as dt
import os
from pathlib import Path
from urllib.parse import quote

from emgrig.calibration.certificate.certificate import Certificate
from emgrig.errors import RecordingError
from emgrig.filemodel import Json, load, plain, save


def default_folder() -> Path:
    """Return where records are kept: ``$XDG_DATA_HOME/emgrig/calibration`` or its default."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification: a path that is not absolute is to be ignored.
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "emgrig" / "calibration"


def certificate_path(serial_number: str, folder: Path) -> Path:
    """Return the file of a board's record; a serial number cannot lead out of the folder."""
    return folder / f"board-{quote(serial_number, safe='')}.json"


def find_certificate(
    serial_number: str, folder: Path | None, now: dt.datetime, *, is_simulated: bool = False
) -> Certificate | None:
    """Find the valid record of a board; None if the folder has none.

    `folder` may be one file, which must be of this board; None is `default_folder`. `now` has a
    time zone. Raises RecordingError if a file is damaged or out of date, or a file that is named is
    not there; IdentityError if it is of another board.
    """
    folder = default_folder() if folder is None else folder
    path = certificate_path(serial_number, folder)
    if folder.is_file():
        path = folder
    elif folder.suffix == ".json":
        raise RecordingError(f"there is no calibration {folder}")
    if not path.is_file():
        return None
    record = read_certificate(path)
    record.check(serial_number, now, is_simulated=is_simulated)
    return record


def save_certificate(record: Certificate, folder: Path | None = None) -> Path:
    """Write a record as its board's file, put over what is known there; return the path.

    A record there that is out of date or damaged is replaced, not extended. Raises RecordingError
    if it cannot be written; what was there is as it was.
    """
    folder = default_folder() if folder is None else folder
    path = (
        folder if folder.suffix == ".json" else certificate_path(record.board.serial_number, folder)
    )
    if path.is_file():
        try:
            known = read_certificate(path)
        except RecordingError:
            known = None
        if known is not None and known.valid_until_utc > record.made_utc:
            record = known.updated(record)
    save(path, record)
    return path


def read_certificate(path: Path) -> Certificate:
    """Read a record; RecordingError, with the place, if it is none."""
    return load(path, Certificate, "calibration certificate")


def sidecar_entry(record: Certificate, *, is_applied: bool) -> Json:
    """Return what a recording's sidecar says about the calibration: all of it, and if it was used.

    The equalisers' taps are left out; nothing was filtered by noting them.
    """
    content: Json = plain(record)
    del content["equalisers"]
    return {"is_applied": is_applied, **content}
