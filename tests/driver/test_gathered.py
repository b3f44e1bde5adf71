"""A stream that lets samples come together has the same samples, in fewer blocks."""

import threading

import numpy as np
import pytest

from emgrig.driver.board import Board
from fake_board import FakeBoard, FakeTransport, true_codes

SECONDS = 6.0


class PacedTransport(FakeTransport):
    """A fake board on virtual time whose bytes come by themselves, as those of TCP do."""

    is_paced = True

    def __init__(self, gather_bytes: int, *, packs_here: bool = False) -> None:
        super().__init__(FakeBoard())
        self.gather_bytes, self.packs_here = gather_bytes, packs_here
        self._one = threading.RLock()

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        with self._one:
            return super().read(max_bytes, timeout_s=timeout_s)

    def write(self, data: bytes, /) -> None:
        with self._one:
            super().write(data)


def longest_blocks(gather_bytes: int, gather_s: float) -> list[int]:
    with Board(PacedTransport(gather_bytes)) as board:
        board.chip.set_rate(1000)
        with board.stream(SECONDS, gather_s=gather_s) as stream:
            blocks = list(stream)
            run = board.stats().run
    codes = np.concatenate([block.codes for block in blocks])
    assert stream.totals.lost == 0
    assert sum(block.lost_before for block in blocks) == 0
    assert np.array_equal(codes, true_codes(run, np.arange(round(SECONDS * 1000))))
    return sorted(block.n_samples for block in blocks)[-6:]


@pytest.mark.parametrize(
    ("gather_bytes", "gather_s", "longest"),
    [
        (1 << 14, 0.5, 500),  # half a second of 27 bytes a millisecond fits
        (1 << 12, 0.5, 4096 / 27),  # more than the system holds is not left with it
        (0, 0.5, 32),  # a transport that does not say how much may lie unread
        (1 << 14, 0.0, 32),
    ],
)
def test_all_samples_come_together(gather_bytes: int, gather_s: float, longest: float) -> None:
    for n_samples in longest_blocks(gather_bytes, gather_s):
        assert longest - 32 <= n_samples <= longest + 32


@pytest.mark.parametrize(
    ("rate_hz", "gather_s", "asked", "expected"),
    [
        (250, 0.25, None, 62),  # as many as come in that time
        (250, 0.0, None, 16),
        (250, 0.25, 8, 8),
        (500, 1.0, None, 255),  # no more than a packet has room for
    ],
)
def test_of_a_gateway_a_packet_is_as_long_as_what_may_come_together(
    rate_hz: int, gather_s: float, asked: int | None, expected: int
) -> None:
    with Board(PacedTransport(0, packs_here=True)) as board:
        board.chip.set_rate(rate_hz)
        most = board.identity.max_frames
        with board.stream(3.0, gather_s=gather_s, frames_per_packet=asked) as stream:
            lengths = {block.n_samples for block in stream}
    assert max(lengths) == min(expected, most)
    assert stream.totals.lost == 0


def test_no_more_comes_together_when_the_rate_rises_in_mid_stream() -> None:
    gather_bytes = 1 << 14
    with Board(PacedTransport(gather_bytes)) as board:
        board.chip.set_rate(250)
        with board.stream(100.0, gather_s=1.0) as stream:  # 25,000 samples
            sizes = [next(stream).n_samples, next(stream).n_samples]
            board.chip.set_rate(16000)
            sizes += [block.n_samples for block in stream]
    assert stream.totals.lost == 0
    assert max(sizes) <= gather_bytes / 27 + 32


@pytest.mark.parametrize("gather_s", [-0.1, 1.1, float("nan")])
def test_more_than_a_second_is_refused(gather_s: float) -> None:
    with Board(FakeTransport()) as board, pytest.raises(ValueError, match="gather_s is"):
        board.stream(1.0, gather_s=gather_s)
