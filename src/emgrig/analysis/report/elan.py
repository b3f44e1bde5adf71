"""Candidate intervals as an ELAN file over the video, and corrected tiers read back.

pympi-ling is imported here alone, when such a file is written.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from emgrig.analysis.clocks.robust_line import ClockMap
from emgrig.analysis.signal.filters import Floats
from emgrig.errors import RecordingError
from emgrig.extras import require
from emgrig.files import attempt

SAME_CLOCK = ClockMap(0.0, np.array([-np.inf]), np.array([0.0]), np.array([0.0]))
"""EMG and video time are one."""

Mark = tuple[float, float, str]
"""Start and end, s of EMG time, and a text."""


def write_elan(
    path: str | Path,
    tiers: Mapping[str, Sequence[Mark]],
    *,
    video: str | Path | None = None,
    clock: ClockMap = SAME_CLOCK,
) -> int:
    """Write tiers of marks as an .eaf file.

    Parameters
    ----------
    path : str or Path
        File to write.
    tiers : mapping of name to marks
        One tier a channel, times in EMG seconds.
    video : str or Path, optional
        The video to open with it.
    clock : ClockMap
        Turns EMG time into video time.

    Returns
    -------
    int
        Marks that begin before the film and are left out.

    Raises
    ------
    ValueError
        If a mark is reversed.
    MissingExtra
        If pympi-ling is not installed.
    """
    document = _eaf()(author="emgrig")
    document.remove_tier("default")
    n_before = 0
    for name, marks in tiers.items():
        document.add_tier(name)
        for start_s, end_s, text in marks:
            start, end = clock.video_s(np.array([start_s, end_s]))
            start_ms, end_ms = round(1000 * float(start)), round(1000 * float(end))
            if not start_ms < end_ms:
                raise ValueError(
                    f"{name}: {start_s:g} to {end_s:g} s maps to {start_ms} to {end_ms} ms of the "
                    "video, which is reversed"
                )
            if start_ms < 0:
                n_before += 1
                continue
            document.add_annotation(name, start_ms, end_ms, text)
    if video is not None:
        file = Path(video)
        kind = {".mp4": "video/mp4", ".mpg": "video/mpeg", ".mov": "video/quicktime"}
        document.add_linked_file(
            file.absolute().as_uri(), f"./{file.name}", kind.get(file.suffix.lower(), "video/*")
        )
    document.to_file(str(path))
    return n_before


def read_elan(path: str | Path, *, clock: ClockMap = SAME_CLOCK) -> dict[str, list[Mark]]:
    """Read the tiers of an .eaf file, times in EMG seconds, each tier in order of time.

    Slots without a time, as subdivided tiers have, lie evenly between their neighbours, as ELAN
    shows them. pympi 1.71 stops at them.

    Raises
    ------
    RecordingError
        If the file is no ELAN file, or cannot be read.
    """
    file = Path(path)
    with attempt("read", file):
        raw = file.read_bytes()
    try:
        root = ET.fromstring(raw)  # noqa: S314 - expat bounds what entities expand to
        tiers = _all_tiers(root)
        if not all(abs(t) < 1e15 for rows in tiers.values() for row in rows for t in row[:2]):
            raise ValueError("a time that is none")  # noqa: TRY301
    except (ET.ParseError, ValueError, KeyError, LookupError) as error:
        raise RecordingError(f"{path} is no ELAN file: {error}") from error
    out: dict[str, list[Mark]] = {}
    for name, rows in tiers.items():
        times: Floats = clock.emg_s(np.array([row[:2] for row in rows]).reshape(-1, 2) / 1000)
        out[name] = [(float(a), float(b), row[2]) for (a, b), row in zip(times, rows, strict=True)]
    return out


def _all_tiers(root: ET.Element) -> dict[str, list[tuple[float, float, str]]]:
    if root.tag != "ANNOTATION_DOCUMENT":
        raise ValueError(f"its root is {root.tag}")
    times_ms = _slots(root)
    return {tier.get("TIER_ID") or "": _rows(tier, times_ms) for tier in root.iter("TIER")}


def _slots(root: ET.Element) -> dict[str, float]:
    """Return the time of each slot, ms; the order of the file is that of time."""
    slots = list(root.iter("TIME_SLOT"))
    said = [one.get("TIME_VALUE") for one in slots]
    told = [(i, float(ms)) for i, ms in enumerate(said) if ms is not None]
    if not told:
        return {}
    places, times = zip(*told, strict=True)
    all_ms = np.interp(np.arange(len(slots)), places, times)
    return {one.attrib["TIME_SLOT_ID"]: float(ms) for one, ms in zip(slots, all_ms, strict=True)}


def _rows(tier: ET.Element, times_ms: Mapping[str, float]) -> list[tuple[float, float, str]]:
    rows = []
    for one in tier.iter("ALIGNABLE_ANNOTATION"):
        text = one.findtext("ANNOTATION_VALUE") or ""
        ends = (times_ms[one.attrib[f"TIME_SLOT_REF{n}"]] for n in (1, 2))
        rows.append((*ends, text))
    return sorted(rows)  # type: ignore[arg-type]


def _eaf() -> Any:
    """Return pympi's class of documents, which has no types."""
    return require("pympi.Elan", "elan", "ELAN files").Eaf
