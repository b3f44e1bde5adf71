"""The whole comparison: match, align, measure, and say where the difference comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.calibration.figures.spectrum import EMG_BAND, Band
from emgrig.calibration.figures.uncertainty import Result
from emgrig.comparison.agreement import correlation, envelope, mean_coherence
from emgrig.comparison.alignment import Alignment, align
from emgrig.comparison.decomposition import Decomposition, Stages, decompose
from emgrig.comparison.tracks import Interpolator, Track, common_band, in_band_uv, mains_of
from emgrig.comparison.windows import (
    Interval,
    Parts,
    WindowAgreement,
    declared_parts,
    parts_by_level,
    window_agreement,
)

_EDGE_S = 0.5
_RINGS_S = 0.1
_WEAK_CORRELATION = 0.5
_NO_CORRELATION = 0.1


@dataclass(frozen=True)
class Comparison:
    """Everything that is said about two recordings of one muscle.

    Both were compared in `band`, over `overlap_s` of our recording. The delays of both devices'
    filters are in the offset of `alignment`; `event_offset_s` is that of one event on the two
    clocks, the known delays taken off. The correlations are Pearson's r after alignment,
    `correlation_envelope` that of 6 Hz envelopes; the mean magnitude-squared coherence is 1 for a
    signal that is the same but for a filter. `flags` are what a reader must know before believing a
    figure.
    """

    band: Band
    overlap_s: Interval
    alignment: Alignment
    event_offset_s: Result
    correlation_raw: float
    correlation_envelope: float
    coherence: tuple[tuple[Band, float], ...]
    windows: WindowAgreement
    decomposition: Decomposition
    flags: tuple[str, ...]


def compare(
    ours: Track,
    reference: Track,
    *,
    band: Band = EMG_BAND,
    active: Sequence[Interval] | None = None,
    rest: Sequence[Interval] = (),
) -> Comparison:
    """Compare two recordings of the same muscle made at the same time.

    Everything is reported on our clock, as `active` and `rest` are, contractions and rest; without
    `active`, half-second windows are sorted by level (`parts_by_level`). `band` is cut to what both
    hold. Raises ValueError if a track is refused, the two have no signal in common, overlap too
    little, or there are fewer than five active windows.
    """
    common = common_band(ours, reference, band)
    mine_uv = in_band_uv(ours, common, equalise=True)
    theirs_uv = in_band_uv(reference, common, equalise=True)
    alignment, mains = _aligned(ours, reference, common)
    index = _overlap(ours, reference, alignment)
    time_s = index / ours.rate_hz
    theirs = Interpolator(theirs_uv, reference.rate_hz, common.high_hz)
    warped = alignment.polarity * theirs.at(alignment.reference_time_s(time_s))
    mine = mine_uv[index]
    r = _checked_correlation(mine, warped, f"{ours.name} and {reference.name}")
    if active is None:
        parts = parts_by_level(mine, warped, ours.rate_hz)
    else:
        parts = declared_parts(active, rest, float(time_s[0]), index.size, ours.rate_hz)
    windows = window_agreement(mine, warped, ours.rate_hz, parts)
    stages = _stages(ours, reference, common, alignment, index, mine, warped)
    stages = replace(stages, gain=windows.amplitude_ratio.value)
    return Comparison(
        band=common,
        overlap_s=(float(time_s[0]), float(time_s[-1])),
        alignment=alignment,
        event_offset_s=_event_offset(ours, reference, alignment),
        correlation_raw=r,
        correlation_envelope=correlation(*(envelope(x, ours.rate_hz) for x in (mine, warped))),
        coherence=_coherence(mine, warped, ours.rate_hz, common),
        windows=windows,
        decomposition=decompose(stages, ours.rate_hz, parts.rest_mask(index.size)),
        flags=(*mains, *_flags(ours, time_s, alignment, parts, r)),
    )


def _aligned(ours: Track, reference: Track, band: Band) -> tuple[Alignment, tuple[str, ...]]:
    """Align without mains, which matches itself in every period."""
    mains_hz = mains_of(ours, band) or mains_of(reference, band)
    mine_uv, theirs_uv = (
        in_band_uv(one, band, equalise=True, mains_hz=mains_hz) for one in (ours, reference)
    )
    found = align(mine_uv, ours.rate_hz, theirs_uv, reference.rate_hz, band.high_hz)
    said = (
        (f"{mains_hz:g} Hz mains is a tenth of the power or more, half of the time",)
        if mains_hz
        else ()
    )
    return found, said


def _checked_correlation(
    mine: NDArray[np.float64], warped: NDArray[np.float64], names: str
) -> float:
    r = correlation(mine, warped)
    if r < _NO_CORRELATION:
        raise ValueError(
            f"{names} have no signal in common (r = {r:.2f} at the best alignment): other muscle "
            "or other session?"
        )
    return r


def _overlap(ours: Track, reference: Track, alignment: Alignment) -> NDArray[np.intp]:
    """Return the indices of our samples that the reference covers, less 0.5 s at the ends."""
    index = np.arange(ours.samples.size)
    theirs_s = alignment.reference_time_s(index / ours.rate_hz)
    last_s = (reference.samples.size - 1) / reference.rate_hz
    inside = (theirs_s >= _EDGE_S) & (theirs_s <= last_s - _EDGE_S)
    edge = round(_EDGE_S * ours.rate_hz)
    inside[:edge] = False
    inside[-edge:] = False
    inside &= ~_near(ours, np.arange(ours.samples.size) / ours.rate_hz)
    inside &= ~_near(reference, np.clip(theirs_s, 0, last_s))
    return np.flatnonzero(inside)


def _near(track: Track, time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each time lies in what is missing, or where a filter rings of it."""
    if track.missing is None:
        return np.zeros(time_s.size, np.bool_)
    reach = round(_RINGS_S * track.rate_hz)
    wide = scipy.ndimage.binary_dilation(track.missing, iterations=reach)
    return np.asarray(wide[np.round(time_s * track.rate_hz).astype(np.int64)])


