"""One part of a recording, which becomes one file: samples without holes, and annotations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.can import Can, StatusWord
from emgrig.driver.chip.rate import RateCheck
from emgrig.driver.samples.block import Block, Epoch
from emgrig.driver.samples.board_time import apart_us
from emgrig.recording.facts import (
    Annotation,
    BadFrames,
    ElectrodeChanged,
    Fact,
    FieldChange,
    Gap,
    SettingsChanged,
    fact_of,
)
from emgrig.recording.leadoff import LeadOffChange, LeadOffWatch
from emgrig.recording.notes import Notes
from emgrig.recording.sync.tube import TubeChange, TubeRow

MAX_FILL_S = 600.0  #: A longer gap is not filled: what follows is a file of its own.
#: An event's board time is believed if it is no further than this from the samples around it.
_EVENT_WITHIN_S = 10.0
_FILL_SAMPLES = 1 << 15
STATUS_BEGINS = 0b1100  #: The status word's first four bits (SBAS499C, 9.4.4.2).


@dataclass
class PartRate:
    """The data rate of a part by board time; complete when the part has been read."""

    n_conversions: int = 0
    duration_us: float = 0.0

    @property
    def measured_hz(self) -> float | None:
        """Samples per second of the board's clock, Hz; None if that is too few to say."""
        return self.n_conversions / self.duration_us * 1e6 if self.duration_us else None


@dataclass(frozen=True, eq=False)
class PartBegin:
    """A new file begins."""

    epoch: Epoch  #: Settings at its beginning; rate, gains and powered channels stay.
    channel_indices: tuple[int, ...]  #: Columns that are kept: the channels that are powered.
    board_time_us: int  #: Board time of the first sample.
    arrival_s: float  #: Host time (Unix) of the first sample, s, by when it came.
    clock_index: int  #: Which of the board's clocks `board_time_us` is of (`Notes.clock_fit`).
    rate: PartRate = field(default_factory=PartRate)  #: Grows while the part is read.


@dataclass(frozen=True, eq=False)
class Samples:
    """Codes of consecutive conversions, int32, shape (n_samples, n_kept); `is_fill` if made up."""

    codes: NDArray[np.int32]
    is_fill: bool = False


@dataclass(frozen=True, eq=False)
class Change:
    """Settings from this sample on."""

    sample: int
    epoch: Epoch


@dataclass(frozen=True)
class TubeRows:
    """Changes of the digital tube, placed."""

    rows: tuple[TubeRow, ...]


Step = PartBegin | Samples | Annotation | Change | TubeRows


