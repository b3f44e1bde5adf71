"""From what a bench saw to the report."""

from collections.abc import Sequence
from typing import Final

from emgrig.attach.facts import BenchFacts, ChipFacts
from emgrig.attach.report.blame import WREG, ChipBlame, Event, Root, grouped
from emgrig.attach.report.causes import ABOUT, AnyCause, Cause, Weight, command_name
from emgrig.attach.report.claims import Mismatch, compare
from emgrig.attach.report.margins import spares
from emgrig.attach.report.model import (
    Assumed,
    ChipReport,
    Consequence,
    Finding,
    RegisterSaid,
    Report,
    Verdict,
)
from emgrig.attach.report.signs import clocks_of_chip, mode_of_chip, signs_of_bus, signs_of_chip
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.simulator.chip.violations import Rule

#: Causes of which all else may come.
_FIRST: Final = (
    Cause.NOBODY, Cause.NOTHING, Cause.POWERED_DOWN, Cause.NO_CLOCK, Cause.SPI_MODE,
    Cause.CONTENTION,
)  # fmt: skip
_RANKS: Final = {Weight.LOST: 0, Weight.TORN: 0, Weight.WRONG: 1, Weight.HARMLESS: 2}
_NAMED: Final = 3
#: What makes claims wrong, if they are.
_CLAIMED: Final = (
    Cause.SPI_MODE, Cause.CONTENTION, Cause.TWO_CLOCKS, Rule.UPDATE_WINDOW, Cause.FRAME_LENGTH,
    WREG, Rule.NO_REFERENCE,
)  # fmt: skip
NO_FAULT: Final = "nothing was lost, torn or wrong"


def make_report(
    facts: BenchFacts, *, firmware: str = "", remark: str = "", has_failed: bool = False
) -> Report:
    """Judge what a firmware did on a bench.

    Parameters
    ----------
    facts : BenchFacts
        What happened (`Bench.facts`).
    firmware : str
        What ran, as it was called.
    remark : str
        How it ended, if that needs a word.
    has_failed : bool
        It ended by itself, and not well: then no verdict is clean.
    """
    roots = sorted(_roots(facts), key=_order)
    findings = tuple(_finding(root, facts) for root in roots)
    return Report(
        version=1,
        verdict=_verdict(facts, findings, remark, has_failed=has_failed),
        firmware=firmware,
        remark=remark,
        duration_s=facts.duration_s,
        transfers=_n_transfers(facts),
        claims=len(facts.claims),
        findings=findings,
        chips=tuple(_chip(facts, index) for index in range(len(facts.chips))),
        bench=_assumed(facts),
    )


def _roots(facts: BenchFacts) -> list[Root]:
    bus: dict[AnyCause, Root] = {
        sign.event.what: Root(sign.event.what, 0, [sign.event]) for sign in signs_of_bus(facts)
    }
    blames: list[ChipBlame] = []
    for index, chip in enumerate(facts.chips):
        mode, clocks = mode_of_chip(facts, index), clocks_of_chip(facts, index)
        blame = ChipBlame(index + 1, chip, mode, clocks, bus)
        if not bus.keys() & {Cause.NOBODY, Cause.NOTHING}:
            for sign in signs_of_chip(facts, index):
                blame.add(sign.event, sign.because)
        blames.append(blame)
    _add_claims(facts, blames)
    return [*bus.values(), *(root for blame in blames for root in blame.roots.values())]


