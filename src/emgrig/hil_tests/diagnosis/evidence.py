"""What is known when a run failed: measurements, incidents, and what probes found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from emgrig.driver.can import Can
from emgrig.hil_tests.diagnosis.medium import Medium
from emgrig.hil_tests.judging.check import CheckResult, Layer
from emgrig.hil_tests.judging.incident import IncidentKind
from emgrig.hil_tests.judging.measurement import Measurement, Outcome, Value

Place = int | str
"""A channel, or an electrode of one: "3P"."""
Fact = Value | tuple[Place, ...]


@dataclass
class Evidence:
    """Facts about a failed run, for the rules of `diagnosis`; probes go by name ("link.lost").

    The board's `n_channels` are 0 if that was never known; `is_open` says that nothing was said to
    be on the inputs.
    """

    results: Sequence[CheckResult]
    n_channels: int = 0
    can: Can = field(default_factory=Can)  #: What the board can tell.
    probes: dict[str, Fact] = field(default_factory=dict)
    medium: Medium = Medium.UNKNOWN
    is_open: bool = False

    @property
    def failed(self) -> CheckResult | None:
        """The first check that failed: what rests on it was not made.

        One that was only late comes last: nothing is missing, so no other rests on it.
        """
        bad = [r for r in self.results if r.outcome in (Outcome.FAIL, Outcome.ERROR)]
        return next((r for r in bad if not r.is_only_late), bad[0] if bad else None)

    @property
    def layer(self) -> Layer | None:
        """The layer that failed."""
        return self.failed.info.layer if self.failed else None

    def happened(self, *kinds: IncidentKind) -> bool:
        """Say if one of these happened in the failed check."""
        return self.failed is not None and any(
            incident.kind in kinds for incident in self.failed.incidents
        )

    def measurements(self, name: str) -> list[Measurement]:
        """Return measurements by name, or by their key in the table of limits."""
        found = (m for r in self.results for m in r.measurements)
        return [m for m in found if name in (m.name, m.key)]

    def value(self, name: str) -> Value | None:
        """Return the first value of a measurement, or None."""
        for measurement in self.measurements(name):
            for reading in measurement.readings:
                if reading.value is not None:
                    return reading.value
        return None

    def knows(self, *names: str) -> bool:
        """Say if all of these were found by probes: what was not asked is no evidence."""
        return all(name in self.probes for name in names)

    def number(self, name: str) -> float:
        """Return a probe's or a measurement's number; 0 if there is none."""
        value = self.probes.get(name, self.value(name))
        return float(value) if isinstance(value, float | int) else 0.0

    def has_failed(self, *names: str) -> bool:
        """Say if one of these measurements failed."""
        return any(m.outcome is Outcome.FAIL for name in names for m in self.measurements(name))

    def bad_channels(self, *names: str) -> list[int]:
        """Return the channels on which any of these measurements failed."""
        return sorted(
            {
                reading.channel
                for name in names
                for measurement in self.measurements(name)
                for reading in measurement.readings
                if reading.outcome is Outcome.FAIL and reading.channel is not None
            }
        )

    def channels_above(self, name: str) -> list[int]:
        """Return the channels on which a measurement lies above its upper limit."""
        return sorted({c for one in self.measurements(name) for c in one.channels_above})

    def probed(self, name: str) -> tuple[Place, ...]:
        """Return the channels or electrodes that a probe named."""
        found = self.probes.get(name, ())
        return found if isinstance(found, tuple) else ()
