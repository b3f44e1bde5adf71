"""The board comes back from power-down, RESET, STANDBY and a lost link."""

from emgrig.driver.chip.register_access import Opcode
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.errors import TransportError
from emgrig.hil_tests.judging.check import Layer, Need, check
from emgrig.hil_tests.judging.measurement import Measure
from emgrig.hil_tests.measuring.rig import Rig
from emgrig.protocol.packets import Line

N_CYCLES = {False: 3, True: 50}
POWER_UP_S = 0.15
"""2^18 clocks are 0.128 s (SBAS499C, 11.1)."""


@check(
    "B1",
    Layer.RECOVERY,
    "power-down and power-up",
    needs=(Need.EVERY_REGISTER, Need.RESET, Need.LINES),
)
def test_power_up(rig: Rig, measure: Measure, is_full: bool) -> None:
    """PWDN low, high, wait, RESET; the ID and the reset values must be right every time."""
    failures = 0
    for _ in range(N_CYCLES[is_full]):
        rig.set_line(Line.PWDN, high=False)
        rig.clock.sleep(0.01)
        rig.set_line(Line.PWDN, high=True)
        rig.clock.sleep(POWER_UP_S)
        rig.set_line(Line.RESET, high=False)
        rig.set_line(Line.RESET, high=True)
        for raw, parts in zip(rig.read_raw(), rig.chip.parts, strict=True):
            expected = RegisterFile.reset(parts)
            found = RegisterFile(raw, parts)
            failures += bool(expected.wrong_bits(found)) or raw[0] & 0x1F != expected.raw[0] & 0x1F
    rig.count(N_CYCLES[is_full])
    measure("power_up_failures", failures)
    rig.prepare()


@check(
    "B23",
    Layer.RECOVERY,
    "RESET while it runs, STANDBY, and a lost link",
    needs=(Need.EVERY_REGISTER, Need.RESET),
)
def test_recovery(rig: Rig, measure: Measure) -> None:
    """Each is done to the board, and must be noticed or survived."""
    noticed_s = rig.reset_while_running()
    measure("reset_noticed", noticed_s, "s", note="CHIP_LOST after RESET in a run")
    began_s = rig.clock.now_s()
    rig.prepare()
    measure("registers_restored", rig.clock.now_s() - began_s, "s")
    before = rig.read_raw()
    rig.count(24 * len(before))
    rig.command(Opcode.STANDBY)
    rig.clock.sleep(0.01)
    rig.command(Opcode.WAKEUP)
    rig.clock.sleep(0.001)
    measure("standby_keeps_registers", rig.read_raw() == before, "")
    _lose_link(rig, measure, before)


def _lose_link(rig: Rig, measure: Measure, before: tuple[bytes, ...]) -> None:
    began_s = rig.clock.now_s()
    try:
        rig.reopen()
    except TransportError as error:
        measure("link_reopened", None, "s", note=f"this link cannot be opened again: {error}")
        return
    measure("link_reopened", rig.clock.now_s() - began_s, "s")
    measure("registers_after_link", rig.read_raw() == before, "")
