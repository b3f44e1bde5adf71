"""A row an event, a row a recording: what the Parquet files hold."""

from dataclasses import dataclass
from typing import Any

NAN = float("nan")
LEFT_OUT = "left out"  #: The status of a recording that is in no table, by rule.


@dataclass(frozen=True)
class EventRow:
    """An event, joined with what happened around it.

    Times are s from the first sample. What is not known is NaN, None or empty.
    """

    participant: str
    recording: str
    source: str  #: "coding" or "candidates".
    onset_s: float
    offset_s: float
    duration_ms: int
    kind: str  #: "micro" or "macro".
    channel: str = ""
    muscle: int = 0  #: 1 to 7 on the paper's face; 0 where it is not known.
    peak_uv: float = NAN
    rest_uv: float = NAN
    times_rest: float = NAN
    mvc_uv: float = NAN
    mvc_percent: float = NAN
    iemg_ms: float = NAN  #: Integral of the envelope over the range of the recording, ms.
    units: str = ""
    units_from: str = ""  #: "coding", or "muscle": those that table 8 has for it.
    emotion: str = ""
    emotion_from: str = ""  #: "coding" or "clip".
    side: str = ""
    trial: str = ""
    clip: str = ""
    clip_emotion: str = ""
    since_clip_s: float = NAN
    is_aware: bool = False
    key_after_s: float = NAN
    rating: int | None = None
    edges: str = ""  #: "emg" or "coded".
    left_out: str = ""  #: Why it is in no table; empty if it is.


@dataclass(frozen=True)
class RecordingRow:
    """A recording: quality, loss, clock, contact, MVC, and what came of it."""

    participant: str
    recording: str
    status: str  #: "done", `LEFT_OUT` or "failed".
    why: str = ""  #: Why it is left out, or failed.
    is_simulated: bool = False
    rate_hz: float = NAN
    duration_s: float = NAN
    n_samples: int = 0
    n_lost: int = 0
    lost_percent: float = NAN
    n_gaps: int = 0
    longest_gap_ms: float = NAN
    rate_ppm: float = NAN
    film: str = ""
    film_ppm: float = NAN
    film_begin_s: float = NAN
    film_residual_ms: float = NAN
    n_jumps: int = 0
    n_channels: int = 0
    rejected: str = ""  #: Channels that are not analysed, and why.
    remarks: str = ""
    contact_bad: str = ""  #: Channels that the check before the recording calls bad.
    impedance_kohm_median: float = NAN
    impedance_kohm_max: float = NAN
    mains_db: float = NAN  #: The channel where it stands out most.
    mvc_uv: dict[str, float] | None = None  #: By channel.
    mvc_missing: str = ""
    rest_uv: dict[str, float] | None = None
    n_trials: int = 0
    n_rated: int = 0
    n_keys: int = 0
    n_candidates: int = 0
    n_blinks: int = 0
    n_coded: int = 0
    n_events: int = 0
    n_in: int = 0
    coding: str = ""
    #: Detector against coding, all channels together: coded, found, matched at an IoU of 0.5.
    n_matched: int = 0
    onset_error_ms: float = NAN
    offset_error_ms: float = NAN
    #: Two coders: matched expressions, agreed and coded units, emotions, sides.
    agree: dict[str, int] | None = None


def event_row(content: dict[str, Any]) -> EventRow:
    """Make a row of what JSON had of it."""
    return EventRow(**_with_nan(content, ("rating",)))


def recording_row(content: dict[str, Any]) -> RecordingRow:
    """Make a row of what JSON had of it."""
    return RecordingRow(**_with_nan(content, ("mvc_uv", "rest_uv", "agree")))


def _with_nan(content: dict[str, Any], may_be_none: tuple[str, ...]) -> dict[str, Any]:
    return {
        key: NAN if value is None and key not in may_be_none else value
        for key, value in content.items()
    }
