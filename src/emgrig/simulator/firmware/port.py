"""The one port of a board that does not tell its clients apart: all hear the same."""

from dataclasses import dataclass

from emgrig.onboard.outlet import Link, Outlet
from emgrig.onboard.seams import Client


@dataclass(eq=False)
class PortClient:
    """One connection."""

    outlet: Outlet
    is_open: bool = True


class Port:
    """Bytes to whoever is connected.

    Parameters
    ----------
    transmit_bytes : int
        That wait in the board at most.
    """

    def __init__(self, transmit_bytes: int) -> None:
        self.link = Link()
        self._transmit_bytes = transmit_bytes
        self.clients: list[PortClient] = []  #: Whoever is connected.

    def connect(self, window_bytes: int) -> PortClient:
        """Take a client whose side holds `window_bytes` that it has not read."""
        client = PortClient(Outlet(self.link, self._transmit_bytes, window_bytes))
        self.clients.append(client)
        return client

    def disconnect(self, client: Client) -> None:
        """Let go of a client; a second call does nothing."""
        if isinstance(client, PortClient) and client in self.clients:
            client.is_open = False
            self.clients.remove(client)

    def __contains__(self, client: Client) -> bool:
        return client in self.clients

    def send(self, pieces: list[bytes], now_s: float, *, n_frames: int = 1) -> None:
        """Write lines or frames; a piece is lost with so many frames."""
        for client in self.clients:
            client.outlet.send_samples(pieces, n_frames, now_s)

    def flows_freely(self, n_bytes: int) -> bool:
        """Return True if so many bytes go out at once."""
        return all(client.outlet.flows_freely(n_bytes) for client in self.clients)

    def has_room(self, n_bytes: int, now_s: float) -> bool:
        """Return True if so many bytes more can wait at this time."""
        self.drain(now_s)
        return all(client.outlet.has_room(n_bytes) for client in self.clients)

    def drain(self, now_s: float) -> None:
        """Let the link take what it can."""
        for client in self.clients:
            client.outlet.drain(now_s)

    def restart(self) -> None:
        """Forget what waits: the board booted."""
        for client in self.clients:
            client.outlet.restart()
