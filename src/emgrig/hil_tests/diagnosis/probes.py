"""Questions asked after a check failed, that need no hands: they tell causes apart.

Each probe returns facts with names of its own. One that fails says so, and that is a fact too.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.chip.model import ADS1299
from emgrig.driver.chip.register_access import Opcode
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import BiasSenseP, LeadOffFlip
from emgrig.errors import EmgrigError
from emgrig.hil_tests.diagnosis.evidence import Evidence, Fact
from emgrig.hil_tests.judging.check import Layer
from emgrig.hil_tests.measuring.contact import canary
from emgrig.hil_tests.measuring.procedures import (
    FAST_CLOCKS,
    connect_electrodes,
    impedance_rows,
    is_bias_electrode_off,
    periods,
    reference_v,
    supplies_v,
    unexplained_by_reference,
    waves,
)
from emgrig.hil_tests.measuring.rig import Rig

Facts = dict[str, Fact]
Ask = Callable[[Rig, Evidence], Facts]

N_ECHOES = 400
LINK_PROBE_S = 10.0
POOR_OHM = 100e3


PROBES: dict[str, tuple[Ask, tuple[Layer, ...], bool, bool]] = {}
"""By name, in the order in which they are asked; see `probe`."""


def probe(*layers: Layer, needs_chip: bool = True, is_first: bool = False) -> Callable[[Ask], Ask]:
    """Declare a function to be a probe: it returns facts by name.

    It is asked if one of `layers` failed; with `needs_chip` not before the chips are identified. If
    it `is_first`, the chips are left as the check left them; else they are prepared anew.
    """

    def declare(ask: Ask) -> Ask:
        PROBES[ask.__name__] = ask, layers, needs_chip, is_first
        return ask

    return declare


def ask_all(rig: Rig, evidence: Evidence) -> None:
    """Run the probes that belong to the layer that failed, and add what they find."""
    if not rig.is_open:
        return
    for name, (ask, layers, needs_chip, is_first) in PROBES.items():
        if evidence.layer not in layers or needs_chip > rig.is_identified:
            continue
        try:
            if needs_chip and not is_first:
                rig.prepare()
            evidence.probes |= ask(rig, evidence)
        except (EmgrigError, ValueError) as error:
            evidence.probes[f"{name}.failed"] = str(error)


def _channels(found: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the numbers of the channels for which it is true."""
    return tuple((np.flatnonzero(found) + 1).tolist())


@probe(Layer.LINK, needs_chip=False)
def echoes(rig: Rig, _evidence: Evidence) -> Facts:
    """Ask the board for its time many times, to see if short packets are damaged."""
    repeats, before = rig.link.n_repeats, rig.link.counts.skipped_bytes
    delays_s = rig.connection.synchronise(N_ECHOES)
    return {
        "echo.repeats": rig.link.n_repeats - repeats,
        "echo.stray_bytes": rig.link.counts.skipped_bytes - before,
        "echo.slowest_s": max(delays_s),
    }


@probe(Layer.IDENTITY, needs_chip=False)
def wires(rig: Rig, _evidence: Evidence) -> Facts:
    """Write an asymmetric pattern and read it; then start, and see if data ready lives."""
    port = rig.ports[0]
    rig.command(Opcode.SDATAC)
    port.write(BiasSenseP.ADDRESS, b"\x01")
    pattern = port.read(BiasSenseP.ADDRESS, 1)[0]
    port.write(BiasSenseP.ADDRESS, b"\x00")
    return {"wires.reads_01h_as": f"{pattern:02X}h", "wires.conversions": rig.count_conversions()}


@probe(*(layer for layer in Layer if layer >= Layer.REGISTERS), is_first=True)
def registers(rig: Rig, _evidence: Evidence) -> Facts:
    """Read the chips in SDATAC mode, twice: what they hold, and if it is stable."""
    first, again = rig.read_raw(), rig.read_raw()
    parts = rig.chip.parts
    pairs = list(zip(first, parts, strict=True))
    at_reset = [not RegisterFile.reset(n).wrong_bits(RegisterFile(raw, n)) for raw, n in pairs]
    if rig.identity.can.writes(LeadOffFlip.ADDRESS):
        is_held = all(raw[LeadOffFlip.ADDRESS] == canary(n) for raw, n in pairs)
    else:  # there is no canary: are the registers what they were read to be?
        held = zip(rig.chip.files, pairs, strict=True)
        is_held = not any(file.wrong_bits(RegisterFile(*pair)) for file, pair in held)
    return {
        "registers.stable": first == again,
        "registers.at_reset": any(at_reset),
        "registers.canary_held": is_held,
        "registers.silent": all(set(raw) in ({0x00}, {0xFF}) for raw in first),
    }


