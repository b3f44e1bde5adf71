"""A capture as a timeline: parts of one rate and gain, samples without holes, and annotations.

Time stays right where conversions are missing: they are filled with the sample before them and
annotated as a gap, which mne leaves out by itself. A change of rate, gain or power of a channel,
and a gap of more than ten minutes, begin a new part, which becomes a file of its own.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from emgrig.driver.captures.capture import CaptureReader, Note, Record, RecordKind
from emgrig.driver.samples.assemble import Assembler
from emgrig.driver.samples.block import Block, conversions_in, within_duration
from emgrig.errors import DeviceError, RecordingError, WireError
from emgrig.protocol.account import Totals
from emgrig.protocol.decoder import (
    Decoder,
    DecoderCounts,
    EventPacket,
    Item,
    ReplyPacket,
    RequestPacket,
)
from emgrig.protocol.framing import OVERHEAD_BYTES, SYNC, VERSION, PacketType
from emgrig.protocol.packets import EventType, Request
from emgrig.recording.facts import Fact
from emgrig.recording.notes import Notes
from emgrig.recording.part import OpenPart, Step, TubeRows

#: Bytes that came one after the other are decoded together: many packets cost little more than one.
#: Of a stream of samples, more; where something else begins in it, when that came counts.
_JOIN_BYTES, _JOIN_QUIET_BYTES = 1 << 16, 1 << 18
_JOIN_WITHIN_US, _JOIN_QUIET_WITHIN_US = 1_000_000, 8_000_000
#: What a packet from a board begins with: one of samples, and others.
_QUIET = SYNC + bytes((VERSION, PacketType.SAMPLES))
_LOUD = tuple(SYNC + bytes((VERSION, kind)) for kind in (PacketType.EVENT, PacketType.REPLY))
_MOST_ASKED = 16  # of the last requests that were sent; answers to others are to nobody


class Timeline:
    """Read a capture from beginning to end, once, in bounded memory."""

    def __init__(self, reader: CaptureReader) -> None:
        self.notes = Notes()  #: What the notes have said so far.
        self._reader = reader
        self._received, self._sent = Decoder(), Decoder()
        self._assembler: Assembler | None = None
        self._asked: deque[tuple[int, int]] = deque(maxlen=_MOST_ASKED)
        self._start_asked = False
        self._run_seen = False
        self._trouble = False  # the board itself has ended the run
        self._unseen = 0  # conversions of the run from before the capture began
        self._part: OpenPart | None = None
        self._end: int | None = None  # in conversions, if the recording was to be of some length
        self._behind = 0  # samples that came behind it
        self._early: list[tuple[Fact, int | None]] = []  # from before the first sample

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
        if self._assembler is not None:
            last = [*self._assembler.rest(), self._assembler.finish()]
            for block in filter(None, last):
                yield from self._block(block, host_s)

    @property
    def totals(self) -> Totals:
        """What became of every conversion so far.

        Raises
        ------
        RecordingError
            If the capture has not said from which board it is.
        """
        totals = self._assembler_now().totals
        return replace(
            totals,
            lost_on_link=totals.lost_on_link - self._unseen,
            unused=totals.unused + self._behind,
        )

    @property
    def decoder(self) -> DecoderCounts:
        """What became of every byte that was received so far."""
        return self._received.counts

    @property
    def damage(self) -> str:
        """What is wrong with the capture file, in words; empty if nothing is."""
        return self._reader.damage

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
        if said.fact is not None and self._part is not None:
            yield self._part.mark(said.fact, said.board_time_us)
        elif said.fact is not None:
            self._early.append((said.fact, said.board_time_us))

    def _is_answer(self, item: Item) -> bool:
        """Tell an answer from one to nobody, which would end the run or begin another.

        Not where requests may be missing: in a damaged capture, or one begun in mid-run.
        """
        if isinstance(item, RequestPacket):
            self._asked.append((item.id, item.request))
            self._start_asked |= item.request == Request.START
        if not isinstance(item, ReplyPacket) or not self._start_asked:
            return True
        if self._reader.damaged_bytes:
            return True
        return (item.id, item.request) in self._asked

    def _items(self, items: Iterable[Item], host_s: float) -> Iterator[Step]:
        for item in filter(self._is_answer, items):
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
            self._assembler = Assembler(
                self.notes.identity.layout,
                board_time=self.notes.board_time,
                is_same=self.notes.identity.is_same,
                can=self.notes.identity.can,
            )
        return self._assembler

    # What comes out.

    def _within_duration(self, block: Block) -> Block | None:
        """Cut off what came behind the length that was asked for; None if all of it did."""
        if self.notes.duration_s is None:
            return block
        if self._end is None:
            self._end = conversions_in(self.notes.duration_s, block.epoch.rate_hz)
        cut = within_duration(block, self._end)
        self._behind += block.n_samples - cut.n_samples
        return cut if cut is block or cut.n_samples or cut.lost_before else None

    def _block(self, whole: Block, host_s: float) -> Iterator[Step]:
        block = self._within_duration(whole)
        if block is None:
            return
        part = self._part
        if part is None or not part.goes_on(block):
            if not block.n_samples:
                return
            lost, is_known = block.lost_before, part is not None or self._run_seen
            part = self._part = OpenPart(block, host_s, self.notes)
            yield part.begin
            yield from (part.mark(*early) for early in self._early)
            self._early = []
            if lost and is_known:
                yield part.gap(block)
            elif lost:
                self._unseen = lost
        elif block.lost_before:
            yield from part.fill(block)
        rate_hz = block.epoch.rate_hz
        if (check := self._assembler_now().rate_check) is not None:
            part.follow_rate(block, check)
            rate_hz = check.measured_hz or check.nominal_hz
        yield from part.take(block, 1e6 / rate_hz, self._assembler_now().latest)


def _joined(records: Iterable[Record]) -> Iterator[Record]:
    """Join records of received bytes with nothing between them; the time is that of the last.

    The first behind a request or a note stays alone: it may begin a run, and if the board has
    started anew, when it came decides where that lies.
    """
    held: list[Record] = []
    n_bytes = 0
    is_first, is_loud = True, False  # of what is held
    tail = b""
    for record in records:
        is_received = record.kind is RecordKind.RECEIVED
        if is_received:
            begins_loud = _is_loud(tail + record.payload if tail else record.payload)
            tail = _begun(record.payload)
        else:
            begins_loud, tail = False, b""
        quiet = not (is_loud or begins_loud)
        most_bytes = _JOIN_QUIET_BYTES if quiet else _JOIN_BYTES
        within_us = _JOIN_QUIET_WITHIN_US if quiet else _JOIN_WITHIN_US
        goes_on = is_received and not is_first and n_bytes < most_bytes
        if held and not (goes_on and record.time_us - held[0].time_us < within_us):
            yield replace(held[-1], payload=b"".join(piece.payload for piece in held))
            held, n_bytes, is_loud = [], 0, False
        if is_received and not is_first:
            held.append(record)
            n_bytes += len(record.payload)
            is_loud |= begins_loud
        else:
            yield record
        is_first = not is_received
    if held:
        yield replace(held[-1], payload=b"".join(piece.payload for piece in held))


def _begun(received: bytes) -> bytes:
    """Return the last bytes, if the begin of a packet may be cut in them."""
    last = received[1 - len(_QUIET) :]
    return last if SYNC[:1] in last else b""


def _is_loud(received: bytes) -> bool:
    """Tell whether a packet begins in it that is not of samples."""
    if received.startswith(_QUIET):  # packets of one length, as most records are?
        stride = OVERHEAD_BYTES + int.from_bytes(received[6:8], "little")
        n_packets, rest = divmod(len(received), stride)
        if not rest and all(
            received[at::stride] == received[at : at + 1] * n_packets for at in (0, 1, 2, 3, 6, 7)
        ):
            return False
    return any(begin in received for begin in _LOUD)
