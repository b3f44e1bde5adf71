"""The Meower twin against what its firmware says, its traps, and both over real UDP."""

import socket
import struct

import numpy as np
import pytest

import emgrig
from emgrig.errors import TransportError
from emgrig.gateways.meower.datagrams import FramedPorts, UdpPorts
from emgrig.simulator.firmware.datagrams import survivors
from emgrig.simulator.firmware.meower import TRAPS
from emgrig.simulator.serve_udp import serve_udp
from emgrig.simulator.transport import SimTransport
from gateways.meower.rig import processor_of, transport_of


class Pc:
    """A computer in the twin's network."""

    def __init__(self, query: str = "", *, greets: bool = True) -> None:
        self.transport = transport_of(query)
        self.ports = FramedPorts(self.transport)
        if greets:
            self.ports.send(b"WOOF_WOOF")

    def heard(self, duration_s: float) -> tuple[list[bytes], list[bytes]]:
        """Return what came in so long: to the port for commands, and to that for data."""
        self.transport.clock.sleep(duration_s)
        found = []
        try:
            while True:
                found += self.ports.receive(timeout_s=0.0)
        except TimeoutError:
            commands = [one.payload for one in found if not one.is_data]
            return commands, [one.payload for one in found if one.is_data]

    def said(self, text: str, wait_s: float = 0.06) -> list[bytes]:
        """Say something; return what was answered."""
        self.ports.send(text.encode())
        return self.heard(wait_s)[0]


def test_it_calls_until_it_is_answered() -> None:
    pc = Pc(greets=False)
    pc.ports.send(b"sys filters_off")
    commands, _ = pc.heard(5.5)
    assert commands == [b"MEOW_MEOW"] * 5, "each second, and what is said before WOOF is not heard"
    pc.ports.send(b"WOOF_WOOF")
    assert pc.heard(9.0) == ([], [])
    assert pc.heard(3.0)[0][0] == b"MEOW_MEOW", "10 s without a word"


def test_spi_returns_miso_of_the_first_chip_and_through_it_of_the_second() -> None:
    pc = Pc()
    assert pc.said("spi M 3 0x20 0x00 0x00") == [b"\0\0\x3e"]
    assert pc.said("SPI master 3 32 0 0") == [b"\0\0\x3e"]
    assert pc.said("spi S 3 0x20 0 0") == [b"\0\0\0"], "the second one's DOUT goes to the first"
    (both,) = pc.said("spi B 30 0x21 " + "0 " * 29)
    assert (both[2], both[29], len(both)) == (0xB6, 0x96, 30), "CONFIG1 as it set them up"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("spi", b"ERR: spi - missing target (BOTH|MASTER|SLAVE)\r\n"),
        ("spi M x", b"ERR: spi - invalid length (1-256)\r\n"),
        ("spi M 3 1", b"ERR: spi - too few data bytes\r\n"),
        ("what", b"ERR: got unknown family, expected (spi|sys|usr)\r\n"),
        ("sys digitalgain 3", b"ERR: digitalgain - must be 1,2,4,...256 (power of two)\r\n"),
        ("sys digitalgain 4", b"OK: digitalgain set to 4\r\n"),
        ("sys FILTERS_OFF", b"OK: filters_off\r\n"),
    ],
)
def test_answers_are_the_firmwares(text: str, answer: bytes) -> None:
    assert Pc().said(text) == [answer]


def test_one_command_is_taken_in_50_ms() -> None:
    pc = Pc()
    for _ in range(4):
        pc.ports.send(b"sys filters_off")
    assert len(pc.heard(0.11)[0]) == 2
    assert len(pc.heard(0.5)[0]) == 2


@pytest.mark.parametrize(("code", "n_frames"), [(6, 5), (5, 10), (4, 20), (3, 28), (2, 28)])
def test_frames_a_datagram_and_their_stamps(code: int, n_frames: int) -> None:
    pc = Pc()
    pc.said(f"spi M 3 0x41 0 {0xB0 | code}")
    pc.said(f"spi S 3 0x41 0 {0x90 | code}")
    pc.ports.send(b"sys start_cnt")
    commands, data = pc.heard(1.0)
    assert commands == [], "nothing answers start_cnt"
    assert {len(one) for one in data} == {52 * n_frames + 4}
    assert struct.unpack("<f", data[0][-4:])[0] == pytest.approx(3.9)
    rows = np.frombuffer(b"".join(one[:-4] for one in data), np.uint8).reshape(-1, 52)
    stamps = rows[:, 48:].copy().view("<u4").ravel().astype(np.int64)
    rate_hz = 16_000 >> code
    assert np.diff(stamps).mean() * 8e-6 == pytest.approx(1 / rate_hz, rel=0.01)
    chips = np.concatenate(processor_of(pc.transport.board).sent)[: len(rows)]
    np.testing.assert_array_equal(rows[:, :24], chips[:, 3:27])
    np.testing.assert_array_equal(rows[:, 24:48], chips[:, 30:])