def _add_claims(facts: BenchFacts, blames: list[ChipBlame]) -> None:
    n_channels = facts.chips[0].n_channels
    for index, blame in enumerate(blames):
        claims = [one for one in facts.claims if (one.channel - 1) // n_channels == index]
        found = compare(claims, n_channels)
        if found is not None:
            at_us = found.first.at_ps / 1e6
            event = Event(Cause.SCALE, Weight.WRONG, at_us, _claim_text(found), count=found.n_wrong)
            blame.add(event, _CLAIMED)


def _claim_text(found: Mismatch) -> str:
    first = found.first
    right_uv = first.code * 4.5e6 / (_gain(first.chnset) * 2.0**23)
    others = f" (gives the same: {'; '.join(found.others[:2])})" if found.others else ""
    return (
        f"{found.text}{others}; channel {first.channel}: code {first.code} is {right_uv:.3f} µV, "
        f"claimed {first.microvolts:.6g}"
    )


def _gain(chnset: int) -> float:
    return (1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 24.0, 24.0)[chnset >> 4 & 7]


def _order(root: Root) -> tuple[int, int, float, bool]:
    place = _FIRST.index(root.cause) if root.cause in _FIRST else len(_FIRST)
    rank = _RANKS[root.weight] if place == len(_FIRST) else -1
    # of what is known in the end alone, a reason goes before what has none
    return rank, place, root.first.at_us, root.cause is Cause.MISSED


def _finding(root: Root, facts: BenchFacts) -> Finding:
    first, about = root.first, ABOUT[root.cause]
    return Finding(
        cause=root.cause.value,
        chip=root.chip,
        weight=root.weight,
        text=_text(root, facts),
        fix=about.fix,
        section=about.section,
        count=root.count,
        at_us=first.at_us,
        transfer=first.transfer,
        sent=first.sent.hex(" ").upper(),
        consequences=tuple(
            Consequence(
                what=event.what.value,
                section=ABOUT[event.what].section,
                weight=event.weight,
                count=count,
                text=_came(event, lost),
                at_us=event.at_us,
                transfer=event.transfer,
                sent=event.sent.hex(" ").upper(),
            )
            for event, count, lost in grouped(root.consequences)
        ),
    )


def _text(root: Root, facts: BenchFacts) -> str:
    """Say what happened, with the commands that it cost."""
    said = root.first.text
    names, lost = root.lost, _named(root.lost)
    if root.cause is Cause.NEVER_SDATAC:
        return f"SDATAC was never sent: the chip is in RDATAC from power-up on and ignored {lost}"
    if root.cause is Cause.IN_RDATAC:
        return f"the chip was in RDATAC, and ignored {lost}"
    if root.cause is Cause.NEVER_WOKEN and lost:
        return f"the chip was in STANDBY, and ignored {lost}"
    if root.cause is Cause.NEVER_STARTED:
        return "neither START command nor START pin: nothing converts, what is read is 0"
    if root.cause in (Rule.T_SCCS, Rule.T_SDECODE):
        return _too_soon(root, facts, lost)
    if lost and root.cause is Rule.PARTIAL_COMMAND:
        return f"{said}: {lost} {_were(names)} lost"
    return said


def _named(opcodes: Sequence[int]) -> str:
    names = [command_name(opcode) for opcode in opcodes]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _came(event: Event, lost: Sequence[int]) -> str:
    """Say what came of a cause; of commands that were ignored, which."""
    if event.what in (Rule.IN_RDATAC, Rule.IN_STANDBY) and lost:
        return f"{_named(lost)} {_were(lost)} ignored"
    return event.text


def _were(names: Sequence[object]) -> str:
    return "was" if len(names) == 1 else "were"


def _too_soon(root: Root, facts: BenchFacts, lost: str) -> str:
    chip = facts.chips[root.chip - 1]
    margin = next((one for one in chip.margins if one.name == root.cause.value), None)
    how = "" if margin is None else f" {margin.us:.2f} µs ({margin.ticks:.2f} tCLK)"
    what = (
        f"CS went high{how} after the last SCLK"
        if root.cause is Rule.T_SCCS
        else f"bytes of a command ended{how} apart"
    )
    made = "nothing was lost here, a real chip may lose a command"
    if lost:
        made = f"{lost} {_were(root.lost)} lost"
    return f"{what}, 4 tCLK is the least: {made}"


def _verdict(
    facts: BenchFacts, findings: tuple[Finding, ...], remark: str, *, has_failed: bool
) -> Verdict:
    is_faulty = any(one.weight.is_failing for one in findings)
    headline = NO_FAULT
    if findings:
        first = findings[0]
        headline = f"{first.cause}: {first.text}"
        if not is_faulty:
            headline = f"{NO_FAULT}; harmless here: {headline}"
    failure = remark if has_failed else ""
    if remark and not (failure or any(chip.n_read for chip in facts.chips)):
        failure = f"no result was read, {remark}"  # a firmware that was stopped shows nothing then
    outcome = "faulty" if is_faulty else "failed" if failure else "clean"
    is_nothing_known = bool(findings) and findings[0].cause in (Cause.NOBODY, Cause.NOTHING)
    if failure and (outcome == "failed" or is_nothing_known):
        headline = f"{failure}; {headline}"
    return Verdict(outcome, int(outcome != "clean"), headline, _rests_on(facts), True)


def _n_transfers(facts: BenchFacts) -> int:
    return max(facts.n_transfers, max(chip.n_transfers for chip in facts.chips))


def _rests_on(facts: BenchFacts) -> str:
    produced = sum(chip.n_produced for chip in facts.chips)
    read = sum(chip.n_read for chip in facts.chips)
    chips = "1 chip" if len(facts.chips) == 1 else f"{len(facts.chips)} chips"
    claims = f", {len(facts.claims)} claims" if facts.claims else ""
    return (
        f"{facts.duration_s:.3f} s of bench time, {chips}, {_n_transfers(facts)} transfers, "
        f"{produced} results produced, {read} read{claims}"
    )


def _chip(facts: BenchFacts, index: int) -> ChipReport:
    chip = facts.chips[index]
    return ChipReport(
        number=index + 1,
        channels=chip.n_channels,
        f_clk_hz=chip.f_clk_hz,
        transfers=chip.n_transfers,
        produced=chip.n_produced,
        read=chip.n_read,
        torn=chip.n_torn,
        missed=max(chip.n_skipped - chip.n_torn, 0),
        unread=chip.n_missed,
        state=_state(chip),
        rules={rule.value: count for rule, count in chip.counts.items()},
        margins=spares(facts, chip),
        registers=_registers(chip),
    )


def _registers(chip: ChipFacts) -> tuple[RegisterSaid, ...]:
    reset = RegisterFile.reset(chip.n_channels).raw
    rows = RegisterFile(chip.registers, chip.n_channels).render()
    return tuple(
        RegisterSaid(row.address, row.name, row.hex, row.fields, byte == before)
        for row, byte, before in zip(rows, chip.registers, reset, strict=True)
    )


def _state(chip: ChipFacts) -> str:
    if not chip.is_clocked:
        return "no clock"
    if chip.is_standby:
        return "STANDBY"
    mode = "RDATAC" if chip.is_rdatac else "SDATAC"
    return f"{mode}, {'converting' if chip.is_converting else 'not converting'}"


def _assumed(facts: BenchFacts) -> Assumed:
    options, processor = facts.options, facts.options.processor
    return Assumed(
        source=options.source,
        faults=options.faults,
        seed=options.seed,
        processor=processor.name,
        call_us=processor.call_s * 1e6,
        hold_us=processor.hold_s * 1e6,
        pause_us=processor.pause_s * 1e6,
        reference=options.has_reference,
        enforced=options.enforce,
    )
