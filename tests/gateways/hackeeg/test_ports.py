"""A HackEEG on links that are paced: a pseudo-terminal and TCP; and `emgrig simulate --as`."""

import sys
import threading

import pytest

import emgrig
from emgrig.driver.transports.serial_port import SerialTransport
from emgrig.errors import TransportTimeout
from emgrig.simulator.serve import BoardServer, serve_pty, serve_tcp
from gateways.hackeeg.rig import transport_of
from shell import Run

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


def streamed(server: BoardServer, address: str) -> None:
    """Read half a second through a gateway, with registers and the clock asked meanwhile."""
    with server, emgrig.connect(address) as board:
        board.chip.configure(gain=24, mux="normal")
        with board.stream(duration_s=0.5) as stream:
            blocks = list(stream)
        assert sum(block.n_samples for block in blocks) == 125
        assert stream.totals.lost == 0
        assert board.clock_fit is not None
        assert not board.identity.is_simulated, "its frames have no room to say so"


@needs_pty
@pytest.mark.slow
def test_a_serial_port() -> None:
    server = serve_pty(transport_of().board, speed=4.0)
    streamed(server, f"hackeeg:{server.address.removeprefix('serial:')}")


@pytest.mark.slow
def test_tcp_and_json_lines() -> None:
    server = serve_tcp(transport_of().board, speed=4.0)
    streamed(server, f"hackeeg+{server.address}?form=jsonlines&name=H1")


@needs_pty
def test_a_serial_port_that_waits_is_woken() -> None:
    with serve_pty(transport_of().board) as server:
        port = SerialTransport(server.address)
        try:
            waker = threading.Timer(0.0, port.wake)
            waker.start()
            with pytest.raises(TransportTimeout):  # long before its time is over
                port.read(10, timeout_s=600.0)
            waker.join()
        finally:
            port.close()
        port.wake()  # a closed one: nothing happens


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--as meower --tcp :0", "a meower speaks UDP alone"),
        ("--as hackeeg --udp 127.0.0.1:0", "does not speak UDP"),
        ("--as hackeeg --pty --udp :1", "one of --tcp"),
        ("--as hackeeg --tcp :0 --mended x", "a HackEEG has the traps"),
        ("--tcp :0 --mended stop", "native has no trap to be mended"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(shell: Run, line: str, words: str) -> None:
    said = shell(f"simulate {line}")
    assert said.code == 2
    assert words in " ".join(said.err.split())
