"""From an address to a board: the one place that knows both the driver and the simulator.

What it opens is imported when it is asked for, so that `import emgrig` costs nothing.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from emgrig.errors import AddressError, EmgrigError
from emgrig.files import attempt
from emgrig.registry import Registry
from emgrig.version import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emgrig.driver.board import Board
    from emgrig.driver.captures.journal import Journal
    from emgrig.driver.native.link import Tap
    from emgrig.driver.recovery import ReconnectPolicy
    from emgrig.driver.seams import Transport
    from emgrig.simulator.transport import SimTransport


BOARD_VARIABLE: Final = "EMGRIG_BOARD"
"""The environment variable whose address is taken where a program names none."""


AUTO: Final = "auto"
"""The address of the one board that answers."""


class Opener(Protocol):
    """What stands behind a scheme: it makes a transport that speaks the board link."""

    def __call__(self, address: str, /, *, timeout_s: float) -> Transport:
        """Open `address`; raises as `open_transport` does."""


_SERIAL = "emgrig.driver.transports.serial_port:open_serial"
GATEWAYS = Registry[Opener](
    "emgrig.gateways",
    "scheme",
    {
        "sim": "emgrig.connect:open_sim",
        "tcp": "emgrig.driver.transports.tcp:TcpTransport",
        "tcp-listen": "emgrig.driver.transports.tcp:TcpTransport",
        "socket": "emgrig.driver.transports.tcp:TcpTransport",  # as pyserial writes it
        "serial": _SERIAL,
        "replay": "emgrig.connect:open_replay",
        "frames": "emgrig.connect:open_frames",
        "cyton": "emgrig.connect:open_cyton",
        "spi": "emgrig.connect:open_spi",
        "hackeeg": "emgrig.connect:open_hackeeg",
        "meower": "emgrig.connect:open_meower",
        # What pyserial opens by itself.
        **dict.fromkeys(("rfc2217", "loop", "hwgrep"), _SERIAL),
    },
)
"""Scheme to `Opener`; those of other packages are entry points "emgrig.gateways"."""


def open_transport(address: str, *, timeout_s: float = 10.0) -> Transport:
    """Open the transport that an address names.

    Parameters
    ----------
    address : str
        As in `connect`.
    timeout_s : float, > 0
        How long to wait for a TCP connection, s.

    Raises
    ------
    AddressError
        If the address makes no sense; the message lists what does.
    TransportError
        If it cannot be opened.
    RecordingError
        If it is a capture that cannot be read.
    """
    if not timeout_s > 0:
        raise ValueError(f"timeout_s is {timeout_s}; expected more than 0")
    if (held := _HELD.pop(address, None)) is not None:
        return held
    with _sense():
        if address == AUTO:
            from emgrig.gateways.finding import find_one

            address = find_one(lambda found: open_transport(found, timeout_s=timeout_s))
        name = _scheme_of(address)
        scheme, colon, rest = address.partition(":")
        return GATEWAYS.load(name)(scheme.lower() + colon + rest, timeout_s=timeout_s)


@contextmanager
def _sense() -> Iterator[None]:
    """Have what is wrong with an address be an error of the one tree."""
    try:
        yield
    except EmgrigError:
        raise
    except ValueError as error:
        raise AddressError(str(error)) from error


_HELD: Final[dict[str, Transport]] = {}  #: Links that `link_first` has opened.


@contextmanager
def link_first(address: str, *, timeout_s: float = 10.0) -> Iterator[None]:
    """Open a link before what it is wanted for is imported: that it is refused is said at once.

    Within the context the first to open `address` gets it. Of a simulated board and a capture only
    the words and the file are looked at; what takes long by itself (``auto``, ``tcp-listen:``) is
    left to whoever opens it. Raises as `open_transport` does.
    """
    look_at(address)
    if address.partition(":")[0].lower() not in (AUTO, "tcp-listen", "sim", "replay"):
        _HELD[address] = open_transport(address, timeout_s=timeout_s)
    try:
        yield
    finally:
        if (left := _HELD.pop(address, None)) is not None:
            left.close()


def look_at(address: str) -> None:
    """Find what is wrong with an address without opening anything, as far as that can be.

    Raises AddressError if it makes no sense; RecordingError if it is a capture that is not there.
    """
    if address == AUTO:
        return
    with _sense():
        _scheme_of(address)
        look = _LOOK.get(address.partition(":")[0].lower())
        if look is not None:
            look(address)


def _scheme_of(address: str) -> str:
    """Return under which scheme an address is opened: of a gateway the one before the plus."""
    scheme, colon, _ = address.partition(":")
    over, _, _ = scheme.lower().partition("+")  # a gateway, and what its bytes come over
    if not colon or over not in GATEWAYS:
        raise ValueError(_explain(address))
    if "://" in address and "[" in address:
        from urllib.parse import urlsplit

        try:
            urlsplit(address)
        except ValueError as error:
            raise ValueError(
                f"{address}: what stands in brackets is no IPv6 address; expected as in "
                "tcp://[fe80::1]:4299"
            ) from error
    return over


def _look_at_simulated(address: str) -> None:
    from emgrig.simulator.options import parse_query

    parse_query(address.partition(":")[2])


def _look_at_capture(address: str) -> None:
    path = Path(address.partition(":")[2])
    with attempt("read", path), path.open("rb"):
        pass


def _look_at_wiring(address: str) -> None:
    from emgrig.gateways.spi.wiring import parse_address

    parse_address(address)


_LOOK: Final[dict[str, Callable[[str], None]]] = {
    "sim": _look_at_simulated,
    "replay": _look_at_capture,
    "spi": _look_at_wiring,
}


def open_sim(address: str, /, *, timeout_s: float) -> Transport:
    """Open ``sim:``, a simulated board in this process."""
    _look_at_simulated(address)
    from emgrig.simulator.transport import open_sim as open_board

    return open_board(address, timeout_s=timeout_s)


def open_replay(address: str, /, *, timeout_s: float) -> Transport:
    """Open ``replay:FILE``, a raw capture."""
    _look_at_capture(address)
    from emgrig.driver.captures.replay import open_replay as open_capture

    return open_capture(address, timeout_s=timeout_s)


def open_spi(address: str, /, *, timeout_s: float) -> Transport:
    """Open ``spi:``, chips on this machine's SPI bus."""
    _look_at_wiring(address)
    from emgrig.gateways.spi.transport import open_spi as open_chips

    return open_chips(address, timeout_s=timeout_s)


