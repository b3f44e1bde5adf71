"""Runs: from START to STOP, the frames between them, and the watch over the chip."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emgrig.onboard.acquisition import Acquisition, Run
from emgrig.onboard.chip_control import RDATAC, SDATAC, START, STOP, ChipControl
from emgrig.onboard.lead_off_watch import LeadOffWatch
from emgrig.onboard.outlet import Outlet
from emgrig.onboard.seams import BoardClock, ReadFilter
from emgrig.protocol import packets as wire
from emgrig.protocol.packets import EventType
from emgrig.protocol.schema import Message

WATCH_S: Final = 0.2
"""Without DRDY for so long in a run, the firmware looks at the canary register (tPOR is 0.128)."""
WATCH_AGAIN_S: Final = 1.0  #: If the canary is well, the next look comes so much later.
LAST_CONVERSION_S: Final = 0.02
"""How long STOP waits for a conversion under way if no period is known: 16.4 ms is the longest."""

#: Sends an event: type, body, conversion, true time.
Report = Callable[[EventType, Message, int, float], None]


@dataclass(eq=False)
class Streaming:
    """The runs of one board."""

    control: ChipControl  #: The chips.
    crystal: BoardClock  #: The board's clock.
    report: Report
    linger_s: float  #: How long a run goes on with nobody to read it, s.

    def __post_init__(self) -> None:
        self.run = Run()  #: The run that is on, or the last one.
        self.is_on = False  #: True from START to STOP.
        self.brown_outs = 0  #: Times the chip was lost.
        #: Ground truth that the firmware does not know: conversions of the first chip in each run
        #: that ended, since power-on.
        self.produced: list[int] = []
        #: Given n, says which of the next n falls of DRDY the firmware reads in time; None: all.
        self.read_filter: ReadFilter | None = None
        self._bank = self.control.bank
        self._chip_bytes = self._bank.frame_bytes // len(self._bank)
        self._watch = LeadOffWatch(self._chip_bytes, self._bank.channels_per_chip)
        self._acquisition = self._new_acquisition()
        self._canary = (0, b"")
        self._watched_s = 0.0
        self._is_lost = False
        self._alone_since_s: float | None = None
        self._gone_before = 0

    @property
    def frames_sent(self) -> int:
        """Frames of this run, or the last one, that left the board."""
        outlet = self._acquisition.outlet
        return self.run.frames_gone + (outlet.frames_gone - self._gone_before if outlet else 0)

    def attach(self, outlet: Outlet | None) -> None:
        """Send frames to `outlet` from now on; None: nobody listens, they are thrown away."""
        self.run.frames_gone = self.frames_sent
        self._acquisition.outlet = outlet
        self._gone_before = outlet.frames_gone if outlet else 0
        self._alone_since_s = self._bank.now_s if outlet is None else None

    def throw_away(self, n_frames: int) -> None:
        """Account for frames that were packed and will never be sent."""
        self._acquisition.throw_away(n_frames)

    def start(self, frames_per_packet: int, canary: int, outlet: Outlet) -> None:
        """Begin a run: read the canary, send RDATAC and START, count from 0."""
        self.control.leave_rdatac()
        values = bytes(self.control.peek(n, canary)[0] for n in range(len(self._bank)))
        self._canary = (canary, values)
        self.control.command(RDATAC)
        self.control.command(START)
        now_s = self._bank.now_s
        self._bank.begin_count()
        self._watch.begin_run()
        number = self.run.number % 0xFFFF + 1  # 0 is none
        self.run = Run(number, frames_per_packet, begun_s=now_s)
        self.run.last_fall_s = self._watched_s = now_s
        self._acquisition = self._new_acquisition()
        self._gone_before = 0
        self.attach(outlet)
        self._is_lost = False
        self.is_on = True

    def stop(self) -> None:
        """End the run: send STOP, read the conversion under way, send SDATAC, flush."""
        self._read_next()
        self.control.command(STOP)
        if not self._is_lost:
            wait_s = 1.5 * self.run.period_s or LAST_CONVERSION_S
            self._read(self._bank.now_s + wait_s)
        self.control.command(SDATAC)
        self._acquisition.end(self.control.settings, self._bank.now_s)
        self.produced.append(self._bank.n_true_falls)
        self.is_on = False
        self._alone_since_s = None

    def abandon(self) -> None:
        """Forget everything: the board boots."""
        if self.is_on:
            self.produced.append(self._bank.n_true_falls)
        self.is_on = False
        self._alone_since_s = None
        self.run = Run()
        self.brown_outs = 0
        self._acquisition = self._new_acquisition()

    def advance(self, until_s: float) -> None:
        """Let time pass up to `until_s`, and read what comes."""
        while self.is_on and self._bank.now_s < until_s:
            self._read(self._step_end_s(until_s))
            now_s = self._bank.now_s
            if now_s >= self._watch_at_s:
                self._look_at_canary(now_s)
            if self._alone_since_s is not None and now_s >= self._alone_since_s + self.linger_s:
                self.stop()
        self._bank.advance_to(until_s)

    def make_way(self) -> None:
        """Get ready for a command that the PC sends in a run; the packet is closed."""
        if self.is_on:
            self._read_next()
            self._acquisition.flush(self.control.settings)

    @property
    def _watch_at_s(self) -> float:
        """When to look at the canary if no DRDY comes before."""
        if self._is_lost:
            return float("inf")
        return max(self.run.last_fall_s + WATCH_S, self._watched_s)

    @property
    def _tick_s(self) -> float:
        return 1.0 / self._bank.f_clk_hz

    def _new_acquisition(self) -> Acquisition:
        return Acquisition(
            self.run, self.crystal, self._bank.frame_bytes, self._chip_bytes, self._overflowed
        )

    def _overflowed(self, frames: int, conversion: int, true_s: float) -> None:
        self.report(EventType.OVERFLOW, wire.OverflowEvent(frames), conversion, true_s)

    def _step_end_s(self, until_s: float) -> float:
        """How far the chips may run before the firmware has something to decide."""
        if self._alone_since_s is not None:
            until_s = min(until_s, self._alone_since_s + self.linger_s)
        if self._bank.next_fall_s is None:
            until_s = min(until_s, self._watch_at_s)
        # a tick later than asked for, so that rounding never makes a step of no length
        return max(until_s, self._bank.now_s) + self._tick_s

    def _read_next(self) -> None:
        """Read the next result, so that there is time for a command.

        At another moment its SCLKs could meet the fall of DRDY, and the result would be lost.
        """
        next_fall_s = self._bank.next_fall_s
        if next_fall_s is not None:
            self._read(next_fall_s + self._tick_s)

    def _read(self, until_s: float) -> None:
        acquisition, settings = self._acquisition, self.control.settings
        readings = self._bank.read(until_s).only(self.read_filter)
        begin = 0
        for change in self._watch.changes(readings.index, readings.data):
            end = change.position + 1  # the event goes out behind the frame that says so
            acquisition.take(readings.part(begin, end), settings)
            body = wire.LeadOffEvent(change.positive, change.negative)
            conversion = int(readings.index[change.position])
            self.report(
                EventType.LEAD_OFF, body, conversion, float(readings.time_s[change.position])
            )
            begin = end
        acquisition.take(readings.part(begin, None), settings)
        self.run.conversions = self._bank.n_falls

    def _look_at_canary(self, now_s: float) -> None:
        """Compare the watched register of each chip with what it held at START."""
        address, expected = self._canary
        self.control.command(SDATAC)
        found = bytes(self.control.peek(n, address)[0] for n in range(len(self._bank)))
        if found == expected:
            self.control.command(RDATAC)
            self._watched_s = now_s + WATCH_AGAIN_S
            return
        self._is_lost = True
        self.brown_outs += 1
        self._acquisition.flush(self.control.settings)
        self.control.new_epoch()
        for chip, (was, now) in enumerate(zip(expected, found, strict=True)):
            if was != now:
                body = wire.ChipLostEvent(chip, address, was, now)
                self.report(EventType.CHIP_LOST, body, self.run.conversions, now_s)