@probe(
    Layer.LINK,
    Layer.IDENTITY,
    Layer.REGISTERS,
    Layer.CLOCK,
    Layer.FRAMES,
    Layer.NOISE,
    Layer.RECOVERY,
    Layer.ENDURANCE,
    needs_chip=False,
)
def link(rig: Rig, _evidence: Evidence) -> Facts:
    """Run at 2000 SPS and account for every packet: lost, damaged, doubled, behind its time."""
    if not rig.is_identified:
        rig.identify()
    rig.prepare()
    rate_hz = rig.set_rate(2000)
    capture = rig.capture(round(LINK_PROBE_S * rate_hz))
    totals, n_came = capture.totals, len(capture.first_conversion)
    steps = np.diff(capture.first_conversion)
    heard = max(capture.heard_for_s, 1e-9)
    return {
        "link.packets": n_came,
        "link.lost": totals.lost_on_link + totals.lost_at_end,
        "link.lost_on_board": totals.lost_on_board,
        "link.unplaced": capture.lost_unplaced,
        "link.hole_every": capture.hole_every,
        "link.chips": len(rig.chip.parts),
        "link.repeated": totals.repeated,
        "link.backwards": int((steps < 0).sum()),
        "link.doubled": int((steps == 0).sum()),
        "link.stray_bytes": capture.stray_bytes,
        "link.thrown_away": capture.stats.transmit_overflows,
        "link.lateness_s": capture.lateness_s,
        "link.share_of_rate": (totals.received / heard) / capture.rate_hz,
    }


@probe(Layer.FRAMES, Layer.NOISE, Layer.TEST_SIGNAL, Layer.CROSSTALK)
def codes(rig: Rig, _evidence: Evidence) -> Facts:
    """Look at raw codes with shorted inputs, for channels at the rail or at nothing."""
    rig.set_rate(1000)
    rig.chip.configure(mux="shorted", gain=24)
    found = rig.capture(500).codes
    railed = ADS1299.is_clipped(found).mean(axis=0) > 0.9
    dead = (found == 0).all(axis=0)
    return {"codes.railed": _channels(railed), "codes.dead": _channels(dead)}


@probe(Layer.NOISE, Layer.TEST_SIGNAL)
def gains(rig: Rig, _evidence: Evidence) -> Facts:
    """Set gains and look at the test signal, for channels that do not follow."""
    rate_hz = rig.set_rate(250)
    rig.chip.test_signal(amplitude=1, frequency="fast")
    expected_v = 2 * rig.identity.vref_v / 2400
    actual = []
    for gain in (1, 6, 24):
        rig.chip.configure(mux="test", gain=gain)
        found = waves(rig.capture(periods(rate_hz, 3)))
        actual.append([gain * w.peak_to_peak_v.value / expected_v if w else 0.0 for w in found])
    table = np.array(actual)
    # A channel whose own gain is the same for all three settings does not follow them.
    middle = np.median(table, axis=0)
    stuck = (middle > 0.5) & (np.ptp(table, axis=0) < 0.1 * middle)
    wrong = np.abs(table[2] / 24 - 1) > 0.03
    facts: Facts = {"gains.stuck": _channels(stuck), "gains.wrong_level": _channels(wrong)}
    if stuck.any():
        facts["gains.stuck_at"] = round(float(middle[stuck][0]))
    return facts


@probe(Layer.NOISE, Layer.TEST_SIGNAL, Layer.SUPPLIES, Layer.ENDURANCE)
def supplies(rig: Rig, _evidence: Evidence) -> Facts:
    """Read the supplies, and guess the reference from both of them."""
    avdd, dvdd = supplies_v(rig)
    return {
        "supplies.avdd_v": float(np.median(list(avdd.values()))),
        "supplies.dvdd_v": float(np.median(list(dvdd.values()))),
        "supplies.reference_v": reference_v(avdd, dvdd, rig.identity.vref_v),
        "supplies.unexplained": unexplained_by_reference(avdd, dvdd),
    }


@probe(Layer.CLOCK, Layer.TEST_SIGNAL)
def signal_period(rig: Rig, _evidence: Evidence) -> Facts:
    """Count samples in a period of the test signal: it is exact unless samples are lost."""
    rate_hz = rig.set_rate(1000)
    rig.chip.configure(mux="test", gain=24)
    rig.chip.test_signal(frequency="fast")
    found = [wave.period_samples for wave in waves(rig.capture(periods(rate_hz, 4))) if wave]
    if not found:
        return {"test_period.found": False}
    expected = rate_hz * FAST_CLOCKS / ADS1299.f_clk_hz
    return {"test_period.found": True, "test_period.ratio": float(np.median(found)) / expected}


@probe(Layer.LEAD_OFF, Layer.BIAS)
def bias(rig: Rig, _evidence: Evidence) -> Facts:
    """Ask the chip whether the bias electrode is on."""
    return {"bias.electrode_off": bool(is_bias_electrode_off(rig))}


@probe(Layer.LEAD_OFF)
def sides(rig: Rig, evidence: Evidence) -> Facts:
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
    return {"sides.poor": tuple(sides)}