def _below(address: str, timeout_s: float) -> Callable[[str], Transport]:
    """Return what opens the link below a gateway, whose errors name the gateway as typed."""

    def opened(inner: str) -> Transport:
        try:
            if inner.startswith("udp:"):
                from emgrig.gateways.udp import UdpTransport

                below: Transport = UdpTransport(inner)
            else:
                below = open_transport(inner, timeout_s=timeout_s)
        except (EmgrigError, ValueError) as error:
            said = str(error)
            if said.startswith(f"{inner}: "):  # nobody has typed that
                error.args = (f"{address}{said.removeprefix(inner)}",)
            raise
        if not inner.lower().startswith("sim:"):
            below.address = address
        return below

    return opened


def open_frames(address: str, /, *, timeout_s: float) -> Transport:
    """Open ``frames+tcp://HOST:PORT?template=NAME``: a gateway over any other address."""
    from emgrig.gateways.address import open_frames as open_gateway

    return open_gateway(address, _below(address, timeout_s))


def open_hackeeg(address: str, /, *, timeout_s: float) -> Transport:
    """Open ``hackeeg:///dev/ttyACM0``, or ``hackeeg+`` and any other address."""
    from emgrig.gateways.hackeeg.address import open_hackeeg as open_gateway

    return open_gateway(address, _below(address, timeout_s))


def open_meower(address: str, /, *, timeout_s: float) -> Transport:
    """Open ``meower://HOST``, ``meower://`` (whoever calls), or ``meower+sim:``."""
    from emgrig.gateways.meower.address import open_meower as open_gateway

    return open_gateway(address, _below(address, timeout_s))


def open_cyton(address: str, /, *, timeout_s: float) -> Transport:
    """Open ``cyton:///dev/ttyUSB0``, or ``cyton+`` and any other address."""
    from emgrig.gateways.cyton.address import open_cyton as open_gateway

    return open_gateway(address, _below(address, timeout_s))


