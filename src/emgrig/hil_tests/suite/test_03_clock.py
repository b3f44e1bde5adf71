"""Conversions come, at the rate that the registers say."""

from emgrig.driver.can import Line, Timing
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.hil_tests.judging.check import Layer, check
from emgrig.hil_tests.judging.incident import Incident, IncidentKind
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.capture import Capture
from emgrig.hil_tests.measuring.rig import Rig

RATES_HZ = (1000, 250, 500, 2000)
DURATION_S = {False: 3.0, True: 10.0}
HEARD_S = 20.0
"""What comes in pieces of 0.2 s is timed to 0.1 % or so by a line through so much."""
SETTLE_CLOCKS = 9
"""tSETTLE is four data periods and nine clocks (SBAS499C, 9.3.3 table)."""


@check("B6", Layer.CLOCK, "data ready comes at the rate that is set", needs=())
def test_data_rate(rig: Rig, measure: Measure, is_full: bool) -> None:
    """Count conversions against board time at four rates, and board time against the host's."""
    timing = rig.identity.can.timing
    if timing is Timing.NONE:
        _measure_as_heard(measure, rig)
        return
    if timing is not Timing.ASKED:
        _measure_stated(measure, rig, DURATION_S[is_full])
        return
    rig.connection.synchronise(8)
    for rate_hz in RATES_HZ:
        rig.chip.set_rate(rate_hz)
        capture = rig.capture(round(DURATION_S[is_full] * rate_hz), n_settle=0)
        if _is_empty(measure, rig, capture, f"rate_error_at_{rate_hz}", DURATION_S[is_full]):
            return
        _measure_rate(measure, rig, capture, rate_hz)
        rig.connection.synchronise(8)
    fit = rig.connection.clock_fit
    if fit is not None:  # else its clock cannot be asked
        measure(
            "board_clock_drift",
            _certain_drift_ppm(fit),
            "ppm",
            note=f"measured {fit.drift_ppm:.1f} ppm, bound {fit.drift_bound_ppm:.2g} ppm",
        )


def _is_empty(measure: Measure, rig: Rig, capture: Capture, name: str, duration_s: float) -> bool:
    """Tell whether no sample came at all, and note it."""
    if len(capture.first_conversion):
        return False
    measure(name, -100.0, "%", limit="rate_error")
    words = (
        f"no sample came in {duration_s:g} s; the board counted "
        f"{capture.stopped.conversions} conversions"
    )
    rig.incidents.append(Incident(IncidentKind.NO_SAMPLES, words))
    return True


def _measure_stated(measure: Measure, rig: Rig, duration_s: float) -> None:
    """Hold the only rate there is against the clock in the samples; START has no time there."""
    capture = rig.capture(round(duration_s * rig.chip.rate_hz), n_settle=0)
    if _is_empty(measure, rig, capture, "rate_error_as_stated", duration_s):
        return
    error_pct = 100 * (capture.conversion_rate_hz / capture.rate_hz - 1)
    measure("rate_error_as_stated", error_pct, "%", limit="rate_error")


def _measure_as_heard(measure: Measure, rig: Rig) -> None:
    """Hold the rate of a board without a clock against this computer's: it comes in pieces."""
    capture = rig.capture(round(HEARD_S * rig.chip.rate_hz), n_settle=0)
    if _is_empty(measure, rig, capture, "rate_error_as_heard", HEARD_S):
        return
    error_pct = 100 * (capture.heard_rate_hz / capture.rate_hz - 1)
    measure("rate_error_as_heard", error_pct, "%", limit="rate_error")


def _measure_rate(measure: Measure, rig: Rig, capture: Capture, rate_hz: int) -> None:
    error_pct = 100 * (capture.conversion_rate_hz / capture.rate_hz - 1)
    measure(f"rate_error_at_{rate_hz}", error_pct, "%", limit="rate_error")
    if Line.START in rig.identity.can.lines:  # where conversions never stop, none is the first
        _measure_first(measure, rig, capture, rate_hz)
    measure(f"jitter_at_{rate_hz}", capture.jitter_us, "us", limit="data_ready_jitter")


def _measure_first(measure: Measure, rig: Rig, capture: Capture, rate_hz: int) -> None:
    """Hold the time from START to the first data ready against the data sheet's tSETTLE."""
    first = capture.first_conversion[0]
    since_start_us = int(capture.board_time_us[0]) - capture.started.board_time_us
    period_us = 1e6 / max(capture.conversion_rate_hz, 1.0)
    expected_us = (4 + first) * period_us + SETTLE_CLOCKS / rig.identity.f_clk_hz * 1e6
    late_ms = (since_start_us - expected_us) / 1e3
    name = f"first_data_ready_error_at_{rate_hz}"
    measure(name, late_ms, "ms", limit="first_data_ready_error")


def _certain_drift_ppm(fit: ClockFit) -> float:
    """Return the drift, less what the exchanges leave open."""
    if abs(fit.drift_ppm) <= fit.drift_bound_ppm:
        return 0.0
    return fit.drift_ppm - fit.drift_bound_ppm * (1 if fit.drift_ppm > 0 else -1)
