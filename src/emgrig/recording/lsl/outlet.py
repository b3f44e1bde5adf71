"""A board on the Lab Streaming Layer (LSL): its samples and markers out, others' markers in.

`docs/lsl.md` says what the streams hold. Channels and board are described by the names that the XDF
project has agreed on for EEG, with the type EMG.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Self, TypeAlias

import numpy as np

from emgrig.calibration.certificate.certificate import scale_uv as scale_of
from emgrig.driver.board import Board
from emgrig.driver.can import Timing
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.chip.registers import Misc1, Mux
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import Block, Epoch, make_epoch
from emgrig.driver.samples.clockfit import ClockFit
from emgrig.errors import DeviceError, TransportError
from emgrig.protocol.account import Cause
from emgrig.recording.facts import Gap, fact_of, text_of
from emgrig.recording.lsl.library import Element, Outlet, describe_board, stream_info
from emgrig.recording.lsl.markers import LslMarkerInlet, LslMarkerOutlet, Marker
from emgrig.recording.lsl.stamps import SessionTime, StampLine
from emgrig.sentences import sentence

log = logging.getLogger(__name__)

#: Volts of one code and of code 0 of a channel (index from 0), µV.
ScaleUv: TypeAlias = Callable[[Epoch, int], tuple[float, float]]
FIT_EVERY_S = 1.0  #: The fit of the board's clock is looked at again after so long, s.
_N_EXCHANGES = 8


class LslOutlet:
    """The samples of a board as one stream, those channels that are powered.

    A change of rate, of SRB1 or of a channel's settings ends the stream and opens it anew.

    Parameters
    ----------
    epoch : Epoch
        Settings, as read back.
    channel_names : sequence of str
        One a channel of the board.
    markers : LslMarkerOutlet
        Is told of gaps, events and changes.
    scale_uv : callable, optional
        Calibrated volts; nominal ones without it.

    Raises
    ------
    RecordingError
        If pylsl is missing, or the stream cannot be opened.
    """

    def __init__(
        self,
        identity: BoardIdentity,
        epoch: Epoch,
        channel_names: Sequence[str],
        session_time: SessionTime,
        markers: LslMarkerOutlet,
        *,
        scale_uv: ScaleUv | None = None,
    ) -> None:
        self._identity, self._names = identity, tuple(channel_names)
        self._time, self._markers = session_time, markers
        self._is_calibrated = scale_uv is not None
        self._scale_uv = scale_uv or partial(scale_of, None)
        self._line = StampLine()
        self._held: list[Block] = []
        self._fit: ClockFit | None = None
        self._open(epoch)

    def feed(self, block: Block, clock_fit: ClockFit | None) -> None:
        """Take the next block of the stream, and send it.

        Blocks wait, and none is lost, while the data rate or the board's clock is not known: some
        256 samples at the beginning.

        Raises
        ------
        RecordingError
            If the settings changed, and the stream cannot be opened anew.
        """
        self._line.follow(block)
        self._held.append(block)
        self._fit = clock_fit
        if clock_fit is not None and self._line.is_rate_known:
            self._release(clock_fit)

    def close(self) -> None:
        """Send what still waits, and end the stream; a second call does nothing."""
        if self._held and self._fit is not None:
            self._release(self._fit)
        self._outlet.close()

    def _open(self, epoch: Epoch) -> None:
        powered = epoch.powered
        self._epoch = epoch
        self._columns = np.flatnonzero(powered).tolist() or list(range(len(powered)))
        scales = [self._scale_uv(epoch, index) for index in self._columns]
        self._code_uv, self._zero_uv = np.array(scales).T
        serial = self._identity.serial_number
        info = stream_info(
            f"emgrig {serial}",
            "EMG",
            len(self._columns),
            epoch.rate_hz,
            "float32",
            f"emgrig-{serial}-emg",
        )
        self._describe(info.desc(), epoch.files)
        self._outlet = Outlet(info)

    def _describe(self, description: Element, files: Sequence[RegisterFile]) -> None:
        mux = [value for file in files for value in file.mux]
        common = [file.get(Misc1).srb1_closed for file in files for _ in range(file.n_channels)]
        channels = description.append_child("channels")
        for index in self._columns:
            channel = channels.append_child("channel")
            for name, value in (
                ("label", self._names[index]),
                ("unit", "microvolts"),
                ("type", "EMG" if mux[index] is Mux.NORMAL else "MISC"),
                ("number", str(index + 1)),
                ("gain", f"{self._epoch.gain[index]:g}"),
                ("input", str(mux[index].word)),
                ("reference", "SRB1" if common[index] else "own negative electrode"),
            ):
                channel.append_child_value(name, value)
        describe_board(description, self._identity)
        scale = description.append_child("scale")
        scale.append_child_value("calibrated", "yes" if self._is_calibrated else "no")
        synchronisation = description.append_child("synchronization")
        synchronisation.append_child_value("can_drop_samples", "true")

    def _release(self, fit: ClockFit) -> None:
        held, self._held = self._held, []
        for block in held:
            self._send(block, fit)

    def _send(self, block: Block, fit: ClockFit) -> None:
        is_anew = block.n_samples > 0 and self._follow_settings(block.epoch)
        placed = self._line.place(block, fit)
        if block.lost_before:
            gap = Gap(block.lost_before, block.cause, block.is_estimate, is_filled=False)
            self._markers.mark(text_of(gap), placed.missing_s)
        for event in block.events:
            if fact := fact_of(event):
                self._markers.mark(text_of(fact), self._line.at(event.board_time_us))
        if not block.n_samples:
            return
        begins_s = float(placed.stamps_s[0])
        if block.cause in (Cause.OUTAGE, Cause.RESTART):
            self._markers.mark(_going_on(begins_s - placed.missing_s, block.cause), begins_s)
        if is_anew:
            self._markers.mark(_opened_anew(), begins_s)
        uv = block.codes[:, self._columns] * self._code_uv + self._zero_uv
        stamps_s = placed.stamps_s + self._time.lsl_minus_unix_s
        self._outlet.push(uv.astype(np.float32), stamps_s.tolist())

    def _follow_settings(self, epoch: Epoch) -> bool:
        """Open the stream anew if what it says of itself is no longer true; tell if it was."""
        old, self._epoch = self._epoch, epoch
        if epoch is old or _description(old) == _description(epoch):
            return False
        self._outlet.close()
        self._open(epoch)
        return True


@sentence
def _going_on(gap_s: float, cause: Cause) -> str:
    return f"going on after {gap_s:.2f} s: {cause.words}"


@sentence
def _opened_anew() -> str:
    return "settings changed: the EMG stream was opened anew"


def _description(epoch: Epoch) -> tuple[object, ...]:
    """Return what a stream's description rests on."""
    return (
        epoch.rate_hz,
        *(value for file in epoch.files for value in (*file.channels(), file.get(Misc1))),
    )


