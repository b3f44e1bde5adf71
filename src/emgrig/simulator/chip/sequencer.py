"""When the chip converts, and what DRDY does (SBAS499C, p. 34-38 and 64-65).

Readings taken where the data sheet is silent or says two things (unconfirmed on silicon):

* START while converting has no effect (p. 40), although table 10 calls it "restart".
* STOP less than 16 tCLK before a DRDY fall (tSDSU) lets one more conversion happen.
* STOP before conversions have begun (reset, power-on) takes START back.
* START after STOP restarts the filter even if the last conversion is still running.
* GPIO and lead-off bits are latched at the DRDY fall.
* A new CONFIG1 raises DRDY, as START does.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.simulator.chip.register_map import RegisterFile
from emgrig.simulator.seams import Conversions, FrontEnd

UPDATE_TICKS: Final = 4
"""tUPDATE: an unread DRDY returns high this long before it falls again, tCLK."""
STOP_SETUP_TICKS: Final = 16
"""tSDSU: STOP this long before a DRDY fall makes it the last one, tCLK."""
SETTLING_EXTRA_TICKS: Final = 9

_SYNC: Final = 0xC0
_MAX_CHUNK: Final = 4096
_MOST_RUNS: Final = 1000


def pack_frames(results: Conversions, gpio_levels: int) -> NDArray[np.uint8]:
    """Frames as they leave the chip: 24 status bits, then 24 bits a channel, MSB first.

    Parameters
    ----------
    results : Conversions
        n conversions of c channels.
    gpio_levels : int
        Levels of GPIO4 to GPIO1 as bits 3 to 0.

    Returns
    -------
    ndarray of uint8, shape (n, 3 + 3 * c)
    """
    n, n_channels = results.codes.shape
    words = np.empty((n, 1 + n_channels), dtype=">i4")
    status = results.loff_p.astype(np.int32)
    status <<= 8
    status |= results.loff_n
    status <<= 4
    words[:, 0] = status | (_SYNC << 16 | gpio_levels)
    words[:, 1:] = results.codes
    octets, frames = words.view(np.uint8).reshape(-1), np.empty(3 * words.size, np.uint8)
    for place in range(3):  # the low three bytes of each word; three long copies are fastest
        frames[place::3] = octets[place + 1 :: 4]
    return frames.reshape(n, -1)


@dataclass
class FallRun:
    """DRDY falls at even distances."""

    first: int  #: Tick of the first.
    period: int  #: tCLK from one to the next.
    n: int = 1  #: How many.


class Sequencer:
    """Starts and stops conversions, latches their results, and drives DRDY.

    All times are ticks (tCLK), and never go back.
    """

    def __init__(self, front_end: FrontEnd, registers: RegisterFile) -> None:
        self.n_falls = 0  #: Falling edges of DRDY so far.
        self.last_fall: int | None = None  #: When DRDY fell last.
        self.is_unread = False  #: True if no SCLK came since DRDY fell.
        self.runs: list[FallRun] = []  #: All falls, the first `_MOST_RUNS` runs of them.
        self.front_end_tick = 0  #: The time up to which the front end has been asked.
        self._front_end = front_end
        self._registers = registers
        self._start_at: int | None = None
        self._next_fall: int | None = None
        self._final_fall: int | None = None
        self._period = 0
        self._is_single = False
        self._is_low = False
        self._latched: tuple[Conversions, int] | None = None
        self._frame: bytes | None = None
        self._block: Conversions | None = None
        self._packed: NDArray[np.uint8] = np.empty((0, 0), np.uint8)

    @property
    def is_running(self) -> bool:
        """True from START until STOP, or until the one conversion of a single shot is done."""
        return self._final_fall is None and self.next_fall is not None

    @property
    def is_streaming(self) -> bool:
        """True if DRDY falls every `period_ticks` from `next_fall` on, without an end in sight."""
        return self._next_fall is not None and self._final_fall is None and not self._is_single

    @property
    def period_ticks(self) -> int:
        """Data period tDR, tCLK."""
        return self._registers.period_ticks

    @property
    def next_fall(self) -> int | None:
        """When DRDY will fall next, or None if nothing converts."""
        if self._start_at is not None:
            return self._start_at + 4 * self.period_ticks + SETTLING_EXTRA_TICKS
        return self._next_fall

    def fall_ahead(self, n: int) -> int | None:
        """When DRDY will fall for the n-th time after the next (0: `next_fall`), or None."""
        first = self.next_fall
        if first is None or n == 0:
            return first
        is_pending = self._start_at is not None
        is_single = self._registers.is_single_shot if is_pending else self._is_single
        fall = first + n * self.period_ticks
        is_past_end = self._final_fall is not None and fall > self._final_fall
        return None if is_single or is_past_end else fall

    def is_drdy_low(self, tick: int) -> bool:
        """Return True while DRDY is low at `tick`, which is not before the last event."""
        in_update = self._next_fall is not None and tick >= self._next_fall - UPDATE_TICKS
        return self._is_low and not in_update

    def start(self, tick: int, *, not_before: int) -> None:
        """START, by pin or command; conversions begin when the chip is ready for them."""
        if self.is_running and not self._is_single:
            return
        self.halt()
        self._start_at = max(tick, not_before)
        self.advance(tick)

    def stop(self, tick: int) -> None:
        """STOP: the running conversion completes, then no more come."""
        self._start_at = None
        if self._next_fall is None or self._final_fall is not None:
            return
        is_late = self._next_fall - tick < STOP_SETUP_TICKS and not self._is_single
        self._final_fall = self._next_fall + (self._period if is_late else 0)

    def halt(self) -> None:
        """Stop at once (reset, standby, power-down); DRDY goes high."""
        self._start_at = self._next_fall = self._final_fall = None
        self._is_low = self.is_unread = False

    def clear(self) -> None:
        """Stop at once and forget the last result."""
        self.halt()
        self._latched = self._frame = None

    def registers_changed(self, tick: int, *, restart: bool) -> None:
        """Tell the front end of new registers; `restart` resets the filter of a running chip."""
        if restart and self._next_fall is not None:
            was_stopping = self._final_fall is not None
            self._begin(tick)
            self._final_fall = self._next_fall if was_stopping else None
        else:
            self.front_end_tick = tick
            self._front_end.change(tick, bytes(self._registers))

    def advance(self, tick: int) -> None:
        """Let time pass up to and including `tick`."""
        if self._start_at is not None and self._start_at <= tick:
            self._begin(self._start_at)
        while self._next_fall is not None and self._next_fall <= tick:
            until = tick if self._final_fall is None else min(tick, self._final_fall)
            count = 1 if self._is_single else (until - self._next_fall) // self._period + 1
            if count == 1:
                self._convert_one()
            else:
                self._convert(min(count, _MAX_CHUNK))

    def sclk(self) -> None:
        """Note a falling SCLK: DRDY goes high, except after a single shot (p. 65)."""
        self.is_unread = False
        self._is_low = self._is_low and self._is_single

    def frame(self) -> bytes | None:
        """Return the latest result as it is shifted out, or None if there is none yet."""
        if self._frame is None and self._latched is not None:
            results, gpio_levels = self._latched
            last = Conversions(results.codes[-1:], results.loff_p[-1:], results.loff_n[-1:])
            self._frame = pack_frames(last, gpio_levels).tobytes()
        return self._frame

    def read_frames(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Convert `count` ≥ 1 times and read every result; only while `is_streaming`.

        Returns the ticks of the DRDY falls, shape (count,), and the frames, one a row.
        """
        assert self._next_fall is not None
        ticks = self._next_fall + self._period * np.arange(count, dtype=np.int64)
        self._convert(count)
        self.sclk()
        assert self._latched is not None
        frames = pack_frames(*self._latched)
        self._frame = frames[-1].tobytes()
        return ticks, frames

    def _begin(self, tick: int) -> None:
        self._start_at = self._final_fall = None
        self._period = self.period_ticks
        self._is_single = self._registers.is_single_shot
        self._is_low = self.is_unread = False
        self._next_fall = tick + 4 * self._period + SETTLING_EXTRA_TICKS
        self.front_end_tick = tick
        self._front_end.restart(tick, bytes(self._registers))

    def _convert_one(self) -> None:
        """Convert once; frames of a whole block of the front end are packed together."""
        block, row = self._front_end.next_row()
        if block is not self._block:
            self._block, self._packed = block, pack_frames(block, 0)
        gpio_levels = self._registers.gpio_levels
        frame = self._packed[row].tobytes()
        if gpio_levels:
            frame = frame[:2] + bytes((frame[2] | gpio_levels,)) + frame[3:]
        self._latched, self._frame = None, frame
        self._completed(1)

    def _convert(self, count: int) -> None:
        self._latched = self._front_end.convert(count), self._registers.gpio_levels
        self._frame = None
        self._completed(count)

    def _completed(self, count: int) -> None:
        assert self._next_fall is not None
        fall = self._next_fall + (count - 1) * self._period
        self._note_falls(count)
        self.n_falls += count
        self.last_fall = self.front_end_tick = fall
        self._is_low = self.is_unread = True
        if self._is_single or fall == self._final_fall:
            self._next_fall = self._final_fall = None
        else:
            self._next_fall = fall + self._period

    def _note_falls(self, count: int) -> None:
        assert self._next_fall is not None
        run = self.runs[-1] if self.runs else None
        is_next = run is not None and run.first + run.n * run.period == self._next_fall
        if run is not None and is_next and run.period == self._period:
            run.n += count
        elif len(self.runs) < _MOST_RUNS:
            self.runs.append(FallRun(self._next_fall, self._period, count))
