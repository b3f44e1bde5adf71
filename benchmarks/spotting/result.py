"""What a detector did on the recordings: one line of the table."""

from dataclasses import dataclass

from benchmarks.spotting.detectors import Settings
from benchmarks.spotting.scores import Row, Tally, row


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    name: str
    version: str
    variant: str  #: "defaults" or "tuned".
    settings: Settings
    seconds: float  #: Of processor time.
    tallies: list[Tally]  #: One a recording; empty if it failed.
    failure: str = ""

    @property
    def row(self) -> Row:
        """The counts of all recordings together."""
        return row(self.tallies)

    @property
    def is_ours(self) -> bool:
        """Whether it is of this project."""
        return self.name.startswith("emgrig")
