"""The part of a gateway's address that names what its bytes come over."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from emgrig.driver.seams import Transport

OpenBelow = Callable[[str], Transport]


def split_place(
    address: str, options: tuple[str, ...], *, firmware: str = "", baud: int = 0
) -> tuple[str, dict[str, str]]:
    """Cut ``NAME+SCHEME:PLACE?…`` into the address below and the gateway's own options.

    Without ``+SCHEME`` it is a serial port, at `baud` (if above 0) unless it says another. A
    simulated board gets the gateway's `firmware` if it says none; what stands ahead of ``?`` is its
    query.

    Raises
    ------
    ValueError
        If it names no port.
    """
    scheme, _, rest = address.partition(":")
    below = scheme.partition("+")[2] or "serial"
    place, _, query = rest.rpartition("?") if "?" in rest else (rest, "", "")
    if below == "serial" and not place.strip("/"):
        raise ValueError(f"{address}: no port named; expected as in {scheme}:///dev/ttyUSB0")
    kept, said = [], {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in options:
            said[key] = value
        else:
            kept.append(f"{key}={value}")
    if below == "serial" and baud and not any(one.startswith("baud=") for one in kept):
        kept.append(f"baud={baud}")
    if below == "sim" and firmware and "firmware=" not in place:
        place = f"{place}{'&' if place else ''}firmware={firmware}"
    return f"{below}:{place}{'?' if kept else ''}{'&'.join(kept)}", said