class LslLink:
    """Everything between a board that streams and LSL; as a context manager it closes itself.

    Whoever streams the board hands its blocks to `feed`, in the thread that iterates the stream;
    `mark` and `poll` may be called from another one.

    Parameters
    ----------
    board : Board
        Connected and set up.
    scale_uv : callable, optional
        Calibrated volts; nominal ones without it.
    listen : bool
        Take others' markers.
    markers_from : str, optional
        Listen to streams of this name only.

    Raises
    ------
    RecordingError
        If pylsl is missing, or a stream cannot be opened. None is left open.
    """

    def __init__(
        self,
        board: Board,
        *,
        scale_uv: ScaleUv | None = None,
        listen: bool = True,
        markers_from: str | None = None,
    ) -> None:
        self._board = board
        identity = board.identity
        if board.can.timing is not Timing.ASKED:
            why = "LSL needs its time, and its clock cannot be asked"
            board.can.refuse(identity.serial_number, "stream to LSL", why)
        epoch = make_epoch(0, board.chip.files, f_clk_hz=identity.f_clk_hz, vref_v=identity.vref_v)
        #: Between the session's host time and LSL's clock.
        self.session_time = time = SessionTime.measure(board.unix_s)
        self._inlet: LslMarkerInlet | None = None
        with ExitStack() as opened:
            self._markers = LslMarkerOutlet(identity, time)
            opened.callback(self._markers.close)
            self._outlet = LslOutlet(
                identity, epoch, board.channel_names, time, self._markers, scale_uv=scale_uv
            )
            opened.callback(self._outlet.close)
            if listen:
                own = self._markers.source_id
                self._inlet = LslMarkerInlet(time, name=markers_from, not_from=own)
                opened.callback(self._inlet.close)
            self._opened = opened.pop_all()
        self._fit: ClockFit | None = None
        self._fit_due_us = 0

    def feed(self, block: Block) -> None:
        """Send the next block of the board's stream; raises as `LslOutlet.feed` does."""
        self._outlet.feed(block, self._clock_fit(block))

    def mark(self, text: str, unix_s: float) -> None:
        """Send a marker, at a Unix time of the session; ValueError if there is no text."""
        self._markers.mark(text, unix_s)

    def poll(self) -> list[Marker]:
        """Return the markers that came in since the last call; never waits."""
        return [] if self._inlet is None else self._inlet.poll()

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the marker streams that are listened to."""
        return () if self._inlet is None else self._inlet.sources

    def close(self) -> None:
        """End all streams; a second call does nothing. `poll` and `mark` raise from then on."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _clock_fit(self, block: Block) -> ClockFit | None:
        """Look at the fit now and then: over hours it is made from thousands of exchanges."""
        is_restart = block.cause is Cause.RESTART
        if is_restart or self._fit is None or block.board_time_us >= self._fit_due_us:
            self._fit = None if is_restart else self._board.clock_fit
            self._fit_due_us = block.board_time_us + round(FIT_EVERY_S * 1e6)
        if self._fit is None and block.n_samples:
            try:
                self._fit = self._board.synchronise(_N_EXCHANGES)
            except (TransportError, DeviceError) as error:
                log.info("the board's clock is not known yet: %s", error)
        return self._fit
