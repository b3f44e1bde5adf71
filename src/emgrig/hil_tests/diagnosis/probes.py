"""Questions asked after a check failed, that need no hands: they tell causes apart.

Each probe returns facts with names of its own. One that fails says so, and that is a fact too.
"""

from collections.abc import Callable

import numpy as np

from emgrig.driver.chip.register_access import Opcode
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import BiasSenseP, LeadOffFlip
from emgrig.errors import EmgrigError
from emgrig.hil_tests.diagnosis.evidence import Evidence, Fact, words
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.measuring.procedures import (
    FAST_CLOCKS,
    FULL_SCALE,
    connect_electrodes,
    impedance_rows,
    is_bias_electrode_off,
    periods,
    reference_v,
    supplies_v,
    waves,
)
from emgrig.hil_tests.measuring.rig import Rig, canary

Facts = dict[str, Fact]
Probe = Callable[[Rig, Evidence], Facts]

N_ECHOES = 400
LINK_PROBE_S = 10.0
POOR_OHM = 100e3


def ask(rig: Rig, evidence: Evidence) -> None:
    """Run the probes that belong to the layer that failed, and add what they find."""
    if evidence.layer is None or not rig.is_open:
        return
    for probe in PROBES[evidence.layer]:
        if probe in _NEED_CHIP and not rig.is_identified:
            continue
        try:
            if probe in _NEED_CHIP and probe is not probe_registers:
                rig.prepare()
            evidence.probes |= probe(rig, evidence)
        except (EmgrigError, ValueError) as error:
            evidence.probes[f"{probe.__name__.removeprefix('probe_')}.failed"] = str(error)


def probe_echoes(rig: Rig, _evidence: Evidence) -> Facts:
    """Ask the board for its time many times, to see if short packets are damaged."""
    repeats, before = rig.link.n_repeats, rig.link.counts.skipped_bytes
    delays_s = rig.exchange_clocks(N_ECHOES)
    return {
        "echo.repeats": rig.link.n_repeats - repeats,
        "echo.stray_bytes": rig.link.counts.skipped_bytes - before,
        "echo.slowest_s": max(delays_s),
    }


def probe_link(rig: Rig, _evidence: Evidence) -> Facts:
    """Run at 2000 SPS and account for every packet: lost, damaged, doubled, behind its time."""
    if not rig.is_identified:
        rig.identify()
    rig.prepare()
    rig.chip.set_rate(2000)
    capture = rig.capture(round(LINK_PROBE_S * 2000))
    totals, n_came = capture.totals, len(capture.first_conversion)
    steps = np.diff(capture.first_conversion)
    heard = max(capture.heard_for_s, 1e-9)
    return {
        "link.packets": n_came,
        "link.lost": totals.lost_on_link + totals.lost_at_end,
        "link.lost_on_board": totals.lost_on_board,
        "link.repeated": totals.repeated,
        "link.backwards": int((steps < 0).sum()),
        "link.doubled": int((steps == 0).sum()),
        "link.stray_bytes": capture.damage.skipped_bytes,
        "link.thrown_away": capture.stats.transmit_overflows,
        "link.lateness_s": capture.lateness_s,
        "link.share_of_rate": (totals.received / heard) / capture.rate_hz,
    }


def probe_registers(rig: Rig, _evidence: Evidence) -> Facts:
    """Read the chips in SDATAC mode, twice: what they hold, and if it is stable."""
    first, again = rig.read_raw(), rig.read_raw()
    parts = rig.chip.parts
    pairs = list(zip(first, parts, strict=True))
    at_reset = [not RegisterFile.reset(n).wrong_bits(RegisterFile(raw, n)) for raw, n in pairs]
    return {
        "registers.stable": first == again,
        "registers.at_reset": any(at_reset),
        "registers.canary_held": all(raw[LeadOffFlip.ADDRESS] == canary(n) for raw, n in pairs),
        "registers.silent": all(set(raw) in ({0x00}, {0xFF}) for raw in first),
    }


def probe_wires(rig: Rig, _evidence: Evidence) -> Facts:
    """Write an asymmetric pattern and read it; then start, and see if data ready lives."""
    port = rig.ports[0]
    rig.command(Opcode.SDATAC)
    port.write(BiasSenseP.ADDRESS, b"\x01")
    pattern = port.read(BiasSenseP.ADDRESS, 1)[0]
    port.write(BiasSenseP.ADDRESS, b"\x00")
    return {"wires.reads_01h_as": f"{pattern:02X}h", "wires.conversions": rig.count_conversions()}


