"""A measured value with its limits, after OpenHTF's idea of a measurement.

A check hands every value to `measure`. The value is judged against its line in the table of limits,
or against limits given with it; values of several channels make one measurement.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from emgrig.filemodel import refuse_unknown
from emgrig.hil_tests.judging.limits import Limit, LimitTable
from emgrig.names import unit_shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Value = float | int | str | bool


class Outcome(StrEnum):
    """What a measurement, a check or a run says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    MARGINAL = "marginal"
    FAIL = "fail"
    ERROR = "error"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    NOT_MEASURED = "not measured"
    INCOMPLETE = "incomplete"
    """Of a run alone: not all that belongs to it was asked."""


_SEVERITY = (
    Outcome.PASS,
    Outcome.SKIPPED,
    Outcome.BLOCKED,
    Outcome.MARGINAL,
    Outcome.INCOMPLETE,
    Outcome.NOT_MEASURED,
    Outcome.FAIL,
    Outcome.ERROR,
)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the gravest of them; NOT_MEASURED if there is none."""
    return max(outcomes, key=_SEVERITY.index, default=Outcome.NOT_MEASURED)


@dataclass(frozen=True)
class Samples:
    """How many samples, or readings, are behind a verdict.

    Attributes
    ----------
    used, lost, rejected : int
        Used; never came; came and were left out (settling, repeated).
    """

    used: int = 0
    lost: int = 0
    rejected: int = 0

    def __add__(self, other: "Samples") -> "Samples":
        return Samples(
            self.used + other.used, self.lost + other.lost, self.rejected + other.rejected
        )

    def __str__(self) -> str:
        return f"{self.used} used, {self.lost} lost, {self.rejected} rejected"


@dataclass(frozen=True)
class Reading:
    """One value of a measurement; `value` None was not measured, `note` says why."""

    value: Value | None
    outcome: Outcome
    channel: int | None = None
    note: str = ""


@dataclass
class Measurement:
    """A named quantity of one check, with one reading or one a channel.

    One that `informs` is held against nothing. `reference` is what the value is compared with, in
    words ("data sheet: 0.28 µV"), `key` its name in the table of limits: one for the same quantity
    at several settings. `what` is what people read for the name.
    """

    name: str
    unit: str
    limit: Limit
    readings: list[Reading] = field(default_factory=list)
    reference: str = ""
    key: str = ""
    informs: bool = False
    what: str = ""

    @property
    def title(self) -> str:
        """What people read for its name."""
        return self.what or title_of(self.name)

    @property
    def is_judged(self) -> bool:
        """True if it says something of the board; a forgotten limit does, too."""
        return not self.informs

    @property
    def outcome(self) -> Outcome:
        """The gravest of its readings."""
        return worst(reading.outcome for reading in self.readings)

    @property
    def values(self) -> dict[int | None, Value | None]:
        """Values by channel; the key of a measurement without channels is None."""
        return {reading.channel: reading.value for reading in self.readings}

    @property
    def channels_above(self) -> list[int]:
        """Channels on which it lies above its upper limit."""
        high = self.limit.high
        return [
            r.channel
            for r in self.readings
            if r.channel is not None
            and isinstance(r.value, int | float)
            and high is not None
            and r.value > high
        ]

    def nearest(self) -> tuple[float, Reading]:
        """Return the reading nearest to a limit, and how near: 0 in the middle, 1 at the limit.

        Of what has one limit alone, 0 is at 0; of what is no number, or is asked to be 0, all are 0
        as long as they pass.
        """
        return max(
            ((_nearness(reading.value, self.limit), reading) for reading in self.readings),
            key=lambda pair: pair[0],
        )

    def describe_nearest(self) -> str:
        """Say in one clause what was measured, where it is nearest to its limit."""
        _, reading = self.nearest()
        where = f" on channel {reading.channel}" if reading.channel is not None else ""
        title, limit = self.title, self.limit.words(self.unit)
        return f"{title}: {show(reading.value, self.unit)}{where}; limit {limit}"

    def describe_worst(self) -> str:
        """Say what is wrong in one clause: the value, its unit and the limit."""
        bad = [r for r in self.readings if r.outcome is self.outcome]
        channels = [str(r.channel) for r in bad if r.channel is not None]
        where = f" on channel {', '.join(channels)}" if channels else ""
        shown = show(bad[0].value, self.unit) if bad else "nothing"
        title = self.title
        if not self.limit.is_limit:
            return f"{title} is held against no limit: {self.key} is in no table of limits"
        if bad and bad[0].note and (self.outcome is Outcome.NOT_MEASURED or not channels):
            shown += f" ({bad[0].note})"
        return f"{title}{where} is {shown}; limit {self.limit.words(self.unit)}"


_SHORT_S = 0.01
"""A time below is told in ms."""


def _nearness(value: Value | None, limit: Limit) -> float:
    if value is None or isinstance(value, str | bool) or limit.allowed:
        return 0.0
    low, high = limit.low, limit.high
    if low is not None and high is not None:
        half = (high - low) / 2
        return abs(value - low - half) / half if half else 0.0
    if high is not None:
        return max(value / high, 0.0) if high > 0 else 0.0
    return low / value if low is not None and low > 0 and value > 0 else 0.0


def title_of(name: str) -> str:
    """Return the name of a quantity as people read it: "noise gain 24 at 1000 SPS".

    Names that end in _at_ and a number are of a data rate.
    """
    return re.sub(r"_at_(\d+)$", r"_at_\1_SPS", name).replace("_", " ")


def show(value: Value | None, unit: str) -> str:
    """Return a value with its unit, as a person reads it."""
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if unit == "s" and isinstance(value, float) and 0 < abs(value) < _SHORT_S:
        return show(1e3 * value, "ms")
    number = f"{value:.4g}" if isinstance(value, float) else str(value)
    return number if unit in ("", "1") else f"{number} {unit_shown(unit)}"


def judge(value: Value | None, limit: Limit) -> Outcome:
    """Judge one value.

    Outside `low`…`high` fails; inside, but outside the marginal band, is marginal. A value that is
    not a number (NaN) was not measured; a word lies inside no bounds. Without a limit there is no
    verdict: that is an error.
    """
    if value is None or (isinstance(value, float) and value != value):
        return Outcome.NOT_MEASURED
    if limit.allowed:
        return Outcome.PASS if value in limit.allowed else Outcome.FAIL
    if not limit.is_limit:
        return Outcome.ERROR
    if isinstance(value, str) or not limit.holds(value, limit.low, limit.high):
        return Outcome.FAIL
    if not limit.holds(value, limit.marginal_low, limit.marginal_high):
        return Outcome.MARGINAL
    return Outcome.PASS


@dataclass(frozen=True)
class Attachment:
    """Raw data or a picture, known by its hash, SHA-256 in hexadecimal."""

    name: str
    media_type: str
    sha256: str
    data: bytes


class Measure:
    """What a check calls with every value; one for each check. Limits are looked up by name.

    `about` says what the check is about: of a check with one quantity that the package does not
    know, people read it in place of the quantity's name.
    """

    def __init__(self, limits: LimitTable, about: str = "") -> None:
        self._limits, self._about = limits, about
        self.measurements: dict[str, Measurement] = {}

    def __call__(
        self,
        name: str,
        value: Value | None,
        unit: str = "1",
        *,
        low: float | None = None,
        high: float | None = None,
        marginal: tuple[float | None, float | None] | None = None,
        channel: int | None = None,
        reference: str = "",
        note: str = "",
        allowed: tuple[Value, ...] = (),
        limit: str = "",
        source: str = "",
        informs: bool = False,
    ) -> Outcome:
        """Take a value, judge it, and keep it.

        `name` is the key of the table of limits too, unless `limit` is. `value` is in `unit` ("uV",
        "Hz", "s", "1" for a ratio or a count); None if it could not be measured, with `note` saying
        why. `low` and `high` are worked out from the table's for a setting (twice the typical noise
        at this gain), or `source` says where they come from; inside them, in the band `marginal`,
        it passes without remark; `allowed` are the values that pass, of what is no number.
        `channel` 1 is the first; values of several channels make one measurement. `reference` is
        what it is compared with, in words. A value that `informs` is held against nothing.

        A value without a limit is an ERROR. Raises ValueError if there is no `limit` of this name,
        the bounds make no sense, a name comes back with another unit, or a channel comes twice.
        """
        given = low is not None or high is not None or bool(allowed)
        found = self._limits.find(limit or name, "" if given or informs else unit)
        if limit and not found.is_limit:
            raise ValueError(refuse_unknown(f"limit {limit}", limit, sorted(self._limits.limits)))
        if informs:
            found = Limit()
        elif given:
            found = replace(
                found,
                low=low,
                high=high,
                marginal_low=marginal[0] if marginal else None,
                marginal_high=marginal[1] if marginal else None,
                allowed=allowed,
                source=source or found.source,
            )
            if problem := found.problem():
                raise ValueError(f"{name}: {problem}")
        fresh = Measurement(name, unit, found, key=limit or name, informs=informs)
        kept = self.measurements.setdefault(name, fresh)
        self._name_own()
        if kept.unit != unit or channel in kept.values:
            raise ValueError(f"{name}: unit {unit} or channel {channel} does not fit what it has")
        if channel is None and kept.readings:
            raise ValueError(f"{name} is measured twice in one check")
        kept.reference = reference or kept.reference
        if (item := getattr(value, "item", None)) is not None:  # numpy's scalars are no JSON
            value = item()
        outcome = Outcome.PASS if informs else judge(value, found)
        kept.readings.append(Reading(value, outcome, channel, note))
        return outcome

    def _name_own(self) -> None:
        """Let the docstring stand for the one quantity that is the check's own."""
        own = [one for one in self.measurements.values() if self._limits.is_own(one.key)]
        for one in own:
            one.what = self._about if len(own) == 1 else ""

    def limit(self, name: str) -> Limit:
        """Return a limit of the table, to work out others from it."""
        return self._limits.limits[name]

    @property
    def outcome(self) -> Outcome:
        """The gravest of all measurements; NOT_MEASURED if nothing was measured against a limit."""
        return worst(m.outcome for m in self.measurements.values() if m.is_judged)


# Raw data and pictures that go with a check, known by their hash.


def of_arrays(name: str, arrays: "Mapping[str, NDArray[np.generic] | float]") -> Attachment:
    """Pack arrays as an .npz file, the same bytes for the same values."""
    import numpy as np

    buffer = io.BytesIO()
    packed: dict[str, Any] = {key: np.asarray(value) for key, value in arrays.items()}
    np.savez_compressed(buffer, **packed)
    return _made(f"{name}.npz", "application/x-npz", buffer.getvalue())


def of_picture(name: str, svg: str) -> Attachment:
    """Keep a picture."""
    return _made(f"{name}.svg", "image/svg+xml", svg.encode())


def arrays_of(attachment: Attachment) -> "dict[str, NDArray[np.generic]]":
    """Unpack what `of_arrays` packed."""
    import numpy as np

    with np.load(io.BytesIO(attachment.data)) as packed:
        return {key: packed[key] for key in packed.files}


def _made(name: str, media_type: str, data: bytes) -> Attachment:
    return Attachment(name, media_type, hashlib.sha256(data).hexdigest(), data)
