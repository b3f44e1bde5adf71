"""The runs of a capture, one after the other, read once from front to back."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from emgrig.driver.captures.capture import CaptureReader, Note, Record, RecordKind
from emgrig.driver.captures.journal import read_epoch, read_identity
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import Epoch
from emgrig.errors import RecordingError
from emgrig.protocol.decoder import Decoder, Item, ReplyPacket, SamplePackets
from emgrig.protocol.framing import VERSION
from emgrig.protocol.packets import Hello, Request, Started, Stopped
from emgrig.protocol.schema import Message

M = TypeVar("M", bound=Message)
_MOST_TIME = 1e18  #: A time beyond it, s or µs, is none; NaN neither.


class Chunk(NamedTuple):
    """Bytes of a run as they came; they end where a packet ends."""

    data: bytes
    time_s: float  #: When they came, host time (Unix), s.
    conversions: int  #: Conversions of the run when they are taken in.
    stopped: Stopped | None  #: How the run ended, if its STOP was answered in them.


class RecordedRuns:
    """Notes and runs of a capture.

    Raises
    ------
    RecordingError
        If the capture does not say from which board it is.
    """

    def __init__(self, reader: CaptureReader) -> None:
        self._records: Iterator[Record] = iter(reader)
        self._decoder = Decoder()
        self._held = b""
        self._epochs: dict[int, Epoch] = {}
        self._clock: tuple[float, float] | None = None
        self._to_come: tuple[Started, Chunk] | None = None
        self._stopped: Stopped | None = None
        self._seen = 0
        self.began_s = 0.0  #: Host time (Unix) of the first record, s.
        self.chunk: Chunk | None = None  #: What comes next in the run; None between runs.
        self.started = Started(0, 0, 0)  #: How the run began; zeros before the first.
        self.started_s = 0.0  #: When that was, host time (Unix), s.
        self.conversions = 0  #: Conversions of the run, as far as it was taken.
        self.hello = _hello(self._find_identity(reader))  #: What the board said of itself.

    def _find_identity(self, reader: CaptureReader) -> BoardIdentity:
        for record in self._records:
            self.began_s = self.began_s or record.time_us * 1e-6
            if record.kind is not RecordKind.NOTE:
                continue
            if record.note.get("kind") == "identity":
                return read_identity(record.note)
            self._take_note(record.note)
        raise RecordingError(f"{reader.path} does not say from which board it is")

    @property
    def epoch_to_come(self) -> Epoch | None:
        """The settings of the next run, or of the last one if there is no other."""
        self.seek_run()
        started = self._to_come[0] if self._to_come is not None else self.started
        return self._epochs.get(started.settings)

    def board_us(self, unix_s: float) -> int:
        """Return the board's time at a host time, by the last exchange noted before it."""
        host_s, board_us = self._clock or (self.started_s, float(self.started.board_time_us))
        return max(round(board_us + (unix_s - host_s) * 1e6), 0)

    def seek_run(self) -> bool:
        """Read on to the next START, unless a run is on; False if there is none."""
        while self.chunk is None and self._to_come is None:
            record = next(self._records, None)
            if record is None:
                return False
            self._take(record)
        return True

    def begin_run(self) -> bool:
        """Leave the run that is on, and begin the next; False if there is none."""
        self.chunk = None
        if not self.seek_run() or self._to_come is None:
            return False
        self.started, self.chunk = self._to_come
        self.started_s = self.chunk.time_s
        self._to_come, self._stopped, self.conversions = None, None, 0
        return True

    def end_run(self, board_us: int) -> Stopped:
        """Leave the run, and return how it ended: as recorded if it was taken to its end."""
        self.chunk = None
        if self._stopped is not None:
            return self._stopped
        return Stopped(self.started.run, self.conversions, board_us)

    def take_chunk(self) -> bytes:
        """Return the next bytes of the run, and read on; empty if no run is on."""
        chunk, self.chunk = self.chunk, None
        if chunk is None:
            return b""
        self.conversions, self._stopped = chunk.conversions, chunk.stopped
        while self.chunk is None and self._stopped is None and self._to_come is None:
            record = next(self._records, None)
            if record is None:
                break
            found = self._take(record)
            # A START here means that nobody recorded how this run ended.
            if found is not None and self._to_come is None:
                self.chunk = found
        return chunk.data

    def _take(self, record: Record) -> Chunk | None:
        """Take a record; return the whole packets that came. A START begins a run to come."""
        if record.kind is RecordKind.NOTE:
            self._take_note(record.note)
        if record.kind is not RecordKind.RECEIVED:
            return None
        items = self._decoder.feed(record.payload)
        data = self._held + record.payload
        n_whole = len(data) - self._decoder.held_bytes
        whole, self._held = data[:n_whole], data[n_whole:]
        starts = _answers(items, Request.START, Started) or self._already_on(items)
        if starts:
            self._seen = 0
        for item in items:
            if isinstance(item, SamplePackets):
                self._seen = int(item.first_conversion[-1]) + item.frames.shape[1]
        ends = [
            stopped
            for stopped in _answers(items, Request.STOP, Stopped)
            if stopped.run == self.started.run and not starts
        ]
        if ends:
            self._seen = ends[-1].conversions
        chunk = Chunk(whole, record.time_us * 1e-6, self._seen, ends[-1] if ends else None)
        if starts:
            self._to_come = starts[-1], chunk
        return chunk if whole else None

    def _already_on(self, items: Sequence[Item]) -> list[Started]:
        """Take the first samples for the START of a run that began before the capture did."""
        if self.started.run or self._to_come is not None:
            return []
        for item in items:
            if isinstance(item, SamplePackets):
                return [Started(1, int(item.settings[0]), int(item.board_time_us[0]) - 1)]
        return []

    def _take_note(self, note: Note) -> None:
        kind = note.get("kind")
        if kind == "epoch":
            epoch = read_epoch(note)
            self._epochs[epoch.number] = epoch
        elif kind == "clock":
            exchanges = note.get("exchanges")
            if isinstance(exchanges, list) and exchanges:
                self._clock = _exchanged(exchanges[-1])


def _exchanged(exchange: object) -> tuple[float, int]:
    """Return host time, s, and board time, µs, of an exchange; RecordingError if it is none."""
    numbers = [
        one
        for one in (exchange if isinstance(exchange, list) else [])
        if isinstance(one, int | float) and abs(one) < _MOST_TIME
    ]
    if len(numbers) != 3:
        raise RecordingError(
            f"clock note of the capture: {exchange!r:.60}; two times in s and one in µs expected"
        )
    sent_s, board_us, received_s = numbers
    return (sent_s + received_s) / 2, int(board_us)


def _answers(items: Sequence[Item], request: Request, message: type[M]) -> list[M]:
    return [
        message.decode(item.data)
        for item in items
        if isinstance(item, ReplyPacket) and item.request == request and item.error is None
    ]


def _hello(identity: BoardIdentity) -> Hello:
    """Return the HELLO of a board that the notes describe."""
    return Hello(
        protocol_version=VERSION,
        serial_number=identity.serial_number,
        firmware_version=identity.firmware,
        git_revision=identity.git_revision,
        chip_count=identity.chip_count,
        channels_per_chip=identity.channels_per_chip,
        f_clk_hz=round(identity.f_clk_hz),
        vref_uv=round(identity.vref_v * 1e6),
        channels_wired=sum(1 << channel - 1 for channel in identity.channels_wired),
        series_ohm=identity.series_ohm,
        capabilities=int(identity.capabilities),
        max_frames=identity.max_frames,
        can=identity.can.to_hello(),
    )
