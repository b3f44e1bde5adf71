"""A run of a board that counts frames at most, and stamps them with its clock: frames placed."""

import numpy as np
from numpy.typing import NDArray

from emgrig.gateways.grid import TimeGrid
from emgrig.gateways.outgoing import Outgoing
from emgrig.gateways.placed import Placed, differences, joined

#: A board that did not read for so long, s, may have lost its supply (tPOR is 0.128 s).
SUSPICIOUS_S = 0.1


class ClockLine:
    """A clock of 32 bits as one line.

    Parameters
    ----------
    unit_us : int
        Of its step, µs.
    """

    def __init__(self, unit_us: int = 1) -> None:
        self._unit_us = unit_us
        self._turn = (1 << 32) * unit_us
        self._last: tuple[float, int] | None = None  # host time, s, and board time, µs

    def begin_anew(self) -> None:
        """Forget: the board started anew."""
        self._last = None

    def place(self, raw: int, host_s: float) -> int:
        """Return the time on the line, µs, of what the clock shows now."""
        time_us = raw * self._unit_us
        if self._last is not None:
            last_s, last_us = self._last
            expected_us = last_us + round((host_s - last_s) * 1e6)
            time_us += round((expected_us - time_us) / self._turn) * self._turn
        self._last = host_s, time_us
        return time_us

    def follow(self, raw: NDArray[np.int64], host_s: float) -> NDArray[np.int64]:
        """Return the times on the line, µs, of stamps that follow each other; they came now."""
        turn = 1 << 32
        first_us = self.place(int(raw[0]), host_s)
        steps = (np.diff(raw) + turn // 2) % turn - turn // 2
        times_us = first_us + np.concatenate([[0], np.cumsum(steps)]) * self._unit_us
        self._last = host_s, int(times_us[-1])
        return times_us


class StampedRun:
    """From frames with stamps to frames with their conversions, in `out`.

    `is_lossy`: what is missing before a frame that `take` calls cut was lost on the way, for all
    that anybody can tell; else the board did not read it.
    """

    def __init__(self, out: Outgoing, *, is_lossy: bool = False) -> None:
        self._is_lossy = is_lossy
        self.is_on = False  #: Frames are those of a run.
        #: The board did not read for so long that its chips may have lost their registers; what
        #: came since waits for `release`, or is dropped when the run ends.
        self.is_suspect = False
        self.grid = TimeGrid()
        self._out = out
        self._held: list[Placed] = []
        self._settled_us: int | None = None
        self.begin(1000.0)
        self.is_on = False

    def leave_out(self, until_us: int) -> None:
        """Leave frames with stamps before this time out: the chips are not settled."""
        self._settled_us = until_us

    def begin(self, period_us: float) -> None:
        """Begin a run."""
        self.grid.begin(period_us)
        self._period_us, self._settled_us = period_us, None
        self._last: tuple[int, int] | None = None  # the board's number, and the conversion
        self._ahead: Placed | None = None  # the newest frame; `conversion` has the board's number
        self._held.clear()
        self.is_suspect, self.is_on = False, True

    def take(
        self,
        frames: NDArray[np.uint8],
        number: NDArray[np.int64],
        time_us: NDArray[np.int64],
        is_cut: NDArray[np.bool_],
    ) -> None:
        """Take frames, shape (n, frame bytes), with the board's own number of each, and its time.

        A board without a number gives 0, 1, 2 and so on.
        """
        if not self.is_on or not len(time_us):
            return
        new = Placed(frames, number, time_us, is_cut)
        if self._settled_us is not None:
            is_settled = time_us >= self._settled_us
            if not is_settled.any():
                return
            new = new.part(int(is_settled.argmax()))
            self._settled_us = None
        self._place(new if self._ahead is None else joined([self._ahead, new]), is_last=False)

    def end(self) -> None:
        """End the run: what can be placed is sent; what is suspect is not."""
        if self.is_on and self._ahead is not None:
            self._place(self._ahead, is_last=True)
        self.drop()

    def drop(self) -> None:
        """End the run, and forget what was not sent yet."""
        self._held.clear()
        self._ahead = None
        self.is_on = self.is_suspect = False

    def release(self) -> None:
        """Send what waited: the chips are well."""
        self.is_suspect = False
        for placed in self._held:
            self._out.samples(placed)
        self._held.clear()

    def _place(self, came: Placed, *, is_last: bool) -> None:
        n = len(came.time_us) - (0 if is_last else 1)
        self._ahead = came.part(n)
        if not n:
            return
        number = came.conversion
        first, last = (int(number[0]) - 1, -1) if self._last is None else self._last
        steps = differences(number, first) % (1 << 32)
        steps[steps >= 1 << 31] = 1  # it was set back: time alone says
        conversion = self.grid.place(steps, came.time_us, n)
        missed = differences(conversion, last) - steps[:n]
        self._last = int(number[n - 1]), int(conversion[-1])
        is_cut = came.is_cut[:n] & (missed > 0) if self._is_lossy else came.is_cut[:n]
        placed = Placed(came.frames[:n], conversion, came.time_us[:n], is_cut)
        long = missed * self._period_us >= SUSPICIOUS_S * 1e6
        if not self.is_suspect and long.any():
            at = int(long.argmax())
            self._out.samples(placed.part(0, at))
            placed, self.is_suspect = placed.part(at), True
        if self.is_suspect:
            self._held.append(placed)
        else:
            self._out.samples(placed)
