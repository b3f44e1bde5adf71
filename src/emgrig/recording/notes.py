"""What the notes of a capture say: board, settings, clock, markers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from emgrig.calibration.certificate.certificate import Certificate, scale_uv
from emgrig.calibration.certificate.certificate_file import from_json, sidecar_entry
from emgrig.driver.captures.journal import read_epoch, read_identity
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.transaction import Mended
from emgrig.driver.interruption import Happened, Interruption
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import Epoch
from emgrig.driver.samples.clockfit import ClockFit, fit_clock
from emgrig.errors import RecordingError
from emgrig.recording.facts import Fact, Marker, Recovered
from emgrig.recording.sync.tube import TubeChange


@dataclass(frozen=True)
class Said:
    """What one note asks for: settings to know, or a fact to place (at the end if no time)."""

    epoch: Epoch | None = None
    fact: Fact | None = None
    board_time_us: int | None = None
    tube: tuple[TubeChange, ...] = ()


NOTHING = Said()


class Notes:
    """Everything the notes have said so far.

    Attributes
    ----------
    identity : BoardIdentity or None
    address, software, profile : str
        Where the board was, what recorded it, and which profile was applied; empty if not said.
    channel_names : tuple of str
    calibration : Certificate or None
        Applied to the volts of the file.
    contact : mapping or None
        The last check of the electrodes, as `emgrig electrodes` wrote it.
    tube_shown : dict of int to float
        Unix time, s, at which a page first showed each count of the digital tube.
    duration_s : float or None
        How long the recording was to be; None if until it was stopped.
    n_notes : int
    """

    def __init__(self) -> None:
        self.identity: BoardIdentity | None = None
        self.address = self.software = self.profile = ""
        self.channel_names: tuple[str, ...] = ()
        self.duration_s: float | None = None
        self.calibration: Certificate | None = None
        self.contact: Mapping[str, object] | None = None
        self.tube_shown: dict[int, float] = {}
        self.n_notes = 0
        # One list for each time the board's clock began anew.
        self._exchanges: list[list[tuple[float, float, float]]] = [[]]

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
            self.channel_names = tuple(_texts(note.get("channel_names")))
            return Said(epoch=read_epoch(note))
        elif kind == "clock":
            self._take_clock(note.get("exchanges"))
        elif kind == "recording":
            self.software = str(note.get("software", ""))
            self.profile = str(note.get("profile") or "")
            wanted = note.get("duration_s")
            self.duration_s = float(wanted) if isinstance(wanted, int | float) else None
        elif kind == "calibration":
            self.calibration = _read_calibration(note.get("record"))
        elif kind == "contact":
            self.contact = _read_contact(note.get("check"))
        elif kind == "tube":
            return Said(tube=_read_tube(note.get("changes")))
        elif kind == "tube shown":
            self._take_shown(note.get("shown"))
        elif kind == "marker":
            time_us = note.get("board_time_us")
            known = time_us if isinstance(time_us, int) else None
            marker = Marker(str(note.get("text", "")), str(note.get("source", "")))
            return Said(fact=marker if marker.marker else None, board_time_us=known)
        elif kind == "recovery":
            return Said(fact=_read_recovery(note))
        return NOTHING

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

    def files(self, epoch: Epoch) -> tuple[RegisterFile, ...]:
        """Return the chips' registers of an epoch."""
        n_channels = len(epoch.gain) // len(epoch.registers)
        return tuple(RegisterFile(raw, n_channels) for raw in epoch.registers)

    def powered(self, epoch: Epoch) -> NDArray[np.bool_]:
        """Return True for each channel that is on."""
        return np.concatenate([file.powered for file in self.files(epoch)])

    def _take_shown(self, pairs: object) -> None:
        for count, unix_s in _rows(pairs, "tube"):
            self.tube_shown.setdefault(int(count), unix_s)

    def _take_clock(self, exchanges: object) -> None:
        if not isinstance(exchanges, list):
            raise RecordingError("a clock note of the capture has no exchanges")
        try:
            taken = [(float(sent), float(board), float(got)) for sent, board, got in exchanges]
        except (TypeError, ValueError) as error:
            raise RecordingError(f"a clock note of the capture is damaged: {error}") from error
        held = self._exchanges[-1]
        if taken and held and taken[0][1] < held[-1][1]:
            self._exchanges.append([])
        self._exchanges[-1].extend(taken)


def _read_calibration(content: object) -> Certificate:
    try:
        return from_json(cast("dict[str, object]", content))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(f"the capture's calibration makes no sense: {error}") from error


def _read_contact(content: object) -> Mapping[str, object]:
    if not isinstance(content, Mapping):
        raise RecordingError("the check of the electrodes in the capture is no JSON object")
    return content


def _read_tube(rows: object) -> tuple[TubeChange, ...]:
    return tuple(TubeChange(int(c), int(n), int(t)) for c, n, t in _rows(rows, "tube", 3))


def _rows(rows: object, what: str, width: int = 2) -> list[list[float]]:
    """Read rows of numbers of a note."""
    try:
        read = [[float(cell) for cell in row] for row in cast("list[list[float]]", rows)]
    except (TypeError, ValueError) as error:
        raise RecordingError(f"a {what} note of the capture is damaged: {error}") from error
    if any(len(row) != width for row in read):
        raise RecordingError(f"a {what} note of the capture is damaged: rows of {width} expected")
    return read


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _read_recovery(note: Mapping[str, object]) -> Recovered:
    """Read how a stream came to go on; notes of the first version said the reason in words."""
    reason, down_s = note.get("reason"), note.get("down_s")
    try:
        if isinstance(reason, Mapping):
            what = Interruption(**{**reason, "happened": Happened(reason["happened"])})
            restored = tuple(Mended(**one) for one in cast("list[Any]", note.get("restored")))
        else:
            what, restored = Interruption(Happened.LINK_LOST, link_said=str(reason or "")), ()
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"a recovery note of the capture is damaged: {error}") from error
    return Recovered(what, float(down_s) if isinstance(down_s, int | float) else None, restored)
