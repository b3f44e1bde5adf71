"""The served board over real loopback sockets and a pseudo-terminal; deadlines, no sleeping."""

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import serial

from emgrig.driver.native.failures import raise_refusal
from emgrig.errors import BoardBusy, TransportError
from emgrig.protocol import packets as wire
from emgrig.protocol.decoder import ReplyPacket
from emgrig.protocol.packets import ErrorCode, Request
from emgrig.simulator import background
from emgrig.simulator.clock import ScaledClock
from emgrig.simulator.options import MAX_SPEED
from emgrig.simulator.serve import BoardServer, _Wire, serve_pty, serve_tcp
from simulator.pc import Pc, counting_board
from simulator.pc import start as start_run

DEADLINE_S = 300.0


@contextmanager
def connected(server: BoardServer) -> Iterator[tuple[Pc, socket.socket]]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as link:
        yield Pc(link.sendall, lambda: link.recv(1 << 16)), link


def receive_until(pc: Pc, n_frames: int) -> None:
    """Read until so many frames came, or the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while sum(run.frames.shape[0] * run.frames.shape[1] for run in pc.samples()) < n_frames:
        assert pc.receive(), "the board closed the link"
        assert time.monotonic() < deadline_s


@pytest.mark.slow
def test_a_run_over_tcp_as_fast_as_it_is_read_loses_nothing() -> None:
    board = counting_board()
    with serve_tcp(board, speed=MAX_SPEED) as server, connected(server) as (pc, _):
        assert server.address == f"tcp://127.0.0.1:{server.port}"
        start_run(pc)
        receive_until(pc, 50_000)
        stopped = pc.ask(Request.STOP)
        totals = pc.account(stopped).totals
    assert totals.lost == 0
    assert totals.received == board.produced[0] >= 50_000


def test_a_client_that_reads_nothing_holds_back_time_at_full_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The operating system takes no more bytes, as behind a client that reads nothing."""
    is_full, is_seen = threading.Event(), threading.Event()
    times_s: list[float] = []
    send = _Wire.send

    def held_back(wire: _Wire) -> bool:
        if not is_full.is_set():
            return send(wire)
        if wire.unsent:
            times_s.append(board.now_s)
        if len(times_s) == 50:  # steps of the server in which time could have passed
            is_seen.set()
        return True

    monkeypatch.setattr(_Wire, "send", held_back)
    board = counting_board()
    with serve_tcp(board, speed=MAX_SPEED) as server, connected(server) as (pc, _):
        start_run(pc)
        is_full.set()
        assert is_seen.wait(DEADLINE_S)
        is_full.clear()
        stopped = pc.ask(Request.STOP)
    assert len(set(times_s)) == 1
    assert pc.account(stopped).totals.lost == 0
    assert board.now_s > times_s[0]


def test_a_board_on_a_machine_that_paused_loses_nothing() -> None:
    """A minute passes in which the server had no processor: 3 MB, more than all buffers hold."""
    board = counting_board()
    with serve_tcp(board) as server, connected(server) as (pc, _):
        start_run(pc)
        receive_until(pc, 1)
        with server.lock:
            began_s = board.now_s
            server._clock = ScaledClock(start_s=server._clock.now_s() + 60.0)
        while board.now_s < began_s + 60.0:
            assert pc.receive()
        totals = pc.account(pc.ask(Request.STOP)).totals
    assert totals.lost == 0
    assert totals.received == board.produced[0] > 10_000


def test_real_time_is_real_time() -> None:
    with serve_tcp(counting_board(), speed=1.0) as server, connected(server) as (pc, _):
        start_run(pc)
        begin_s = time.monotonic()
        receive_until(pc, 400)
        assert time.monotonic() - begin_s > 0.1  # 0.2 s of board time; on a busy machine longer


def test_a_second_client_is_refused_politely_while_one_streams() -> None:
    with (
        serve_tcp(counting_board(), speed=100.0) as server,
        connected(server) as (first, first_link),
        connected(server) as (second, _),
    ):
        assert isinstance(second.ask(Request.STATS), wire.Stats)
        start_run(first)
        reply = second.ask(Request.HELLO, wire.HelloArguments(1, "second"))
        assert isinstance(reply, wire.ErrorReply)
        assert reply.code == ErrorCode.BUSY
        answer = ReplyPacket(0, Request.HELLO, b"", reply)
        with pytest.raises(BoardBusy) as caught:
            raise_refusal(Request.HELLO, answer)
        assert str(caught.value) == (
            "the board refused HELLO: busy: a run is on (code 3); another program holds it: close "
            "that, or wait until its link is gone"
        )
        first_link.close()
        deadline_s = time.monotonic() + DEADLINE_S
        while not isinstance(second.ask(Request.HELLO, wire.HelloArguments(1, "x")), wire.Hello):
            assert time.monotonic() < deadline_s
        assert isinstance(second.ask(Request.STOP), wire.Stopped)


