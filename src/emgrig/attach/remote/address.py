"""Addresses of a bench: ``unix:/path/of/socket``, ``tcp://127.0.0.1:4300``."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

VARIABLE: Final = "EMGRIG_ATTACH"
"""The environment variable in which a child finds the address."""
FORMS: Final = "unix:/path or tcp://HOST:PORT"


@dataclass(frozen=True)
class Address:
    """Where a bench is: a path, or a host and a port.

    Examples
    --------
    >>> Address.parse("tcp://127.0.0.1:4300")
    Address(path='', host='127.0.0.1', port=4300)
    >>> str(Address.parse("unix:/tmp/bench"))
    'unix:/tmp/bench'
    """

    path: str = ""  #: Of a unix socket; "" if it is TCP.
    host: str = ""
    port: int = 0  #: 0: any that is free.

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address.

        Raises
        ------
        ValueError
            If it is none.
        """
        kind, _, rest = text.partition(":")
        if kind == "unix" and rest:
            if not hasattr(socket, "AF_UNIX"):
                raise ValueError(
                    f"{text}: no unix sockets on this system; expected tcp://HOST:PORT"
                )
            return cls(path=rest)
        host, colon, port = rest.removeprefix("//").rpartition(":")
        if kind != "tcp" or not rest.startswith("//") or not colon or not host:
            raise ValueError(f"{text!r} is no address of a bench; expected {FORMS}")
        if not (port.isascii() and port.isdigit() and int(port) <= 0xFFFF):
            raise ValueError(f"{text}: {port!r} is no port; expected 0 to 65535")
        return cls(host=host.strip("[]"), port=int(port))

    @property
    def is_of_this_machine(self) -> bool:
        """True if nobody on another machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def family(self) -> int:
        """Of its socket."""
        if self.path:
            return int(socket.AF_UNIX)
        return int(socket.AF_INET6 if ":" in self.host else socket.AF_INET)

    @property
    def of_socket(self) -> str | tuple[str, int]:
        """What `socket.connect` takes."""
        return self.path or (self.host, self.port)

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return (
            f"tcp://[{self.host}]:{self.port}"
            if ":" in self.host
            else f"tcp://{self.host}:{self.port}"
        )
