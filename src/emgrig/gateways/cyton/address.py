"""Addresses of a Cyton: ``cyton:///dev/ttyUSB0``, ``cyton+tcp://HOST:PORT``, ``cyton+sim:…``."""

from typing import TYPE_CHECKING

from emgrig.gateways.places import OpenBelow, split_place

if TYPE_CHECKING:
    from emgrig.gateways.cyton.gateway import CytonGateway

BAUD = 115_200


def split_address(address: str) -> tuple[str, str]:
    """Cut an address into that of the board's own bytes and the name that the board is to have.

    Parameters
    ----------
    address : str
        ``cyton:///dev/ttyUSB0`` (a serial port; ``?baud=…`` unless 115200), ``cyton+tcp://…``, or
        ``cyton+`` and any other address; also ``?name=…``, behind the options of what is below.
    """
    inner, said = split_place(address, ("name",), firmware="cyton", baud=BAUD)
    return inner, said.get("name", "cyton")


def open_cyton(address: str, open_below: OpenBelow) -> "CytonGateway":
    """Open a Cyton; `open_below` opens what its bytes come over. Raises as `CytonGateway`."""
    inner, name = split_address(address)
    below = open_below(inner)
    from emgrig.gateways.cyton.gateway import CytonGateway  # here: a refused port needs none of it

    return CytonGateway(below, address=address, name=name)
