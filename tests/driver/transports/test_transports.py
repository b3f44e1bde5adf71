"""Every transport against the one contract, and what each says when it cannot open."""

import errno
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from check_transport import ask, check_transport
from emgrig.connect import connect, open_transport
from emgrig.driver.transports import serial_port, tcp
from emgrig.driver.transports.serial_port import SerialTransport
from emgrig.driver.transports.tcp import TcpTransport
from emgrig.errors import RecordingError, TransportError, TransportTimeout
from emgrig.simulator.transport import SimTransport
from fake_board import FakeBoard, FakeTransport
from fake_server import DialingServer, PtyServer, TcpServer


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def server() -> Iterator[TcpServer]:
    with TcpServer() as served:
        yield served


@pytest.mark.parametrize("waits_in_read", sorted({False, tcp._waits_in_read}))
def test_tcp_passes_the_contract(
    server: TcpServer, waits_in_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "_waits_in_read", waits_in_read)
    check_transport(lambda: TcpTransport(server.address), cut=server.hang_up)


@pytest.mark.slow
def test_tcp_listening_passes_the_contract(free_port: int) -> None:
    with DialingServer(free_port) as server:
        address = f"tcp-listen://127.0.0.1:{free_port}"
        check_transport(lambda: TcpTransport(address), cut=server.hang_up)


def test_a_serial_port_passes_the_contract() -> None:
    with PtyServer() as server:
        check_transport(lambda: SerialTransport(f"serial://{server.name}?baud=115200"))


def test_a_socket_in_pyserials_words_passes_the_contract(server: TcpServer) -> None:
    # pyserial 3.5 says that 0 or 1 byte waits on a socket: that made two bytes a call.
    address = server.address.replace("tcp://", "socket://")
    check_transport(lambda: open_transport(address), cut=server.hang_up)
    transport = open_transport(address)
    assert isinstance(transport, TcpTransport)
    transport.close()


def test_a_url_of_pyserial_works() -> None:
    transport = open_transport("loop://")
    transport.write(b"said to myself")
    assert transport.read(4, timeout_s=1.0) == b"said"
    assert transport.read(4096, timeout_s=1.0) == b" to myself"
    with pytest.raises(TransportTimeout):
        transport.read(10, timeout_s=0.0)
    transport.close()


