"""One run of the board: frames become sample packets, and every conversion is accounted for.

While a run is on: conversions = frames sent + missed + thrown away + waiting + not yet packed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.outlet import Outlet
from emgrig.onboard.sample_packets import encode_sample_packets, packet_bytes
from emgrig.onboard.seams import BoardClock, Readings
from emgrig.protocol.packets import SampleFlag

#: Says that frames were thrown away: how many, up to which conversion, true time s.
ReportOverflow = Callable[[int, int, float], None]
REPORT_EVERY_S = 1.0
"""OVERFLOW events of one run are at least so far apart, except the one at its end."""


@dataclass
class Run:
    """The counters of one run."""

    number: int = 0  #: Runs since boot, this one included; 0 before the first.
    frames_per_packet: int = 16
    conversions: int = 0  #: DRDY falls that the firmware saw.
    missed: int = 0  #: Of those, not read in time.
    thrown_away: int = 0  #: Frames that were read and never sent.
    frames_gone: int = 0  #: Frames that were sent.
    begun_s: float = 0.0  #: True time of the START, s.
    last_fall_s: float = 0.0  #: True time of the last DRDY fall, or of the START, s.
    period_s: float = 0.0  #: Between the last two falls, s; 0 before the second.


@dataclass
class _Pending:
    """Frames of consecutive conversions that do not fill a packet yet."""

    index: int = 0
    times_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    frames: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0), np.uint8))


@dataclass(eq=False)
class Acquisition:
    """Packs the frames of a run and hands them to whoever reads it."""

    run: Run  #: Its counters are kept up to date.
    crystal: BoardClock  #: Stamps the board's time on packets.
    frame_bytes: int  #: Of one frame of all chips.
    chip_bytes: int  #: Of one chip's part of it.
    report: ReportOverflow  #: Sends an OVERFLOW event.
    outlet: Outlet | None = None  #: Where packets go; None throws them away and counts them.

    def __post_init__(self) -> None:
        self._unreported = 0
        self._reported_s = -REPORT_EVERY_S
        self._pending = _Pending()
        self._flags_next = 0  # of SampleFlag
        self._next_index = 0

    def take(self, readings: Readings, settings: int) -> None:
        """Pack what was read."""
        if not len(readings.index):
            return
        index = readings.index
        self._follow_time(index, readings.time_s)
        missed = int(index[-1]) + 1 - self._next_index - len(index)
        if missed == 0:
            self._take_gapless(index[0], readings.time_s, readings.data, settings)
        else:
            self.run.missed += missed
            gaps = np.flatnonzero(np.diff(index, prepend=self._next_index - 1) != 1)
            self._take_pieces(gaps.tolist(), readings, settings)
        self.run.conversions = self._next_index = int(index[-1]) + 1

    def flush(self, settings: int) -> None:
        """Close the packet that is not full."""
        pending, self._pending = self._pending, _Pending()
        if len(pending.frames):
            self._emit(
                pending.index, pending.times_s, pending.frames, len(pending.frames), settings
            )

    def end(self, settings: int, now_s: float) -> None:
        """Close the run: pack the rest, and account for falls that were never read."""
        self.flush(settings)
        self._report_overflow(self.run.conversions, now_s)
        self.run.missed += self.run.conversions - self._next_index
        self._next_index = self.run.conversions

    def throw_away(self, n_frames: int) -> None:
        """Account for `n_frames` that were packed and will not be sent."""
        self.run.thrown_away += n_frames
        self._unreported += n_frames
        self._flags_next |= SampleFlag.TRANSMIT_OVERFLOW.value

    def _follow_time(self, index: NDArray[np.int64], time_s: NDArray[np.float64]) -> None:
        run = self.run
        last, last_s = int(index[-1]), float(time_s[-1])
        if len(index) > 1:
            run.period_s = (last_s - float(time_s[-2])) / (last - int(index[-2]))
        elif self._next_index > 0:
            run.period_s = (last_s - run.last_fall_s) / (last - self._next_index + 1)
        run.last_fall_s = last_s

    def _take_pieces(self, gaps: list[int], readings: Readings, settings: int) -> None:
        """Pack what lies between gaps; before each position in `gaps` something is missing."""
        bounds = [0, *gaps, len(readings.index)]
        for number, (begin, end) in enumerate(pairwise(bounds)):
            if number:
                self.flush(settings)
                self._flags_next |= SampleFlag.CONVERSION_MISSED.value
            if end > begin:
                piece = slice(begin, end)
                self._take_gapless(
                    readings.index[begin], readings.time_s[piece], readings.data[piece], settings
                )

    def _take_gapless(
        self,
        first: np.int64 | int,
        times_s: NDArray[np.float64],
        frames: NDArray[np.uint8],
        settings: int,
    ) -> None:
        """Pack frames that follow what is pending without a gap; the rest stays pending."""
        if len(self._pending.frames):
            first = self._pending.index
            times_s = np.concatenate((self._pending.times_s, times_s))
            frames = np.concatenate((self._pending.frames, frames))
        size = self.run.frames_per_packet
        whole = len(frames) // size * size
        if whole:
            self._emit(int(first), times_s[:whole], frames[:whole], size, settings)
        self._pending = _Pending(int(first) + whole, times_s[whole:], frames[whole:])

    def _emit(
        self,
        first: int,
        times_s: NDArray[np.float64],
        frames: NDArray[np.uint8],
        size: int,
        settings: int,
    ) -> None:
        """Send whole packets of `size` frames, at once if the link takes them all."""
        n_packets = len(frames) // size
        if self.outlet is None:
            self.throw_away(len(frames))
            return
        length = packet_bytes(size, self.frame_bytes)
        packs = frames.reshape(n_packets, size, self.frame_bytes)
        if self.outlet.flows_freely(n_packets * length) and not self._unreported:
            self._send(first, times_s[::size], packs, settings, float(times_s[-1]))
            return
        for number in range(n_packets):  # in time, packet by packet: the buffer may be full
            begin = number * size
            now_s = float(times_s[begin + size - 1])
            self.outlet.drain(now_s)
            if self.outlet.has_room(length):
                pack = packs[number : number + 1]
                self._send(first + begin, times_s[begin : begin + 1], pack, settings, now_s)
                if now_s >= self._reported_s + REPORT_EVERY_S:
                    self._report_overflow(first + begin + size, now_s)
            else:
                self.throw_away(size)

    def _report_overflow(self, conversion: int, now_s: float) -> None:
        if self._unreported:
            frames, self._unreported = self._unreported, 0
            self._reported_s = now_s
            self.report(frames, conversion, now_s)

    def _send(
        self,
        first: int,
        times_s: NDArray[np.float64],
        packs: NDArray[np.uint8],
        settings: int,
        now_s: float,
    ) -> None:
        assert self.outlet is not None
        n_packets, size, _ = packs.shape
        flags = np.zeros(n_packets, np.int64)
        is_wrong = (packs[:, :, :: self.chip_bytes] & 0xF0) != 0xC0
        if is_wrong.any():
            flags[is_wrong.any(axis=(1, 2))] = SampleFlag.STATUS_WRONG.value
        flags[0] |= self._flags_next
        self._flags_next = 0
        times_us = (times_s - self.crystal.boot_s) * self.crystal.per_second
        data = encode_sample_packets(
            packs,
            first + size * np.arange(n_packets, dtype=np.int64),
            np.maximum(times_us, 0).astype(np.int64),
            flags,
            settings,
            self.outlet.sequence,
        )
        self.outlet.send_row(data, len(data) // n_packets, size, now_s)
