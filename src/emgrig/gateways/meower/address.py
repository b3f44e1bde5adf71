"""Addresses of a Meower: ``meower://``, ``meower://192.168.1.23``, ``meower+sim:``."""

from urllib.parse import urlsplit

from emgrig.gateways.endpoint import Endpoint
from emgrig.gateways.meower.board import MeowerBoard
from emgrig.gateways.meower.datagrams import CONTROL_PORT, Datagrams, FramedPorts, UdpPorts
from emgrig.gateways.places import OpenBelow, split_place


def open_meower(address: str, open_below: OpenBelow) -> Endpoint:
    """Open a Meower; `open_below` opens the simulated one.

    Parameters
    ----------
    address : str
        ``meower://HOST[:PORT]``; without a host the first that calls is taken. PORT, 5000 if it is
        not said, is that for commands, there and here; data come to the next one. Behind ``?``
        ``here=ADDRESS`` of this computer (else all of them), and ``name=…``.

    Raises
    ------
    ValueError
        If the address makes no sense; nothing was opened.
    TransportError, WireError
        As `Endpoint`.
    """
    inner, said = split_place(address, ("here", "name"), firmware="meower&chips=2", baud=0)
    ports: Datagrams
    if inner.startswith("sim:"):
        ports = FramedPorts(open_below(inner))
    else:
        ports = _udp(address, said.get("here", ""))
    return Endpoint(
        MeowerBoard(ports, address=address), address=address, name=said.get("name", "meower")
    )


def _udp(address: str, here: str) -> UdpPorts:
    parts = urlsplit(address)
    try:
        port = CONTROL_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise ValueError(f"{address}: {error}") from error
    if parts.scheme != "meower" or parts.path.strip("/") or not 1 <= port < 65_535:
        raise ValueError(f"{address}: expected meower://HOST or meower://HOST:PORT")
    return UdpPorts(address, host=parts.hostname or "", control=port, here=here)
