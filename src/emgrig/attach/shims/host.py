"""The machine that a script believes to be on: its lines, its SPI devices and its time.

All fakes come down to one `Host`. With virtual time nothing passes but what the script asks for
and what its calls cost, so that a run is the same on every machine. A look at a line or a clock
costs a moment of bench time; looks that cannot bring anything new do not go to the bench.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from emgrig.attach.shims.edges import Edge, Watch
from emgrig.attach.shims.seams import BenchVerbs, TimeIsUp
from emgrig.attach.shims.watches import Watches
from emgrig.attach.shims.wiring import Line, Wiring

LOOK_S: Final = 5e-6
"""What a look at a line or a clock costs where the bench's processor costs nothing."""
LONGEST_STARE_S: Final = 20.0
"""Bench time after which a script that looks at what cannot change is stopped."""
#: From this long before a fall DRDY may be high again: 4 clocks (2.6) at the slowest, 1.5 MHz.
_BEFORE_FALL_S: Final = 4 / 1.45e6
_NUDGE_S: Final = 1e-6
_BENCH_STEP_S: Final = 1e-12  #: The bench rounds to it: between two of its steps no time comes.
_WALL_STEP_S: Final = 0.02
_NANOSECONDS: Final = 1_000_000_000
_WALL_LOOK_S: Final = 0.0005


