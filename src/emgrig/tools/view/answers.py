"""What the page asks for over HTTP, as bytes: columns of a stretch.

A body has the length of its JSON (4 bytes, little-endian), the JSON, filled up with blanks to a
multiple of four, and planes of float32, then of flags, each (n_channels, n_columns).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from emgrig.names import plain_line
from emgrig.reading import Mark
from emgrig.view.eye import Eye
from emgrig.view.screen import Screen, Seen

#: Columns of one answer at most, and marks that it names.
MOST_COLUMNS, MOST_MARKS, MOST_TEXT = 4000, 300, 60
_FOR_EVER_S = 1e12


@dataclass(frozen=True)
class Asked:
    """A stretch that is wanted."""

    begin_s: float
    end_s: float
    n_columns: int
    channels: Sequence[int]
    eye: Eye


def columns_body(screen: Screen, asked: Asked) -> bytes:
    """Return a stretch for the page's script.

    Raises
    ------
    ValueError
        If what is asked for makes no sense.
    RecordingError
        If the file cannot be read any more.
    """
    rate_hz, n = screen.recording.rate_hz, len(screen.recording.signals)
    if not all(0 <= one < n for one in asked.channels) or len(asked.channels) > n:
        raise ValueError(f"channels {list(asked.channels)}; there are {n}")
    if not asked.begin_s < asked.end_s < 1e12 or asked.begin_s < -1e12:
        raise ValueError(f"a stretch from {asked.begin_s:g} to {asked.end_s:g} s")
    seen = screen.see(
        asked.begin_s * rate_hz,
        asked.end_s * rate_hz,
        min(max(asked.n_columns, 1), MOST_COLUMNS),
        asked.channels,
        asked.eye,
    )
    return _packed(screen, asked, seen)


def _packed(screen: Screen, asked: Asked, seen: Seen) -> bytes:
    trace = seen.trace
    marks = meeting(screen.recording.marks, asked.begin_s, asked.end_s)
    said = {
        "first": trace.first,
        "width": trace.width,
        "n": trace.low.shape[1],
        "channels": list(asked.channels),
        "hasEnvelope": seen.envelope is not None,
        "isCentred": seen.eye.low_hz is not None,
        "eye": seen.eye.words(),
        "share": seen.share,
        "problem": screen.problem,
        "asked": asked.end_s,
        "marks": [_shown(one) for one in marks[:MOST_MARKS]],
        "nMarks": len(marks),
    }
    head = json.dumps(said, separators=(",", ":"), allow_nan=False).encode()
    head += b" " * (-len(head) % 4)
    planes = [trace.low, trace.high, *([] if seen.envelope is None else [seen.envelope.high])]
    parts = [plane.astype("<f4").tobytes() for plane in planes]
    return b"".join([len(head).to_bytes(4, "little"), head, *parts, trace.holes.tobytes()])


def _shown(mark: Mark) -> tuple[float, float, str]:
    return mark.onset_s, min(mark.duration_s, _FOR_EVER_S), plain_line(mark.text, MOST_TEXT)


def meeting(marks: Sequence[Mark], begin_s: float, end_s: float) -> list[Mark]:
    """Return the marks that meet a stretch."""
    return [
        one for one in marks if one.onset_s <= end_s and one.onset_s + one.duration_s >= begin_s
    ]
