"""The channels of a recording: what each is called, its unit, and how it is found by a name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from emgrig.names import plain_line
from emgrig.reading.units import microvolts_in, plain
from emgrig.sentences import counted

_EMG_WORDS = (
    "emg",
    "zyg",
    "corr",
    "front",
    "orb",
    "oculi",
    "oris",
    "depressor",
    "levator",
    "masse",
    "ment",
)
_OTHER_WORDS = (
    "trig", "mic", "audio", "sound", "status", "marker", "event", "acc", "gyr", "temp"
)  # fmt: skip
#: Characters of the name of a signal.
_MOST_NAME = 80


@dataclass(frozen=True)
class Signal:
    """One channel of a recording.

    Attributes
    ----------
    name : str
        Unique in the recording.
    unit : str
        "uV" for every voltage (values are converted), else the file's word; "" if nobody said it.
    where : str
        Where it came from: ``signal 3 'EMG Zyg'``, ``column 2``.
    factor : float
        From the values of the file to `unit`.
    problem : str
        Why it cannot be used as a voltage; empty if it can, or if only the unit is not said.
    limits : (float, float) or None
        Ends of the range that the file can hold, in `unit`; None if it does not say.
    """

    name: str
    unit: str
    where: str
    factor: float = 1.0
    problem: str = ""
    limits: tuple[float, float] | None = None

    @property
    def is_voltage(self) -> bool:
        """Whether its values are microvolts."""
        return self.unit == "uV" and not self.problem


def signal(name: str, unit: str, where: str, **more: Any) -> Signal:
    """Make a signal of what a file says; a voltage becomes uV."""
    factor = microvolts_in(unit)
    if factor is None:
        return Signal(name.strip(), plain(unit), where, **more)
    return Signal(name.strip(), "uV", where, factor, **more)


def find_signal(labels: Sequence[str], asked: str) -> int:
    """Return the index of a name, or of a number from 1; ValueError lists what there is."""
    word = asked.strip()
    if word in labels:
        return labels.index(word)
    if word.isascii() and word.isdecimal() and 1 <= int(word) <= len(labels):
        return int(word) - 1
    lower = [label.lower() for label in labels]
    if lower.count(word.lower()) == 1:
        return lower.index(word.lower())
    near = [index for index, label in enumerate(lower) if _is_short_for(word.lower(), label)]
    if len(near) == 1:
        return near[0]
    there = ", ".join(f"{i} {label}" for i, label in enumerate(labels, 1))
    if near:
        may = ", ".join(f"{i + 1} {labels[i]}" for i in near)
        raise ValueError(f"channel {asked!r} may be {may}; name one whole, or its number")
    raise ValueError(f"no channel {asked!r}; there are: {there}")


def _is_short_for(asked: str, label: str) -> bool:
    """Tell if each word begins one of the label's, or is what an abbreviation there stands for."""

    def names(word: str, part: str) -> bool:
        stem = part.removesuffix(".")
        return part.startswith(word) or (bool(stem) and stem != part and word.startswith(stem))

    words, parts = asked.split(), label.split()
    return bool(words) and all(any(names(word, part) for part in parts) for word in words)


def with_names(
    signals: Sequence[Signal], what: str = "channel"
) -> tuple[tuple[Signal, ...], list[str]]:
    """Give every signal a name of its own; returns also what is to be said about it."""
    lines = [plain_line(one.name, _MOST_NAME) for one in signals]
    named = [
        replace(one, name=line or f"{what} {i}")
        for i, (one, line) in enumerate(zip(signals, lines, strict=True), 1)
    ]
    remarks = []
    if empty := sum(not line for line in lines):
        remarks.append(f"{counted(empty, 'channel')} without a name: called {what} 1, {what} 2 ...")
    often = Counter(one.name for one in named)
    taken = {name for name, n in often.items() if n == 1}
    numbers: Counter[str] = Counter()
    out = []
    for one in named:
        name = one.name
        while often[one.name] > 1 and (name == one.name or name in taken):
            numbers[one.name] += 1
            name = f"{one.name} ({numbers[one.name]})"
        taken.add(name)
        out.append(replace(one, name=name))
    if twice := [name for name, n in often.items() if n > 1]:
        remarks.append(f"channels of the same name are numbered: {', '.join(twice)}")
    return tuple(out), remarks


def emg_rank(one: Signal) -> int:
    """Say how much a signal looks like EMG: by its name, then by its unit."""
    name = one.name.lower()
    rank = 2 if one.is_voltage else 0
    rank += 4 if any(word in name for word in _EMG_WORDS) else 0
    return rank - (3 if any(word in name for word in _OTHER_WORDS) else 0)
