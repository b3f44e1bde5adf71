"""The report in lines: the first is the cause, the last the verdict with what it rests on."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from emgrig.attach.report.model import ChipReport, Consequence, Finding, Report, Spare

SIMULATED: Final = "SIMULATED"
_MOST_FINDINGS: Final = 6
_MOST_CONSEQUENCES: Final = 4


def lines(report: Report, *, is_short: bool = True) -> list[str]:
    """Return the report as lines of text.

    Parameters
    ----------
    report : Report
        What was found.
    is_short : bool
        True fits one screen; False tells every finding and consequence.
    """
    most = _MOST_FINDINGS if is_short else len(report.findings)
    said = [report.verdict.headline]
    for finding in report.findings[:most]:
        said += finding_lines(finding, is_first=finding is report.findings[0], is_short=is_short)
    if len(report.findings) > most:
        said.append(f"and {len(report.findings) - most} more; --json and --report have all")
    said.append("")
    for chip in report.chips:
        said += [chip_line(chip), f"  registers: {registers_line(chip)}"]
        said += [f"  {line}" for line in margin_lines(chip)]
    said.append(assumed_line(report))
    said.append(verdict_line(report))
    return said


def verdict_line(report: Report) -> str:
    """Return the verdict with what it rests on, and the label."""
    verdict = report.verdict
    remark = f"; {report.remark}" if report.remark else ""
    firmware = f"{report.firmware}: " if report.firmware else ""
    return f"attach: {verdict.outcome.upper()} - {SIMULATED}, {firmware}{verdict.rests_on}{remark}"


def finding_lines(finding: Finding, *, is_first: bool, is_short: bool = True) -> Iterator[str]:
    """Yield the lines of a finding; the first one's text is the report's first line already."""
    if not is_first:
        yield f"{finding.cause}: {finding.text}"
    yield f"  fix: {finding.fix}"
    yield f"  {place(finding)}"
    most = _MOST_CONSEQUENCES if is_short else len(finding.consequences)
    for consequence in finding.consequences[:most]:
        yield f"    came of it: {consequence_line(consequence)}"
    if len(finding.consequences) > most:
        yield f"    and {len(finding.consequences) - most} other kinds"


def place(finding: Finding | Consequence) -> str:
    """Return how bad, how often, where and when the first was."""
    times = "once" if finding.count == 1 else f"{finding.count} times"
    where = [str(finding.weight), times]
    if isinstance(finding, Finding) and finding.chip > 1:
        where.append(f"chip {finding.chip}")
    if finding.transfer:
        sent = f", sent {finding.sent}" if finding.sent else ""
        where.append(f"first at {finding.at_us:.1f} µs, transfer {finding.transfer}{sent}")
    return " · ".join((*where, finding.section))


def consequence_line(consequence: Consequence) -> str:
    """Return what came of a cause, in one line."""
    return f"{consequence.what}, {consequence.count}×, {consequence.weight}: {consequence.text}"


def chip_line(chip: ChipReport) -> str:
    """Return what a chip made and what of it was read."""
    return (
        f"chip {chip.number}, ADS1299 with {chip.channels} channels: {chip.produced} results "
        f"produced, {chip.read} read, {chip.torn} torn, {chip.missed} missed between reads; "
        f"in the end {chip.state}"
    )


def registers_line(chip: ChipReport) -> str:
    """Return the registers that are not as after power-on; channels that are alike are one."""
    changed = [one for one in chip.registers if not one.is_reset]
    said: list[str] = []
    for _, alike in groupby(changed, key=lambda one: (one.name[:2], one.hex)):
        group = list(alike)
        name = group[0].name if len(group) == 1 else f"{group[0].name} to {group[-1].name}"
        said.append(f"{name} {group[0].hex} ({group[0].fields})")
    return "; ".join(said) if said else "as after power-on"


def margin_lines(chip: ChipReport) -> Iterator[str]:
    """Yield each time that was seen, with what is left of it."""
    for spare in chip.margins:
        yield f"{margin_name(spare)} {spare.us:.2f} µs: {judged(spare)}"


def margin_name(spare: Spare) -> str:
    """Return the name of a margin with what was kept of it."""
    return f"{'longest' if spare.name == 'DRDY to read' else 'least'} {spare.name}"


def judged(spare: Spare, *, is_short: bool = False) -> str:
    """Return what is left of a margin, or what breaks it; short where its numbers stand beside."""
    if spare.is_kept is None:
        if spare.limit_us:
            return f"at least {spare.limit_us:.2f} µs; the bench's own, with processor none"
        return "no limit"
    least = f"at least {spare.limit_us:.2f} µs" if spare.limit_us else "before the update window"
    if spare.is_kept and is_short:
        return f"{least}; kept"
    if spare.is_kept:
        return f"{least}; kept, also with the clock 2.5 % off and a processor twice as fast"
    if spare.us < (spare.limit_us or 0.0):
        return f"{least}; BROKEN"
    return f"{least}; kept here, BROKEN by {' or '.join(spare.broken_by)}"


def assumed_line(report: Report) -> str:
    """Return what was assumed."""
    bench = report.bench
    faults = f", faults {', '.join(bench.faults)}" if bench.faults else ""
    enforced = "" if bench.enforced else ", breaches of tSCCS and tSDECODE without effect"
    return (
        f"assumed: processor {bench.processor} ({bench.call_us:g} µs a call), source "
        f"{bench.source}, seed {bench.seed}{faults}{enforced}"
    )