def test_a_port_that_is_not_polled_is_read_in_whole_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on Windows and macOS, where pyserial waits."""
    monkeypatch.setattr(serial_port, "_Poll", None)
    with PtyServer() as server:
        check_transport(lambda: SerialTransport(f"serial://{server.name}"))


def test_a_link_that_keep_alive_found_dead_is_lost_and_not_only_late(server: TcpServer) -> None:
    transport = TcpTransport(server.address)
    dead = TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    class Dead:
        def settimeout(self, _: float) -> None: ...

        def setsockopt(self, *_: object) -> None: ...

        def recv(self, *_: int) -> bytes:
            raise dead

    transport._socket.close()  # type: ignore[union-attr]
    transport._socket = Dead()  # type: ignore[assignment]
    with pytest.raises(TransportError, match="lost: Connection timed out") as caught:
        transport.read(10, timeout_s=1.0)
    assert not isinstance(caught.value, TransportTimeout)


def test_who_connects_and_leaves_before_the_board_is_let_go(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.create_server(("127.0.0.1", free_port))
    for _ in range(3):
        socket.create_connection(("127.0.0.1", free_port)).close()
    monkeypatch.setattr(tcp, "_listen", lambda *_: listener)
    with DialingServer(free_port):
        transport = open_transport(f"tcp-listen://127.0.0.1:{free_port}")
        ask(transport, 1)
        transport.close()


def test_the_simulator_passes_the_contract() -> None:
    check_transport(SimTransport)


def test_the_fake_board_passes_the_contract() -> None:
    opened: list[FakeTransport] = []

    def open_fake() -> FakeTransport:
        opened.append(FakeTransport())
        return opened[-1]

    check_transport(open_fake, cut=lambda: opened[-1].cut())


@pytest.mark.parametrize("kind", ["tcp", "pty"])
def test_a_reader_that_waits_is_woken_by_close(kind: str) -> None:
    with TcpServer() if kind == "tcp" else PtyServer() as server:
        transport = open_transport(server.address)
        caught: list[Exception] = []

        def read() -> None:
            try:
                transport.read(10, timeout_s=300.0)
            except TransportError as error:
                caught.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        transport.close()
        thread.join(timeout=300.0)
        assert not thread.is_alive()
        assert len(caught) == 1
        assert not isinstance(caught[0], TransportTimeout)


def test_an_unplugged_serial_port_is_an_error_each_time_at_once() -> None:
    # BrainFlow, row G: its reader spins at 97 to 100 % of a core and tells nobody.
    with PtyServer() as server:
        transport = SerialTransport(f"serial://{server.name}")
        ask(transport, 1)
        server.hang_up()
        server._thread.join()  # the device is gone
        for _ in range(100):
            with pytest.raises(TransportError, match="unplugged"):
                transport.read(10, timeout_s=300.0)
        with pytest.raises(TransportError, match="lost"):
            transport.write(b"x")
        transport.close()


@pytest.mark.slow
def test_the_port_is_free_again_at_once(free_port: int) -> None:
    # BrainFlow, row L: 62 s of refusals for want of SO_REUSEADDR.
    for _ in range(3):
        with DialingServer(free_port):
            transport = TcpTransport(f"tcp-listen://127.0.0.1:{free_port}")
            ask(transport, 1)
            transport.close()


def test_a_refused_connection_says_what_to_do(free_port: int) -> None:
    with pytest.raises(TransportError, match=r"refused: nobody listens there; is the board on"):
        TcpTransport(f"tcp://127.0.0.1:{free_port}")


def test_an_unknown_host_is_named() -> None:
    with pytest.raises(TransportError, match=r"unknown host 'no-such-host\.invalid'"):
        TcpTransport("tcp://no-such-host.invalid:4299")


def test_a_board_that_never_dials_is_a_timeout(free_port: int) -> None:
    with pytest.raises(TransportTimeout, match="no board connected in"):
        TcpTransport(f"tcp-listen://127.0.0.1:{free_port}", timeout_s=0.01)


def test_a_port_that_is_taken_is_said(server: TcpServer) -> None:
    address = server.address.replace("tcp://", "tcp-listen://")
    with pytest.raises(TransportError, match="is another program on that port"):
        TcpTransport(address)


def test_a_serial_port_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(TransportError, match="no such serial port; those here: "):
        SerialTransport("serial:///dev/no-such-port")


def test_a_serial_port_in_use_is_said() -> None:
    with PtyServer() as server:
        first = SerialTransport(f"serial://{server.name}")
        with pytest.raises(TransportError, match="in use by another program"):
            SerialTransport(f"serial://{server.name}")
        first.close()


def test_a_serial_port_without_permission_says_dialout(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int, *rest: object) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)  # root, in a container, is refused nothing
    with pytest.raises(TransportError, match="usermod -aG dialout"):
        SerialTransport("serial:///dev/ttyS0")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://host", "expected tcp://HOST:PORT"),
        ("tcp://host:99999", "out of range"),
        ("tcp://:4299", "expected a host and a port"),
        ("tcp://host:4299/path", "expected tcp://HOST:PORT"),
        ("serial:///dev/ttyUSB0?baud=fast", "baud='fast' is no number"),
        ("serial:///dev/ttyUSB0?speed=9600", "unknown option 'speed'"),
        ("serial://", "no port named"),
        ("/dev/ttyUSB0", "serial:///dev/ttyUSB0?baud=921600"),
        ("COM3", "serial://COM3"),
        ("192.168.4.1:4299", "tcp://192.168.4.1:4299"),
        ("usb:board", "expected sim:, tcp://"),
        ("", "expected sim:, tcp://"),
    ],
)
def test_an_address_that_makes_no_sense_is_explained(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        connect(address)
    assert "\n" not in str(caught.value)


def test_a_captures_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nothing\.cap"):
        open_transport(f"replay:{tmp_path / 'nothing.cap'}")


@pytest.mark.parametrize("waits_in_read", sorted({False, tcp._waits_in_read}))
def test_a_write_that_nobody_takes_ends(
    waits_in_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "_waits_in_read", waits_in_read)
    monkeypatch.setattr("emgrig.driver.transports.tcp.WRITE_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = TcpTransport(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(TransportError, match="took nothing"):
            transport.write(bytes(1 << 26))
        transport.close()


@pytest.mark.slow
def test_a_board_behind_each_kind_of_link_streams(free_port: int) -> None:
    with TcpServer() as tcp, PtyServer() as pty, DialingServer(free_port, FakeBoard("F-2")):
        for address in (
            tcp.address,
            f"serial://{pty.name}",
            f"tcp-listen://127.0.0.1:{free_port}",
        ):
            with connect(address) as board:
                board.chip.set_rate(16000)
                with board.stream(duration_s=0.05) as stream:
                    assert sum(block.n_samples for block in stream) == 800
                assert stream.totals.lost == 0
