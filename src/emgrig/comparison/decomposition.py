"""How much of a disagreement is alignment, clock, band, gain and noise.

The mean square of ours less the reference's is taken as recorded and again after each cause is
removed, one after the other; what a step takes away is that cause's share. The order is fixed,
because shares depend on it: without alignment nothing else can be seen.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from emgrig.comparison.agreement import correlation

CAUSES = ("alignment", "clock", "band", "gain", "noise")

_HALF_TAPS_S = 0.020
_NEGLIGIBLE = 1e-5


@dataclass(frozen=True)
class Step:
    """The state after one cause was removed.

    `removed` is "nothing yet", "alignment", "clock", "sinc3", "gain" or "response"; then follow
    Pearson's r of the raw signals, and the mean square of their difference, µV².
    """

    removed: str
    correlation: float
    difference_uv2: float


@dataclass(frozen=True)
class Decomposition:
    """The steps, and each cause's share of the first difference.

    The shares are one for each of `CAUSES`; they sum to 1, or are all 0 if the two differ by less
    than 0.3 % rms. A share can be negative where removing a cause raises noise (the equaliser
    does).
    """

    steps: tuple[Step, ...]
    shares: dict[str, float]


@dataclass(frozen=True)
class Stages:
    """The two signals at each stage, all of one shape (n_samples,), µV.

    Ours before and after sinc³ was equalised (the same if there is none). The reference: by its own
    clock; its start shifted to ours; on our clock; and equalised too. `gain` is ours over the
    reference's, noise taken off.
    """

    ours: NDArray[np.float64]
    ours_equalised: NDArray[np.float64]
    as_recorded: NDArray[np.float64]
    shifted: NDArray[np.float64]
    warped: NDArray[np.float64]
    equalised: NDArray[np.float64]
    gain: float


def decompose(stages: Stages, rate_hz: float, rest: NDArray[np.bool_]) -> Decomposition:
    """Compute the steps and shares.

    `rest`, shape (n_samples,), says where the muscle rests. If that is nowhere, noise cannot be
    told from a difference of response, and some of it is counted as band.
    """
    ours = stages.ours_equalised
    scaled = stages.gain * stages.equalised
    # What one device does not pass cannot be made from it, but the other's can be filtered away;
    # with too much noise neither filter helps, and no difference of response can be seen.
    alike = min(
        (ours, scaled),
        (ours, _shaped(ours, scaled, rate_hz, rest)),
        (_shaped(scaled, ours, rate_hz, rest), scaled),
        key=lambda two: float(((two[0] - two[1]) ** 2).sum()),
    )
    steps = (
        _step("nothing yet", stages.ours, stages.as_recorded),
        _step("alignment", stages.ours, stages.shifted),
        _step("clock", stages.ours, stages.warped),
        _step("sinc3", ours, stages.equalised),
        _step("gain", ours, scaled),
        _step("response", *alike),
    )
    left = [step.difference_uv2 for step in steps]
    first = left[0]
    if first <= _NEGLIGIBLE * float((stages.ours**2).mean()):
        return Decomposition(steps, dict.fromkeys(CAUSES, 0.0))
    shares = {
        "alignment": (left[0] - left[1]) / first,
        "clock": (left[1] - left[2]) / first,
        "band": (left[2] - left[3] + left[4] - left[5]) / first,
        "gain": (left[3] - left[4]) / first,
        "noise": left[5] / first,
    }
    return Decomposition(steps, shares)


def _step(removed: str, ours: NDArray[np.float64], reference: NDArray[np.float64]) -> Step:
    difference_uv2 = float(((ours - reference) ** 2).mean())
    # By their own clocks the two may not even overlap; then the reference is all zero.
    r = correlation(ours, reference) if reference.any() else 0.0
    return Step(removed, r, difference_uv2)


def _shaped(
    ours: NDArray[np.float64],
    reference: NDArray[np.float64],
    rate_hz: float,
    rest: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Pass the reference through the short filter that makes it most like ours.

    Plain least squares would also filter the reference's noise away, and so take noise for a
    difference of response. Therefore the correlations at rest, which are those of the noise, are
    taken off first.
    """
    half = max(2, round(_HALF_TAPS_S * rate_hz))
    auto, cross = _correlations(ours, reference, ~rest, half)
    if rest.any():
        rest_auto, rest_cross = _correlations(ours, reference, rest, half)
        auto, cross = auto - rest_auto, cross - rest_cross
    auto[0] *= 1 + 1e-4  # keeps the filter small where the band holds no signal
    taps = scipy.linalg.solve_toeplitz(auto, cross)
    return np.asarray(np.convolve(reference, taps)[half : half + reference.size])


def _correlations(
    ours: NDArray[np.float64], reference: NDArray[np.float64], use: NDArray[np.bool_], half: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the reference's autocorrelation at lags 0 to 2·half, and the cross at ± half."""
    size = scipy.fft.next_fast_len(reference.size + 2 * half, real=True)
    theirs = scipy.fft.rfft(np.where(use, reference, 0.0), size)
    mine = scipy.fft.rfft(np.where(use, ours, 0.0), size)
    auto = scipy.fft.irfft(np.abs(theirs) ** 2, size) / use.sum()
    cross = scipy.fft.irfft(mine * np.conj(theirs), size) / use.sum()
    return auto[: 2 * half + 1], np.concatenate([cross[-half:], cross[: half + 1]])
