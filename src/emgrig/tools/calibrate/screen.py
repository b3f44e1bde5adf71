"""What a calibration says on a terminal: one screen, the verdict first."""

from collections.abc import Sequence
from itertools import chain

from emgrig.calibration.figures.uncertainty import Bound
from emgrig.calibration.procedures.readings import Reading, Report, worst
from emgrig.names import unit_shown
from emgrig.tools.calibrate.page import Outcome, account, bands
from emgrig.tools.common.output import print_table, say

MOST_READINGS = 24
"""A report of more readings is told by quantity and setting."""
MOST_SETTINGS = 16
"""One of more of those is told by what has a limit."""
_SETTING = ("quantity", "gain", "SPS")
_SHORT_NOTE = 40
"""Longer notes are on the page."""


def tell(outcome: Outcome) -> None:
    """Print the verdict, and what it rests on."""
    say(outcome.verdict)
    for report in outcome.reports:
        say(report.title)
        if len(report.readings) <= MOST_READINGS:
            _tell_each(report)
        else:
            _tell_settings(report)
        for text in report.notes:
            say(f"note: {text}")
        proof = "as before, proved by reading" if report.restored.is_proved else "NOT as before"
        say(f"{account(report)}; registers {proof}")
    for text in bands(outcome.reports):
        say(f"effective band: {text}")
    if outcome.comparisons:
        n_beside = sum(one.theirs_uv_rms is not None for one in outcome.comparisons)
        of = f"{n_beside} of {len(outcome.comparisons)} other amplifiers give a noise to compare"
        say(f"{of}: on the page (--report) and in --json")


def _tell_each(report: Report) -> None:
    print_table(
        ["channel", "quantity", "value", "gain", "SPS", "", "note"],
        [
            [
                _or_nothing(r.channel),
                str(r.quantity),
                str(r.result),
                _or_nothing(r.gain),
                _or_nothing(r.rate_hz),
                str(r.outcome or ""),
                r.note or r.condition,
            ]
            for r in report.readings
        ],
    )


def _tell_settings(report: Report) -> None:
    """Print a row for each quantity and setting, from its lowest channel to its highest."""
    groups: dict[tuple[object, ...], list[Reading]] = {}
    for r in report.readings:
        key = (r.quantity, r.gain, r.rate_hz, r.condition, r.band, r.current, r.result.unit)
        groups.setdefault(key, []).append(r)
    shown = list(groups.values())
    if len(shown) > MOST_SETTINGS:
        shown = [group for group in shown if any(r.outcome for r in group)]
    rows = [_row(group) for group in shown]
    same = [column for column in _SETTING if len({row[column] for row in rows}) == 1]
    shared = [f"{column} {rows[0][column]}".strip() for column in same]
    say(f"  {', '.join([*shared, 'lowest to highest of the channels'])}")
    columns = [column for column in rows[0] if column not in same]
    print_table(
        columns, [[row[one] for one in columns] for row in rows], whole=("quantity", "value")
    )
    if n_more := len(report.readings) - sum(map(len, shown)):
        say(f"{n_more} more values, which have no limit: on the page (--report) and in --json")
    for r in chain.from_iterable(shown):
        if r.outcome == "fail":
            say(f"fail: channel {r.channel or '-'}: {r.quantity} {r.result}; {r.note}")


def _row(group: Sequence[Reading]) -> dict[str, str]:
    """Return the cells of readings of all channels; a column that all rows share is not shown."""
    first = group[0]
    low, high = (limit(group, key=lambda r: r.result.value) for limit in (min, max))
    notes = {r.note for r in group}
    ends = dict.fromkeys((_short(low), _short(high)))
    return {
        "quantity": str(first.quantity),
        "gain": _or_nothing(first.gain),
        "SPS": _or_nothing(first.rate_hz),
        "value": f"{' to '.join(ends)} {unit_shown(first.result.unit)}",
        "": str(worst(r.outcome for r in group) or ""),
        "note": notes.pop() if len(notes) == 1 and len(first.note) <= _SHORT_NOTE else "",
    }


def _short(reading: Reading) -> str:
    """Return a value to four digits, or its bound."""
    bound = {Bound.AT_LEAST: "> ", Bound.AT_MOST: "< "}.get(reading.result.bound, "")
    return f"{bound}{reading.result.value:.4g}"


def _or_nothing(value: int | None) -> str:
    return "" if value is None else str(value)
