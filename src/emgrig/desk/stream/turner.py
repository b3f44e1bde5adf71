"""The digital tube, turned by the blocks of a stream, and whoever shows it."""

from collections.abc import Callable, Sequence

from emgrig.driver.samples.block import Block
from emgrig.recording.sync.tube import Tube, TubeChange

TubeListener = Callable[[int], None]
IsWatched = Callable[[], bool]


class Turner:
    """A tube that counts one for each `conversions_per_count`."""

    def __init__(self, conversions_per_count: int) -> None:
        self._tube = Tube(conversions_per_count)
        self._listeners: list[tuple[TubeListener, IsWatched]] = []

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

    def turn(self, blocks: Sequence[Block], offset: int, rate_hz: float) -> list[TubeChange]:
        """Take blocks, whose conversions count from `offset` on; return the changes they cause.

        By the board's own clock, block by block: with a slow link they are long, and by nominal
        time the end would be some samples off.
        """
        changes = [
            change
            for block in blocks
            if block.n_samples
            for change in self._tube.feed(
                offset + block.first_conversion, block.board_time_us, block.n_samples, rate_hz
            )
        ]
        if changes:
            for listener, _ in self._listeners:
                listener(self._tube.count)
        return changes
