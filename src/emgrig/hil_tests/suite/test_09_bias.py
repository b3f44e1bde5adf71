"""The bias loop holds the body."""

from emgrig.hil_tests.judging.check import Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.procedures import bias_level_mv, is_bias_electrode_off
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.hil_tests.run import BringupRun


@check("B19", Layer.BIAS, "the bias loop", needs=(Need.EVERY_REGISTER,))
def test_bias(rig: Rig, measure: Measure, bringup: BringupRun) -> None:
    """The level of the bias electrode, and whether it is on at all."""
    if bringup.options.inputs == "open":
        # Without electrodes nothing closes the loop; only that they are not there can be seen.
        measure("bias_electrode_seen_off", is_bias_electrode_off(rig), "", limit="open_input_seen")
        return
    measure("bias_electrode_off", is_bias_electrode_off(rig), "")
    measure("bias_level", bias_level_mv(rig), "mV")
