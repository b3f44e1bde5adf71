"""The peak of a contraction against scipy's own filters, and when it is not believed."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from emgrig.experiment.course.mvc import Measurement, Problem, judge, measure
from emgrig.experiment.files.plan import Limits
from emgrig.experiment.files.record import Contraction, SessionRecord

RATE_HZ = 1000.0
LIMITS = Limits(times_rest=5.0, of_best=0.5, times_other=2.0, attempts=3)
REST_S, CONTRACTION_S = (2.0, 5.0), (5.0, 8.0)


def muscles(*levels_uv: float, seed: int = 1) -> NDArray[np.float64]:
    """Return 9 s: rest of 1.5 uV rms, and a contraction of each level from 5.3 to 8.1 s."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(9000) / RATE_HZ
    is_held = (t_s > 5.3) & (t_s < 8.1)
    white = rng.standard_normal((9000, len(levels_uv)))
    band = signal.butter(4, (20, 450), "band", fs=RATE_HZ, output="sos")
    emg = signal.sosfilt(band, white, axis=0)
    return emg * (1.5 + np.multiply.outer(is_held, np.array(levels_uv)))


def measured(
    uv: NDArray[np.float64], channel: int = 1, rule: str = "maximum", mains_hz: float = 0.0
) -> Measurement:
    return measure(
        uv,
        RATE_HZ,
        tuple(range(1, uv.shape[1] + 1)),
        channel,
        rest_s=REST_S,
        contraction_s=CONTRACTION_S,
        rule=rule,  # type: ignore[arg-type]
        mains_hz=mains_hz,
    )


