"""What is known when a run failed: measurements, incidents, and what probes found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from emgrig.hil_tests.judging.check import CheckResult, Layer
from emgrig.hil_tests.judging.measurement import Measurement, Outcome

Fact = float | int | str | bool


@dataclass
class Evidence:
    """Facts about a failed run, for the rules of `diagnosis`.

    Attributes
    ----------
    results : sequence of CheckResult
    probes : dict of str to Fact
        What probes found, by name ("link.gaps"); channel lists are words such as "1, 3".
    n_channels : int
        Of the board; 0 if that was never known.
    """

    results: Sequence[CheckResult]
    n_channels: int = 0
    probes: dict[str, Fact] = field(default_factory=dict)

    @property
    def failed(self) -> CheckResult | None:
        """The first check that failed: what rests on it was not made."""
        bad = (Outcome.FAIL, Outcome.ERROR)
        return next((r for r in self.results if r.outcome in bad), None)

    @property
    def layer(self) -> Layer | None:
        """The layer that failed."""
        return self.failed.info.layer if self.failed else None

    @property
    def trouble(self) -> str:
        """What happened beside the failed check, and its message, in one text."""
        if self.failed is None:
            return ""
        return "; ".join([*self.failed.incidents, self.failed.message])

    def measurements(self, name: str) -> list[Measurement]:
        """Return measurements by name, or by the beginning of it ("noise_gain_")."""
        found = (m for r in self.results for m in r.measurements)
        return [m for m in found if m.name == name or m.name.startswith(f"{name}_")]

    def value(self, name: str) -> Fact | None:
        """Return the first value of a measurement, or None."""
        for measurement in self.measurements(name):
            for reading in measurement.readings:
                if reading.value is not None:
                    return reading.value
        return None

    def number(self, name: str) -> float:
        """Return a probe's or a measurement's number; 0 if there is none."""
        value = self.probes.get(name, self.value(name))
        return 0.0 if value is None or isinstance(value, str) else float(value)

    def has_failed(self, name: str) -> bool:
        """Say if a measurement failed."""
        return any(m.outcome is Outcome.FAIL for m in self.measurements(name))

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
        return sorted(
            {
                reading.channel
                for measurement in self.measurements(name)
                for reading in measurement.readings
                if reading.channel is not None
                and isinstance(reading.value, int | float)
                and measurement.limit.high is not None
                and reading.value > measurement.limit.high
            }
        )

    def probed_channels(self, name: str) -> list[int]:
        """Return the channels that a probe named."""
        text = str(self.probes.get(name, ""))
        return [int(part) for part in text.split(",") if part.strip()]


def words(channels: Iterable[int]) -> str:
    """Return channel numbers as text: "1, 3"."""
    return ", ".join(str(channel) for channel in channels)
