"""What a coder wrote of a recording: a table of events, or an ELAN file."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emgrig.analysis.report.elan import read_elan
from emgrig.study.dataset import read_tsv, seconds

_UNIT = re.compile(r"(?:AU\s*)?(\d{1,2})\b", re.IGNORECASE)
_AU = re.compile(r"\bAU\s*(\d{1,2})\b", re.IGNORECASE)
_UNIT_COLUMNS = ("action_units", "units", "au", "aus")
_SIDES = ("left", "right", "both", "bilateral", "unilateral")
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
#: Rows of these kinds are no expressions (section 4.5 leaves them out too).
_NO_EXPRESSION = re.compile(r"\b(blink|swallow|mvc|bad)", re.IGNORECASE)


@dataclass(frozen=True)
class Coded:
    """An expression as a coder has it; times in s of the recording.

    Attributes
    ----------
    channel : str
        Name or number; empty if none is said.
    units : tuple of int
        Action units.
    emotion, side : str
        Empty if not said.
    """

    onset_s: float
    offset_s: float
    channel: str = ""
    units: tuple[int, ...] = ()
    emotion: str = ""
    side: str = ""


@dataclass(frozen=True)
class Coding:
    """All that a coder wrote of a recording, and what was no expression."""

    rows: tuple[Coded, ...]
    left_out: Mapping[str, int]  #: Rows that are no expression, by what they are called.


ToEmg = Callable[[float], float]


def read_coding(path: Path, *, to_emg_s: ToEmg = float) -> Coding:
    """Read a coding; `to_emg_s` maps its time to that of the recording.

    Raises
    ------
    RecordingError
        If it cannot be read.
    """
    found = _elan(path) if path.suffix == ".eaf" else _table(path)
    rows: list[Coded] = []
    others: dict[str, int] = {}
    for name, one in found:
        word = _NO_EXPRESSION.search(name)
        if word is not None:
            others[word[1].lower()] = others.get(word[1].lower(), 0) + 1
            continue
        onset, offset = to_emg_s(one.onset_s), to_emg_s(one.offset_s)
        rows.append(Coded(onset, offset, one.channel, one.units, one.emotion, one.side))
    return Coding(tuple(sorted(rows, key=lambda r: r.onset_s)), others)


def _table(path: Path) -> Iterable[tuple[str, Coded]]:
    for nth, row in enumerate(read_tsv(path)):
        onset = seconds(row, "onset", path, nth)
        offset = onset + seconds(row, "duration", path, nth)
        said = next((row[key] for key in _UNIT_COLUMNS if key in row), "")
        units = tuple(sorted({int(u) for u in _UNIT.findall(said)}))
        emotion = row.get("emotion", "").lower()
        side = row.get("side", "").lower()
        yield (
            row.get("trial_type", ""),
            Coded(onset, offset, row.get("channel", ""), units, emotion, side),
        )


def _elan(path: Path) -> Iterable[tuple[str, Coded]]:
    """Take marks of all tiers; a tier is named after a channel, or the channel is not said."""
    for tier, marks in read_elan(path).items():
        for onset, offset, text in marks:
            words = re.findall(r"[a-z]+", text.lower())
            units = tuple(sorted({int(u) for u in _AU.findall(text)}))
            emotion = next((w for w in words if w in EMOTIONS), "")
            side = next((w for w in words if w in _SIDES), "")
            yield f"{tier} {text}", Coded(onset, offset, tier, units, emotion, side)
