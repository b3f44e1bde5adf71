"""Many boards in one process: all are served, and what one of them does holds up no other."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from emgrig.driver.board import Board
from emgrig.driver.gather import Arrival, Gather
from emgrig.driver.recovery import ReconnectPolicy
from emgrig.driver.stream import Stream
from emgrig.driver.transports.tcp import TcpTransport
from emgrig.errors import TransportError
from emgrig.simulator.transport import SimTransport
from fake_board import FakeBoard, FakeTransport
from fake_server import TcpServer

Open = Callable[..., tuple[Board, TcpServer]]


@pytest.fixture
def open_board() -> Iterator[Open]:
    with ExitStack() as stack:

        def connected(name: str, total_s: float = 300.0) -> tuple[Board, TcpServer]:
            server = stack.enter_context(TcpServer(FakeBoard(name)))
            policy = ReconnectPolicy(total_s=total_s, first_wait_s=0.01)
            board = stack.enter_context(Board(TcpTransport(server.address), reconnect=policy))
            board.chip.set_rate(16000)
            return board, server

        yield connected


def sorted_out(arrivals: list[Arrival]) -> dict[Stream, list[Arrival]]:
    """Return what came of each stream; its end is the last of it, and is there."""
    found: dict[Stream, list[Arrival]] = {}
    for arrival in arrivals:
        found.setdefault(arrival.stream, []).append(arrival)
    for of_one in found.values():
        assert [arrival.block is None for arrival in of_one] == [False] * (len(of_one) - 1) + [True]
    return found


def check(stream: Stream, arrivals: list[Arrival], n_samples: int) -> None:
    """Nothing is missing, twice or unaccounted for."""
    position = 0
    for arrival in arrivals[:-1]:
        assert arrival.block is not None
        assert arrival.block.first_conversion == position
        position += arrival.block.n_samples
    assert position == n_samples == stream.totals.delivered
    assert stream.totals.lost == 0


def test_blocks_of_several_boards_come_and_each_ends_by_itself(open_board: Open) -> None:
    boards = [open_board(f"F-{n}") for n in range(3)]
    streams = [board.stream(duration_s=0.02 * n) for n, (board, _) in enumerate(boards, start=1)]
    with Gather(streams) as gathered:
        found = sorted_out(list(gathered))
    for n, (stream, (_, server)) in enumerate(zip(streams, boards, strict=True), start=1):
        check(stream, found[stream], 320 * n)
        assert found[stream][-1].error is None
        assert stream.totals.produced == server.board.produced[-1]


def test_a_board_that_fails_is_said_and_the_others_go_on(open_board: Open) -> None:
    well, _ = open_board("F-1")
    ill, server = open_board("F-2", 0.05)
    streams = [well.stream(duration_s=0.05), ill.stream()]
    with Gather(streams) as gathered:
        arrivals = []
        for arrival in gathered:
            arrivals.append(arrival)
            if arrival.stream is streams[1] and arrival.block and len(arrivals) < 100:
                streams[1].link.transport._port = 1  # type: ignore[attr-defined]
                server.hang_up()  # and nobody is where it was
    found = sorted_out(arrivals)
    check(streams[0], found[streams[0]], 800)
    assert found[streams[0]][-1].error is None
    assert isinstance(found[streams[1]][-1].error, TransportError)


def test_a_link_that_was_cut_comes_back_in_the_group(open_board: Open) -> None:
    board, server = open_board("F-1")
    stream = board.stream(duration_s=0.2)
    n_blocks = 0
    for arrival in Gather([stream]):
        n_blocks += arrival.block is not None
        if n_blocks == 3 and not stream.recoveries:
            server.hang_up()
        assert arrival.error is None
    assert stream.recoveries
    assert stream.totals.produced == sum(server.board.produced)


def test_links_that_cannot_be_waited_for_together_come_too(open_board: Open) -> None:
    real, _ = open_board("F-1")
    with Board(SimTransport("source=silence")) as virtual, Board(FakeTransport()) as fake:
        streams = [board.stream(duration_s=0.1) for board in (real, virtual, fake)]
        with Gather(streams) as gathered:
            found = sorted_out(list(gathered))
        for stream, rate_hz in zip(streams, (16000, 250, 250), strict=True):
            check(stream, found[stream], round(0.1 * rate_hz))


def test_a_stream_is_added_while_others_run_and_stopped_by_who_iterates(open_board: Open) -> None:
    first, _ = open_board("F-1")
    second, _ = open_board("F-2")
    streams = [first.stream()]
    gathered = Gather(streams)
    n_left, arrivals = 0, []
    for arrival in gathered:
        arrivals.append(arrival)
        if len(streams) == 1:
            streams.append(second.stream(duration_s=0.02))
            gathered.add(streams[1])
        elif arrival.stream is streams[1] and arrival.block is None and not n_left:
            n_left = sum(block.n_samples for block in streams[0].stop())
    assert {arrival.stream for arrival in arrivals} == set(streams)
    n_came = sum(a.block.n_samples for a in arrivals if a.stream is streams[0] and a.block)
    assert n_came + n_left == streams[0].totals.delivered


def test_what_nobody_took_is_left_in_the_streams(open_board: Open) -> None:
    board, _ = open_board("F-1")
    stream = board.stream(duration_s=0.1)
    with Gather([stream]) as gathered:
        block = next(gathered).block
        assert block is not None
        assert stream.link.wait(lambda: stream.totals.received > 400, 300.0)
        second = next(gathered).block
        assert second is not None
    left = list(stream)
    assert left[0].first_conversion == second.first_conversion + second.n_samples
    assert sum(b.n_samples for b in (block, second, *left)) == 1600


def test_a_fault_in_a_thread_is_raised_where_it_is_seen(
    open_board: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, _ = open_board("F-1")
    stream = board.stream(duration_s=0.02)

    def fail(wait: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(stream, "go_on", fail)
    with pytest.raises(RuntimeError, match="a mistake of ours"), Gather([stream]) as gathered:
        list(gathered)
    monkeypatch.undo()
