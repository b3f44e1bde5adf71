"""Which boards can be reached from here: serial ports, SPI devices, the network."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from emgrig.driver.seams import Transport
from emgrig.errors import EmgrigError, IdentityError, TransportError, TransportTimeout, WireError
from emgrig.gateways.discovery import ask_network
from emgrig.names import one_line
from emgrig.protocol.decoder import Decoder, ReplyPacket
from emgrig.protocol.framing import VERSION, PacketEncoder, PacketType
from emgrig.protocol.packets import (
    Capability,
    Hello,
    HelloArguments,
    ReadRegisters,
    Registers,
    Request,
    RequestHeader,
)
from emgrig.protocol.schema import Message

HELLO_S: Final = 3.0  #: A board that opening its port has reset is deaf for so long at most.
_AGAIN_S: Final = 0.5
NETWORK_S: Final = 1.0

Open = Callable[[str], Transport]
#: Bits of the ID register that all parts of the family have (SBAS499C, 9.6.1.1).
_ID_MASK: Final = 0b1_1100
_ID_FIXED: Final = 0b1_1100
#: Boards of others that a USB chip may mean, by vendor and product: the dongle of a Cyton has an
#: FT231X, a HackEEG the native port of an Arduino Due. They are asked in their own words first: the
#: letters of ours are commands to a Cyton.
_LIKELY: Final = {
    (0x0403, 0x6015): "cyton",
    (0x2341, 0x003E): "hackeeg",
    (0x2A03, 0x003E): "hackeeg",
}
_NUMBERED: Final = re.compile(r"spidev(\d+)\.(\d+)")


@dataclass(frozen=True)
class Place:
    """Where a board may be, and what is known of it."""

    kind: str  #: "serial", "spi" or "network".
    where: str  #: "/dev/ttyUSB0", "/dev/spidev0.0", "192.168.4.7:4299".
    name: str  #: What the system, or the board, says it is.
    #: Addresses to try, the likeliest first; empty if somebody must say more.
    addresses: tuple[str, ...] = ()
    address: str = ""  #: The one at which a board answered; empty: none did, or nobody asked.
    board: str = ""  #: The board that answered, in words.
    problem: str = ""  #: Why none did, if somebody asked.


def serial_places(*, is_usb_only: bool = False) -> list[Place]:
    """Return the serial ports of this machine, in order; built-in ones only if asked for."""
    from serial.tools import list_ports

    return [
        Place(
            "serial",
            port.device,
            one_line(" ".join(filter(None, [port.manufacturer, port.product])) or "not told"),
            tuple(f"{scheme}://{port.device}" for scheme in _schemes(port.vid, port.pid)),
        )
        for port in sorted(list_ports.comports())
        if port.vid is not None or not is_usb_only
    ]


def _schemes(vendor: int | None, product: int | None) -> tuple[str, ...]:
    likely = _LIKELY.get((vendor or 0, product or 0))
    return (likely, "serial") if likely else ("serial",)


def spi_places(folder: Path = Path("/dev")) -> list[Place]:
    """Return the SPI devices of this machine; of the first chip select a preset is the address."""
    found = sorted(path for path in folder.glob("spidev*") if _NUMBERED.fullmatch(path.name))
    return [
        Place(
            "spi",
            str(path),
            "SPI device",
            ("spi:pieeg",) if path.name == "spidev0.0" else (),
        )
        for path in found
    ]


def network_places(timeout_s: float = NETWORK_S) -> list[Place]:
    """Return the boards in the network that answer within `timeout_s`."""
    return [
        Place(
            "network",
            f"{one.host}:{one.port}",
            one.serial_number,
            (f"tcp://{one.host}:{one.port}",),
        )
        for one in ask_network(timeout_s)
    ]


def say_hello(transport: Transport, timeout_s: float = HELLO_S) -> Hello:
    """Ask a board who it is, again and again, since it may only be waking up.

    Raises
    ------
    TransportTimeout
        If nothing answers.
    TransportError
        If the link is lost.
    WireError
        If what answers is another version.
    """
    return Hello.decode(ask(transport, Request.HELLO, HelloArguments(VERSION, "emgrig"), timeout_s))


def ask(transport: Transport, request: Request, arguments: Message, timeout_s: float) -> bytes:
    """Ask until an answer comes; raises as `say_hello`."""
    encode, decoder = PacketEncoder(), Decoder()
    body = RequestHeader(int(request), request).encode() + arguments.encode()
    clock = transport.clock
    deadline_s, again_s = clock.now_s() + timeout_s, clock.now_s()
    while (now_s := clock.now_s()) < deadline_s:
        if now_s >= again_s:
            transport.write(encode(PacketType.REQUEST, body))
            again_s = now_s + _AGAIN_S
        try:
            data = transport.read(1 << 16, timeout_s=min(_AGAIN_S, deadline_s - now_s))
        except TransportTimeout:
            continue
        for item in decoder.feed(data):
            if isinstance(item, ReplyPacket) and item.request == request:
                if item.error is not None:
                    raise WireError(f"the board refuses {request.name}: {item.error.text}")
                return item.data
    raise TransportTimeout(f"nothing that speaks the board link answered in {timeout_s:g} s")


def probe(place: Place, open_address: Open, timeout_s: float = HELLO_S) -> Place:
    """Ask who is at a place: open each of its addresses until a board answers."""
    problem = ""
    for address in place.addresses:
        try:
            transport = open_address(address)
        except (EmgrigError, OSError, ValueError) as error:
            problem = problem or one_line(str(error))
            continue
        try:
            told = say_hello(transport, timeout_s)
            if place.kind == "spi":
                _need_a_chip(transport, timeout_s)
            return replace(place, address=address, board=_words(told))
        except (TransportError, WireError, IdentityError) as error:
            problem = problem or one_line(str(error))
        finally:
            transport.close()
    return replace(place, problem=problem)


def _need_a_chip(transport: Transport, timeout_s: float) -> None:
    """See that an ADS1299 is on the bus: our own firmware answers without one, too."""
    asked = ReadRegisters(chip=0, address=0, count=1)
    raw = ask(transport, Request.READ_REGISTERS, asked, timeout_s)
    found = Registers.decode(raw).values[0]
    if found & _ID_MASK != _ID_FIXED:
        raise IdentityError(f"no ADS1299 there: its ID reads {found:02X}h")


def _words(told: Hello) -> str:
    simulated = "SIMULATED " if told.capabilities & Capability.SIMULATED else ""
    return one_line(
        f"{simulated}{told.serial_number}, {told.chip_count} x {told.channels_per_chip} channels, "
        f"firmware {told.firmware_version}"
    )


def find_one(open_address: Open, places: Sequence[Place] | None = None) -> str:
    """Return the address of the one board that answers.

    Parameters
    ----------
    open_address : function
        Opens what an address names.
    places : sequence of Place, optional
        Where to look; else USB's serial ports, the SPI bus and the network.

    Raises
    ------
    TransportError
        If none answers, or several do; the message lists what was found.
    """
    if places is None:
        places = [*serial_places(is_usb_only=True), *spi_places(), *network_places()]
    probed = [probe(place, open_address) for place in places]
    boards = [place for place in probed if place.address]
    if len(boards) == 1:
        return boards[0].address
    if boards:
        listed = "; ".join(f"{place.address} ({place.board})" for place in boards)
        raise TransportError(f"auto: {len(boards)} boards answer, say which: {listed}")
    raise TransportError(
        f"auto: no board answers; {_looked_at(probed)}; say its address (emgrig ports lists more)"
    )


def _looked_at(places: Iterable[Place]) -> str:
    listed = ", ".join(f"{place.where} ({place.name})" for place in places)
    return f"looked at {listed}" if listed else "there is no USB serial port, no SPI, no gateway"
