"""From a recording to candidate expressions: what `emgrig analyse` shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from emgrig.analysis.paper.annotations import MICRO_LIMIT_MS
from emgrig.analysis.paper.printed import MUSCLES, likely_emotions, likely_units
from emgrig.analysis.report.muscle_names import muscles_by_label
from emgrig.analysis.report.parts import Part, PartLevel, levels_in, mvc_in, usable
from emgrig.analysis.report.stretches import Stretch, stretches_of
from emgrig.analysis.report.strips import Strip, strip_between, strip_of
from emgrig.analysis.report.trials import Course, Joined, Phase, join
from emgrig.analysis.signal.cleaning import subtract_mains
from emgrig.analysis.signal.filters import (
    CASMEMG_CODE,
    Floats,
    Preprocessing,
    as_columns,
    band_pass,
    check_rate,
    smooth,
)
from emgrig.analysis.signal.indicators import check_microvolts, mvc_percent, rest_level
from emgrig.analysis.signal.quality import ChannelQuality, assess
from emgrig.analysis.spotting.company import CompanySettings, blinks_among
from emgrig.analysis.spotting.detector import DETECTION_BAND, events_in_band

_RUN_IN_S = 0.1
_REST_OVER_QUIET = 5.0
"""Rest that is so much louder than the quietest tenth of a recording is none."""
_NO_SESSION, _NO_COURSE = Joined(), Course()
#: With the wave of a lid beside it, a burst of up to 0.4 s is that of a blink, which last as long.
_BLINKS = CompanySettings(burst_s=0.4, behind_s=0.12)


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
    #: Whether it meets a stretch at the end of the range, which makes its amplitude a guess.
    clipped: bool = False
    is_blink: bool = False  #: Whether it comes with the wave of an eyelid.
    joined: Joined = _NO_SESSION  #: What it has of the session, if the recording is one.

    @property
    def is_micro(self) -> bool:
        """Whether it lasts at most 500 ms by EMG."""
        return round(1000 * (self.end_s - self.start_s)) <= MICRO_LIMIT_MS

    @property
    def is_part_a(self) -> bool:
        """Whether it is of the maximum contractions, and what is tried around them."""
        return self.joined.phase is Phase.PART_A


@dataclass(frozen=True)
class Analysis:
    """A recording, analysed."""

    rate_hz: float  #: Sampling rate, Hz.
    n_samples: int
    band_hz: tuple[float, float]  #: Band that was used; its upper edge shrinks with the rate.
    labels: tuple[str, ...]  #: Names and units of the channels.
    units: tuple[str, ...]
    quality: list[ChannelQuality]  #: One a channel; those with a `reject` were not analysed.
    #: Channel number on the paper's face, 1 to 7, of each channel index it is known for.
    muscles: dict[int, int]
    strips: list[Strip | None]  #: What is drawn of each channel; None where it is rejected.
    rest: Floats  #: shape (n_channels,); Rest level of the envelope.
    candidates: list[Candidate]  #: In order of time: expressions, blinks, and what part A shows.
    remarks: list[str]  #: What a reader should know about the recording as a whole.
    course: Course = _NO_COURSE  #: Of the session, by its markers.
    stretches: tuple[Stretch, ...] = ()  #: What is drawn by itself, if the recording is long.
    #: What is drawn of each channel in each stretch; empty where it is rejected.
    stretch_strips: Sequence[Sequence[Strip]] = ()
    mvc_uv: Mapping[int, float] = field(default_factory=dict)  #: By channel index, where known.
    part_levels: Sequence[PartLevel] = ()  #: Part by part, of each channel that is analysed.

    @cached_property
    def expressions(self) -> list[Candidate]:
        """What may be an expression: no blink, and not of part A."""
        return [c for c in self.candidates if not c.is_blink and not c.is_part_a]

    @cached_property
    def blinks(self) -> list[Candidate]:
        """Blinks outside of part A."""
        return [c for c in self.candidates if c.is_blink and not c.is_part_a]

    @cached_property
    def n_part_a(self) -> int:
        """Count what is left out as part A."""
        return sum(c.is_part_a for c in self.candidates)


def analyse(
    samples: Floats | Sequence[Floats],
    rate_hz: float,
    *,
    labels: Sequence[str],
    units: Sequence[str],
    muscles: Mapping[int, int] | None = None,
    mvc_uv: Mapping[int, float] | None = None,
    rest_s: tuple[float, float] | None = None,
    limits: Sequence[tuple[float, float] | None] | None = None,
    course: Course | None = None,
    mvc_parts: Mapping[int, Sequence[Part]] | None = None,
    parts: Sequence[Part] = (),
) -> Analysis:
    """Find candidate expressions in a recording.

    Parameters
    ----------
    samples : ndarray, shape (n_samples, n_channels), or sequence of ndarray, shape (n_samples,)
        Raw signal; NaN marks gaps. Of a sequence one channel at a time is asked for and kept.
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
    limits : sequence of (float, float) or None, optional
        Ends of the range of each channel, in its unit, where they are known.
    course : Course, optional
        Of the session, as `emgrig.analysis.report.trials.course_of` reads it.
    mvc_parts : mapping, optional
        {channel_index: where the muscle was contracted as strongly as could be}: its MVC.
    parts : sequence of Part, optional
        Of which the strength of every channel is wanted.

    Raises
    ------
    ValueError
        If the rate is too low for any EMG band, labels and channels do not match, an MVC is not
        above zero, or the record is too short.
    """
    channels = list(as_columns(samples).T) if isinstance(samples, np.ndarray) else samples
    check_rate(rate_hz)
    if not len(labels) == len(units) == len(channels):
        raise ValueError(f"{len(channels)} channels need as many labels and units")
    band, remarks = band_at(rate_hz)
    mvc, unsaid = usable(mvc_uv or {}, units)
    remarks += [f"{labels[i]}: no MVC %, its unit is not said (--unit)" for i in unsaid]
    known = dict(muscles_by_label(labels) if muscles is None else muscles)
    ends = [None] * len(channels) if limits is None else limits
    contracted, unsaid = usable(mvc_parts or {}, units)
    remarks += [f"{labels[i]}: no MVC %, its unit is not said (--unit)" for i in unsaid]
    session = course or Course()
    seen = [  # a channel has gone when the next one is read
        _channel(
            channels[i],
            rate_hz,
            band,
            i,
            units[i],
            ends[i],
            mvc.get(i),
            known.get(i),
            rest_s,
            session,
            contracted.get(i, ()),
            parts,
        )
        for i in range(len(channels))
    ]
    if all(one.quality.reject for one in seen):
        remarks.append("no channel can be analysed")
    raw = sorted(
        (c for one in seen for c in one.candidates), key=lambda c: (c.start_s, c.channel_index)
    )
    return Analysis(
        rate_hz=rate_hz,
        n_samples=seen[0].n_samples,
        band_hz=band,
        labels=tuple(labels),
        units=tuple(units),
        quality=[one.quality for one in seen],
        muscles=known,
        strips=[one.strip for one in seen],
        rest=np.array([one.rest for one in seen]),
        candidates=_in_session(_in_company(raw, known), session),
        remarks=remarks,
        course=session,
        stretches=stretches_of(session, seen[0].n_samples / rate_hz),
        stretch_strips=[one.stretch_strips for one in seen],
        mvc_uv={i: one.mvc_uv for i, one in enumerate(seen) if one.mvc_uv is not None},
        part_levels=[one.levels[nth] for nth in range(len(parts)) for one in seen if one.levels],
    )


@dataclass(frozen=True)
class _Seen:
    """What is kept of one channel; its samples are not."""

    n_samples: int
    quality: ChannelQuality
    strip: Strip | None = None
    rest: float = float("nan")
    candidates: Sequence[Candidate] = ()
    stretch_strips: Sequence[Strip] = ()
    mvc_uv: float | None = None
    levels: Sequence[PartLevel] = ()


def _channel(
    x: Floats,
    rate_hz: float,
    band: tuple[float, float],
    index: int,
    unit: str,
    limits: tuple[float, float] | None,
    mvc_uv: float | None,
    muscle: int | None,
    rest_s: tuple[float, float] | None,
    course: Course,
    mvc_parts: Sequence[Part],
    parts: Sequence[Part],
) -> _Seen:
    column = as_columns(x)
    (quality,) = assess(column, rate_hz, [limits])
    quality = _with_unit(replace(quality, channel_index=index), unit)
    if quality.reject:
        return _Seen(x.size, quality)
    preset = replace(CASMEMG_CODE, name="analyse", band_hz=band)
    detection = replace(DETECTION_BAND, band_hz=(DETECTION_BAND.band_hz[0], band[1]))
    try:
        in_band = _clean_band(x, rate_hz, detection, quality.mains_hz)
        found = events_in_band(in_band, rate_hz, rest_s=rest_s)[0]
        # Without a muscle it is no face, which blinks.
        is_blink = (
            np.zeros(len(found), np.bool_)
            if muscle is None
            else blinks_among(found, x, in_band, rate_hz, _BLINKS)
        )
        del in_band  # of hours, it is as large as the file
        banded = _clean_band(x, rate_hz, preset, quality.mains_hz)
        envelope = smooth(banded, rate_hz, preset=preset)
    except ValueError as error:
        if rest_s is not None:  # that was told, and may be what is wrong
            raise
        return _Seen(x.size, replace(quality, reject=str(error)))
    rest = float(rest_level(envelope, rate_hz, rest_s=rest_s)[0])
    level = envelope[:, 0]
    quality = _with_rest(quality, level, rest, rate_hz, rest_s)
    if mvc_parts:
        mvc_uv, against = mvc_in(x, level, rate_hz, mvc_parts, rest, quality)
        quality = replace(quality, remarks=(*quality.remarks, *against))
    candidates = [
        replace(
            _candidate(index, start, stop, level, rest, quality, rate_hz, muscle, mvc_uv),
            is_blink=is_so,
        )
        for (start, stop), is_so in zip(found.tolist(), is_blink.tolist(), strict=True)
    ]
    quality = _with_amplitude(quality, level, unit)
    stretches = stretches_of(course, x.size / rate_hz)
    apart = [strip_between(banded, level, rate_hz, one, len(stretches)) for one in stretches]
    levels = levels_in(x, level, rate_hz, parts, index, rest, quality, mvc_uv)
    strip = strip_of(banded, level, rate_hz)
    return _Seen(x.size, quality, strip, rest, candidates, apart, mvc_uv, levels)


def _clean_band(x: Floats, rate_hz: float, preset: Preprocessing, mains_hz: float) -> Floats:
    """Band-pass one channel and take the mains off; its first and last 0.1 s become NaN."""
    banded = band_pass(x, rate_hz, preset=preset)
    if np.isfinite(mains_hz):
        banded = subtract_mains(banded, rate_hz, mains_hz=mains_hz, overwrite=True)
    # At the ends the filters have to guess, and mains makes the guess a bad one.
    run_in = min(round(_RUN_IN_S * rate_hz), x.size // 10)
    banded[:run_in] = banded[x.size - run_in :] = np.nan
    return banded[:, 0]


def band_at(rate_hz: float) -> tuple[tuple[float, float], list[str]]:
    """Return the band, Hz, in which a recording is analysed, and what is to be known of it."""
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


def _with_rest(
    quality: ChannelQuality,
    level: Floats,
    rest: float,
    rate_hz: float,
    rest_s: tuple[float, float] | None,
) -> ChannelQuality:
    """Remark on a declared rest that is none: far above the quietest tenth of the recording."""
    if rest_s is None:
        return quality
    quiet = float(rest_level(level[:, None], rate_hz)[0])
    if not rest > _REST_OVER_QUIET * quiet:
        return quality
    words = (
        f"the declared rest, {rest_s[0]:g} to {rest_s[1]:g} s, is {rest / quiet:.0f} times as loud "
        "as the quietest tenth of the recording: is a contraction in it? What is weaker is not "
        "found"
    )
    return replace(quality, remarks=(*quality.remarks, words))


def _with_amplitude(quality: ChannelQuality, channel_envelope: Floats, unit: str) -> ChannelQuality:
    """Flag amplitudes that cannot be in the unit the file names."""
    if quality.reject or unit != "uV":
        return quality
    try:
        check_microvolts(channel_envelope)
    except ValueError as error:
        return replace(quality, remarks=(*quality.remarks, f"unit in doubt: {error}"))
    return quality


def _candidate(
    index: int,
    start: int,
    stop: int,
    envelope: Floats,
    rest: float,
    quality: ChannelQuality,
    rate_hz: float,
    muscle: int | None,
    mvc_uv: float | None,
) -> Candidate:
    peak = float(np.nanmax(envelope[start:stop]))
    return Candidate(
        index,
        start / rate_hz,
        stop / rate_hz,
        peak,
        peak / rest if rest > 0 else float("nan"),
        float("nan") if mvc_uv is None else mvc_percent(peak, mvc_uv),
        () if muscle is None else likely_units(muscle),
        clipped=any(start < end and begin < stop for begin, end in quality.clipped),
    )


def _in_company(raw: Sequence[Candidate], muscles: Mapping[int, int]) -> list[Candidate]:
    """Add what follows from the other channels at the same time; `raw` is in order of time."""
    starts = np.array([c.start_s for c in raw])
    # Who begins ahead of all that end later than a moment has ended by then.
    ends = np.maximum.accumulate(np.array([c.end_s for c in raw]))
    out = []
    for one in raw:
        first = int(np.searchsorted(ends, one.start_s, side="right"))
        behind = int(np.searchsorted(starts, one.end_s, side="left"))
        beside = [c for c in raw[first:behind] if c.end_s > one.start_s]
        channels = frozenset(muscles[c.channel_index] for c in beside if c.channel_index in muscles)
        strongest = max(c.times_rest for c in beside)
        emotions = tuple(likely_emotions(channels)) if one.channel_index in muscles else ()
        is_weak = strongest >= 10 * one.times_rest
        out.append(replace(one, emotions=emotions, crosstalk=is_weak))
    return out


def _in_session(candidates: Sequence[Candidate], course: Course) -> list[Candidate]:
    """Add what each has of the session; a key answers no blink."""
    keyless = replace(course, trials=tuple(replace(one, key_s=()) for one in course.trials))
    out = list(candidates)
    for is_blink, known in ((False, course), (True, keyless)):
        places = [nth for nth, one in enumerate(out) if one.is_blink == is_blink]
        spans = [(out[nth].start_s, out[nth].end_s) for nth in places]
        for nth, joined in zip(places, join(spans, known), strict=True):
            out[nth] = replace(out[nth], joined=joined)
    return out


def muscle_name(analysis: Analysis, channel_index: int) -> str:
    """Name the muscle under a channel, or say that it is not known."""
    return MUSCLES.get(analysis.muscles.get(channel_index, 0), "unknown")
