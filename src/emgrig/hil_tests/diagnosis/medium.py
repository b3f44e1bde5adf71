"""What lies between board and computer, as far as an address tells: advice depends on it."""

from enum import StrEnum
from urllib.parse import urlsplit


class Medium(StrEnum):
    """What the bytes of a board come over."""

    INSIDE = "inside"  # this process or this computer: no cable, no radio
    SERIAL = "serial"  # a serial port or USB
    NETWORK = "network"  # cable or Wi-Fi; the address does not say which
    BUS = "bus"  # the SPI bus of this computer
    UNKNOWN = "unknown"


_CARRIERS = {
    "sim": Medium.INSIDE,
    "replay": Medium.INSIDE,
    "spi": Medium.BUS,
    "serial": Medium.SERIAL,
    "cyton": Medium.SERIAL,
    "hackeeg": Medium.SERIAL,
    "frames": Medium.SERIAL,
    "meower": Medium.NETWORK,
    "tcp": Medium.NETWORK,
    "tcp-listen": Medium.NETWORK,
    "udp": Medium.NETWORK,
}
"""By the scheme of an address, or what stands behind its plus."""


def medium_of(address: str) -> Medium:
    """Say what lies between, by an address as it was given or opened."""
    kind, _, over = address.lower().partition(":")[0].partition("+")
    medium = _CARRIERS.get(over or kind, Medium.UNKNOWN)
    if medium is Medium.NETWORK and _is_this_computer(address):
        return Medium.INSIDE
    return medium


def _is_this_computer(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:  # brackets of an IPv6 address that do not close
        return False
    return host in ("localhost", "::1") or host.startswith("127.")
