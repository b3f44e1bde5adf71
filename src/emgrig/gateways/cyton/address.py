"""Addresses of a Cyton: ``cyton:///dev/ttyUSB0``, ``cyton+tcp://HOST:PORT``, ``cyton+sim:…``."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from emgrig.driver.seams import Transport
from emgrig.gateways.cyton.gateway import CytonGateway

BAUD = 115_200
Open = Callable[[str], Transport]


def split_address(address: str) -> tuple[str, str]:
    """Cut an address into that of the board's own bytes and the name that the board is to have.

    Parameters
    ----------
    address : str
        ``cyton:///dev/ttyUSB0`` (a serial port; ``?baud=…`` unless 115200), ``cyton+tcp://…``, or
        ``cyton+`` and any other address; also ``?name=…``, behind the options of what is below.
    """
    scheme, _, rest = address.partition(":")
    below = scheme.partition("+")[2] or "serial"
    if below == "sim":
        query, _, options = rest.partition("?name=")
        is_said = "firmware=" in query
        more = "" if is_said else f"{'&' if query else ''}firmware=cyton"
        return f"sim:{query}{more}", options or "cyton"
    place, _, query = rest.partition("?")
    said = dict(parse_qsl(query, keep_blank_values=True))
    name = said.pop("name", "cyton")
    if below == "serial":
        said.setdefault("baud", str(BAUD))
    options = "&".join(f"{key}={value}" for key, value in said.items())
    return f"{below}:{place}{'?' if options else ''}{options}", name


def open_cyton(address: str, open_below: Open) -> CytonGateway:
    """Open a Cyton; `open_below` opens what its bytes come over. Raises as `CytonGateway`."""
    inner, name = split_address(address)
    return CytonGateway(open_below(inner), address=address, name=name)
