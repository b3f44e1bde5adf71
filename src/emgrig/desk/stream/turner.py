"""The digital tube, turned by the blocks of a stream, and whoever shows it."""

from collections.abc import Callable, Sequence

from emgrig.driver.samples.block import Block
from emgrig.recording.sync.tube import Tube, TubeChange

TubeListener = Callable[[int], None]
IsWatched = Callable[[], bool]
_MOST_WAITS = 2


class Turner:
    """A tube that counts one for each `conversions_per_count`."""

    def __init__(self, conversions_per_count: int) -> None:
        self._tube = Tube(conversions_per_count)
        self._listeners: list[tuple[TubeListener, IsWatched]] = []
        self._waiting: list[tuple[Block, int]] = []
        self._n_waits = 0

    @property
    def count(self) -> int:
        """What it shows."""
        return self._tube.count

    @property
    def is_watched(self) -> bool:
        """True while somebody needs each count at once."""
        return any(is_watched() for _, is_watched in self._listeners)

    def listen(self, listener: TubeListener, is_watched: IsWatched) -> None:
        """Have `listener` called with new counts."""
        self._listeners.append((listener, is_watched))

    def turn(
        self, blocks: Sequence[Block], offset: int, measured_hz: float, nominal_hz: float
    ) -> list[TubeChange]:
        """Take blocks, whose conversions count from `offset` on; return the changes they cause.

        By the board's own clock, block by block: with a slow link they are long, and by nominal
        time the end would be some samples off. So the first ones wait until the rate was measured
        (`measured_hz` is 0 before), for two calls at most: some boards have no clock.
        """
        self._waiting += [(block, offset) for block in blocks if block.n_samples]
        if not measured_hz and self._n_waits < _MOST_WAITS:
            self._n_waits += 1
            return []
        self._n_waits = 0 if measured_hz else self._n_waits
        waiting, self._waiting = self._waiting, []
        changes = [
            change
            for block, first in waiting
            for change in self._tube.feed(
                first + block.first_conversion,
                block.board_time_us,
                block.n_samples,
                measured_hz or nominal_hz,
            )
        ]
        if changes:
            for listener, _ in self._listeners:
                listener(self._tube.count)
        return changes