def by_scipy(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equations 1 to 4 as MATLAB's filtfilt does them, in transfer-function form."""
    b, a = signal.butter(2, (20, 450), "band", fs=RATE_HZ)
    low_b, low_a = signal.butter(2, 6, fs=RATE_HZ)
    return signal.filtfilt(low_b, low_a, np.abs(signal.filtfilt(b, a, x - x.mean())))


def test_peak_and_rest_are_those_of_another_program() -> None:
    uv = muscles(200.0)
    found, expected = measured(uv), by_scipy(uv[:, 0])
    assert found.peak_uv == pytest.approx(expected[5000:8000].max(), rel=0.01)
    assert found.rest_uv == pytest.approx(expected[2000:5000].mean(), rel=0.02)


@pytest.mark.parametrize("rule", ["maximum", "best 0.5 s"])
def test_another_channel_is_measured_by_the_same_rule(rule: str) -> None:
    """Else the half second of one is held against the moment of the other."""
    uv = muscles(100.0, 180.0, 50.0)
    found = measured(uv, 1, rule)
    assert (found.other_channel, found.other_uv) == (2, measured(uv, 2, rule).peak_uv)
    assert judge(found, LIMITS, None) is None


def test_the_half_second_rule_takes_means() -> None:
    uv = muscles(200.0)
    means = np.convolve(by_scipy(uv[:, 0])[5000:8000], np.full(500, 1 / 500), "valid")
    assert measured(uv, rule="best 0.5 s").peak_uv == pytest.approx(means.max(), rel=0.01)


def test_mains_of_200_uv_does_not_count() -> None:
    uv, t_s = muscles(200.0), np.arange(9000) / RATE_HZ
    mains = 200 * np.sin(2 * np.pi * 50.02 * t_s)[:, np.newaxis] + 30_000.0
    clean, dirty = measured(uv), measured(uv + mains, mains_hz=50.0)
    assert dirty.peak_uv == pytest.approx(clean.peak_uv, rel=0.03)
    assert dirty.rest_uv == pytest.approx(clean.rest_uv, abs=1.0), "0.5 % of the mains"
    assert judge(dirty, LIMITS, None) is None


def test_a_good_contraction_is_believed() -> None:
    assert judge(measured(muscles(200.0, 20.0, 5.0)), LIMITS, None) is None


def test_a_weak_one_is_not() -> None:
    problem = judge(measured(muscles(2.0, 1.0)), LIMITS, None)
    assert problem is not None
    assert problem[0] is Problem.TOO_WEAK
    assert "5 or more were expected" in problem[1]


def test_one_much_below_the_best_is_not() -> None:
    found = measured(muscles(60.0))
    assert judge(found, LIMITS, 100.0) is None
    problem = judge(found, LIMITS, 200.0)
    assert problem is not None
    assert problem[0] is Problem.WEAKER_THAN_BEST


def test_another_movement_is_named() -> None:
    found = measured(muscles(10.0, 5.0, 250.0))
    assert found.other_channel == 3
    problem = judge(found, LIMITS, None)
    assert problem is not None
    assert problem[0] is Problem.WRONG_MOVEMENT
    assert "c3 was stronger" in problem[1]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_rail_is_seen(sign: int) -> None:
    """Input-referred full scale at gain 24 is 187.5 mV; an offset near it clips the bursts."""
    uv = muscles(200.0) + sign * 187_400.0
    uv = np.clip(uv, -187_500.0, 187_500.0)
    assert np.abs(uv).max() == 187_500.0
    problem = judge(measured(uv), LIMITS, None)
    assert problem is not None
    assert problem[0] is Problem.CLIPPED


def test_a_gap_inside_is_seen_and_one_outside_is_not() -> None:
    uv = muscles(200.0)
    uv[6000:6003] = np.nan
    problem = judge(measured(uv), LIMITS, None)
    assert problem is not None
    assert problem[0] is Problem.GAP
    before = muscles(200.0)
    before[1000:1200] = np.nan
    assert judge(measured(before), LIMITS, None) is None
    assert measured(before).peak_uv == pytest.approx(measured(muscles(200.0)).peak_uv, rel=0.02)


def test_a_gap_of_another_channel_does_not_matter() -> None:
    uv = muscles(200.0, 10.0)
    uv[:, 1] = np.nan
    found = measured(uv)
    assert judge(found, LIMITS, None) is None
    assert found.other_channel == 0


def test_a_dead_channel_has_no_signal() -> None:
    uv = muscles(200.0, 10.0)
    uv[:, 0] = 12.5
    problem = judge(measured(uv), LIMITS, None)
    assert problem is not None
    assert problem[0] is Problem.NO_SIGNAL


def test_a_channel_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="channel 9 is not among"):
        measured(muscles(1.0), channel=9)


def a_record(*peaks_uv: float) -> SessionRecord:
    done = tuple(
        Contraction(2, i, 1, 0.0, 3.0, peak_uv, 1.0, is_accepted=True)
        for i, peak_uv in enumerate(peaks_uv, start=1)
    )
    return SessionRecord("P01", {}, (), False, "", contractions=done)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("maximum", 300.0),
        ("best 0.5 s", 300.0),
        ("mean of maxima", 200.0),
        ("median of maxima", 190.0),
    ],
)
def test_repetitions_are_joined_by_the_rule(rule: str, expected: float) -> None:
    (mvc,) = a_record(110.0, 300.0, 190.0).with_mvc(2, rule).mvc  # type: ignore[arg-type]
    assert mvc.uv == pytest.approx(expected)
    assert (mvc.channel, mvc.rule, mvc.n_repetitions) == (2, rule, 3)


def test_the_last_accepted_attempt_of_a_repetition_counts() -> None:
    record = a_record(100.0, 300.0)
    again = Contraction(2, 1, 2, 9.0, 12.0, 320.0, 1.0, is_accepted=True)
    failed = replace(again, attempt=3, peak_uv=999.0, is_accepted=False)
    record = replace(record, contractions=(*record.contractions, again, failed))
    assert record.with_mvc(2, "mean of maxima").mvc[0].uv == pytest.approx(310.0)
