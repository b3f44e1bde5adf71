"""Boards are found: in the network by a datagram, at ports by asking, and `auto` if it is one."""

import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serial.tools import list_ports

import emgrig
from emgrig.connect import open_transport
from emgrig.driver.seams import Transport
from emgrig.errors import TransportError, TransportTimeout
from emgrig.gateways import finding
from emgrig.gateways.discovery import (
    BYTES,
    QUESTION,
    Announcer,
    Found,
    answer,
    ask_network,
    parse_answer,
    without_doubles,
)
from emgrig.gateways.finding import Place, find_one, probe, say_hello
from emgrig.simulator.transport import SimTransport
from gateways.spi.machine import machine

SIM = {"A": "sim:seed=1", "B": "sim:seed=2"}


def place(name: str, *addresses: str) -> Place:
    return Place("serial", f"/dev/tty{name}", f"port {name}", addresses)


def silent(_: str) -> Transport:
    raise TransportError("nobody is there")


# ---- the network --------------------------------------------------------------------------------


def ask_here(announcer: Announcer, ask: bytes = QUESTION) -> bytes:
    """Ask one board, and return what comes back; empty if nothing does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind(("127.0.0.1", 0))
        asking.setblocking(False)
        asking.sendto(ask, ("127.0.0.1", announcer.port))
        announcer.reply()
        try:
            return asking.recv(1024)
        except BlockingIOError:
            return b""


def test_a_board_answers_with_its_port_and_its_serial_number() -> None:
    announcer = Announcer("127.0.0.1", 4711, "PI-7", port=0)
    data = ask_here(announcer)
    found = parse_answer(data, "127.0.0.1")
    assert found is not None
    assert (found.host, found.port, found.serial_number) == ("127.0.0.1", 4711, "PI-7")
    assert ask_here(announcer, b"who?") == b""
    assert ask_here(announcer, QUESTION[:-1]) == b""
    announcer.close()


def test_asking_in_somebody_s_name_makes_no_traffic_of_it() -> None:
    assert len(QUESTION) == BYTES
    assert len(answer(65535, "x" * 500)) <= BYTES


def test_a_board_of_this_machine_that_answers_twice_is_one() -> None:
    """By loopback, and by its address in the network, where the broadcast comes back to it."""
    here, there = Found("127.0.0.1", 4299, "PI-1"), Found("192.0.2.7", 4299, "PI-1")
    other, second = Found("192.0.2.8", 4299, "PI-2"), Found("192.0.2.7", 4300, "PI-1")
    assert without_doubles({there, other, here, second}) == [here, second, other]
    assert without_doubles({there, other}) == [there, other]


def test_nobody_answers_where_nobody_is() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        assert ask_network(0.0, port=mute.getsockname()[1], hosts=["127.0.0.1"]) == []


@given(st.binary(max_size=2 * BYTES))
def test_any_datagram_is_an_answer_or_none(data: bytes) -> None:
    found = parse_answer(data, "192.0.2.1")
    assert found is None or answer(found.port, found.serial_number) == data or data[15:16] == b"0"


@given(st.text(max_size=40))
def test_any_serial_number_comes_in_one_line_of_plain_letters(name: str) -> None:
    found = parse_answer(answer(4299, name), "192.0.2.1")
    assert found is not None
    assert found.serial_number.isascii()
    assert found.serial_number.isprintable()


# ---- asking -------------------------------------------------------------------------------------


def test_a_board_that_is_deaf_at_first_is_asked_again() -> None:
    inner = SimTransport("seed=7")
    asked: list[bytes] = []
    write = inner.write

    def deaf(data: bytes, /) -> None:
        asked.append(data)
        if len(asked) > 2:
            write(data)

    inner.write = deaf  # type: ignore[method-assign]
    assert say_hello(inner).serial_number == "SIM-0007"


def test_silence_ends_in_time() -> None:
    inner = SimTransport("seed=7")
    inner.write = lambda data, /: None  # type: ignore[method-assign]
    began_s = inner.clock.now_s()
    with pytest.raises(TransportTimeout, match="nothing that speaks the board link answered in 3"):
        say_hello(inner)
    assert 3.0 <= inner.clock.now_s() - began_s < 3.6


def test_a_place_is_asked_by_each_of_its_addresses() -> None:
    found = probe(place("USB0", "tcp://nowhere", SIM["B"]), open_transport)
    assert found.address == SIM["B"]
    assert found.board == "SIMULATED SIM-0002, 1 x 8 channels, firmware 1.0.0"
    none = probe(place("USB0", "serial:///dev/a", "serial:///dev/b"), silent)
    assert (none.address, none.problem) == ("", "nobody is there")


def test_one_board_alone_is_auto() -> None:
    places = [place("USB0", "tcp://nowhere"), place("USB1", SIM["A"])]
    assert find_one(open_transport, places) == SIM["A"]


def test_two_boards_are_listed_and_none_is_taken() -> None:
    places = [place("USB0", SIM["A"]), place("USB1", SIM["B"])]
    with pytest.raises(TransportError, match=r"^auto: 2 boards answer, say which: ") as caught:
        find_one(open_transport, places)
    assert all(f"{SIM[one]} (SIMULATED SIM-000" in str(caught.value) for one in SIM)
    assert "\n" not in str(caught.value)


def test_no_board_is_told_with_where_was_looked() -> None:
    with pytest.raises(TransportError, match=r"looked at /dev/ttyUSB0 \(port USB0\); say its"):
        find_one(silent, [place("USB0", "serial:///dev/ttyUSB0")])
    with pytest.raises(TransportError, match="there is no USB serial port, no SPI, no gateway"):
        find_one(silent, [])


# ---- what is listed -----------------------------------------------------------------------------


class Port(SimpleNamespace):
    """A port as pyserial describes it."""

    def __lt__(self, other: "Port") -> bool:
        return bool(self.device < other.device)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say which serial ports and SPI devices there are; the network is empty."""

    def put(
        *ports: tuple[str, int | None, str], spi: tuple[str, ...] = (), pid: int | None = None
    ) -> None:
        made = [
            Port(device=d, vid=vid, pid=pid, manufacturer="", product=name, description="n/a")
            for d, vid, name in ports
        ]
        monkeypatch.setattr(list_ports, "comports", lambda: made)
        for name in spi:
            (tmp_path / name).touch()
        monkeypatch.setattr(finding.spi_places, "__defaults__", (tmp_path,))
        monkeypatch.setattr(finding, "network_places", lambda timeout_s=1.0: [])

    return put


