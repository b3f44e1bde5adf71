"""The `sim:` transport: virtual time, its words, and a link that can be lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emgrig.errors import TransportError, TransportTimeout
from emgrig.protocol import packets as wire
from emgrig.protocol.packets import Request
from emgrig.simulator.assembly import build_board
from emgrig.simulator.clock import Crystal, ScaledClock, VirtualClock
from emgrig.simulator.options import MAX_SPEED, SimOptions, parse_query, parse_speed
from emgrig.simulator.sources.signals import Silence
from emgrig.simulator.transport import SimTransport
from simulator.pc import Pc, counting_board
from simulator.pc import start as start_run


def over(transport: SimTransport, timeout_s: float = 0.5) -> Pc:
    def read() -> bytes:
        try:
            return transport.read(1 << 16, timeout_s=timeout_s)
        except TransportTimeout:
            return b""

    return Pc(transport.write, read)


def read_for(transport: SimTransport, duration_s: float) -> None:
    end_s = transport.clock.now_s() + duration_s
    while transport.clock.now_s() < end_s:
        transport.read(1 << 16, timeout_s=0.5)


def test_the_whole_way_over_virtual_time() -> None:
    transport = SimTransport("bench&seed=1")
    pc = over(transport)
    hello = pc.ask(Request.HELLO, wire.HelloArguments(1, "test"))
    assert isinstance(hello, wire.Hello)
    assert hello.serial_number == "SIM-0001"
    start_run(pc)
    begin_s = transport.clock.now_s()
    while transport.clock.now_s() < begin_s + 5.0:
        assert pc.receive()
    passed_s = transport.clock.now_s() - begin_s
    stopped = pc.ask(Request.STOP)
    totals = pc.account(stopped).totals
    assert (totals.received, totals.lost) == (transport.board.produced[0], 0)
    # the internal oscillator is good to 0.5 % at 25 degC (SBAS499C, 7.5)
    assert totals.received == pytest.approx(2000 * passed_s, rel=0.006)
    assert not transport.is_paced


@pytest.mark.parametrize(("query", "n_looks"), [("speed=1", 1), ("", 0)])
def test_a_source_is_looked_at_before_paced_time_begins(query: str, n_looks: int) -> None:
    """What it imports then would hold up the first samples; on virtual time nothing waits."""
    board, looks = build_board(SimOptions("silence")), []

    class Watched(Silence):
        def volts(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
            looks.append(t_s)
            return super().volts(t_s)

    board.truth = Watched(8)
    SimTransport(query, board=board)
    assert len(looks) == n_looks


@pytest.mark.slow
def test_it_is_the_same_every_time_and_another_with_another_seed() -> None:
    def run(query: str) -> bytes:
        transport = SimTransport(query)
        pc = over(transport)
        start_run(pc)
        for _ in range(4):
            pc.receive()
        return bytes(pc.raw)

    assert run("seed=5") == run("seed=5")
    assert run("seed=5") != run("seed=6")


@pytest.mark.parametrize(("max_bytes", "timeout_s"), [(777, 0.5), (1 << 16, 0.02), (1 << 18, 9.0)])
def test_how_bytes_are_asked_for_changes_none_of_them(max_bytes: int, timeout_s: float) -> None:
    def run(max_bytes: int, timeout_s: float) -> bytes:
        transport = SimTransport("face&seed=2")
        start_run(over(transport))
        data = bytearray()
        while len(data) < 150_000:  # 2.6 s
            try:
                data += transport.read(max_bytes, timeout_s=timeout_s)
            except TransportTimeout:
                continue
        return bytes(data[:150_000])

    assert run(max_bytes, timeout_s) == run(1 << 16, 0.5)


def test_reads_grow_longer_until_the_client_writes() -> None:
    transport = SimTransport(board=counting_board())
    pc = over(transport)
    start_run(pc)

    def span_s() -> float:
        before_s = transport.clock.now_s()
        transport.read(1 << 18, timeout_s=9.0)
        return transport.clock.now_s() - before_s

    expected_s = pytest.approx([0.25, 0.5, 0.5], abs=1e-3)
    assert [span_s() for _ in range(3)] == expected_s
    pc.ask(Request.STATS)
    assert [span_s() for _ in range(3)] == expected_s


def test_a_read_without_bytes_takes_its_timeout_of_virtual_time() -> None:
    transport = SimTransport(board=counting_board())
    before_s = transport.clock.now_s()
    with pytest.raises(TransportTimeout):
        transport.read(100, timeout_s=3600.0)
    assert transport.clock.now_s() == pytest.approx(before_s + 3600.0)


def test_a_read_gives_at_most_what_was_asked_for_and_time_stands_still_for_the_rest() -> None:
    transport = SimTransport(board=counting_board())
    pc = over(transport)
    start_run(pc)
    first = transport.read(10, timeout_s=1.0)
    now_s = transport.clock.now_s()
    assert len(first) == 10
    assert len(transport.read(10, timeout_s=1.0)) == 10
    assert transport.clock.now_s() == now_s


def test_sleep_lets_the_board_run() -> None:
    transport = SimTransport(board=counting_board())
    pc = over(transport)
    start_run(pc)
    transport.clock.sleep(2.0)
    stats = pc.ask(Request.STATS)
    assert isinstance(stats, wire.Stats)
    assert stats.conversions == pytest.approx(4000, abs=10)


@pytest.mark.parametrize(("max_bytes", "timeout_s"), [(0, 1.0), (10, -1.0), (10, float("nan"))])
def test_a_read_of_nothing_or_before_now_is_refused(max_bytes: int, timeout_s: float) -> None:
    transport = SimTransport(board=counting_board())
    with pytest.raises(ValueError, match="max_bytes"):
        transport.read(max_bytes, timeout_s=timeout_s)


def test_after_close_nothing_works_until_it_is_opened_again() -> None:
    transport = SimTransport(board=counting_board())
    transport.close()
    transport.close()
    with pytest.raises(TransportError, match="closed"):
        transport.read(1, timeout_s=0.0)
    with pytest.raises(TransportError, match="closed"):
        transport.write(b"x")
    transport.reopen()
    assert isinstance(over(transport).ask(Request.STATS), wire.Stats)


def test_a_cut_link_can_be_opened_again_when_it_is_back() -> None:
    transport = SimTransport("bench&fault=link-cut:at=2,after=3")
    pc = over(transport)
    start_run(pc)
    with pytest.raises(TransportError, match="cut"):
        read_for(transport, 10.0)
    with pytest.raises(TransportError, match="cut"):
        transport.write(b"x")
    with pytest.raises(TransportError, match="cut"):
        transport.reopen()
    transport.clock.sleep(3.0)
    transport.reopen()
    after = over(transport)
    stopped = after.ask(Request.STOP)
    assert isinstance(stopped, wire.Stopped)
    assert stopped.conversions == transport.board.produced[0]


@pytest.mark.slow
def test_real_time_is_paced() -> None:
    transport = SimTransport("bench&speed=1000")
    assert transport.is_paced
    pc = over(transport)
    start_run(pc)
    assert pc.receive()
    with pytest.raises(TransportTimeout):
        SimTransport("bench&speed=1000").read(1, timeout_s=1.0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", SimOptions("face")),
        ("face", SimOptions("face")),
        ("bench", SimOptions("bench", is_bench=True)),
        ("seed=3&speed=real&chips=2&channels=6", SimOptions("face", (), 3, 1.0, 2, 6)),
        ("face?speed=2.5", SimOptions("face", speed=2.5)),
        ("bench&source=silence", SimOptions("silence", is_bench=True)),
        (
            "source=file:/a b.csv?unit=uV&rate=250&seed=2",
            SimOptions("file:/a b.csv?unit=uV&rate=250", seed=2),
        ),
    ],
)
def test_the_words_behind_sim(query: str, expected: SimOptions) -> None:
    assert parse_query(query) == expected


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("desk", "sim:face and sim:bench"),
        ("sped=max", "speed"),
        ("speed=fast", "real, max or a number"),
        ("speed=0", "above 0"),
        ("speed=nan", "above 0"),
        ("seed=-1", "0 to 4294967295"),
        ("seed=1&seed=2", "twice"),
        ("chips=5", "1 to 4"),
        ("channels=7", "4, 6 or 8"),
        ("fault=gremlins", "miso-high"),
        ("fault=packets-lost:speed=3", "rate"),
        ("fault=packets-lost:rate=2", "0 to 1"),
        ("source=", "empty"),
        ("source=nonsense", "silence"),
        ("fault=channel-dead:channel=9", "1 to 8"),
        ("fault=channel-dead:channel=1.5", "whole"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is_allowed(query: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SimTransport(query)


@pytest.mark.slow
@given(st.text(max_size=30))
def test_any_query_is_understood_or_refused(query: str) -> None:
    try:
        parse_query(query)
    except ValueError:
        return
    assert parse_query(query) == parse_query(query)


def test_speeds() -> None:
    assert parse_speed("max") == MAX_SPEED
    assert parse_speed("real") == 1.0
    assert parse_speed("0.25") == 0.25


def test_virtual_time_moves_only_by_sleeping() -> None:
    clock = VirtualClock(5.0)
    unix_s = clock.unix_s()
    clock.sleep(2.5)
    clock.move_to(1.0)
    assert clock.now_s() == 7.5
    assert clock.unix_s() == unix_s + 2.5
    with pytest.raises(ValueError, match="sleep"):
        clock.sleep(-1.0)


def test_scaled_time_refuses_to_stand_still() -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(0.0)


def test_a_crystal_that_begins_to_drift_does_not_jump() -> None:
    crystal = Crystal(0.0)
    crystal.restart(10.0)
    crystal.set_drift(100.0, 20.0)
    assert crystal.microseconds(20.0) == pytest.approx(10_000_000, abs=1)
    assert crystal.microseconds(30.0) == pytest.approx(20_001_000, abs=2)