def test_a_digital_gain_is_a_shift_that_is_cut() -> None:
    pc = Pc()
    pc.said("sys digitalgain 256")
    pc.ports.send(b"sys start_cnt")
    data = pc.heard(0.5)[1]
    rows = np.frombuffer(b"".join(one[:-4] for one in data), np.uint8).reshape(-1, 52)
    chips = np.concatenate(processor_of(pc.transport.board).sent)[: len(rows)]
    np.testing.assert_array_equal(rows[:, 0], chips[:, 4])
    np.testing.assert_array_equal(rows[:, 1], chips[:, 5])
    assert not rows[:, 2].any()


def test_every_trap_is_known() -> None:
    assert set(TRAPS) == {"silent-start", "spi-stops", "silence"}
    with pytest.raises(ValueError, match="a Meower has the traps silent-start, spi-stops"):
        transport_of("&mended=x")
    with pytest.raises(ValueError, match="two chips of 8 channels: say chips=2"):
        SimTransport("firmware=meower")


@pytest.mark.parametrize(
    ("query", "answer"), [("", []), ("&mended=silent-start", [b"OK: start_cnt\r\n"])]
)
def test_start(query: str, answer: list[bytes]) -> None:
    assert Pc(query).said("sys start_cnt") == answer


@pytest.mark.parametrize(("query", "goes_on"), [("", False), ("&mended=spi-stops", True)])
def test_spi_in_a_stream(query: str, goes_on: bool) -> None:
    pc = Pc(query)
    pc.said("sys start_cnt", 0.5)
    answers = pc.said("spi M 3 0x20 0 0", 0.1)
    assert answers[0].startswith(b"ERR") == goes_on
    assert bool(pc.heard(0.5)[1]) == goes_on


@pytest.mark.parametrize(("query", "goes_on"), [("", False), ("&mended=silence", True)])
def test_ten_seconds_of_silence(query: str, goes_on: bool) -> None:
    pc = Pc(query)
    pc.said("sys start_cnt", 10.5)
    assert bool(pc.heard(0.5)[1]) == goes_on


def test_a_datagram_comes_whole_or_not_at_all() -> None:
    assert survivors(b"ab", b"ab") == [b"ab"]
    assert survivors(b"ab", b"") == []
    assert survivors(b"ab", b"abab") == [b"ab", b"ab"], "twice"
    assert survivors(b"ab", b"abcd") == [b"ab", b"cd"], "and the one that was held back"
    assert survivors(b"ab", b"xxab") == [b"ab"], "what stands ahead is nobody's"
    assert survivors(b"ab", b"aa") == [], "damaged: its checksum is wrong"


# ---- over UDP -----------------------------------------------------------------------------------


def free_pair() -> int:
    """Return a port that is free with the next one, on both addresses of this computer."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
        try:
            for host in ("127.0.0.1", "127.0.0.2"):
                for number in (port, port + 1):
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                        other.bind((host, number))
        except OSError:
            continue
        return port
    pytest.skip("no free pair of UDP ports, or no 127.0.0.2")


@pytest.mark.slow
def test_it_streams_over_udp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emgrig.simulator.firmware.meower.CONTROL_PORT", port := free_pair())
    monkeypatch.setattr("emgrig.simulator.firmware.meower.DATA_PORT", port + 1)
    board = transport_of().board
    with serve_udp(board, "127.0.0.2", port, speed=4.0):
        address = f"meower://127.0.0.2:{port}?here=127.0.0.1"
        with emgrig.connect(address) as connected, connected.stream(duration_s=0.5) as stream:
            blocks = list(stream)
    assert sum(block.n_samples for block in blocks) == 125
    assert blocks[0].codes.shape[1] == 16


def test_whoever_calls_is_the_board_and_nobody_else() -> None:
    port = free_pair()
    ports = UdpPorts("m:", host="", control=port, here="127.0.0.1")
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as board,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            board.bind(("127.0.0.2", 0))
            other.bind(("127.0.0.3", 0))
            ports.send(b"nobody is known yet")
            other.sendto(b"something", ("127.0.0.1", port))
            board.sendto(b"MEOW_MEOW", ("127.0.0.1", port))
            other.sendto(b"MEOW_MEOW", ("127.0.0.1", port))
            board.sendto(b"data", ("127.0.0.1", port + 1))
            came = ports.receive(timeout_s=5.0)
            while len(came) < 2:
                came += ports.receive(timeout_s=5.0)
        assert sorted(came) == [(False, b"MEOW_MEOW"), (True, b"data")]
        with pytest.raises(TransportError, match=f"cannot listen on UDP port {port}"):
            UdpPorts("m:", host="", control=port, here="127.0.0.1")
    finally:
        ports.close()
        ports.close()
    with pytest.raises(TransportError, match="is closed"):
        ports.receive(timeout_s=0.0)


def test_a_board_without_datagrams_is_not_served_so() -> None:
    with pytest.raises(ValueError, match="does not speak UDP"):
        serve_udp(SimTransport("firmware=knight").board, "127.0.0.1", 0)
    with pytest.raises(TransportError, match="cannot serve on UDP"):
        serve_udp(transport_of().board, "192.0.2.1", 5000)
