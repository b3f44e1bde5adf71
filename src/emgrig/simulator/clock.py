"""Time for the simulator: virtual for programs, scaled for people, and the board's own crystal."""

import threading
import time
from dataclasses import dataclass

#: 2026-01-01 00:00 UTC. Virtual time begins at a fixed date, so that a run can be repeated.
VIRTUAL_EPOCH_UNIX_S = 1_767_225_600.0


class VirtualClock:
    """Time that moves only when somebody waits; fits `emgrig.driver.seams.Clock`."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """Virtual time, s."""
        return self._now_s

    def unix_s(self) -> float:
        """Virtual wall time, s since 1970-01-01 UTC."""
        return VIRTUAL_EPOCH_UNIX_S + self._now_s

    def sleep(self, duration_s: float) -> None:
        """Move time on by `duration_s` ≥ 0."""
        if not 0 <= duration_s < float("inf"):
            raise ValueError(f"cannot sleep {duration_s} s; expected 0 or more")
        with self._lock:
            self._now_s += duration_s

    def move_to(self, now_s: float) -> None:
        """Move time on to `now_s`; a time that has passed does nothing."""
        if now_s <= self._now_s:
            return  # it never goes back, so this needs no lock
        with self._lock:
            self._now_s = max(self._now_s, now_s)


@dataclass(eq=False)
class ScaledClock:
    """Host time, `speed` times as fast; fits `emgrig.driver.seams.Clock`."""

    speed: float = 1.0  #: > 0; Seconds that pass here in one second of the host.
    start_s: float = 0.0  #: What `now_s` begins with, s.

    def __post_init__(self) -> None:
        if not 0 < self.speed < float("inf"):
            raise ValueError(f"speed is {self.speed}; expected a number above 0")
        self._host_start_s = time.perf_counter()
        self._unix_start_s = time.time()

    def now_s(self) -> float:
        """Scaled time, s."""
        return self.start_s + self._elapsed_s()

    def unix_s(self) -> float:
        """Wall time, s since 1970-01-01 UTC; it runs as fast as `now_s`."""
        return self._unix_start_s + self._elapsed_s()

    def sleep(self, duration_s: float) -> None:
        """Wait `duration_s` ≥ 0 of scaled time."""
        time.sleep(duration_s / self.speed)

    def _elapsed_s(self) -> float:
        return (time.perf_counter() - self._host_start_s) * self.speed


class Crystal:
    """The oscillator of the board's processor: true time to board time."""

    def __init__(self, drift_ppm: float = 0.0) -> None:
        if not abs(drift_ppm) < 1e5:
            raise ValueError(f"drift_ppm is {drift_ppm}; expected less than 1e5 either way")
        self.drift_ppm = drift_ppm  #: How much it is too fast, parts per million.
        self._boot_s = 0.0

    def set_drift(self, drift_ppm: float, true_s: float) -> None:
        """Run `drift_ppm` too fast from true time `true_s` on; board time does not jump."""
        shown_us = (true_s - self._boot_s) * self.per_second
        self.drift_ppm = drift_ppm
        self._boot_s = true_s - shown_us / self.per_second

    def restart(self, true_s: float) -> None:
        """Begin at 0 again: the board boots at true time `true_s`."""
        self._boot_s = true_s

    def microseconds(self, true_s: float) -> int:
        """Board time at true time `true_s`, µs since boot; not below 0."""
        return max(int((true_s - self._boot_s) * self.per_second), 0)

    @property
    def per_second(self) -> float:
        """Board µs in one true second."""
        return 1e6 + self.drift_ppm

    @property
    def boot_s(self) -> float:
        """True time at which the board's clock shows 0, as it runs now, s."""
        return self._boot_s