class OpenPart:
    """The part that is being read: places things in it."""

    def __init__(self, block: Block, host_s: float, notes: Notes) -> None:
        powered = block.epoch.powered
        kept = tuple(np.flatnonzero(powered).tolist()) or tuple(range(len(powered)))
        began_s = host_s - block.n_samples / block.epoch.rate_hz
        self.begin = PartBegin(block.epoch, kept, block.board_time_us, began_s, notes.clock_index)
        self._notes = notes
        can = notes.identity.can if notes.identity is not None else Can()
        self._status = can.status
        self._columns, self._all_kept = list(kept), len(kept) == len(powered)
        self._origin = block.first_conversion
        self._end = 0
        self._epoch = block.epoch
        self._powered = powered
        self._last = block.codes[:1, self._columns]
        self._at_sample, self._at_us = 0, block.board_time_us
        self._period_us = 1e6 / block.epoch.rate_hz
        self._runs_before = PartRate()
        self._watch = LeadOffWatch(block.epoch.rate_hz, block.epoch.n_chips)

    def goes_on(self, block: Block) -> bool:
        """Tell whether a block belongs to the same file."""
        epoch = block.epoch
        if block.lost_before > MAX_FILL_S * self._epoch.rate_hz and block.n_samples:
            return False
        if epoch is self._epoch:
            return True
        return (
            epoch.rate_hz == self._epoch.rate_hz
            and bool((epoch.scale_v == self._epoch.scale_v).all())
            and bool((epoch.powered == self._powered).all())
        )

    def fill(self, block: Block) -> Iterator[Step]:
        """Hold the last sample over what is missing before `block`; not at the end."""
        lost = block.lost_before
        is_filled = block.n_samples > 0
        yield self.gap(block, lost if is_filled else 0)
        if not is_filled:
            return
        for begin in range(0, lost, _FILL_SAMPLES):
            n_samples = min(_FILL_SAMPLES, lost - begin)
            yield Samples(np.repeat(self._last, n_samples, axis=0), is_fill=True)

    def gap(self, block: Block, n_filled: int = 0) -> Annotation:
        """Say at the end of what has come what is missing before `block`."""
        gap = Gap(block.lost_before, block.cause, block.is_estimate, is_filled=n_filled > 0)
        return Annotation.of(self._end, gap, n_filled)

    def follow_rate(self, block: Block, run: RateCheck) -> None:
        """Take the rate of the run so far; the runs of the part that are over are added to it."""
        rate = self.begin.rate
        if block.is_estimate:
            self._runs_before = replace(rate)
        if run.measured_hz:
            rate.n_conversions = self._runs_before.n_conversions + run.n_conversions
            duration_us = run.n_conversions / run.measured_hz * 1e6
            rate.duration_us = self._runs_before.duration_us + duration_us

    def take(
        self, block: Block, period_us: float, latest: tuple[int, int] | None = None
    ) -> Iterator[Step]:
        """Take the samples of a block, and what it says besides.

        `latest` is where the last packet lies and its board time, us: what has a time and comes
        behind the block is placed from there.
        """
        first = block.first_conversion - self._origin
        self._at_sample, self._at_us, self._period_us = first, block.board_time_us, period_us
        if block.epoch is not self._epoch:
            changes = _changes(self._epoch, block.epoch)
            self._epoch = block.epoch
            if changes:
                yield Change(first, block.epoch)
                settings = SettingsChanged(changes, block.epoch.n_chips)
                yield Annotation.of(first, settings)
        for event in block.events:
            if fact := fact_of(event):
                yield Annotation.of(self._sample_at(event.board_time_us, first), fact)
        if block.n_samples:
            codes = block.codes if self._all_kept else block.codes[:, self._columns]
            self._last = codes[-1:]
            self._end = first + block.n_samples
            per_chip = len(self._powered) // block.status.shape[1]
            if self._status is not StatusWord.NONE:
                for change in self._watch.feed(block.status, first, block.lost_before):
                    electrode = _electrode(change, self._notes, per_chip)
                    yield Annotation.of(change.conversion, electrode)
            if self._status is StatusWord.WHOLE:
                yield from _bad_frames(block, first)
            yield Samples(codes)
            if latest is not None and 0 <= latest[0] - block.first_conversion < block.n_samples:
                self._at_sample, self._at_us = latest[0] - self._origin, latest[1]

    def mark(self, fact: Fact, board_time_us: int | None) -> Annotation:
        """Place a fact at its board time, or at the end of what has come."""
        sample = self._end
        if board_time_us is not None:
            sample = self._sample_at(board_time_us, self._end)
        return Annotation.of(sample, fact)

    def tube(self, changes: Iterable[TubeChange]) -> Iterator[TubeRow]:
        """Place changes of the digital tube by their board time; those before the part are left."""
        for change in changes:
            if apart_us(change.board_time_us, self.begin.board_time_us) >= 0:
                sample = self._sample_at(change.board_time_us, self._end)
                yield TubeRow(change.number, change.conversion, sample)

    def _sample_at(self, board_time_us: int, otherwise: int) -> int:
        sample = self._at_sample + round(apart_us(board_time_us, self._at_us) / self._period_us)
        if abs(sample - self._at_sample) > _EVENT_WITHIN_S * self._epoch.rate_hz:
            return otherwise  # the board started anew: its time has jumped
        return max(sample, 0)


def _electrode(change: LeadOffChange, notes: Notes, channels_per_chip: int) -> ElectrodeChanged:
    index = change.chip_index * channels_per_chip + change.channel - 1
    side: Literal["p", "n"] = "p" if change.side == "P" else "n"
    return ElectrodeChanged(change.is_off, index + 1, side, notes.name(index))


def _changes(old: Epoch, new: Epoch) -> tuple[FieldChange, ...]:
    """Return what differs between two settings."""
    files = zip(old.files, new.files, strict=True)
    return tuple(
        FieldChange(chip, one.register, one.field, one.old, one.new)
        for chip, (before, after) in enumerate(files, start=1)
        for one in before.differences(after)
    )


def _bad_frames(block: Block, first: int) -> Iterator[Annotation]:
    """Mark samples whose status word does not begin with 1100b: their codes mean nothing."""
    is_bad = (block.status >> 20 != STATUS_BEGINS).any(axis=1)
    if not is_bad.any():
        return
    edges = np.flatnonzero(np.diff(is_bad, prepend=False, append=False))
    for begin, end in edges.reshape(-1, 2).tolist():
        yield Annotation.of(first + begin, BadFrames(end - begin), end - begin)