class Host:
    """The machine beside a bench.

    Parameters
    ----------
    bench : BenchVerbs
        A `Bench`, or one behind a socket.
    wiring : Wiring
        What is connected to what.
    speed : float or None
        None: bench time passes only by what the script does. Else it is the wall's, so many times
        as fast, and the bench follows it (`BenchOptions.speed`, the same).
    call_s : float
        What the bench lets each call cost, s.
    limit_s : float or None
        Bench time at which the script is stopped; None: never.

    Raises
    ------
    ValueError
        If the wiring names a chip that is not there.
    """

    def __init__(
        self,
        bench: BenchVerbs,
        wiring: Wiring,
        *,
        speed: float | None = None,
        call_s: float = 0.0,
        limit_s: float | None = None,
    ) -> None:
        wiring.check(bench.n_chips)
        self.bench = bench
        self.wiring = wiring
        self.is_virtual = speed is None
        self._speed = speed or 1.0
        self._real_sleep = time.sleep
        self._watches = Watches(
            bench, None if self.is_virtual else getattr(bench, "next_fall_s", None)
        )
        self._zero_s: float | None = None  # of bench time, on the machine's monotonic clock
        self.lock = threading.RLock()
        self._look_s = call_s or LOOK_S
        self._is_free = not call_s  # the bench itself lets a look cost nothing
        self._limit_s = float("inf") if limit_s is None else limit_s
        self._debt_s = 0.0  # bench time that has passed here and the bench was not told of
        self._bench_s = bench.now_s
        self._known: dict[int, tuple[int, float]] = {}  # line: level, and until when it holds
        self._levels: dict[int, int] = {}  # of free lines, as they were written
        self._stare_since_s: float | None = None
        self._quiet_s = 0.0  # until then a look needs no question to the bench
        self._lines: dict[int, Line | None] = {}

    @property
    def is_at_limit(self) -> bool:
        """True if bench time has come to `limit_s`."""
        return self._bench_s + self._debt_s >= self._limit_s

    # ---- time -------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Bench time, s; reading it costs nothing."""
        with self.lock:
            if not self.is_virtual:
                self._follow_wall()
            return self._bench_s + self._debt_s

    def keep_machine_time(self) -> None:
        """Have edges carry the machine's monotonic time: the script sees no other."""
        self._zero_s = time.monotonic() - self.now_s / self._speed

    def stamp_ns(self, edge: Edge) -> int:
        """Return when an edge came, on the clock that the script sees, ns."""
        if self._zero_s is None:
            return round(edge.at_s * _NANOSECONDS)
        return round((self._zero_s + edge.at_s / self._speed) * _NANOSECONDS)

    def look_at_clock(self) -> float:
        """Return the time in seconds, as a call of the script: it costs a moment."""
        with self.lock:
            if self.is_virtual:
                self._look()
                if self._debt_s > LONGEST_STARE_S:
                    self._settle()
            return self.now_s

    def sleep(self, duration_s: float) -> None:
        """Let time pass for the script; callbacks come when their edges do.

        Raises
        ------
        ValueError
            If it is below 0 or no number.
        """
        if not 0 <= duration_s < float("inf"):
            raise ValueError(f"cannot sleep {duration_s} s; expected 0 or more")
        with self.lock:
            self._settle()
            self._stare_since_s = None
            end_s = self._bench_s + duration_s
            if self.is_virtual:
                self._pass_to(end_s)
        while not self.is_virtual and (left_s := end_s - self.poll()) > 0:
            self._real_sleep(min(left_s / self._speed, _WALL_STEP_S))  # others may use the bench

    def poll(self) -> float:
        """Let callbacks come whose edges were; return the time."""
        with self.lock:
            self._settle()
            return self._bench_s

    def pause(self) -> None:
        """Wait for ever, but for callbacks."""
        while True:
            self._wait_a_little(float("inf"), "signal.pause()")

    # ---- lines ------------------------------------------------------------------------------

    def read(self, number: int) -> int:
        """Level of a GPIO line, 0 or 1; a free one is as it was written last, or low."""
        with self.lock:
            known = self._known.get(number)
            if known is not None and self._bench_s + self._debt_s + self._look_s < known[1]:
                self._debt_s += self._look_s  # before anything can happen
                return known[0]
            wired = self._line(number)
            if wired is None:
                self._look()
                return self._levels.get(number, 0)
            self._settle()
            if self._is_free and self.is_virtual:
                self._pass_to(self._bench_s + self._look_s)
            level = self.bench.pin(wired.pin, wired.own_chip)
            self._catch_up(None)
            if self.is_virtual and wired.pin == "DRDY":
                event_s = self.bench.next_event_s()
                if event_s is None:
                    until_s = self._stare(self._bench_s)
                else:
                    until_s = event_s if level else event_s - _BEFORE_FALL_S
                self._known[number] = (level, min(until_s, self._limit_s))
            return level

    def write(self, number: int, level: bool | int) -> None:
        """Drive a GPIO line.

        Raises
        ------
        ValueError
            If it is one that the chip drives.
        """
        wired = self._line(number)
        with self.lock:
            self._levels[number] = int(bool(level))
            if wired is None:
                self._look()
                return
            if wired.is_input:
                raise ValueError(f"GPIO {number} is {wired.pin}, which the chip drives")
            chip = wired.own_chip if wired.pin == "CS" else wired.chip
            with self._on_the_bench():
                self.bench.set_pin(wired.pin, level, chip)

    def written(self, number: int) -> int:
        """Level that the script has put on a line, 0 if it never did."""
        return self._levels.get(number, 0)

    # ---- edges ------------------------------------------------------------------------------

    def watch(self, watch: Watch) -> None:
        """Take note of edges from now on."""
        with self.lock:
            self._settle()
            self._watches.add(watch, self._bench_s)
            self._bench_s = self.bench.now_s
            self._quiet_s = 0.0

    def unwatch(self, watch: Watch) -> None:
        """Take note no longer; a second call does nothing."""
        with self.lock:
            self._watches.remove(watch)

    def wait(self, watches: list[Watch], timeout_s: float | None) -> bool:
        """Wait until one of `watches` has an edge to take.

        Returns
        -------
        bool
            False if none had within `timeout_s`; None waits for ever.
        """
        with self.lock:
            self._look()  # or a loop of waits of no time would last for ever
            if any(watch.queue for watch in watches):
                return True
            self._settle()
            end_s = float("inf") if timeout_s is None else self._bench_s + max(timeout_s, 0.0)
            if timeout_s is None or timeout_s > 0:
                self._stare_since_s = None
        lines = ", ".join(f"GPIO {watch.number}" for watch in watches)
        while not any(watch.queue for watch in watches):
            if self.now_s >= end_s - _BENCH_STEP_S:
                return False
            self._wait_a_little(end_s, f"an edge on {lines}")
        return True

    # ---- SPI --------------------------------------------------------------------------------

    def transfer(
        self,
        mosi: bytes,
        *,
        chip: int | None,
        mode: int,
        sclk_hz: float,
        hold_s: float = 0.0,
        is_cs_high: bool = False,
    ) -> bytes:
        """Do one SPI transfer; the kernel drives CS of `chip`, or of nobody.

        Parameters
        ----------
        hold_s : float
            Pause between the last bit and CS, s.
        is_cs_high : bool
            CS is driven the wrong way round: low when idle, high in a transfer.
        """
        with self.lock, self._on_the_bench():
            bench = self.bench
            if chip is not None and not hold_s and not is_cs_high:
                return bench.transfer(mosi, chip=chip, mode=mode, sclk_hz=sclk_hz)
            if chip is not None:
                (bench.deselect if is_cs_high else bench.select)(chip)
            miso = bench.exchange(mosi, mode=mode, sclk_hz=sclk_hz)
            if hold_s:
                bench.advance_to(bench.now_s + hold_s)
            if chip is not None:
                (bench.select if is_cs_high else bench.deselect)(chip)
            return miso

    def drive_cs(self, chip: int, *, level: bool) -> None:
        """Drive CS of a chip as the kernel does."""
        with self.lock, self._on_the_bench():
            (self.bench.deselect if level else self.bench.select)(chip)

    # ---- inside -----------------------------------------------------------------------------

    def _line(self, number: int) -> Line | None:
        if number not in self._lines:
            self._lines[number] = self.wiring.line(number)
        return self._lines[number]

    def _look(self) -> None:
        """Let a look at something cost its time, here; the bench is told later."""
        if not self.is_virtual:
            return
        self._debt_s += self._look_s
        now_s = self._bench_s + self._debt_s
        if now_s > self._limit_s:
            raise TimeIsUp.at_limit(self._limit_s)
        if now_s < self._quiet_s:
            return
        event_s = self.bench.next_event_s()
        if event_s is None:
            self._quiet_s = self._stare(now_s)
        elif event_s > now_s:
            self._quiet_s = event_s
        else:
            self._settle()

    def _stare(self, now_s: float) -> float:
        """Return until when a script may look at what cannot change; then it is stopped."""
        if self._stare_since_s is None:
            self._stare_since_s = now_s
        if now_s - self._stare_since_s > LONGEST_STARE_S:
            raise TimeIsUp.of_stare(now_s, LONGEST_STARE_S)
        return self._stare_since_s + LONGEST_STARE_S

    @contextmanager
    def _on_the_bench(self) -> Iterator[None]:
        """Do something on the bench that may change lines and lets time pass."""
        self._settle()
        self._known.clear()
        self._quiet_s = 0.0
        self._stare_since_s = None
        event_s = self.bench.next_event_s() if self._watches.all else None
        with self._watches.falls_foreseen():
            yield
        self._catch_up(event_s)
        self._wait_for_machine()
        self._watches.deliver()

    def _settle(self) -> None:
        """Tell the bench of the time that has passed here."""
        if not self.is_virtual:
            self._follow_wall()
            self._catch_up(None)
            self._watches.deliver()
        elif self._debt_s:
            end_s, self._debt_s = self._bench_s + self._debt_s, 0.0
            self._pass_to(end_s)

    def _pass_to(self, end_s: float) -> None:
        """Let bench time pass up to `end_s`, from edge to edge if somebody waits for any."""
        stop_s = min(end_s, self._limit_s)
        wants_rising = self._watches.wants_rising
        is_quiet = False
        while self._watches.all and (event_s := self.bench.next_event_s()) is not None:
            if event_s > stop_s:
                is_quiet = not wants_rising
                break
            if wants_rising:
                self._move(event_s - _BEFORE_FALL_S / 2)
                self._catch_up(None)
            before = self._watches.falls()
            self._move(event_s)
            self._catch_up(event_s)
            if before == self._watches.falls() and self._bench_s <= event_s:
                self._move(event_s + _NUDGE_S)  # a time of the bench that no float holds
                self._catch_up(event_s)
            self._watches.deliver()
        self._move(stop_s)
        if not is_quiet:
            self._catch_up(None)
            self._watches.deliver()
        if end_s > self._limit_s:
            raise TimeIsUp.at_limit(self._limit_s)

    def _move(self, end_s: float) -> None:
        if end_s > self._bench_s:
            self._known.clear()
            self.bench.advance_to(end_s)
        self._bench_s = max(self._bench_s, self.bench.now_s)

    def _follow_wall(self) -> None:
        with self._watches.falls_foreseen():
            self.bench.pin("CS")  # any call that costs time looks at the wall's
        self._bench_s = self.bench.now_s
        if self._bench_s > self._limit_s:
            raise TimeIsUp.at_limit(self._limit_s)

    def _wait_a_little(self, end_s: float, what: str) -> None:
        """Wait until something may have changed, at most until `end_s`."""
        if not self.is_virtual:
            self._real_sleep(_WALL_LOOK_S)
            self.poll()
            return
        with self.lock:
            self._settle()
            event_s = self.bench.next_event_s()
            until_s = end_s if event_s is None else min(end_s, event_s)
            if until_s == self._limit_s == float("inf"):
                raise TimeIsUp.of_wait(self._bench_s, what)
            self._pass_to(until_s)

    def _wait_for_machine(self) -> None:
        """Let a script that sees the machine's time go on no sooner than the bench's is there."""
        if self._zero_s is not None:
            left_s = self.bench.now_s / self._speed - (time.monotonic() - self._zero_s)
            if left_s > 0:
                self._real_sleep(left_s)

    def _catch_up(self, event_s: float | None) -> None:
        """See which edges came up to now; `event_s` is when the one that was foreseen did."""
        if self._watches.all:
            self._watches.catch_up(self._bench_s, event_s)
        self._bench_s = self.bench.now_s
