"""The report as plain values: what JSON holds and every other form shows.

`report.schema.json` beside this file is its JSON Schema.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from emgrig.attach.report.causes import Weight
from emgrig.filemodel import FileModel, one_of

Count = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Consequence:
    """What came of a cause.

    Attributes
    ----------
    what : str
        The rule or the cause that it would have been alone.
    text : str
        The first of its kind, in words.
    at_us : float
        Bench time of the first, µs since power-on.
    transfer : int
        Which time that chip was selected, from 1; 0 if it belongs to none.
    sent : str
        The first bytes of that transfer, hexadecimal.
    """

    what: str
    section: str
    weight: Weight
    count: Annotated[int, Ge(1)]
    text: str
    at_us: float
    transfer: Count
    sent: str


@dataclass(frozen=True)
class Finding:
    """A cause, and what came of it.

    Attributes
    ----------
    cause : str
        Its name, as in the tables of docs/attach.md.
    chip : int
        Whose, from 1; 0 is the bus.
    weight : Weight
        The worst of what it did.
    text, fix : str
        What happened, and how to mend it.
    section : str
        Where the data sheet says so.
    count : int
        How often.
    at_us : float
        Bench time of the first, µs since power-on.
    transfer : int
        Which time that chip was selected, from 1; 0 if it belongs to none.
    sent : str
        The first bytes of that transfer, hexadecimal.
    """

    cause: str
    chip: Count
    weight: Weight
    text: str
    fix: str
    section: str
    count: Annotated[int, Ge(1)]
    at_us: float
    transfer: Count
    sent: str
    consequences: tuple[Consequence, ...]


@dataclass(frozen=True)
class Spare:
    """How near a time came to its limit.

    Attributes
    ----------
    name : str
        tSCCS, tSDECODE, tCSH, before update (the smallest), or DRDY to read (the largest).
    us, at_us : float
        The time and when it was, µs.
    limit_us : float or None
        The least that is allowed, at the nominal clock, µs; None if there is no such limit.
    slow_clock_us, fast_clock_us : float or None
        What is left over the limit with an oscillator 2.5 % slow or fast, µs; below 0 breaks it.
    fast_processor_us : float or None
        The same at the nominal clock if the processor's own calls took half the time.
    is_kept : bool or None
        Whether all of that is kept; None if there is no limit.
    """

    name: str
    us: float
    at_us: float
    limit_us: float | None
    slow_clock_us: float | None
    fast_clock_us: float | None
    fast_processor_us: float | None
    is_kept: bool | None
    broken_by: tuple[str, ...]


@dataclass(frozen=True)
class RegisterSaid:
    """A register as it ended up; `is_reset` if that is what power-on gives."""

    address: str
    name: str
    hex: str
    fields: str
    is_reset: bool


@dataclass(frozen=True)
class ChipReport:
    """One chip's part.

    Attributes
    ----------
    f_clk_hz : float
        Of the simulated oscillator.
    produced, read, torn, missed : int
        Results; missed are those that nobody read whole, between two that were.
    unread : int
        Results that nobody read, those before the first and after the last read among them.
    state : str
        What the chip does at the end.
    rules : dict
        How often each rule was broken.
    """

    number: Annotated[int, Ge(1)]
    channels: Annotated[int, one_of(4, 6, 8)]
    f_clk_hz: Annotated[float, Gt(0)]
    transfers: Count
    produced: Count
    read: Count
    torn: Count
    missed: Count
    unread: Count
    state: str
    rules: dict[str, int]
    margins: tuple[Spare, ...]
    registers: tuple[RegisterSaid, ...]


@dataclass(frozen=True)
class Assumed:
    """What the bench was like; `processor` is an assumption, its times are in µs."""

    source: str
    faults: tuple[str, ...]
    seed: Count
    processor: str
    call_us: Annotated[float, Ge(0)]
    hold_us: Annotated[float, Ge(0)]
    pause_us: Annotated[float, Ge(0)]
    reference: bool
    enforced: bool


@dataclass(frozen=True)
class Verdict:
    """What the report says.

    Attributes
    ----------
    outcome : str
        "clean"; "faulty" if anything was lost, torn or wrong; "failed" if nothing was, and the
        firmware itself ended with an error.
    headline : str
        The first cause, or that there is none.
    rests_on : str
        How much of the firmware was seen.
    """

    outcome: Annotated[str, one_of("clean", "faulty", "failed")]
    exit_code: Annotated[int, one_of(0, 1)]
    headline: str
    rests_on: str
    simulated: bool


@dataclass(frozen=True)
class Report(FileModel):
    """What a firmware did on a simulated bench, against the data sheet.

    Attributes
    ----------
    firmware : str
        What ran, as it was called.
    remark : str
        How it ended, if that needs a word.
    duration_s : float
        Bench time, s.
    claims : int
        Values that the firmware said it made, and that were compared.
    """

    FORMAT: ClassVar = "emgrig attach report"

    version: Annotated[int, one_of(1)]
    verdict: Verdict
    firmware: str
    remark: str
    duration_s: Annotated[float, Ge(0)]
    transfers: Count
    claims: Count
    findings: tuple[Finding, ...]
    chips: tuple[ChipReport, ...]
    bench: Assumed
