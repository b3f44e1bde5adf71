"""How a recording goes: rate, loss, and the level of each channel."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgrig.driver.samples.block import Block, Tally
from emgrig.protocol.account import Cause

#: Blocks wait until they have so many samples together, or somebody asks: each look has a price.
_MOST_WAITING: Final = 4096


def lost_words(n_lost: int, silent_s: float | None = None, *, is_away: bool = True) -> str:
    """Say what is lost; while nothing comes (for `silent_s` seconds) nobody knows how much it is.

    `is_away` says whether the link is lost, and not just quiet.

    >>> lost_words(0), lost_words(0, 12.3)
    ('0 lost', 'link away 12 s, loss counted when it is back')
    """
    if silent_s is None:
        return f"{n_lost} lost"
    before = f"{n_lost} lost before, " if n_lost else ""
    if is_away:
        return f"{before}link away {silent_s:.0f} s, loss counted when it is back"
    return f"{before}no samples for {silent_s:.0f} s, loss counted when they come"


@dataclass(frozen=True, eq=False)
class Progress:
    """How a recording goes. Levels are those since the report before."""

    elapsed_s: float  #: Length of the recording, by its conversions.
    #: Samples that came, conversions that were lost, data periods in which the board was paused.
    n_samples: int
    n_lost: int
    n_paused: int
    n_gaps: int  #: Places where conversions were lost.
    rate_hz: float  #: Data rate by board time, Hz; 0 before it is known.
    #: float64, shape (n_channels,); Mean, and RMS about the mean, input-referred, µV; not a number
    #: if nothing came.
    offset_uv: NDArray[np.float64]
    rms_uv: NDArray[np.float64]
    #: float64, shape (n_channels,); Share of samples at either end of the range, 0 to 1.
    clipped: NDArray[np.float64]
    capture_bytes: int  #: Size of the capture.


class Levels:
    """Follow the blocks of a recording."""

    def __init__(self, n_channels: int) -> None:
        self.tally = Tally()
        self.n_gaps = 0  #: As in `Progress`.
        self.elapsed_s = 0.0  #: Length of what came, by its conversions.
        self.rate_hz = 0.0  #: As in `Progress`.
        self.end_board_us: int | None = None  #: Board time of the end of the last block, µs.
        self._n_channels = n_channels
        self._last: Block | None = None
        self._waiting: list[Block] = []  # of one epoch
        self._n_waiting = 0
        self._begin()

    def _begin(self) -> None:
        self._n = 0
        self._sum = np.zeros(self._n_channels)
        self._squares = np.zeros(self._n_channels)
        self._clipped = np.zeros(self._n_channels)

    def feed(self, block: Block) -> None:
        """Take the next block."""
        self.tally.add(block)
        self.elapsed_s += (block.lost_before + block.n_samples) / block.epoch.rate_hz
        self.n_gaps += block.lost_before > 0 and block.cause is not Cause.PAUSE
        if not block.n_samples:
            return
        self._follow_time(block)
        if self._waiting and self._waiting[-1].epoch is not block.epoch:
            self._look()
        self._waiting.append(block)
        self._n_waiting += block.n_samples
        if self._n_waiting >= _MOST_WAITING:
            self._look()

    def _look(self) -> None:
        """Take the levels of the blocks that wait."""
        blocks, self._waiting, self._n_waiting = self._waiting, [], 0
        if not blocks:
            return
        epoch = blocks[0].epoch
        codes = np.concatenate([block.codes for block in blocks])
        uv = codes * (epoch.scale_v * 1e6)
        self._n += len(codes)
        self._sum += uv.sum(axis=0)
        self._squares += np.einsum("ij,ij->j", uv, uv)
        high, low = epoch.code_max, -epoch.code_max - 1
        if codes.max() >= high or codes.min() <= low:
            self._clipped += ((codes >= high) | (codes <= low)).sum(axis=0)

    def _follow_time(self, block: Block) -> None:
        last, period_us = self._last, 1e6 / block.epoch.rate_hz
        if last is not None and last.epoch is block.epoch and not block.is_estimate:
            elapsed_us = block.board_time_us - last.board_time_us
            n_conversions = block.first_conversion - last.first_conversion
            if elapsed_us > 0 and n_conversions > 0:
                period_us = elapsed_us / n_conversions
                self.rate_hz = 1e6 / period_us
        self.end_board_us = block.board_time_us + round(block.n_samples * period_us)
        self._last = block

    def report(self, capture_bytes: int) -> Progress:
        """Return how it goes, and begin new levels."""
        self._look()
        n = self._n or np.nan
        mean = self._sum / n
        progress = Progress(
            elapsed_s=self.elapsed_s,
            n_samples=self.tally.n_samples,
            n_lost=self.tally.n_lost,
            n_paused=self.tally.n_paused,
            n_gaps=self.n_gaps,
            rate_hz=self.rate_hz,
            offset_uv=mean,
            rms_uv=np.sqrt(np.maximum(self._squares / n - mean**2, 0.0)),
            clipped=self._clipped / n,
            capture_bytes=capture_bytes,
        )
        self._begin()
        return progress
