"""Whether our board's regulator is as good as we bought it."""

import statistics

from matplotlib.axes import Axes

from emgrig.hil_tests.diagnosis.causes import cause
from emgrig.hil_tests.diagnosis.evidence import Evidence, Fact
from emgrig.hil_tests.diagnosis.probes import probe
from emgrig.hil_tests.judging.check import CheckResult, Layer, check, picture
from emgrig.hil_tests.judging.limits import LimitTable
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.procedures import supplies_v, temperatures_c
from emgrig.hil_tests.measuring.rig import Rig


@check("X1", Layer.SUPPLIES, "regulator U3 gives 5 V to 2 %")
def test_regulator(rig: Rig, measure: Measure) -> None:
    """AVDD, as each channel reads it."""
    avdd_v, _ = supplies_v(rig)
    for channel, volts in avdd_v.items():
        measure(
            "u3_output",
            volts,
            "V",
            channel=channel,
            low=4.9,
            high=5.1,
            source="ours: U3 is good to 1 %, a channel's reading too",
        )


@probe(Layer.SUPPLIES)
def u3_heat(rig: Rig, _evidence: Evidence) -> dict[str, Fact]:
    """Read the die's temperature: a regulator that limits its current heats what is beside it."""
    return {"u3.die_c": statistics.median(temperatures_c(rig).values())}


@cause(
    "u3-divider",
    "Regulator U3 gives the wrong voltage and is not hot: its divider",
    "measure R7 and R8",
)
def is_divider(e: Evidence) -> bool:
    """Say if U3 is off, and not because it limits its current."""
    return e.has_failed("u3_output") and 0 < e.number("u3.die_c") < 50


@picture("X1", "Output of regulator U3")
def bars(axes: Axes, result: CheckResult, _limits: LimitTable) -> bool:
    """Draw a bar a channel; False would say that there is nothing to draw."""
    readings = [r for m in result.measurements if m.name == "u3_output" for r in m.readings]
    axes.bar([r.channel or 0 for r in readings], [float(r.value or 0) for r in readings])
    axes.set(xlabel="channel", ylabel="V", ylim=(4.5, 5.5))
    return bool(readings)
