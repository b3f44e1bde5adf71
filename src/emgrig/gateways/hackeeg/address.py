"""Addresses of a HackEEG: ``hackeeg:///dev/ttyACM0``, ``hackeeg+tcp://HOST:PORT``, and so on."""

from typing import TYPE_CHECKING

from emgrig.gateways.places import OpenBelow, split_place

if TYPE_CHECKING:
    from emgrig.gateways.endpoint import Endpoint

BAUD = 115_200  #: The native USB port does not ask; a bridge does.


def open_hackeeg(address: str, open_below: OpenBelow) -> "Endpoint":
    """Open a HackEEG; `open_below` opens what its bytes come over.

    Parameters
    ----------
    address : str
        ``hackeeg:`` and a serial port, ``hackeeg+`` and any other address; behind ``?``
        ``form=jsonlines`` (else MessagePack), ``name=…``, and ``baud=…`` of a serial port.

    Raises
    ------
    ValueError
        If the address makes no sense; nothing was opened.
    TransportError, WireError
        As `Endpoint`, and what is below.
    """
    inner, said = split_place(address, ("form", "name"), firmware="hackeeg", baud=BAUD)
    form = said.get("form", "messagepack")
    if form not in ("messagepack", "jsonlines"):
        raise ValueError(f"{address}: form={form}; expected messagepack or jsonlines")
    below = open_below(inner)
    from emgrig.gateways.endpoint import Endpoint  # here: a refused port needs none of it
    from emgrig.gateways.hackeeg.board import HackEegBoard

    board = HackEegBoard(below, address=address, is_json=form == "jsonlines")
    return Endpoint(board, address=address, name=said.get("name", "hackeeg"))
