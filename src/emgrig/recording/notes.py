"""What the notes of a capture say: board, settings, clock, markers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from emgrig.calibration.certificate.certificate import Certificate, scale_uv
from emgrig.calibration.certificate.certificate_file import sidecar_entry
from emgrig.driver.captures.journal import EpochNote, read_epoch, read_identity, read_note
from emgrig.driver.chip.transaction import Mended
from emgrig.driver.interruption import Happened, Interruption
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import Epoch
from emgrig.driver.samples.board_time import BoardTime
from emgrig.driver.samples.clockfit import ClockFit, fit_clock
from emgrig.errors import RecordingError
from emgrig.filemodel import NoteModel, read
from emgrig.recording.facts import Fact, Marker, Recovered
from emgrig.recording.sync.tube import TubeChange


@dataclass(frozen=True)
class Said:
    """What one note asks for: settings to know, or a fact to place (at the end if no time)."""

    epoch: Epoch | None = None
    fact: Fact | None = None
    board_time_us: int | None = None
    tube: tuple[TubeChange, ...] = ()


T = TypeVar("T")
NOTHING = Said()
Exchange = tuple[float, float, float]
"""Host time when board time was asked for, board time, host time when it came; s, µs, s."""


@dataclass(frozen=True)
class RecordingNote(NoteModel):
    """What records; `duration_s` is None if until it is stopped."""

    software: str = ""
    profile: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True)
class MarkerNote(NoteModel):
    """What somebody marked; see `Marker`."""

    text: str = ""
    source: str = ""
    board_time_us: int | None = None
    n_more: int = 0  #: So many notes "marker goes on" follow, with the rest of a long text.


@dataclass(frozen=True)
class RecoveryNote(NoteModel):
    """How a stream came to go on; the first version said reason and registers in words."""

    reason: Interruption | str = ""
    down_s: float | None = None
    restored: tuple[Mended | str, ...] = ()

    @property
    def fact(self) -> Recovered:
        """The same as an annotation has it."""
        reason = self.reason
        if isinstance(reason, str):
            reason = Interruption(Happened.LINK_LOST, link_said=reason)
        restored = tuple(one for one in self.restored if isinstance(one, Mended))
        return Recovered(reason, self.down_s, restored)


class Notes:
    """Everything the notes have said so far."""

    def __init__(self) -> None:
        self.identity: BoardIdentity | None = None
        #: Where the board was, what recorded it, and which profile was applied; empty if not said.
        self.address = self.software = self.profile = ""
        self.channel_names: tuple[str, ...] = ()
        #: How long the recording was to be, s; None if until it was stopped.
        self.duration_s: float | None = None
        self.calibration: Certificate | None = None  #: Applied to the volts of the file.
        #: The last check of the electrodes, as `emgrig electrodes` wrote it.
        self.contact: Mapping[str, object] | None = None
        #: Unix time, s, at which a page first showed each count of the digital tube.
        self.tube_shown: dict[int, float] = {}
        self.n_notes = 0
        self._marker: MarkerNote | None = None  # one whose text goes on
        self.board_time = BoardTime()  #: The board's clock, as the samples say it too.
        # One list for each time the board's clock began anew.
        self._exchanges: list[list[Exchange]] = [[]]

    def take(self, note: Mapping[str, object]) -> Said:
        """Take one note; kinds that are not known are left alone.

        Raises
        ------
        RecordingError
            If a note that is needed makes no sense.
        """
        self.n_notes += 1
        kind = note.get("kind")
        if kind == "identity":
            self.identity = read_identity(note)
            self.address = str(note.get("address", ""))
        elif kind == "epoch":
            self.channel_names = read_note(EpochNote, note).channel_names
            return Said(epoch=read_epoch(note))
        elif kind == "clock":
            self._take_clock(_value(tuple[Exchange, ...], note, "exchanges"))
        elif kind == "recording":
            begun = read_note(RecordingNote, note)
            self.software, self.profile = begun.software, begun.profile or ""
            self.duration_s = begun.duration_s
        elif kind == "calibration":
            self.calibration = _value(Certificate, note, "record")
        elif kind == "contact":
            self.contact = _value(dict[str, object], note, "check")
        elif kind == "tube":
            return Said(tube=_value(tuple[TubeChange, ...], note, "changes"))
        elif kind == "tube shown":
            for count, unix_s in _value(tuple[tuple[int, float], ...], note, "shown"):
                self.tube_shown.setdefault(count, unix_s)
        elif kind == "marker":
            return self._take_marker(read_note(MarkerNote, note))
        elif kind == "marker goes on" and self._marker is not None:
            said = self._marker
            more = replace(said, text=said.text + str(note.get("text", "")), n_more=said.n_more - 1)
            return self._take_marker(more)
        elif kind == "recovery":
            return Said(fact=read_note(RecoveryNote, note).fact)
        return NOTHING

    def _take_marker(self, said: MarkerNote) -> Said:
        """Place a marker when all of its text is there."""
        self._marker = said if said.n_more > 0 else None
        if self._marker is not None or not said.text:
            return NOTHING
        return Said(fact=Marker(said.text, said.source), board_time_us=said.board_time_us)

    @property
    def is_of_ads1299(self) -> bool:
        """True if samples are what an ADS1299 converts, whose filter is known."""
        if self.identity is None:
            return True
        can = self.identity.can
        return can.chip.startswith("ADS1299") and not can.rate_hz

    def scale_uv(self, epoch: Epoch, channel_index: int) -> tuple[float, float]:
        """Return the volts of one code and of code 0, µV: calibrated where that is known."""
        return scale_uv(self.calibration, epoch, channel_index)

    def calibration_entry(self) -> dict[str, object] | None:
        """Return what the sidecar says about the calibration."""
        if self.calibration is None:
            return None
        return sidecar_entry(self.calibration, is_applied=True)

    @property
    def clock_index(self) -> int:
        """Which of the board's clocks is running: +1 each time it began anew."""
        return len(self._exchanges) - 1

    def clock_fit(self, clock_index: int) -> ClockFit | None:
        """Board time against host time; None if it was never asked."""
        exchanges = self._exchanges[clock_index]
        if not exchanges:
            return None
        sent, board, received = np.array(exchanges, np.float64).T
        return fit_clock(sent, board, received)

    def name(self, channel_index: int) -> str:
        """Name of a channel."""
        if channel_index < len(self.channel_names):
            return self.channel_names[channel_index]
        return f"channel {channel_index + 1}"

    def _take_clock(self, exchanges: tuple[Exchange, ...]) -> None:
        for sent_s, raw_us, received_s in exchanges:
            board_us = float(self.board_time.move_to(round(raw_us)))
            if self._exchanges[-1] and board_us < self._exchanges[-1][-1][1]:
                self._exchanges.append([])
            self._exchanges[-1].append((sent_s, board_us, received_s))


def _value(kind: type[T], note: Mapping[str, object], key: str) -> T:
    """Read one value of a note."""
    try:
        return read(kind, note.get(key), f"{note['kind']} note of the capture, {key}")
    except ValueError as error:
        raise RecordingError(str(error)) from error
