"""Candidate intervals as an ELAN file over the video, and corrected tiers read back.

pympi-ling is imported here alone, when such a file is written or read.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.analysis.clocks.robust_line import ClockMap
from emgrig.analysis.signal.filters import Floats
from emgrig.extras import require

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
) -> None:
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

    Raises
    ------
    ValueError
        If a mark is reversed or lies before the video's start.
    MissingExtra
        If pympi-ling is not installed.
    """
    document = _eaf()(author="emgrig")
    document.remove_tier("default")
    for name, marks in tiers.items():
        document.add_tier(name)
        for start_s, end_s, text in marks:
            start, end = clock.video_s(np.array([start_s, end_s]))
            start_ms, end_ms = round(1000 * float(start)), round(1000 * float(end))
            if not 0 <= start_ms < end_ms:
                raise ValueError(
                    f"{name}: {start_s:g} to {end_s:g} s maps to {start_ms} to {end_ms} ms of the "
                    "video, which is reversed or before its start"
                )
            document.add_annotation(name, start_ms, end_ms, text)
    if video is not None:
        file = Path(video)
        kind = {".mp4": "video/mp4", ".mpg": "video/mpeg", ".mov": "video/quicktime"}
        document.add_linked_file(
            file.absolute().as_uri(), f"./{file.name}", kind.get(file.suffix.lower(), "video/*")
        )
    document.to_file(str(path))


def read_elan(path: str | Path, *, clock: ClockMap = SAME_CLOCK) -> dict[str, list[Mark]]:
    """Read the tiers of an .eaf file, times in EMG seconds, each tier in order of time.

    Raises
    ------
    ValueError
        If the file is no ELAN file.
    OSError
        If it cannot be read.
    MissingExtra
        If pympi-ling is not installed.
    """
    Path(path).stat()
    eaf = _eaf()
    try:
        with warnings.catch_warnings():
            # pympi leaves closing its file to the garbage collector.
            warnings.simplefilter("ignore", ResourceWarning)
            document = eaf(str(path))
    except Exception as error:  # pympi raises plain Exception for what it cannot parse
        raise ValueError(f"{path} is no ELAN file: {error}") from error
    tiers: dict[str, list[Mark]] = {}
    for name in document.get_tier_names():
        rows = sorted(document.get_annotation_data_for_tier(name))
        times: Floats = clock.emg_s(np.array([row[:2] for row in rows]).reshape(-1, 2) / 1000)
        tiers[name] = [
            (float(a), float(b), str(row[2])) for (a, b), row in zip(times, rows, strict=True)
        ]
    return tiers


def _eaf() -> Any:
    """Return pympi's class of documents, which has no types."""
    return require("pympi.Elan", "elan", "ELAN files").Eaf
