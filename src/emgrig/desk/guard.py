"""Who may see the page: this computer, or who has the token.

On loopback nobody else can connect, but a page of somebody else's that runs in the same browser
could: so the Host must name this computer, and an Origin must be the page's own. On any other
address the token must come along, once in the address and from then on in a cookie.
"""

import hmac
import ipaddress
import secrets
from urllib.parse import SplitResult, parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "emgrig_token_{port}"
"""Cookies are a host's, not a port's: each desk on a host needs one of its own."""
_REFUSED_WEBSOCKET = 4403
_NO_FRAMES = (b"x-frame-options", b"DENY")
"""Inside a page of somebody else's, a click would land on a button that nobody sees."""


def is_loopback(host: str) -> bool:
    """Tell if a host to listen on can be reached from this computer only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name; also one that begins as an address does
        return False


def _split(url: str) -> SplitResult:
    """Take an address apart; one that makes no sense has no parts."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def new_token() -> str:
    """Make a token of 128 bits that fits an address."""
    return secrets.token_urlsafe(16)


class Guard:
    """Let requests and websockets through that may see the page; `token` is None on loopback."""

    def __init__(self, app: ASGIApp, token: str | None, port: int) -> None:
        self._app = app
        self._token = token
        self._cookie = COOKIE.format(port=port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if not refusal:
            await self._app(scope, receive, self._with_headers(scope, send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET, "reason": refusal})
        else:
            await PlainTextResponse(f"{refusal}\n", status_code=403)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if origin is not None and _split(origin).netloc != host:
            return f"the page is at {host}; a page of {origin} may not use it"
        if self._token is None:
            is_here = is_loopback(_split(f"//{host}").hostname or "")
            return "" if is_here else f"{host} is not this computer"
        given = (self._in_address(scope), self._in_cookie(headers))
        if any(one and hmac.compare_digest(one.encode(), self._token.encode()) for one in given):
            return ""
        return "the token is missing or wrong: open the address that emgrig printed, with ?token="

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        """Add our headers to an answer; the cookie if the address has the token."""
        added = [_NO_FRAMES]
        if self._token is not None and self._in_address(scope):
            cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
            added.append((b"set-cookie", cookie.encode()))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        return send_with_headers

    @staticmethod
    def _in_address(scope: Scope) -> str:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return str(query.get("token", [""])[0])

    def _in_cookie(self, headers: Headers) -> str:
        return cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