def _stages(
    ours: Track,
    reference: Track,
    band: Band,
    alignment: Alignment,
    index: NDArray[np.intp],
    mine: NDArray[np.float64],
    warped: NDArray[np.float64],
) -> Stages:
    """Read the reference, not equalised, by its own clock, shifted, and warped."""
    time_s = index / ours.rate_hz
    plain = in_band_uv(reference, band, equalise=False)
    theirs = Interpolator(plain, reference.rate_hz, band.high_hz)
    aligned_s = alignment.reference_time_s(time_s)

    def read(at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = (at_s >= 0) & (at_s <= theirs.end_s)
        values = theirs.at(np.clip(at_s, 0, theirs.end_s))
        return np.asarray(np.where(inside, alignment.polarity * values, 0.0))

    return Stages(
        ours=in_band_uv(ours, band, equalise=False)[index],
        ours_equalised=mine,
        as_recorded=read(time_s),
        shifted=read(time_s + alignment.offset_s.value),
        warped=read(aligned_s),
        equalised=warped,
        gain=1.0,
    )


def _event_offset(ours: Track, reference: Track, alignment: Alignment) -> Result:
    known_s = reference.delay_s - ours.delay_s
    offset = alignment.offset_s
    note = "known delays taken off; unknown ones of either device's filters remain in it"
    return replace(offset, value=offset.value - known_s, assumptions=(note,))


def _coherence(
    mine: NDArray[np.float64], warped: NDArray[np.float64], rate_hz: float, band: Band
) -> tuple[tuple[Band, float], ...]:
    """Return coherence in the whole band and in three parts of equal ratio."""
    edges = np.geomspace(band.low_hz, band.high_hz, 4)
    parts = [Band("whole", band.low_hz, band.high_hz)]
    parts += [
        Band(name, float(low), float(high))
        for name, low, high in zip(("low", "middle", "high"), edges[:-1], edges[1:], strict=True)
    ]
    return tuple(zip(parts, mean_coherence(mine, warped, rate_hz, parts), strict=True))


def _flags(
    ours: Track, time_s: NDArray[np.float64], alignment: Alignment, parts: Parts, r: float
) -> tuple[str, ...]:
    flags = []
    covered_s = float(time_s[-1] - time_s[0])
    left_out_s = covered_s - time_s.size / ours.rate_hz
    if left_out_s > 1 / ours.rate_hz:
        flags.append(f"{left_out_s:.2f} s in and around gaps or what is marked bad are left out")
    if covered_s < ours.duration_s - 2 * _EDGE_S - 1:
        flags.append(
            f"the reference covers {covered_s:.1f} s of our {ours.duration_s:.1f} s; the rest of "
            "ours is not compared"
        )
    if alignment.polarity < 0:
        flags.append("the reference has the opposite polarity; it was turned round")
    if r < _WEAK_CORRELATION:
        flags.append(
            f"little signal in common (r = {r:.2f}): electrodes apart, another muscle, or noise"
        )
    if not parts.rest:
        flags.append("no rest found: no SNR, and noise is in the amplitude ratio")
    if not parts.declared:
        flags.append("active and resting windows were found by level, not declared")
    return tuple(flags)
