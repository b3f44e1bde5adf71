"""The noise is the data sheet's, for each gain and rate, and the offset is small."""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.figures.datasheet import NoiseLimits, NoiseVerdict, judge_noise
from emgrig.calibration.figures.noise import mains_lines, peak_to_peak, total_rms
from emgrig.calibration.figures.spectrum import welch
from emgrig.calibration.figures.uncertainty import Bound, Result
from emgrig.driver.chip.model import ADS1299
from emgrig.hil_tests.judging.check import Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.rig import Rig

GAINS = {False: (24, 12, 1), True: (24, 12, 8, 6, 4, 2, 1)}
RATES_HZ = {False: (), True: (250, 500, 2000)}
DURATION_S = {False: 4.0, True: 12.0}
KEPT_SAMPLES = 4000


@check("B9", Layer.NOISE, "noise with shorted inputs", needs=(Need.RESULTS,))
def test_noise(rig: Rig, measure: Measure, is_full: bool, keep: Callable[..., None]) -> None:
    """Rms of each channel for gains at 1000 SPS, and for rates at gain 24."""
    usual_hz = rig.set_rate(1000)
    settings = [(gain, usual_hz) for gain in GAINS[is_full]]
    settings += [(24, rate_hz) for rate_hz in rig.rates(RATES_HZ[is_full]) if rate_hz != usual_hz]
    for gain, rate_hz in settings:
        rig.set_rate(rate_hz)
        rig.chip.configure(mux="shorted", gain=gain)
        volts = rig.capture(round(DURATION_S[is_full] * rate_hz)).volts
        for channel, column in zip(rig.channels, volts.T, strict=True):
            _measure_noise(measure, column, channel, gain, rate_hz)
        if (gain, rate_hz) == (24, usual_hz):
            _measure_mains(measure, volts, rig, is_full)
            keep("noise_gain_24", volts=volts[:KEPT_SAMPLES], rate_hz=float(rate_hz))


def _measure_noise(
    measure: Measure, column: NDArray[np.float64], channel: int, gain: int, rate_hz: int
) -> None:
    verdict = _judged(measure, column, gain, rate_hz)
    measure(
        f"noise_gain_{gain}_at_{rate_hz}",
        verdict.measured.value,
        "uV",
        low=verdict.low_uv_rms,
        high=verdict.fail_uv_rms,
        marginal=(None, verdict.high_uv_rms),
        channel=channel,
        limit="noise_over_typical",
        reference=f"data sheet {verdict.typical_uv_rms:g} µV rms typical",
        note=f"± {verdict.measured.expanded_uncertainty:.2g} µV (k = 2)",
    )
    if np.ptp(column) > 0:
        (peaks,) = peak_to_peak(column[:, None])
        measure(
            f"range_gain_{gain}_at_{rate_hz}",
            peaks.range_over_rms / peaks.expected_over_rms,
            channel=channel,
            limit="range_over_expected",
            note=f"{peaks.range_uv:.3g} µV peak to peak of {peaks.n_samples} samples",
        )


def _judged(measure: Measure, column: NDArray[np.float64], gain: int, rate_hz: int) -> NoiseVerdict:
    """Judge one channel; one that never changes has no noise, and no spectrum either."""
    if len(column) and np.ptp(column) == 0:
        rms = Result(0.0, "uV", 0.0, len(column))
    else:
        (rms,) = total_rms(column[:, None], rate_hz)
    table = measure.limit("noise_over_typical")
    limits = NoiseLimits(
        low=table.low or 0.0, high=table.marginal_high or np.inf, fail=table.high or np.inf
    )
    return judge_noise(rms, gain, rate_hz, limits)


def _measure_mains(measure: Measure, volts: NDArray[np.float64], rig: Rig, is_full: bool) -> None:
    """See how much mains is in it; a tone needs a long record to stand out."""
    if not is_full:
        return
    for (channel, column), mains_hz in itertools.product(
        zip(rig.channels, volts.T, strict=True), (50, 60)
    ):
        if np.ptp(column) == 0:
            continue
        spectrum = welch(column[:, None], rig.chip.rate_hz, segment_s=4.0)
        (lines,) = mains_lines(spectrum, mains_hz, n_harmonics=1)
        line = lines[0].rms
        measure(
            f"mains_{mains_hz}_shorted_over_typical",
            0.0 if line.bound is Bound.AT_MOST else line.value / 0.28,
            channel=channel,
            limit="mains_over_typical",
            note=str(line),
        )


@check("B10", Layer.NOISE, "offset with shorted inputs")
def test_offset(rig: Rig, measure: Measure) -> None:
    """Mean of each channel, gains 12 and 1."""
    rig.set_rate(1000)
    for gain, limit in ((12, "offset_high_gain"), (1, "offset_gain_1")):
        rig.chip.configure(mux="shorted", gain=gain)
        capture = rig.capture(1000)
        for channel, codes in zip(rig.channels, capture.codes.T, strict=True):
            scale_uv = capture.scale_v[channel - 1] * 1e6
            railed = len(codes) > 0 and bool(ADS1299.is_clipped(codes).all())
            measure(
                f"offset_gain_{gain}",
                float(codes.mean() * scale_uv) if len(codes) else None,
                "uV",
                channel=channel,
                limit=limit,
                note="at full scale" if railed else "",
            )
