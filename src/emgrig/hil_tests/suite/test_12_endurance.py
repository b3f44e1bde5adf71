"""It stays so."""

from emgrig.driver.can import Timing
from emgrig.hil_tests.judging.check import Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.procedures import temperatures_c
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.run import BringupRun

PIECE_S = 600.0
N_PARTS = 3
FINE_PPM = 100.0


@check("B24", Layer.ENDURANCE, "endurance", needs=(Need.LOSS,), judges_delivery=True)
def test_endurance(rig: Rig, measure: Measure, bringup: BringupRun) -> None:
    """Run for as long as --soak says: loss, resets, rate and temperature."""
    soak_s = bringup.options.soak_s
    before_c = _temperature_c(rig) if rig.has_registers else None
    resets_before = rig.stats().brown_outs
    rig.prepare()
    if rig.has_registers:
        rig.set_rate(1000)
    rate_hz, has_clock = rig.chip.rate_hz, rig.identity.can.timing is not Timing.NONE
    lost, rates_hz, left_s = 0, [], soak_s
    while left_s > 0:
        capture = rig.capture(round(min(left_s, PIECE_S) * rate_hz))
        lost += capture.totals.lost + capture.totals.hidden
        rates_hz += capture.rates_hz(N_PARTS)
        left_s -= PIECE_S
    measure("soak_length", soak_s, "s", informs=True)
    measure("lost_in_soak", lost)
    measure("resets_in_soak", rig.stats().brown_outs - resets_before)
    if before_c is None:  # neither temperature nor, without a clock, a rate
        if has_clock and rates_hz:
            measure("rate_change", 1e6 * (rates_hz[-1] / rates_hz[0] - 1), "ppm", informs=True)
        return
    step_ppm = 2 * rig.identity.can.time_step_us / (min(soak_s, PIECE_S) / N_PARTS)
    change_ppm = 1e6 * (rates_hz[-1] / rates_hz[0] - 1) if rates_hz and rates_hz[0] else None
    is_fine = step_ppm < FINE_PPM  # else the steps of board time are all that there is to see
    measure("rate_change", change_ppm, "ppm", informs=not is_fine)
    measure("temperature_rise", _temperature_c(rig) - before_c, "K")


def _temperature_c(rig: Rig) -> float:
    found = temperatures_c(rig)
    return sum(found.values()) / len(found)
