"""Results that are kept: a file for each recording, under the key of all that it depends on."""

import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emgrig.filemodel import plain
from emgrig.files import make_folder, write_file
from emgrig.study.dataset import Unit
from emgrig.study.places import FOLDER
from emgrig.study.recording import Result
from emgrig.study.rows import event_row, recording_row
from emgrig.study.settings import StudySettings
from emgrig.version import __version__

_PIECE = 1 << 20


def key_of(unit: Unit, settings: StudySettings) -> str:
    """Return the key of a recording's result: its files, by content, the settings, the version.

    Settings that only change the statistics, the title, or leave others out, change no result.
    """
    told = plain(settings)
    left_out = settings.left_out
    told["left_out"] = left_out.get(unit.stem) or left_out.get(unit.participant)
    for only_of_report in ("title", "statistics"):
        told.pop(only_of_report, None)
    digest = hashlib.sha256(json.dumps([__version__, unit.stem, told], sort_keys=True).encode())
    for path in unit.files(settings.events.coders):
        digest.update(path.relative_to(unit.root).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    return digest.hexdigest()


def cache_path(unit: Unit) -> Path:
    """Return where the result of a recording is kept."""
    return unit.root / FOLDER / "recordings" / f"{unit.stem}.json"


def kept(unit: Unit, key: str | None) -> Result | None:
    """Return the result that is kept under a key (any key if None); None if there is none."""
    try:
        content = json.loads(cache_path(unit).read_bytes())
        if key is not None and content["key"] != key:
            return None
        events = tuple(event_row(one) for one in content["events"])
        return Result(recording_row(content["recording"]), events)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def keep(unit: Unit, key: str, result: Result) -> None:
    """Keep the result of a recording; a failed one is never taken for done."""
    path = cache_path(unit)
    make_folder(path.parent)
    content = {
        "key": key if result.recording.status != "failed" else "",
        "recording": _without_nan(asdict(result.recording)),
        "events": [_without_nan(asdict(one)) for one in result.events],
    }
    write_file(path, json.dumps(content, allow_nan=False) + "\n")


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
