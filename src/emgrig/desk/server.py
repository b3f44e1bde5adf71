"""Serve pages on one port until somebody stops it.

The port is had at once; what serves is imported when it does, since that takes a second.
"""

import contextlib
import errno
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from emgrig.desk.guard import Guard, is_loopback, new_token
from emgrig.errors import TransportError
from emgrig.listening import listen

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger(__name__)


class Server:
    """A web server that is bound, and serves when told to; port 0 takes a free one.

    On anything but loopback the page asks for a token, which is in `url`. Raises TransportError if
    the port cannot be had.
    """

    def __init__(self, host: str, port: int, *, title: str) -> None:
        self._socket = _bind(host, port)
        self._title = title
        self._serving: uvicorn.Server | None = None
        self.is_local = is_loopback(self._socket.getsockname()[0])
        self._token = None if self.is_local else new_token()
        shown = _own_address() if host in ("0.0.0.0", "::", "") else host  # noqa: S104
        shown = f"[{shown}]" if ":" in shown else shown
        self._port = self._socket.getsockname()[1]
        self._base = f"http://{shown}:{self._port}/"
        self.guard = Guard(self._token, self._port)
        self.url = self.page("")

    def page(self, path: str) -> str:
        """Return the address of a page."""
        return self._base + path + (f"?token={self._token}" if self._token is not None else "")

    def page_for_once(self, path: str) -> str:
        """Return the address of a page that opens it one time, for another program to open."""
        is_open = self._token is None
        return self._base + path + ("" if is_open else f"?once={self.guard.code_for_once()}")

    def run(self, *, on_start: Callable[[], None] | None = None) -> None:
        """Serve until Ctrl-C or SIGTERM; pages are those registered with NiceGUI."""
        import uvicorn
        from fastapi import FastAPI
        from nicegui import app as pages
        from nicegui import ui

        from emgrig.desk.limits import Limited, Limits
        from emgrig.desk.policy import Policy
        from emgrig.desk.serving import Serving

        if on_start is not None:
            pages.on_startup(on_start)
        outer = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        # Nobody can be far behind: what a page missed while it was away is of no use to it.
        ui.run_with(
            outer,
            title=self._title,
            dark=False,
            show_welcome_message=False,
            message_history_length=50,
            reconnect_timeout=10.0,
            binding_refresh_interval=None,
        )
        limits = Limits()
        self.guard.app = Limited(Policy(outer), limits)
        config = uvicorn.Config(
            self.guard,
            log_level="warning",
            access_log=False,
            lifespan="on",
            server_header=False,
            proxy_headers=False,  # who asks is who connected, whatever a header says
            ws_max_size=limits.message_bytes,
            ws_per_message_deflate=False,  # costs more than it saves: pages are near
            limit_concurrency=8 * limits.pages,
        )
        self._serving = Serving(config)
        with contextlib.suppress(KeyboardInterrupt):  # it says again what it was ended by
            self._serving.run(sockets=[self._socket])

    def stop(self) -> None:
        """Let `run` return soon."""
        if self._serving is not None:
            self._serving.should_exit = True

    def close(self) -> None:
        """Let go of the port."""
        self._socket.close()


def _own_address() -> str:
    """Return the address by which others reach this computer; its name may mean nothing to them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a route; nothing is sent (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def _bind(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        hint = "another program uses it; " if error.errno == errno.EADDRINUSE else ""
        raise TransportError(
            f"cannot serve the page on {host}:{port}: {error.strerror or error}; "
            f"{hint}choose another with --port, or --port 0 for a free one"
        ) from error
