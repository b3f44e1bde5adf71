"""Calibration certificates as files: written, read, found."""

import datetime as dt
import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from emgrig.calibration.certificate.certificate import (
    FORMAT,
    Certificate,
    ChannelCalibration,
    Equaliser,
    GainCalibration,
    Instrument,
    LeadOffCalibration,
)
from emgrig.calibration.figures.uncertainty import Bound, Result
from emgrig.errors import RecordingError

Json = dict[str, object]


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
    serial_number: str,
    folder: Path | None,
    now: dt.datetime,
    *,
    is_simulated: bool = False,
) -> Certificate | None:
    """Find the valid record of a board.

    Parameters
    ----------
    serial_number : str
        As the board says it.
    folder : Path or None
        A folder of records, or one file; None is `default_folder`.
    now : datetime
        With time zone.
    is_simulated : bool
        Whether the board is.

    Returns
    -------
    Certificate or None
        None if the folder has none for this board. A file that is named must be of it.

    Raises
    ------
    RecordingError
        If a file is damaged or out of date, or a file that is named is not there.
    IdentityError
        If it is of another board.
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

    A record there that is out of date or damaged is replaced, not extended.
    """
    folder = default_folder() if folder is None else folder
    path = folder if folder.suffix == ".json" else certificate_path(record.serial_number, folder)
    if path.is_file():
        try:
            known = read_certificate(path)
        except RecordingError:
            known = None
        if known is not None and known.valid_until_utc > record.made_utc:
            record = known.updated(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)
    return path


def read_certificate(path: Path) -> Certificate:
    """Read a record; RecordingError, with the place, if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecordingError(f"{path} is no calibration certificate: {error}") from error
    try:
        return from_json(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise RecordingError(f"{path} is no calibration certificate: {what}") from error


def schema() -> Json:
    """Return the JSON Schema of a record."""
    file = resources.files("emgrig.calibration.certificate") / "certificate.schema.json"
    text = file.read_text("utf-8")
    loaded: Json = json.loads(text)
    return loaded


# To JSON.


def to_json(record: Certificate) -> Json:
    """Return the content of a record's file."""
    clock = record.clock_error_ppm
    return {
        "format": FORMAT,
        "board": {"serial_number": record.serial_number, "is_simulated": record.is_simulated},
        "made_utc": record.made_utc.isoformat(timespec="seconds"),
        "valid_until_utc": record.valid_until_utc.isoformat(timespec="seconds"),
        "software": record.software,
        "channels": [_channel(one) for one in record.channels],
        "clock": None if clock is None else {"error": result_json(clock)},
        "equalisers": [
            {
                "rate_hz": one.rate_hz,
                "edge_hz": one.edge_hz,
                "max_error_db": one.max_error_db,
                "noise_gain": one.noise_gain,
                "taps": list(one.taps),
            }
            for one in record.equalisers
        ],
        "instruments": [
            {
                "role": one.role,
                "identity": one.identity,
                "due": None if one.due is None else one.due.isoformat(),
            }
            for one in record.instruments
        ],
    }


def sidecar_entry(record: Certificate, *, is_applied: bool) -> Json:
    """Return what a recording's sidecar says about the calibration: all of it, and if it was used.

    The equalisers' taps are left out; nothing was filtered by noting them.
    """
    content = to_json(record)
    del content["equalisers"]
    return {"is_applied": is_applied, **content}


def result_json(result: Result) -> Json:
    """Return a result as JSON holds it."""
    return {
        "value": result.value,
        "unit": result.unit,
        "standard_uncertainty": result.standard_uncertainty,
        "k": result.k,
        "bound": str(result.bound),
        "n_used": result.n_used,
        "n_lost": result.n_lost,
        "n_rejected": result.n_rejected,
        "assumptions": list(result.assumptions),
    }


def _channel(one: ChannelCalibration) -> Json:
    return {
        "channel": one.channel,
        "gains": [
            {
                "setting": gain.setting,
                "gain": result_json(gain.gain),
                "offset": None if gain.offset_uv is None else result_json(gain.offset_uv),
                "method": gain.method,
            }
            for gain in one.gains
        ],
        "lead_off": [
            {"side": entry.side, "nominal": entry.nominal, "current": result_json(entry.current)}
            for entry in one.lead_off
        ],
    }


# From JSON.


def from_json(content: Json) -> Certificate:
    """Return the record that `content` holds; KeyError, TypeError or ValueError if it is none."""
    if not isinstance(content, Mapping):
        raise TypeError("it is no JSON object")
    if content.get("format") != FORMAT:
        raise ValueError(f"its format is {content.get('format')!r}, expected {FORMAT!r}")
    board, clock = _mapping(content["board"]), content["clock"]
    return Certificate(
        serial_number=_text(board["serial_number"]),
        is_simulated=_flag(board["is_simulated"]),
        made_utc=dt.datetime.fromisoformat(_text(content["made_utc"])),
        valid_until_utc=dt.datetime.fromisoformat(_text(content["valid_until_utc"])),
        software=_text(content["software"]),
        channels=tuple(_read_channel(_mapping(one)) for one in _list(content["channels"])),
        clock_error_ppm=None if clock is None else _result(_mapping(clock)["error"], "ppm"),
        equalisers=tuple(_equaliser(_mapping(one)) for one in _list(content["equalisers"])),
        instruments=tuple(_instrument(_mapping(one)) for one in _list(content["instruments"])),
    )


def _read_channel(content: Mapping[str, object]) -> ChannelCalibration:
    gains = []
    for entry in map(_mapping, _list(content["gains"])):
        offset = entry["offset"]
        gains.append(
            GainCalibration(
                _number(entry["setting"]),
                _result(entry["gain"], "V/V"),
                None if offset is None else _result(offset, "uV"),
                _text(entry["method"]),
            )
        )
    lead_off = tuple(
        LeadOffCalibration(
            _text(entry["side"]), _text(entry["nominal"]), _result(entry["current"], "nA")
        )
        for entry in map(_mapping, _list(content["lead_off"]))
    )
    return ChannelCalibration(_number(content["channel"]), tuple(gains), lead_off)


def _result(content: object, unit: str) -> Result:
    entry = _mapping(content)
    if entry["unit"] != unit:
        raise ValueError(f"a unit of {entry['unit']!r}, expected {unit!r}")
    return Result(
        value=_float(entry["value"]),
        unit=unit,
        standard_uncertainty=_float(entry["standard_uncertainty"]),
        n_used=_number(entry["n_used"]),
        k=_float(entry["k"]),
        n_lost=_number(entry["n_lost"]),
        n_rejected=_number(entry["n_rejected"]),
        assumptions=tuple(_text(one) for one in _list(entry["assumptions"])),
        bound=Bound(_text(entry["bound"])),
    )


def _equaliser(content: Mapping[str, object]) -> Equaliser:
    return Equaliser(
        _float(content["rate_hz"]),
        _float(content["edge_hz"]),
        _float(content["max_error_db"]),
        _float(content["noise_gain"]),
        tuple(_float(tap) for tap in _list(content["taps"])),
    )


def _instrument(content: Mapping[str, object]) -> Instrument:
    due = content["due"]
    return Instrument(
        _text(content["role"]),
        _text(content["identity"]),
        None if due is None else dt.date.fromisoformat(_text(due)),
    )


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is no object")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _float(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    return float(value)
