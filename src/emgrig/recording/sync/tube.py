"""The digital tube: a count on a screen that is filmed, and the conversions that caused it.

The paper's tube counts one for every two packets *received* (section 3.1.1), so it falls behind
when packets are lost. Ours counts conversions, a fixed number for each count: a lost packet makes
it skip a number, and what it shows stays true. Every change is kept with its conversion, so the
map from video to samples needs no assumption about the rate.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from emgrig.errors import RecordingError

TUBE_SUFFIX = "_tube.tsv"
HEAD = ("count", "conversion", "sample", "onset", "shown")


class TubeChange(NamedTuple):
    """The moment the count changed."""

    number: int  #: What it shows from then on.
    conversion: int  #: Number of the conversion in the stream.
    board_time_us: int  #: Board time of that conversion, µs.


class TubeRow(NamedTuple):
    """A change placed in a recording."""

    number: int  #: As in `TubeChange`.
    conversion: int
    sample: int  #: Index in the file, from 0.
    #: When a page said it had shown it, by the clock of the browser's computer; None if none did.
    shown_unix_s: float | None = None


def tube_path(bdf_path: Path) -> Path:
    """Return the path of the table beside a BDF+ file."""
    return bdf_path.with_name(bdf_path.stem + TUBE_SUFFIX)


def check_tube(bdf_path: Path) -> Path:
    """Return the path of the table; RecordingError if the recording or the table is not there."""
    if not bdf_path.is_file():
        raise RecordingError(f"there is no recording {bdf_path}")
    path = tube_path(bdf_path)
    if not path.is_file():
        raise RecordingError(
            f"there is no {path.name} beside {bdf_path.name}: no digital tube ran while it was "
            "recorded"
        )
    return path


def tube_table(rows: Iterable[TubeRow], rate_hz: float, start_unix_s: float) -> Iterator[str]:
    """Write the table, line by line: onset and shown in s from the first sample."""
    yield "\t".join(HEAD) + "\n"
    for row in rows:
        shown = "n/a" if row.shown_unix_s is None else f"{row.shown_unix_s - start_unix_s:.4f}"
        onset = f"{row.sample / rate_hz:.6f}"
        yield f"{row.number}\t{row.conversion}\t{row.sample}\t{onset}\t{shown}\n"


@dataclass(eq=False)
class Tube:
    """Count conversions."""

    conversions_per_count: int = 32  #: ≥ 1; 32 is two packets of 16 frames, as in the paper.
    count: int = field(default=0, init=False)  #: What it shows; 0 before the first change.

    def __post_init__(self) -> None:
        each = self.conversions_per_count
        if each < 1:
            raise ValueError(f"{each} conversions a count; expected 1 or more")

    def feed(
        self, first_conversion: int, board_time_us: int, n_samples: int, rate_hz: float
    ) -> list[TubeChange]:
        """Take consecutive conversions that came; return the changes they cause."""
        each = self.conversions_per_count
        changes = []
        for count in range(
            first_conversion // each, (first_conversion + n_samples - 1) // each + 1
        ):
            at = max(count * each, first_conversion)
            if count > self.count:
                at_us = board_time_us + round((at - first_conversion) / rate_hz * 1e6)
                changes.append(TubeChange(count, at, at_us))
                self.count = count
        return changes
