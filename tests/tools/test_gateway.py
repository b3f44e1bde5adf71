"""`emgrig gateway`: a board of this machine on a TCP port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import emgrig
from check_gateway import joined, numbers
from emgrig.driver.seams import Transport
from emgrig.driver.transports.tcp import TcpTransport
from emgrig.errors import TransportError
from emgrig.gateways.discovery import parse_answer
from emgrig.gateways.finding import ask
from emgrig.gateways.spi.transport import SpiTransport
from emgrig.protocol.packets import NoArguments, Request, StartArguments, Started, Stopped
from emgrig.simulator.transport import SimTransport
from emgrig.tools.gateway.bridge import Bridge
from gateways.spi.machine import machine
from gateways.spi.test_bus import ADDRESS, CODE_V, measure, rows_of
from gateways.test_finding import ask_here
from shell import Run


@contextmanager
def served(transport: Transport) -> Iterator[Bridge]:
    """Serve a board from a thread."""
    with Bridge(transport) as bridge:
        failures: list[BaseException] = []

        def serve() -> None:
            try:
                bridge.serve()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield bridge
        finally:
            bridge.stop()
            thread.join()
        if failures:
            raise failures[0]


@pytest.mark.slow
def test_a_board_is_the_same_through_the_network() -> None:
    query = "bench&source=sine:1mV,7Hz&seed=5"
    with emgrig.connect(f"sim:{query}") as board:
        board.apply("facial-emg")
        with board.stream(duration_s=0.5) as stream:
            expected = joined(list(stream))
    with (
        served(SimTransport(query)) as bridge,
        emgrig.connect(f"tcp://127.0.0.1:{bridge.port}") as board,
    ):
        assert board.identity.is_simulated
        board.apply("facial-emg")
        with board.stream(duration_s=0.5) as stream:
            blocks = list(stream)
    assert numbers(blocks).tolist() == list(range(500))
    assert np.ptp(joined(blocks)[:, 0]) == pytest.approx(np.ptp(expected[:, 0]), rel=0.02)


@pytest.mark.slow
def test_chips_on_the_bus_of_this_machine_are_a_board_in_the_network() -> None:
    """Each value that comes over TCP is one that the converter made, and none is lost unsaid."""
    with (
        machine() as here,
        served(SpiTransport(ADDRESS["pieeg"])) as bridge,
        emgrig.connect(f"tcp://127.0.0.1:{bridge.port}") as board,
    ):
        assert board.identity.is_simulated
        measure(board, 1000)
        with board.stream(duration_s=0.2) as stream:
            blocks = list(stream)
        totals, n_board = stream.totals, board.stats().conversions
        codes = np.rint(joined(blocks) / CODE_V).astype(np.int64)
        rows = rows_of(codes, here.truths[0].codes())
    np.testing.assert_array_equal(rows, numbers(blocks))
    assert len(rows) > 100
    assert totals.received + totals.lost == n_board


def test_one_client_follows_another() -> None:
    with served(SimTransport("seed=9")) as bridge:
        for _ in range(2):
            with emgrig.connect(f"tcp://127.0.0.1:{bridge.port}") as board:
                assert board.identity.serial_number == "SIM-0009"


def test_a_run_goes_on_when_its_client_is_gone_and_the_next_one_learns_its_count() -> None:
    with served(SimTransport("seed=9")) as bridge:
        first = TcpTransport(f"tcp://127.0.0.1:{bridge.port}")
        started = Started.decode(ask(first, Request.START, StartArguments(16, 0), 3.0))
        came = first.read(1 << 16, timeout_s=3.0)
        first.close()  # no STOP: as when Wi-Fi is lost
        second = TcpTransport(f"tcp://127.0.0.1:{bridge.port}")
        stopped = Stopped.decode(ask(second, Request.STOP, NoArguments(), 3.0))
        second.close()
    assert stopped.run == started.run
    assert came
    assert stopped.conversions >= 16, "those of the packet that came"


def test_who_comes_second_is_let_go_and_the_first_stays() -> None:
    with (
        served(SimTransport("seed=9")) as bridge,
        emgrig.connect(f"tcp://127.0.0.1:{bridge.port}") as board,
    ):
        with socket.create_connection(("127.0.0.1", bridge.port), timeout=10) as second:
            assert second.recv(1) == b""
        assert board.chip.read_registers()[0].raw[0] == 0x3E


def test_a_board_that_is_lost_ends_it() -> None:
    inner = SimTransport("seed=9")

    def lose() -> None:
        with (
            served(inner) as bridge,
            socket.create_connection(("127.0.0.1", bridge.port), timeout=10) as client,
        ):
            inner.board.cut_link()
            client.sendall(b"x")
            assert client.recv(1) == b""

    with pytest.raises(TransportError, match="the link was cut"):
        lose()


def test_it_says_where_it_is_to_who_asks_the_network() -> None:
    with Bridge(SimTransport("seed=9")) as bridge:
        assert bridge.announce("PI-1", port=0)
        announcer = bridge._announcer
        assert announcer is not None
        found = parse_answer(ask_here(announcer), "127.0.0.1")
        assert found is not None
        assert (found.port, found.serial_number) == (bridge.port, "PI-1")
        with Bridge(SimTransport("seed=8")) as other:
            assert not other.announce("PI-2", port=announcer.port)


def test_a_port_that_is_taken_is_one_line() -> None:
    with Bridge(SimTransport("")) as bridge:
        inner = SimTransport("")
        with pytest.raises(TransportError, match="is another program there"):
            Bridge(inner, port=bridge.port)
        with pytest.raises(TransportError, match="closed"):
            inner.read(1, timeout_s=0.0)


def test_the_command_says_address_and_board_and_is_on_loopback(shell: Run) -> None:
    said = shell("gateway sim:seed=4 --tcp :0 --duration 0")
    assert said.code == 0
    assert said.out.startswith("tcp://127.0.0.1:")
    assert "SIMULATED SIM-0004" in said.err
    assert shell("gateway sim:").code == 2
