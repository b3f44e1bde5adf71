"""Active and resting parts of two aligned recordings, and how their readings agree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.calibration.figures.uncertainty import Result
from emgrig.comparison.agreement import (
    BlandAltman,
    IntraclassCorrelation,
    amplitude_ratio,
    bland_altman,
    features,
    icc_a1,
)

Interval = tuple[float, float]
"""Start and stop on our clock, s."""

WINDOW_S = 0.5
ACTIVE_OVER_REST = 3.0
REST_SHARE = 0.10
_N_MIN_ACTIVE = 5


@dataclass(frozen=True)
class Parts:
    """Which samples are active and which are rest: windows, or declared intervals.

    There may be no rest.
    """

    active: tuple[slice, ...]
    rest: tuple[slice, ...]
    declared: bool

    def rest_mask(self, n_samples: int) -> NDArray[np.bool_]:
        """Return True where the muscle rests, shape (n_samples,)."""
        mask = np.zeros(n_samples, dtype=np.bool_)
        for part in self.rest:
            mask[part] = True
        return mask


def declared_parts(
    active: Sequence[Interval],
    rest: Sequence[Interval],
    start_s: float,
    n_samples: int,
    rate_hz: float,
) -> Parts:
    """Turn intervals on our clock into slices; what lies outside the overlap is left out.

    `start_s` is the time of the first sample of the overlap, which has `n_samples`. Raises
    ValueError if an interval ends before it starts, or fewer than five active ones are in the
    overlap.
    """

    def slices(intervals: Sequence[Interval]) -> tuple[slice, ...]:
        found = []
        for start, stop in intervals:
            if not stop > start:
                raise ValueError(f"interval {start:g} to {stop:g} s ends before it starts")
            first, last = round((start - start_s) * rate_hz), round((stop - start_s) * rate_hz)
            if first >= 0 and last <= n_samples and last - first >= 0.1 * rate_hz:
                found.append(slice(first, last))
        return tuple(found)

    return _enough(Parts(slices(active), slices(rest), declared=True))


def parts_by_level(
    ours_uv: NDArray[np.float64], reference_uv: NDArray[np.float64], rate_hz: float
) -> Parts:
    """Sort half-second windows by level: the quietest tenth is rest, three times it is active.

    The level is that of the recording in which activity stands out more from rest.

    Where the level hardly changes there is no rest, and every window is active.
    """
    n = round(WINDOW_S * rate_hz)
    count = ours_uv.size // n
    windows = tuple(slice(i * n, (i + 1) * n) for i in range(count))
    levels = np.stack(
        [
            np.sqrt((values[: count * n].reshape(count, n) ** 2).mean(axis=1))
            for values in (ours_uv, reference_uv)
        ]
    )
    low, high = np.quantile(levels, [REST_SHARE, 1 - REST_SHARE], axis=1)
    clearer = levels[int(np.argmax(high / low))]
    quiet = clearer <= np.quantile(clearer, REST_SHARE)
    loud = clearer > ACTIVE_OVER_REST * math.sqrt(float((clearer[quiet] ** 2).mean()))
    if loud.sum() < _N_MIN_ACTIVE:
        return _enough(Parts(windows, (), declared=False))
    return Parts(
        tuple(window for window, take in zip(windows, loud, strict=True) if take),
        tuple(window for window, take in zip(windows, quiet, strict=True) if take),
        declared=False,
    )


def _enough(parts: Parts) -> Parts:
    if len(parts.active) < _N_MIN_ACTIVE:
        raise ValueError(
            f"{len(parts.active)} active windows lie in the overlap; {_N_MIN_ACTIVE} are needed"
        )
    return parts


@dataclass(frozen=True)
class WindowAgreement:
    """How the readings of the active windows agree.

    `amplitude_ratio` is ours over the reference's, power at rest taken off; the next four are mean
    differences, ours less the reference's; `bland_altman`, µV, and `icc` are on the rms. The SNR is
    the rms of active over rest; it and the level at rest are None if there is no rest. `n_active`
    and `n_rest` count windows or declared intervals.
    """

    amplitude_ratio: Result
    rms_uv: Result
    mav_uv: Result
    mean_frequency_hz: Result
    median_frequency_hz: Result
    bland_altman: BlandAltman
    icc: IntraclassCorrelation
    snr_ours_db: float | None
    snr_reference_db: float | None
    rest_ours_uv_rms: float | None
    rest_reference_uv_rms: float | None
    n_active: int
    n_rest: int


def window_agreement(
    ours_uv: NDArray[np.float64], reference_uv: NDArray[np.float64], rate_hz: float, parts: Parts
) -> WindowAgreement:
    """Compare the active windows of two aligned signals of one shape."""
    mine = features([ours_uv[part] for part in parts.active], rate_hz)
    theirs = features([reference_uv[part] for part in parts.active], rate_hz)
    rest_mine = _rest_rms([ours_uv[part] for part in parts.rest])
    rest_theirs = _rest_rms([reference_uv[part] for part in parts.rest])
    return WindowAgreement(
        amplitude_ratio=amplitude_ratio(
            mine.rms_uv**2 - (rest_mine or 0.0) ** 2, theirs.rms_uv**2 - (rest_theirs or 0.0) ** 2
        ),
        rms_uv=_difference(mine.rms_uv, theirs.rms_uv, "uV"),
        mav_uv=_difference(mine.mav_uv, theirs.mav_uv, "uV"),
        mean_frequency_hz=_difference(mine.mean_frequency_hz, theirs.mean_frequency_hz, "Hz"),
        median_frequency_hz=_difference(mine.median_frequency_hz, theirs.median_frequency_hz, "Hz"),
        bland_altman=bland_altman(mine.rms_uv, theirs.rms_uv),
        icc=icc_a1(mine.rms_uv, theirs.rms_uv),
        snr_ours_db=_snr_db(mine.rms_uv, rest_mine),
        snr_reference_db=_snr_db(theirs.rms_uv, rest_theirs),
        rest_ours_uv_rms=rest_mine,
        rest_reference_uv_rms=rest_theirs,
        n_active=len(parts.active),
        n_rest=len(parts.rest),
    )


def _rest_rms(windows: list[NDArray[np.float64]]) -> float | None:
    return math.sqrt(float((np.concatenate(windows) ** 2).mean())) if windows else None


def _snr_db(active_rms: NDArray[np.float64], rest_rms: float | None) -> float | None:
    if not rest_rms:
        return None
    return 10 * math.log10(float((active_rms**2).mean()) / rest_rms**2)


def _difference(mine: NDArray[np.float64], theirs: NDArray[np.float64], unit: str) -> Result:
    d = mine - theirs
    return Result(
        value=float(d.mean()),
        unit=unit,
        standard_uncertainty=float(d.std(ddof=1)) / math.sqrt(d.size),
        n_used=d.size,
        k=float(scipy.stats.t.ppf(0.975, d.size - 1)),
        assumptions=("windows are independent",),
    )
