"""Who may see the page: this computer, or who has the token.

On loopback nobody else can connect, but a page of somebody else's that runs in the same browser
could: so the Host must name this computer, and an Origin must be the page's own. On any other
address the token must come along, once in the address and from then on in a cookie.
"""

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "emgrig_token"
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
_REFUSED_WEBSOCKET = 4403


def is_loopback(host: str) -> bool:
    """Tell if a host to listen on can be reached from this computer only."""
    return host in LOOPBACK or host.startswith("127.")


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def new_token() -> str:
    """Make a token of 128 bits that fits an address."""
    return secrets.token_urlsafe(16)


class Guard:
    """Let requests and websockets through that may see the page.

    Parameters
    ----------
    app : ASGIApp
        What is guarded.
    token : str or None
        None on loopback.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if not refusal:
            await self._app(scope, receive, self._with_cookie(scope, send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET, "reason": refusal})
        else:
            await PlainTextResponse(f"{refusal}\n", status_code=403)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if origin is not None and _netloc(origin) != host:
            return f"the page is at {host}; a page of {origin} may not use it"
        if self._token is None:
            return "" if is_loopback(_hostname(host)) else f"{host} is not this computer"
        given = (self._in_address(scope), self._in_cookie(headers))
        if any(one and hmac.compare_digest(one.encode(), self._token.encode()) for one in given):
            return ""
        return "the token is missing or wrong: open the address that emgrig printed, with ?token="

    def _with_cookie(self, scope: Scope, send: Send) -> Send:
        """Answer a request whose address has the token with the cookie."""
        if self._token is None or scope["type"] != "http" or not self._in_address(scope):
            return send
        cookie = f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"

        async def send_with_cookie(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                head = list(message.get("headers", []))  # type: ignore[call-overload]
                message = {**message, "headers": [*head, (b"set-cookie", cookie.encode())]}
            await send(message)

        return send_with_cookie  # type: ignore[return-value]

    @staticmethod
    def _in_address(scope: Scope) -> str:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return str(query.get("token", [""])[0])

    @staticmethod
    def _in_cookie(headers: Headers) -> str:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return str(morsel.value) if morsel is not None else ""
