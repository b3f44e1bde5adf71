"""Who may see the page: this computer, or who has the token.

On loopback nobody else can connect, but a page of somebody else's that runs in the same browser
could: so the Host must name this computer, and an Origin must be the page's own. On any other
address the token must come along, once in the address and from then on in a cookie.
"""

import hmac
import html
import ipaddress
import secrets
from collections.abc import Callable
from time import monotonic
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "emgrig_token_{port}"
"""Cookies are a host's, not a port's: each desk on a host needs one of its own."""
_REFUSED_WEBSOCKET = 4403
ONCE_S = 60.0
ENTRANCE_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


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


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("there is no page yet\n", status_code=503)(scope, receive, send)


class Guard:
    """Let requests and websockets through that may see the page; `token` is None on loopback.

    The token is good in the address of a page alone. Who has it gets a cookie, whose value is
    another secret, and is led to the page's address without it: so it is in no Referer, and in no
    address that a browser keeps. `app` is what is guarded; `now` is a clock, s.
    """

    def __init__(
        self, token: str | None, port: int, *, now: Callable[[], float] = monotonic
    ) -> None:
        self.app: ASGIApp = _nothing
        self._token = token
        self._cookie = COOKIE.format(port=port)
        self._secret = new_token()
        self._once: dict[str, float] = {}
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or websocket."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = _refused_origin(scope) or self._refused_host(scope)
        if not refusal and self._is_at_the_door(scope):
            await self._entrance(scope)(scope, receive, send)
            return
        refusal = refusal or self._refused_stranger(scope)
        if not refusal:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET, "reason": refusal})
        else:
            await PlainTextResponse(f"{refusal}\n", status_code=403)(scope, receive, send)

    def code_for_once(self) -> str:
        """Return what opens the page as the token does, one time, within a minute.

        A program that is started with an address shows it to everybody who lists the processes.
        """
        code = new_token()
        self._once[code] = self._now() + ONCE_S
        return code

    def _refused_host(self, scope: Scope) -> str:
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1:
            return f"{len(hosts)} hosts are named; expected one"
        if self._token is not None or is_loopback(_split(f"//{hosts[0]}").hostname or ""):
            return ""
        return f"{hosts[0]} is not this computer"

    def _refused_stranger(self, scope: Scope) -> str:
        if self._token is None:
            return ""
        given = cookie_parser(Headers(scope=scope).get("cookie", "")).get(self._cookie, "")
        if hmac.compare_digest(given.encode(), self._secret.encode()):
            return ""
        return "the token is missing or wrong: open the address that emgrig printed, with ?token="

    def _is_at_the_door(self, scope: Scope) -> bool:
        """Say if a page is asked for with the token, or a code that was not used yet."""
        if self._token is None or scope["type"] != "http" or scope["method"] != "GET":
            return False
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = query.get("token", [""])[0].encode()
        if hmac.compare_digest(given, self._token.encode()):
            return True
        until_s = self._once.pop(query.get("once", [""])[0], None)
        return until_s is not None and self._now() <= until_s

    def _entrance(self, scope: Scope) -> HTMLResponse:
        """Give the cookie, and lead on: by a page of ours, from which a strict cookie is sent."""
        path = html.escape(quote(scope.get("path", "/")))
        if not path.startswith("/") or path.startswith("//"):
            path = "/"
        lead_on = f'<meta http-equiv="refresh" content="0;url={path}">'
        body = f"<!doctype html>{lead_on}<title>emgrig</title>"
        cookie = f"{self._cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict"
        return HTMLResponse(body, headers={**ENTRANCE_HEADERS, "set-cookie": cookie})


def _refused_origin(scope: Scope) -> str:
    """Say why a request that another page makes is refused."""
    headers = Headers(scope=scope)
    host, origins = headers.get("host", ""), headers.getlist("origin")
    for origin in origins:
        found = _split(origin)
        if found.netloc != host or found.scheme not in ("http", "https"):
            return f"the page is at {host}; a page of {origin} may not use it"
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in (
        None,
        "document",
    )
    site = headers.get("sec-fetch-site")
    if site in ("cross-site", "same-site") and not (is_link and scope.get("method") == "GET"):
        return f"the page is at {host}; another page may not use what is on it"
    return ""
