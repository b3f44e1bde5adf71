"""What the Cyton makes of conversions: numbers, times, and packets to send."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.onboard.seams import Readings
from emgrig.simulator.clock import Crystal
from emgrig.simulator.firmware.cyton.packets import Means, packets

_MOST_SENT: Final = 1 << 16


class Sending:
    """The packets of one run after the other; `crystal` is the processor's clock."""

    def __init__(self, crystal: Crystal, mended: frozenset[str]) -> None:
        #: Ground truth: number and frames of the last conversions that were sent, 65536 at most.
        self.sent: list[tuple[int, bytes]] = []
        self._crystal = crystal
        self._counts_conversions = "counts-sent" in mended
        self._means = Means("first-mean" in mended)
        self.boot()

    def boot(self) -> None:
        """Begin with packets without a time, and the accelerometer in them."""
        self.mode = 0
        self._is_timed = self._is_time_new = False
        self._counter = 0

    def begin(self) -> None:
        """Begin a run."""
        self._counter = 0
        self._means.begin()

    def put_times(self, *, is_timed: bool) -> None:
        """Put the time into each packet, or do not."""
        self._is_timed = self._is_time_new = is_timed

    def set_mode(self, mode: int) -> None:
        """Have other things in a packet's last bytes: 0 is the accelerometer."""
        self.mode = mode
        self._is_time_new = self._is_timed

    def packets(self, readings: Readings, *, has_daisy: bool) -> list[bytes]:
        """Return the packets of conversions, one or more."""
        n = len(readings.index)
        number: NDArray[np.int64] = self._counter + np.arange(n, dtype=np.int64)
        if self._counts_conversions:
            number = readings.index
        self._counter += n
        millis = [self._crystal.microseconds(t) // 1000 for t in readings.time_s.tolist()]
        data = readings.data
        rows = packets(
            self._means.take(data, number) if has_daisy else data[:, 3:27],
            number,
            np.array(millis, np.int64),
            has_accel=self.mode == 0,
            is_timed=self._is_timed,
            is_time_new=self._is_time_new,
        )
        self._is_time_new = False
        self.sent += zip(number.tolist(), (row.tobytes() for row in data), strict=True)
        del self.sent[:-_MOST_SENT]
        return [row.tobytes() for row in rows]