def test_a_client_that_was_cut_off_comes_back_and_the_count_is_exact() -> None:
    board = counting_board()
    with serve_tcp(board, speed=20.0) as server:
        with connected(server) as (first, _):
            start_run(first)
            with server.lock:
                board.schedule(board.now_s + 2.0, board.cut_link)
            while first.receive():
                pass
        with connected(server) as (refused, _):
            assert refused.receive() == 0  # closed at once
        with server.lock:
            board.restore_link()
        with connected(server) as (second, _):
            stopped = second.ask(Request.STOP)
    assert isinstance(stopped, wire.Stopped)
    assert stopped.conversions == board.produced[0]
    first.items += second.samples()
    totals = first.account(stopped).totals
    assert totals.received + totals.lost == board.produced[0]
    assert totals.received >= 3500


def test_the_port_can_be_had_again_at_once() -> None:
    with serve_tcp(counting_board()) as server, connected(server) as (pc, _):
        pc.ask(Request.STATS)
        port = server.port
    with serve_tcp(counting_board(), port=port) as server, connected(server) as (pc, _):
        assert server.port == port
        assert isinstance(pc.ask(Request.STATS), wire.Stats)


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    taken = pytest.raises(TransportError, match="in use; try port 0")
    with serve_tcp(counting_board()) as server, taken:
        serve_tcp(counting_board(), port=server.port)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        serve_tcp(counting_board(), speed=speed)
    with pytest.raises(ValueError, match="speed"):
        serve_pty(counting_board(), speed=speed)


def test_garbage_from_a_client_does_no_harm() -> None:
    with serve_tcp(counting_board()) as server, connected(server) as (pc, link):
        link.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(5000))
        assert isinstance(pc.ask(Request.STATS), wire.Stats)


def test_closing_twice_does_nothing_and_wait_returns() -> None:
    server = serve_tcp(counting_board())
    assert not server.wait(0.0)
    server.close()
    server.close()
    assert server.wait(0.0)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_run_over_a_pseudo_terminal() -> None:
    board = counting_board()
    with serve_pty(board, speed=MAX_SPEED) as server:
        assert server.address.startswith("serial:///dev/")
        path = server.address.removeprefix("serial://")
        with serial.Serial(path, 921600, timeout=DEADLINE_S) as port:
            pc = Pc(port.write, lambda: port.read(max(1, port.in_waiting)))  # type: ignore[arg-type]
            assert isinstance(pc.ask(Request.HELLO, wire.HelloArguments(1, "t")), wire.Hello)
            start_run(pc)
            receive_until(pc, 2000)
            while not isinstance(stopped := pc.ask(Request.STOP, tries=50), wire.Stopped):
                pass
        with serial.Serial(path, 921600, timeout=DEADLINE_S) as port:
            pc2 = Pc(port.write, lambda: port.read(max(1, port.in_waiting)))  # type: ignore[arg-type]
            assert isinstance(pc2.ask(Request.STATS), wire.Stats)
    assert pc.account(stopped).totals.lost == 0
    assert not os.path.exists(path)  # noqa: PTH110


def test_what_breaks_the_server_is_not_hidden() -> None:
    board = counting_board()
    server = serve_tcp(board)

    def fail() -> None:
        raise RuntimeError("the model broke")

    with server.lock:
        board.schedule(board.now_s + 1e-3, fail)
    assert server.wait(DEADLINE_S)
    with pytest.raises(RuntimeError, match="the model broke"):
        server.close()


def test_a_server_without_file_descriptors_waits_instead_of_spinning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 100.0
    monkeypatch.setattr(background.time, "monotonic", lambda: now_s)
    server = background.BackgroundServer()
    listener = socket.create_server(("127.0.0.1", 0))
    server._selector.register(listener, selectors.EVENT_READ, "who")

    def accept(_: socket.socket) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as broken:
        broken.setattr(socket.socket, "accept", accept)
        assert server._accepted(listener) is None
    assert listener not in [key.fileobj for key in server._selector.get_map().values()]
    assert server._patience_to_listen_s == pytest.approx(1.0)
    server._listen_again()
    assert server._patience_to_listen_s is not None
    now_s = 101.0
    server._listen_again()
    assert server._selector.get_key(listener).data == "who"
    assert server._patience_to_listen_s is None
    server._clean_up()
    listener.close()