def default_address() -> str:
    """Return the address in the environment variable EMGRIG_BOARD.

    Raises
    ------
    AddressError
        If it is not set.
    """
    address = os.environ.get(BOARD_VARIABLE, "")
    if not address:
        raise AddressError(
            "which board? give an address, as sim: or tcp://192.168.4.1:4299, or set "
            f"{BOARD_VARIABLE}"
        )
    return address


def connect(
    address: str | None = None,
    *,
    identify: bool = True,
    force_channels: int | None = None,
    timeout_s: float = 10.0,
    reconnect: ReconnectPolicy | None = None,
    silence_s: float = 2.0,
    journal: Journal | None = None,
    tap: Tap | None = None,
) -> Board:
    """Connect to a board, and find out who it is.

    Parameters
    ----------
    address : str or None
        ``sim:``, ``tcp://HOST:PORT``, ``tcp-listen://HOST:PORT``,
        ``serial:///dev/ttyUSB0?baud=921600`` (or a URL of pyserial), ``replay:FILE``;
        ``frames:///dev/ttyUSB0?template=NAME`` for a board that only sends frames
        (`emgrig.gateways.address.split_address`); ``cyton:///dev/ttyUSB0`` for an OpenBCI Cyton,
        ``hackeeg:///dev/ttyACM0`` for a HackEEG, ``meower://HOST`` for a Meower;
        ``spi:pieeg`` or ``spi:///dev/spidev0.0?drdy=26`` for chips on this machine's SPI bus
        (`emgrig.gateways.spi.wiring.parse_address`); ``auto`` is the one board that answers, on
        USB, the SPI bus or in the network. None takes it from the environment variable
        EMGRIG_BOARD.
    timeout_s : float, > 0
        How long to wait for a TCP connection, s.
    identify, force_channels, reconnect, silence_s, journal, tap
        See `Board`.

    Raises
    ------
    AddressError
        If the address makes no sense, or there is none; it is a `ValueError` too.
    TransportError
        If nobody is there.
    WireError
        If something else is there.
    DeviceError
        If the board refuses, or is not what it should be.

    Examples
    --------
    >>> with connect("sim:") as board:
    ...     _ = board.apply("facial-emg")
    ...     with board.stream(duration_s=0.1) as stream:
    ...         print(sum(block.n_samples for block in stream))
    100
    """
    transport = open_transport(
        default_address() if address is None else address, timeout_s=timeout_s
    )
    from emgrig.driver.board import Board  # here, for a link that is refused needs none of it

    return Board(
        transport,
        client=PROGRAM,
        identify=identify,
        force_channels=force_channels,
        reconnect=reconnect,
        silence_s=silence_s,
        journal=journal,
        tap=tap,
    )


def in_real_time(address: str) -> str:
    """Return the address with a simulated board on real time, unless it says a speed."""
    scheme, colon, query = address.partition(":")
    if scheme.lower().endswith("+sim"):
        inner, mark, options = query.rpartition("?") if "?" in query else (query, "", "")
        return f"{scheme}:{in_real_time(f'sim:{inner}').partition(':')[2]}{mark}{options}"
    if scheme.lower() != "sim" or not colon or "speed=" in query:
        return address
    return f"{address}{'&' if query else ''}speed=real"


def simulated_below(transport: Transport) -> SimTransport | None:
    """Return the simulated board at a transport's other end, below gateways, or None."""
    from emgrig.simulator.transport import SimTransport

    found: object = transport
    while found is not None and not isinstance(found, SimTransport):
        found = getattr(found, "inner", None)
    return found


def _explain(address: str) -> str:
    said = f"{address!r} is no address"
    if address.startswith("/dev/") or address.upper().startswith("COM"):
        return f"{said}; a serial port is written serial://{address}?baud=921600"
    host, colon, port = address.rpartition(":")
    if colon and host and port.isdecimal() and "/" not in host:
        return f"{said}; a board in the network is written tcp://{address}"
    others = "".join(f", {name}:" for name in GATEWAYS.others())
    return (
        f"{said}; expected sim:, tcp://192.168.4.1:4299, tcp-listen://:4299, "
        "serial:///dev/ttyUSB0?baud=921600, frames:///dev/ttyUSB0?template=NAME, "
        "cyton:///dev/ttyUSB0, hackeeg:///dev/ttyACM0, meower://HOST, spi:pieeg, auto or "
        f"replay:FILE{others}"
    )
