"""It is the chip, and can be read."""

from emgrig.driver.chip.identity import explain_id
from emgrig.driver.chip.register_access import Opcode
from emgrig.hil_tests.judging.check import Layer, check
from emgrig.hil_tests.judging.measurement import Measure, Outcome
from emgrig.hil_tests.measuring.rig import Rig

N_READS = 20


@check("B2", Layer.IDENTITY, "the ID is an ADS1299's, every time")
def test_identity(rig: Rig, measure: Measure) -> None:
    """SDATAC, then the ID twenty times, of each chip."""
    good = True
    for number, port in enumerate(rig.ports, start=1):
        rig.command(Opcode.SDATAC)
        ids = [port.read(0x00, 1)[0] for _ in range(N_READS)]
        rig.count(len(ids))
        usual = max(set(ids), key=ids.count)
        chip = number if len(rig.ports) > 1 else None
        shown = f"{usual:02X}h"
        outcome = measure("chip_id", shown, "", channel=chip, note=explain_id(usual))
        measure("id_disagreements", len(ids) - ids.count(usual), channel=chip)
        good = good and outcome is Outcome.PASS
    if good:
        rig.identify()
        told = rig.identity.channels_per_chip
        measure("frame_channels_match_id", told in (0, *rig.chip.parts), "")