def test_ports_are_listed_with_what_the_system_calls_them(here: Callable[..., None]) -> None:
    here(("/dev/ttyUSB0", 0x403, "FT231X\x1b[2J"), spi=("spidev0.0", "spidev0.1", "spidevil"))
    (serial,) = finding.serial_places()
    assert serial.where == "/dev/ttyUSB0"
    assert serial.addresses == ("serial:///dev/ttyUSB0",)
    assert "\x1b" not in serial.name
    assert [Path(one.where).name for one in finding.spi_places()] == ["spidev0.0", "spidev0.1"]


@pytest.mark.parametrize(
    ("vid", "pid", "schemes"),
    [
        (0x0403, 0x6015, ["cyton", "serial"]),  # FT231X, of the Cyton's dongle
        (0x2341, 0x003E, ["hackeeg", "serial"]),  # Arduino Due, native port
        (0x0403, 0x6001, ["serial"]),
        (None, None, ["serial"]),
    ],
)
def test_a_port_that_may_be_a_known_board_is_asked_in_its_words_first(
    here: Callable[..., None], vid: int | None, pid: int | None, schemes: list[str]
) -> None:
    here(("/dev/ttyX0", vid, "x"), pid=pid)
    (serial,) = finding.serial_places()
    assert serial.addresses == tuple(f"{scheme}:///dev/ttyX0" for scheme in schemes)


def test_auto_finds_the_chips_on_the_bus_of_this_machine(here: Callable[..., None]) -> None:
    here(("/dev/ttyS0", None, "built in"), spi=("spidev0.0",))
    with machine(faults=("miso-low",)), pytest.raises(TransportError, match="no board answers"):
        emgrig.connect("auto")
    with machine(), emgrig.connect("auto") as board:
        assert board.address == "spi:pieeg"
        assert board.identity.is_simulated
