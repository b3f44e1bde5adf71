"""From a recording to candidate expressions: what `emgrig analyse` shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from emgrig.analysis.paper.annotations import MICRO_LIMIT_MS
from emgrig.analysis.paper.printed import MUSCLES, likely_emotions, likely_units
from emgrig.analysis.signal.cleaning import subtract_mains
from emgrig.analysis.signal.filters import (
    CASMEMG_CODE,
    Floats,
    Ints,
    Preprocessing,
    as_columns,
    band_pass,
    check_rate,
    smooth,
)
from emgrig.analysis.signal.indicators import check_microvolts, mvc_percent, rest_level
from emgrig.analysis.signal.quality import ChannelQuality, assess
from emgrig.analysis.spotting.detector import DETECTION_BAND, events_in_band
from emgrig.names import one_line, table_cell

_RUN_IN_S = 0.1
_KEYWORDS = {
    "front": 1,
    "corr": 2,
    "oculi": 3,
    "lev": 4,
    "zyg": 5,
    "oris": 6,
    "depressor": 7,
}


@dataclass(frozen=True)
class Candidate:
    """An interval that may be an expression."""

    channel_index: int  #: 0 is the first column.
    start_s: float  #: s from the first sample.
    end_s: float
    peak: float  #: Peak of the 6 Hz envelope, in the unit of the recording.
    times_rest: float  #: Peak over the channel's rest level.
    mvc_percent: float  #: NaN where no MVC was given.
    units: tuple[int, ...]  #: Likely action units; empty where the muscle is not known.
    #: Emotions of table 9 whose channels are all active at that time.
    emotions: tuple[str, ...] = ()
    #: Whether another channel is at least 10 times as active over its rest at the same time.
    crosstalk: bool = False

    @property
    def is_micro(self) -> bool:
        """Whether it lasts at most 500 ms by EMG."""
        return round(1000 * (self.end_s - self.start_s)) <= MICRO_LIMIT_MS


@dataclass(frozen=True)
class Analysis:
    """A recording, analysed."""

    rate_hz: float  #: Sampling rate, Hz.
    band_hz: tuple[float, float]  #: Band that was used; its upper edge shrinks with the rate.
    labels: tuple[str, ...]  #: Names and units of the channels.
    units: tuple[str, ...]
    quality: list[ChannelQuality]  #: One a channel; those with a `reject` were not analysed.
    #: Channel number on the paper's face, 1 to 7, of each channel index it is known for.
    muscles: dict[int, int]
    #: shape (n_samples, n_channels); Signals as analysed; NaN in rejected channels and in
    #: the first and last 0.1 s.
    banded: Floats
    envelopes: Floats
    rest: Floats  #: shape (n_channels,); Rest level of the envelope.
    candidates: list[Candidate]  #: In order of time.
    remarks: list[str]  #: What a reader should know about the recording as a whole.


def muscles_by_label(labels: Sequence[str]) -> dict[int, int]:
    """Recognise muscles by their names; {channel_index: channel of the paper's face}."""
    found = {}
    for index, label in enumerate(labels):
        hits = {c for word, c in _KEYWORDS.items() if word in label.lower()}
        if 7 in hits:
            hits = {7}  # depressor anguli *oris*
        if len(hits) == 1:
            found[index] = hits.pop()
    return found


def analyse(
    samples: Floats,
    rate_hz: float,
    *,
    labels: Sequence[str],
    units: Sequence[str],
    muscles: Mapping[int, int] | None = None,
    mvc_uv: Mapping[int, float] | None = None,
    rest_s: tuple[float, float] | None = None,
) -> Analysis:
    """Find candidate expressions in a recording.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels)
        Raw signal; NaN marks gaps.
    rate_hz : float, > 0
        Sampling rate, Hz. Below 1000 the band is narrowed to 45 % of it, and a remark says so.
    labels, units : sequence of str
        Name and unit of each channel; a unit other than "uV" or "" is not analysed.
    muscles : mapping, optional
        {channel_index: channel of the paper's face}; default is what the labels say.
    mvc_uv : mapping, optional
        {channel_index: MVC, uV}.
    rest_s : (float, float), optional
        Declared rest, s.

    Raises
    ------
    ValueError
        If the rate is too low for any EMG band, labels and channels do not match, an MVC is not
        above zero, or the record is too short.
    """
    columns = as_columns(samples)
    check_rate(rate_hz)
    if not len(labels) == len(units) == columns.shape[1]:
        raise ValueError(f"{columns.shape[1]} channels need as many labels and units")
    band, remarks = _band(rate_hz)
    quality = [_with_unit(q, units[q.channel_index]) for q in assess(columns, rate_hz)]
    good = [q.channel_index for q in quality if not q.reject]
    preset = replace(CASMEMG_CODE, name="analyse", band_hz=band)
    banded = np.full_like(columns, np.nan)
    found: dict[int, Ints] = {}
    detection = replace(DETECTION_BAND, band_hz=(DETECTION_BAND.band_hz[0], band[1]))
    for index in good:
        x, mains = columns[:, index], quality[index].mains_hz
        banded[:, index] = _clean_band(x, rate_hz, preset, mains)
        seen = _clean_band(x, rate_hz, detection, mains)
        found[index] = events_in_band(seen, rate_hz, rest_s=rest_s)[0]
    envelopes = np.full_like(columns, np.nan)
    if good:
        envelopes[:, good] = smooth(banded[:, good], rate_hz, preset=preset)
    else:
        remarks.append("no channel can be analysed")
    rest = rest_level(envelopes, rate_hz, rest_s=rest_s)
    known = dict(muscles_by_label(labels) if muscles is None else muscles)
    candidates = _candidates(found, envelopes, rest, rate_hz, known, mvc_uv or {})
    checked = [_with_amplitude(q, envelopes[:, q.channel_index], units) for q in quality]
    return Analysis(
        rate_hz,
        band,
        tuple(labels),
        tuple(units),
        checked,
        known,
        banded,
        envelopes,
        rest,
        candidates,
        remarks,
    )


def _clean_band(x: Floats, rate_hz: float, preset: Preprocessing, mains_hz: float) -> Floats:
    """Band-pass one channel and take the mains off; its first and last 0.1 s become NaN."""
    banded = band_pass(x, rate_hz, preset=preset)
    if np.isfinite(mains_hz):
        banded = subtract_mains(banded, rate_hz, mains_hz=mains_hz)
    # At the ends the filters have to guess, and mains makes the guess a bad one.
    run_in = min(round(_RUN_IN_S * rate_hz), x.size // 10)
    banded[:run_in] = banded[x.size - run_in :] = np.nan
    return banded[:, 0]


def _band(rate_hz: float) -> tuple[tuple[float, float], list[str]]:
    top = min(450.0, round(0.45 * rate_hz))
    if top < 60:
        raise ValueError(f"{rate_hz:g} samples a second carry no EMG band; at least 134 are needed")
    if top == 450:
        return (20.0, top), []
    remark = (
        f"{rate_hz:g} samples a second carry 20-{top:g} Hz only, not the paper's 20-450 Hz: "
        "amplitudes are lower than at 1000"
    )
    return (20.0, top), [remark]


def _with_unit(quality: ChannelQuality, unit: str) -> ChannelQuality:
    if quality.reject or unit in ("uV", ""):
        return quality
    return replace(quality, reject=f"its unit is {unit}, not a voltage")


def _with_amplitude(
    quality: ChannelQuality, channel_envelope: Floats, units: Sequence[str]
) -> ChannelQuality:
    """Flag amplitudes that cannot be in the unit the file names."""
    if quality.reject or units[quality.channel_index] != "uV":
        return quality
    try:
        check_microvolts(channel_envelope)
    except ValueError as error:
        return replace(quality, remarks=(*quality.remarks, f"unit in doubt: {error}"))
    return quality


def _candidates(
    found: Mapping[int, Ints],
    envelopes: Floats,
    rest: Floats,
    rate_hz: float,
    muscles: Mapping[int, int],
    mvc: Mapping[int, float],
) -> list[Candidate]:
    raw: list[Candidate] = []
    for index, intervals in found.items():
        for start, stop in intervals.tolist():
            peak = float(np.nanmax(envelopes[start:stop, index]))
            level = float(rest[index])
            raw.append(
                Candidate(
                    index,
                    start / rate_hz,
                    stop / rate_hz,
                    peak,
                    peak / level if level > 0 else float("nan"),
                    mvc_percent(peak, mvc[index]) if index in mvc else float("nan"),
                    likely_units(muscles[index]) if index in muscles else (),
                )
            )
    raw.sort(key=lambda c: (c.start_s, c.channel_index))
    return [_in_company(one, raw, muscles) for one in raw]


def _in_company(
    one: Candidate, every: Sequence[Candidate], muscles: Mapping[int, int]
) -> Candidate:
    """Add what follows from the other channels at the same time."""
    beside = [c for c in every if c.start_s < one.end_s and c.end_s > one.start_s]
    channels = frozenset(muscles[c.channel_index] for c in beside if c.channel_index in muscles)
    strongest = max(c.times_rest for c in beside)
    emotions = tuple(likely_emotions(channels)) if one.channel_index in muscles else ()
    return replace(one, emotions=emotions, crosstalk=strongest >= 10 * one.times_rest)


def muscle_name(analysis: Analysis, channel_index: int) -> str:
    """Name the muscle under a channel, or say that it is not known."""
    return MUSCLES.get(analysis.muscles.get(channel_index, 0), "unknown")


def events_tsv(analysis: Analysis) -> str:
    """Write the candidates as a BIDS events table (onset and duration in s, n/a where unknown)."""
    head = ("onset", "duration", "trial_type", "channel", "mvc_percent", "times_rest", "units")
    rows = ["\t".join(head)]
    for c in analysis.candidates:
        cells = (
            f"{c.start_s:.3f}",
            f"{c.end_s - c.start_s:.3f}",
            "micro" if c.is_micro else "macro",
            table_cell(one_line(analysis.labels[c.channel_index])),
            _or_na(c.mvc_percent),
            _or_na(c.times_rest),
            "+".join(f"AU{u}" for u in c.units) or "n/a",
        )
        rows.append("\t".join(cells))
    return "\n".join(rows) + "\n"


def _or_na(number: float) -> str:
    return f"{number:.1f}" if np.isfinite(number) else "n/a"