def probe_test_period(rig: Rig, _evidence: Evidence) -> Facts:
    """Count samples in a period of the test signal: it is exact unless samples are lost."""
    rig.chip.set_rate(1000)
    rig.chip.configure(mux="test", gain=24)
    rig.chip.test_signal(frequency="fast")
    found = [wave.period_samples for wave in waves(rig.capture(periods(1000, 4))) if wave]
    if not found:
        return {"test_period.found": False}
    expected = 1000 * FAST_CLOCKS / 2_048_000
    return {"test_period.found": True, "test_period.ratio": float(np.median(found)) / expected}


def probe_codes(rig: Rig, _evidence: Evidence) -> Facts:
    """Look at raw codes with shorted inputs, for channels at the rail or at nothing."""
    rig.chip.set_rate(1000)
    rig.chip.configure(mux="shorted", gain=24)
    codes = np.abs(rig.capture(500).codes.astype(np.int64))
    railed = (codes >= FULL_SCALE).mean(axis=0) > 0.9
    dead = (codes == 0).all(axis=0)
    return {
        "codes.railed": words((np.flatnonzero(railed) + 1).tolist()),
        "codes.dead": words((np.flatnonzero(dead) + 1).tolist()),
    }


def probe_gains(rig: Rig, _evidence: Evidence) -> Facts:
    """Set gains and look at the test signal, for channels that do not follow."""
    rig.chip.set_rate(250)
    rig.chip.test_signal(amplitude=1, frequency="fast")
    expected_v = 2 * rig.identity.vref_v / 2400
    actual = []
    for gain in (1, 6, 24):
        rig.chip.configure(mux="test", gain=gain)
        found = waves(rig.capture(periods(250, 3)))
        actual.append([gain * w.peak_to_peak_v.value / expected_v if w else 0.0 for w in found])
    table = np.array(actual)
    # A channel whose own gain is the same for all three settings does not follow them.
    middle = np.median(table, axis=0)
    stuck = (middle > 0.5) & (np.ptp(table, axis=0) < 0.1 * middle)
    wrong = np.abs(table[2] / 24 - 1) > 0.03
    facts: Facts = {
        "gains.stuck": words((np.flatnonzero(stuck) + 1).tolist()),
        "gains.wrong_level": words((np.flatnonzero(wrong) + 1).tolist()),
    }
    if stuck.any():
        facts["gains.stuck_at"] = round(float(middle[stuck][0]))
    return facts


def probe_supplies(rig: Rig, _evidence: Evidence) -> Facts:
    """Read the supplies, and guess the reference from both of them."""
    avdd, dvdd = supplies_v(rig)
    return {
        "supplies.avdd_v": float(np.median(list(avdd.values()))),
        "supplies.dvdd_v": float(np.median(list(dvdd.values()))),
        "supplies.reference_v": reference_v(avdd, dvdd, rig.identity.vref_v),
    }


def probe_bias(rig: Rig, _evidence: Evidence) -> Facts:
    """Ask the chip whether the bias electrode is on."""
    return {"bias.electrode_off": bool(is_bias_electrode_off(rig))}


def probe_sides(rig: Rig, evidence: Evidence) -> Facts:
    """Drive P and N of poor channels one by one, back through the bias electrode."""
    poor = evidence.bad_channels("impedance")
    if not poor or evidence.probes.get("bias.electrode_off"):
        return {}
    connect_electrodes(rig)
    sides = []
    for channel in poor[:4]:
        row = rig.wired.index(channel)
        sides += [
            f"{channel}{side.upper()}"
            for side in "pn"
            if impedance_rows(rig, channel, side)[row] > POOR_OHM
        ]
    return {"sides.poor": ", ".join(sides)}


PROBES: dict[Layer, tuple[Probe, ...]] = {
    Layer.LINK: (probe_echoes, probe_link),
    Layer.IDENTITY: (probe_wires, probe_link),
    Layer.REGISTERS: (probe_registers, probe_link),
    Layer.CLOCK: (probe_registers, probe_link, probe_test_period),
    Layer.FRAMES: (probe_registers, probe_link, probe_codes),
    Layer.NOISE: (probe_registers, probe_codes, probe_gains, probe_supplies, probe_link),
    Layer.TEST_SIGNAL: (
        probe_registers,
        probe_codes,
        probe_gains,
        probe_supplies,
        probe_test_period,
    ),
    Layer.SUPPLIES: (probe_registers, probe_supplies),
    Layer.LEAD_OFF: (probe_registers, probe_bias, probe_sides),
    Layer.BIAS: (probe_registers, probe_bias),
    Layer.CROSSTALK: (probe_registers, probe_codes),
    Layer.RECOVERY: (probe_registers, probe_link),
    Layer.ENDURANCE: (probe_registers, probe_link, probe_supplies),
}
_NEED_CHIP = (
    probe_registers,
    probe_test_period,
    probe_codes,
    probe_gains,
    probe_supplies,
    probe_bias,
    probe_sides,
)
