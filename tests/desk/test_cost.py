"""What the desk costs, in things that can be counted: reads, and looks that have a price."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emgrig.desk.stream.hub import GATHER_S, Hub
from emgrig.desk.stream.scope import Scope
from emgrig.desk.stream.views import Views
from emgrig.driver.board import Board
from emgrig.driver.can import Stated
from emgrig.driver.samples.block import Block, stated_epoch
from emgrig.driver.stream import CLOCK_EVERY_S, Stream
from fake_board import FakeBoard, FakeTransport, true_codes

RATE_HZ = 2000
PACKET = 16
VIEW_HZ = 1000
STATED = Stated(gains=(12.0,) * 8, vref_v=(4.5,) * 8, rate_hz=VIEW_HZ)
NO_STATUS = np.zeros((0, 1), np.uint32)


class PacedTransport(FakeTransport):
    """A fake board on virtual time whose bytes come by themselves, as those of TCP do."""

    is_paced = True
    gather_bytes = 1 << 14

    def __init__(self, *, packs_here: bool = False) -> None:
        super().__init__(FakeBoard())
        self.step_s, self.packs_here = 0.001, packs_here
        self._one = threading.RLock()

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        with self._one:
            return super().read(max_bytes, timeout_s=timeout_s)

    def write(self, data: bytes, /) -> None:
        with self._one:
            super().write(data)


def blocks_of(
    seconds: float, transport: PacedTransport, is_watched: Callable[[], bool]
) -> list[Block]:
    """Return what a desk takes, and prove that nothing is missing in it."""
    board, blocks = Board(transport), list[Block]()
    board.chip.set_rate(RATE_HZ)
    with Hub(board) as hub:
        hub.on_block(blocks.append)
        hub.on_tube(lambda _: None, is_watched)
        hub.start(threaded=False)
        hub.run_until(hub.unix_s() + seconds)
        assert hub.status().n_lost == 0
        run = board.stats().run
    codes = np.concatenate([block.codes for block in blocks])
    assert np.array_equal(codes, true_codes(run, np.arange(len(codes))))
    return blocks


@pytest.mark.parametrize("packs_here", [False, True])
def test_what_came_in_a_while_is_taken_at_once(packs_here: bool) -> None:
    """By whoever streams: a thread that reads packet by packet would cost as much as all else."""
    transport = PacedTransport(packs_here=packs_here)
    blocks = blocks_of(6.0, transport, lambda: False)
    longest = sorted(block.n_samples for block in blocks)[len(blocks) // 2 :]
    assert all(abs(n - GATHER_S * RATE_HZ) <= 2 * PACKET for n in longest)


@pytest.mark.parametrize("packs_here", [False, True])
def test_a_tube_that_is_filmed_has_each_packet_at_once(packs_here: bool) -> None:
    blocks = blocks_of(6.0, PacedTransport(packs_here=packs_here), lambda: True)
    assert np.median([block.n_samples for block in blocks]) == PACKET


def test_what_has_a_price_is_looked_at_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks a stream for its rate has it decode again all that it took as foreseen."""
    asked_s: list[float] = []
    transport, look = PacedTransport(), Stream.rate_check.fget
    assert look is not None

    def counted(stream: Stream) -> object:
        asked_s.append(transport.clock.now)
        return look(stream)

    monkeypatch.setattr(Stream, "rate_check", property(counted))
    blocks_of(20.0, transport, lambda: False)
    n_own = 20 // CLOCK_EVERY_S  # the stream's own
    n_looks = len(set(asked_s)) - n_own
    assert 19 <= n_looks <= 24  # of a run that begins the rate is to be known at once


def test_no_filter_runs_until_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no page open filters get two seconds at once, and a page sees the same as ever."""
    lengths: list[int] = []
    feed = Scope.feed

    def counted(scope: Scope, uv: NDArray[np.float64], lost_before: int = 0) -> None:
        lengths.append(len(uv))
        feed(scope, uv, lost_before)

    monkeypatch.setattr(Scope, "feed", counted)
    rng = np.random.default_rng(3)
    codes = rng.integers(-1000, 1000, size=(10 * VIEW_HZ, 8), dtype=np.int32)
    epoch = stated_epoch(1, STATED, 1)
    seen = []
    for looks_each in (50, 1000):  # blocks of 20 samples
        views = Views(VIEW_HZ, [0, 3], 50.0)
        for n, begin in enumerate(range(0, len(codes), 20)):
            part = codes[begin : begin + 20]
            views.feed(Block.plain(part, lambda: NO_STATUS, begin, 0, epoch), begin / VIEW_HZ)
            if n % looks_each == 0:
                views.look()
        seen.append(views.look().since(0)[1])
    assert len(seen[0]) == 1000
    np.testing.assert_array_equal(seen[0], seen[1])
    n_looks = 1000 // 50
    assert len(lengths) <= n_looks + 1 + (1 + 10 / 2 + 1)


def test_a_mark_lies_at_its_time_behind_a_loss_that_nobody_has_looked_at() -> None:
    epoch, codes = stated_epoch(1, STATED, 1), np.zeros((VIEW_HZ // 2, 8), np.int32)
    columns = []
    for looks in (True, False):
        views = Views(VIEW_HZ, [0, 3], 50.0)
        for begin_s, n_lost in ((0.0, 0), (0.5, 0), (6.0, 5 * VIEW_HZ), (6.5, 0)):
            first = round(begin_s * VIEW_HZ)
            block = replace(
                Block.plain(codes, lambda: NO_STATUS, first, 0, epoch), lost_before=n_lost
            )
            views.feed(block, begin_s)
            if looks:
                views.look()
        columns.append(views.column_of(6.75))
    assert columns == pytest.approx([6.75 / Views(VIEW_HZ, [0], 50.0).scope.column_s] * 2, abs=1)


def test_a_recording_is_from_one_press_to_the_other(tmp_path: Path) -> None:
    """Samples are read ten times a second: what lies there at a press is on its right side."""
    transport = PacedTransport()
    board = Board(transport)
    board.chip.set_rate(RATE_HZ)
    with Hub(board) as hub:
        hub.start(threaded=False)
        hub.run_until(hub.unix_s() + 2.0)
        transport.clock.sleep(0.09)  # samples of so long are there, and nobody has read them
        hub.start_recording(tmp_path / "a.bdf")
        began_s = hub.unix_s()
        hub.run_until(began_s + 3.0)
        transport.clock.sleep(0.09)
        recorded_s = hub.unix_s() - began_s
        going = hub.status().recording
        made = hub.stop_recording().result()
    packets = 2 * PACKET  # one that was on its way at each press
    assert made.totals.received == pytest.approx(recorded_s * RATE_HZ, abs=packets)
    assert going is not None
    assert going.elapsed_s * RATE_HZ == pytest.approx((recorded_s - 0.09) * RATE_HZ, abs=packets)
