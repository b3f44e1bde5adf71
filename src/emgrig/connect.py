"""From an address to a board: the one place that knows both the driver and the simulator.

What it opens is imported when it is asked for, so that `import emgrig` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from emgrig.driver.board import Board
    from emgrig.driver.captures.journal import Journal
    from emgrig.driver.native.link import Tap
    from emgrig.driver.recovery import ReconnectPolicy
    from emgrig.driver.seams import Transport


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
    ValueError
        If the address makes no sense; the message lists what does.
    TransportError
        If it cannot be opened.
    RecordingError
        If it is a capture that cannot be read.
    """
    if not timeout_s > 0:
        raise ValueError(f"timeout_s is {timeout_s}; expected more than 0")
    scheme, colon, rest = address.partition(":")
    opener = _OPENERS.get(scheme.lower()) if colon else None
    if opener is None:
        raise ValueError(_explain(address))
    return opener(scheme.lower() + colon + rest, timeout_s)


def connect(
    address: str,
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
    address : str
        ``sim:``, ``tcp://HOST:PORT``, ``tcp-listen://HOST:PORT``,
        ``serial:///dev/ttyUSB0?baud=921600`` (or a URL of pyserial), ``replay:FILE``.
    timeout_s : float, > 0
        How long to wait for a TCP connection, s.
    identify, force_channels, reconnect, silence_s, journal, tap
        See `Board`.

    Raises
    ------
    ValueError
        If the address makes no sense.
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
    from emgrig.driver.board import Board

    return Board(
        open_transport(address, timeout_s=timeout_s),
        client=f"emgrig {package_version()}",
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
    if scheme.lower() != "sim" or not colon or "speed=" in query:
        return address
    return f"{address}{'&' if query else ''}speed=real"


def package_version() -> str:
    """Return the version of this package, "unknown" if it was never installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("emgrig")
    except PackageNotFoundError:
        return "unknown"


def _simulator(address: str, _timeout_s: float) -> Transport:
    from emgrig.simulator.transport import SimTransport

    return SimTransport(address.partition(":")[2])


def _tcp(address: str, timeout_s: float) -> Transport:
    from emgrig.driver.transports.tcp import TcpTransport

    return TcpTransport(address, timeout_s=timeout_s)


def _serial(address: str, _timeout_s: float) -> Transport:
    from emgrig.driver.transports.serial_port import SerialTransport

    return SerialTransport(address)


def _replay(address: str, _timeout_s: float) -> Transport:
    from emgrig.driver.captures.replay import ReplayTransport

    return ReplayTransport(address.partition(":")[2])


_OPENERS: dict[str, Callable[[str, float], Transport]] = {
    "sim": _simulator,
    "tcp": _tcp,
    "tcp-listen": _tcp,
    "serial": _serial,
    "replay": _replay,
    # What pyserial opens by itself.
    "rfc2217": _serial,
    "socket": _serial,
    "loop": _serial,
    "hwgrep": _serial,
}


def _explain(address: str) -> str:
    said = f"{address!r} is no address"
    if address.startswith("/dev/") or address.upper().startswith("COM"):
        return f"{said}; a serial port is written serial://{address}?baud=921600"
    host, colon, port = address.rpartition(":")
    if colon and host and port.isdecimal():
        return f"{said}; a board in the network is written tcp://{address}"
    return (
        f"{said}; expected sim:, tcp://192.168.4.1:4299, tcp-listen://:4299, "
        "serial:///dev/ttyUSB0?baud=921600 or replay:FILE"
    )
