"""Supplies, reference and temperature are what they should be."""

import statistics

from emgrig.hil_tests.judging.check import CannotMeasure, Layer, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.procedures import reference_v, supplies_v, temperatures_c
from emgrig.hil_tests.measuring.rig import Rig


@check("B13", Layer.SUPPLIES, "die temperature")
def test_temperature(rig: Rig, measure: Measure) -> None:
    """The chip's own sensor, read by every channel."""
    found = temperatures_c(rig)
    for channel, celsius in found.items():
        measure("die_temperature", celsius, "°C", channel=channel)
    spread_k, first = 0.0, 1
    for parts in rig.chip.parts:  # each chip has a sensor of its own
        own = [found[channel] for channel in range(first, first + parts) if channel in found]
        spread_k = max(spread_k, max(own) - min(own)) if own else spread_k
        first += parts
    measure("temperature_spread", spread_k, "K")


@check("B14", Layer.SUPPLIES, "supplies, as the chip reads them")
def test_supplies(rig: Rig, measure: Measure) -> None:
    """MUX 011 at gain 1; symmetrical supplies read as 0 V."""
    avdd, dvdd = supplies_v(rig)
    is_symmetrical = abs(statistics.median(avdd.values())) < 0.1
    for channel, volts in avdd.items():
        if is_symmetrical:
            measure("mid_supply", 1e3 * volts / 2, "mV", channel=channel)
        else:
            measure("avdd", volts, "V", channel=channel)
    for channel, volts in dvdd.items():
        measure("dvdd", volts, "V", channel=channel)


@check("B15", Layer.SUPPLIES, "reference voltage")
def test_reference(rig: Rig, measure: Measure) -> None:
    """By both supplies together; a known voltage on an input says it better (emgrig calibrate)."""
    avdd, dvdd = supplies_v(rig)
    if abs(statistics.median(avdd.values())) < 0.1:
        raise CannotMeasure("on symmetrical supplies the chip reads 0 V: nothing to compare with")
    found_v = reference_v(avdd, dvdd, rig.identity.vref_v)
    measure("reference_voltage", found_v, "V", note="if AVDD is 5 V and DVDD a usual value")
