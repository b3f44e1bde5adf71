"""A capture as a timeline: parts of one rate and gain, samples without holes, and annotations.

Time stays right where conversions are missing: they are filled with the sample before them and
marked ``BAD_gap``, which mne leaves out by itself. A change of rate, gain or power of a channel,
and a gap of more than ten minutes, begin a new part, which becomes a file of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.assemble import Assembler, StreamTotals
from emgrig.driver.block import Block, Epoch
from emgrig.driver.capture import CaptureReader, Note, Record, RecordKind
from emgrig.driver.rate import RateCheck
from emgrig.protocol.account import Cause
from emgrig.protocol.decoder import Decoder, EventPacket, Item, ReplyPacket, RequestPacket
from emgrig.protocol.errors import DeviceError, RecordingError, WireError
from emgrig.protocol.packets import EventType, Request
from emgrig.recording.leadoff import LeadOffWatch
from emgrig.recording.notes import Notes, Said
from emgrig.recording.tube import TubeChange, TubeRow
from emgrig.recording.words import describe_change, describe_event, describe_lead_off

#: A longer gap is not filled: what follows is a file of its own.
MAX_FILL_S = 600.0
#: An event's board time is believed if it is no further than this from the samples around it.
_EVENT_WITHIN_S = 10.0
_FILL_SAMPLES = 1 << 15
#: The status word's first four bits (SBAS499C, 9.4.4.2).
STATUS_BEGINS = 0b1100
#: Bytes that came one after the other are decoded together: many packets cost little more than one.
_JOIN_BYTES = 1 << 16
_JOIN_WITHIN_US = 1_000_000


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
    """A new file begins.

    Attributes
    ----------
    epoch : Epoch
        Settings at its beginning; rate, gains and powered channels stay.
    channel_indices : tuple of int
        Columns that are kept: the channels that are powered.
    board_time_us : int
        Board time of the first sample.
    arrival_s : float
        Host time (Unix) of the first sample, s, by when it came.
    clock_index : int
        Which of the board's clocks `board_time_us` is of (`Notes.clock_fit`).
    rate : PartRate
        Grows while the part is read.
    """

    epoch: Epoch
    channel_indices: tuple[int, ...]
    board_time_us: int
    arrival_s: float
    clock_index: int
    rate: PartRate = field(default_factory=PartRate)


@dataclass(frozen=True, eq=False)
class Samples:
    """Codes of consecutive conversions, int32, shape (n_samples, n_kept); `is_fill` if made up."""

    codes: NDArray[np.int32]
    is_fill: bool = False


@dataclass(frozen=True)
class Gap:
    """Conversions that are missing from `sample` on; not filled at the ends of a part."""

    sample: int
    n_samples: int
    cause: Cause
    is_estimate: bool
    is_filled: bool


@dataclass(frozen=True)
class Mark:
    """Something at a sample: kind is "event", "marker", "settings", "electrode", "link" or "frame".

    `n_samples` is 0 for a point in time.
    """

    kind: str
    sample: int
    text: str
    n_samples: int = 0


@dataclass(frozen=True, eq=False)
class Change:
    """Settings from this sample on."""

    sample: int
    epoch: Epoch


@dataclass(frozen=True)
class TubeRows:
    """Changes of the digital tube, placed."""

    rows: tuple[TubeRow, ...]


Step = PartBegin | Samples | Gap | Mark | Change | TubeRows


@dataclass(frozen=True)
class Account:
    """What became of every conversion, and of every byte, of a capture.

    Attributes
    ----------
    totals : StreamTotals
    decoder : dict of str to int
        What the decoder threw away.
    damage : str
        What is wrong with the capture file, in words; empty if nothing is.
    """

    totals: StreamTotals
    decoder: dict[str, int]
    damage: str


class Timeline:
    """Read a capture from beginning to end, once, in bounded memory.

    Attributes
    ----------
    notes : Notes
        What the notes have said so far.
    """

    def __init__(self, reader: CaptureReader) -> None:
        self.notes = Notes()
        self._reader = reader
        self._received, self._sent = Decoder(), Decoder()
        self._assembler: Assembler | None = None
        self._run_seen = False
        self._trouble = False  # the board itself has ended the run
        self._unseen = 0  # conversions of the run from before the capture began
        self._part: _Part | None = None
        self._end: int | None = None  # in conversions, if the recording was to be of some length
        self._behind = 0  # samples that came behind it
        self._early: list[Said] = []  # texts from before the first sample

    def __iter__(self) -> Iterator[Step]:
        host_s = 0.0
        for record in _joined(self._reader):
            host_s = record.time_us * 1e-6
            if record.kind is RecordKind.NOTE:
                yield from self._note(record.note)
            else:
                is_sent = record.kind is RecordKind.SENT
                decoder = self._sent if is_sent else self._received
                yield from self._items(decoder.feed(record.payload), host_s)
        yield from self._items(self._received.flush(), host_s)
        last = self._assembler.finish() if self._assembler is not None else None
        if last is not None:
            yield from self._block(last, host_s)

    @property
    def account(self) -> Account:
        """The account so far.

        Raises
        ------
        RecordingError
            If the capture has not said from which board it is.
        """
        totals = self._assembler_now().totals
        totals = replace(
            totals,
            lost_on_link=totals.lost_on_link - self._unseen,
            unused=totals.unused + self._behind,
        )
        counts = asdict(self._received.counts)
        kept = ("packets", "skipped_bytes", "bad_crc", "bad_length", "malformed", "unknown")
        return Account(totals, {name: counts[name] for name in kept}, self._reader.damage)

    # What comes in.

    def _note(self, note: Note) -> Iterator[Step]:
        try:
            said = self.notes.take(note)
        except DeviceError as error:
            raise RecordingError(f"{self._reader.path}: {error}") from error
        if said.epoch is not None:
            self._assembler_now().add_epoch(said.epoch)
        if said.tube and self._part is not None:
            yield TubeRows(tuple(self._part.tube(said.tube)))
        if said.text and self._part is not None:
            yield self._part.mark(said)
        elif said.text:
            self._early.append(said)

    def _items(self, items: Iterable[Item], host_s: float) -> Iterator[Step]:
        for item in items:
            self._follow(item)
            if isinstance(item, RequestPacket) and item.request == Request.HELLO:
                yield from self._reopened(host_s)
            try:
                blocks = self._assembler_now().add(item, host_s)
            except (DeviceError, WireError) as error:
                raise RecordingError(f"{self._reader.path}: {error}") from error
            for block in blocks:
                yield from self._block(block, host_s)

    def _follow(self, item: Item) -> None:
        if isinstance(item, ReplyPacket) and item.request == Request.START:
            self._run_seen, self._trouble = True, False
        elif isinstance(item, EventPacket):
            self._trouble |= item.event in (EventType.BOOT, EventType.CHIP_LOST)

    def _reopened(self, host_s: float) -> Iterator[Step]:
        """Take a HELLO in mid-run for a lost link, unless the board itself was in trouble."""
        yield from self._items(self._received.flush(), host_s)
        if not self._trouble:
            self._assembler_now().link_lost()

    def _assembler_now(self) -> Assembler:
        if self._assembler is None:
            if self.notes.identity is None:
                raise RecordingError(
                    f"{self._reader.path} does not say from which board it is; "
                    "it ended before anything was recorded"
                )
            self._assembler = Assembler(self.notes.identity.layout)
        return self._assembler

    # What comes out.

    def _within_duration(self, block: Block) -> Block | None:
        """Cut off what came behind the length that was asked for; None if all of it did."""
        if self.notes.duration_s is None:
            return block
        if self._end is None:
            self._end = round(self.notes.duration_s * block.epoch.rate_hz)
        first = block.first_conversion
        if first + block.n_samples <= self._end:
            return block
        kept = max(self._end - first, 0)
        self._behind += block.n_samples - kept
        lost = min(block.lost_before, self._end - first + block.lost_before)
        if lost < 0 or not (kept or lost):
            return None
        codes, status = block.codes[:kept], block.status[:kept]
        return replace(block, codes=codes, status=status, lost_before=lost)

    def _block(self, whole: Block, host_s: float) -> Iterator[Step]:
        block = self._within_duration(whole)
        if block is None:
            return
        part = self._part
        if part is None or not part.goes_on(block):
            if not block.n_samples:
                return
            lost, is_known = block.lost_before, part is not None or self._run_seen
            part = self._part = _Part(block, host_s, self.notes)
            yield part.begin
            yield from map(part.mark, self._early)
            self._early = []
            if lost and is_known:
                yield Gap(0, lost, block.cause, block.is_estimate, is_filled=False)
            elif lost:
                self._unseen = lost
        elif block.lost_before:
            yield from part.fill(block)
        check = self._assembler_now().rate_check
        assert check is not None
        part.follow_rate(block, check)
        yield from part.take(block, 1e6 / (check.measured_hz or check.nominal_hz))


def _joined(records: Iterable[Record]) -> Iterator[Record]:
    """Join records of received bytes with nothing between them; the time is that of the last.

    The first behind a request or a note stays alone: it may begin a run, and if the board has
    started anew, when it came decides where that lies.
    """
    held: list[Record] = []
    n_bytes = 0
    is_first = True
    for record in records:
        is_received = record.kind is RecordKind.RECEIVED
        goes_on = is_received and not is_first and n_bytes < _JOIN_BYTES
        if held and not (goes_on and record.time_us - held[0].time_us < _JOIN_WITHIN_US):
            yield replace(held[-1], payload=b"".join(piece.payload for piece in held))
            held, n_bytes = [], 0
        if is_received and not is_first:
            held.append(record)
            n_bytes += len(record.payload)
        else:
            yield record
        is_first = not is_received
    if held:
        yield replace(held[-1], payload=b"".join(piece.payload for piece in held))


class _Part:
    """The part that is being read: places things in it."""

    def __init__(self, block: Block, host_s: float, notes: Notes) -> None:
        powered = notes.powered(block.epoch)
        kept = tuple(np.flatnonzero(powered).tolist()) or tuple(range(len(powered)))
        began_s = host_s - block.n_samples / block.epoch.rate_hz
        self.begin = PartBegin(block.epoch, kept, block.board_time_us, began_s, notes.clock_index)
        self._notes = notes
        self._columns = list(kept)
        self._origin = block.first_conversion
        self._end = 0
        self._epoch = block.epoch
        self._powered = powered
        self._last = block.codes[:1, self._columns]
        self._at_sample, self._at_us = 0, block.board_time_us
        self._period_us = 1e6 / block.epoch.rate_hz
        self._runs_before = PartRate()
        self._watch = LeadOffWatch(block.epoch.rate_hz, len(block.epoch.registers))

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
            and bool((self._notes.powered(epoch) == self._powered).all())
        )

    def fill(self, block: Block) -> Iterator[Step]:
        """Hold the last sample over what is missing before `block`; not at the end."""
        lost = block.lost_before
        is_filled = block.n_samples > 0
        yield Gap(self._end, lost, block.cause, block.is_estimate, is_filled)
        if not is_filled:
            return
        for begin in range(0, lost, _FILL_SAMPLES):
            n_samples = min(_FILL_SAMPLES, lost - begin)
            yield Samples(np.repeat(self._last, n_samples, axis=0), is_fill=True)

    def follow_rate(self, block: Block, run: RateCheck) -> None:
        """Take the rate of the run so far; the runs of the part that are over are added to it."""
        rate = self.begin.rate
        if block.is_estimate:
            self._runs_before = replace(rate)
        if run.measured_hz:
            rate.n_conversions = self._runs_before.n_conversions + run.n_conversions
            duration_us = run.n_conversions / run.measured_hz * 1e6
            rate.duration_us = self._runs_before.duration_us + duration_us

    def take(self, block: Block, period_us: float) -> Iterator[Step]:
        """Take the samples of a block, and what it says besides."""
        first = block.first_conversion - self._origin
        self._at_sample, self._at_us, self._period_us = first, block.board_time_us, period_us
        if block.epoch is not self._epoch:
            text = describe_change(self._epoch, block.epoch, self._notes)
            self._epoch = block.epoch
            if text:
                yield Change(first, block.epoch)
                yield Mark("settings", first, text)
        for event in block.events:
            text = describe_event(event)
            if text:
                yield Mark("event", self._sample_at(event.board_time_us, first), text)
        if block.n_samples:
            codes = block.codes[:, self._columns]
            self._last = codes[-1:]
            self._end = first + block.n_samples
            per_chip = len(self._powered) // block.status.shape[1]
            for change in self._watch.feed(block.status, first, block.lost_before):
                text = describe_lead_off(change, self._notes, per_chip)
                yield Mark("electrode", change.conversion, text)
            yield from _bad_frames(block, first)
            yield Samples(codes)

    def mark(self, said: Said) -> Mark:
        """Place a text at its board time, or at the end of what has come."""
        sample = self._end
        if said.board_time_us is not None:
            sample = self._sample_at(said.board_time_us, self._end)
        return Mark(said.kind, sample, said.text)

    def tube(self, changes: Iterable[TubeChange]) -> Iterator[TubeRow]:
        """Place changes of the digital tube by their board time; those before the part are left."""
        for change in changes:
            if change.board_time_us >= self.begin.board_time_us:
                sample = self._sample_at(change.board_time_us, self._end)
                yield TubeRow(change.number, change.conversion, sample)

    def _sample_at(self, board_time_us: int, otherwise: int) -> int:
        sample = self._at_sample + round((board_time_us - self._at_us) / self._period_us)
        if abs(sample - self._at_sample) > _EVENT_WITHIN_S * self._epoch.rate_hz:
            return otherwise  # the board started anew: its time has jumped
        return max(sample, 0)


def _bad_frames(block: Block, first: int) -> Iterator[Mark]:
    """Mark samples whose status word does not begin with 1100b: their codes mean nothing."""
    is_bad = (block.status >> 20 != STATUS_BEGINS).any(axis=1)
    if not is_bad.any():
        return
    edges = np.flatnonzero(np.diff(is_bad, prepend=False, append=False))
    for begin, end in edges.reshape(-1, 2).tolist():
        text = f"BAD_frame {end - begin} frames out of step: the status word does not begin 1100b"
        yield Mark("frame", first + begin, text, end - begin)
