"""What the fixture `bench` makes of its marker, and of what was done with the bench."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions, Processor
from emgrig.attach.report.causes import ABOUT
from emgrig.attach.report.make import make_report
from emgrig.attach.report.text import lines, place, verdict_line

MARKER: Final = "emgrig_bench"  #: As `pytest_entry` has it, which imports nothing.
_KNOWN: Final = (
    "chips", "channels", "source", "faults", "seed", "processor", "reference", "wired", "enforce",
    "options", "allow",
)  # fmt: skip
_DEFAULT_PROCESSOR: Final = "mcu"


def bench_of(node: pytest.Item) -> Bench:
    """Make the bench that a test's markers describe; the nearest marker has the last word.

    Raises
    ------
    ValueError
        If a keyword is not known, or its value makes no sense.
    """
    said = _said(node)
    _allowed(said)
    options = said.get("options")
    if options is not None:
        if not isinstance(options, BenchOptions):
            raise ValueError(f"{MARKER}: options is {options!r}, expected BenchOptions")
        return Bench(options)
    return Bench(_options(said))


def _said(node: pytest.Item) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers(MARKER))):
        if marker.args:
            raise ValueError(f"{MARKER}: {marker.args!r} has no name; expected NAME=VALUE")
        said |= marker.kwargs
    for name in said:
        if name not in _KNOWN:
            raise ValueError(f"{MARKER}: no {name!r}; there are {', '.join(_KNOWN)}")
    return said


def _options(said: dict[str, Any]) -> BenchOptions:
    chips = said.get("chips", 1)
    if isinstance(chips, int):
        chips = (ChipOptions(said.get("channels", 8)),) * chips
    processor = said.get("processor", _DEFAULT_PROCESSOR)
    if not isinstance(processor, Processor):
        if processor not in PROCESSORS:
            known = ", ".join(PROCESSORS)
            raise ValueError(f"{MARKER}: processor {processor!r}; there are {known}")
        processor = PROCESSORS[processor]
    return BenchOptions(
        chips=tuple(chips),
        source=said.get("source", "face"),
        faults=_words(said.get("faults", ())),
        seed=said.get("seed", 0),
        processor=processor,
        has_reference=said.get("reference", False),
        is_wired=said.get("wired", False),
        enforce=said.get("enforce", True),
    )


def _words(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _allowed(said: dict[str, Any]) -> tuple[str, ...]:
    allowed = _words(said.get("allow", ()))
    known = {cause.value for cause in ABOUT}
    for name in allowed:
        if name not in known:
            raise ValueError(
                f"{MARKER}: allow names {name!r}, which is no rule or cause; see docs/attach.md"
            )
    return allowed


def judge(item: pytest.Item, bench: Bench) -> str:
    """Put the report to the test's output; return the first cause that is not allowed, or ""."""
    report = make_report(bench.facts(), firmware=item.name)
    item.add_report_section("call", "emgrig attach", "\n".join(lines(report, is_short=False)))
    item.user_properties.append(("emgrig attach", verdict_line(report)))
    allowed = _allowed(_said(item))
    for finding in report.findings:
        if finding.weight.is_failing and finding.cause not in allowed:
            return (
                f"{finding.cause}: {finding.text}\nfix: {finding.fix}\n{place(finding)} · SIMULATED"
            )
    return ""
