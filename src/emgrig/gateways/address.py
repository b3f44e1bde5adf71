"""Addresses of boards that only send frames: what their bytes come over, and their template."""

from emgrig.gateways.frames import FrameGateway
from emgrig.gateways.places import OpenBelow, split_place
from emgrig.gateways.template import load_template

_OPTIONS = ("template", "name")


def split_address(address: str) -> tuple[str, str, str]:
    """Cut an address of the gateway into that of the board's own bytes, template and name.

    Parameters
    ----------
    address : str
        ``frames:///dev/ttyUSB0?template=NAME`` (a serial port), ``frames+tcp://HOST:PORT?…``,
        ``frames+udp://:PORT?…``, or ``frames+`` and any other address; also ``&name=…`` and, for
        a serial port, ``&baud=…``.

    Raises
    ------
    ValueError
        If it names no template.
    """
    inner, said = split_place(address, _OPTIONS)
    template = said.get("template", "")
    if not template:
        raise ValueError(
            f"{address}: which board? say ?template=NAME, or the path of a .toml file; "
            "docs/boards.md lists those there are"
        )
    stem = template.rpartition("/")[2].rpartition("\\")[2].removesuffix(".toml")
    return inner, template, said.get("name", stem)


def open_frames(address: str, open_below: OpenBelow) -> FrameGateway:
    """Open a board by its template; `open_below` opens what its bytes come over.

    Raises
    ------
    ValueError
        If the address or the template makes no sense; nothing was opened.
    TransportError, WireError
        As `FrameGateway`, and what is below.
    """
    inner, name_of_template, name = split_address(address)
    template = load_template(name_of_template)
    if inner.startswith("serial:") and "baud=" not in inner:
        inner += f"{'&' if '?' in inner else '?'}baud={template.link.baud}"
    return FrameGateway(template, open_below(inner), address=address, name=name)
