"""Who may see the page."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from emgrig.desk.guard import COOKIE, Guard, is_loopback, new_token
from emgrig.desk.server import Server
from emgrig.errors import TransportError

pytestmark = pytest.mark.slow  # to import the web server takes longer than all tests here

TOKEN = "a-token-that-nobody-guesses"
PORT = 8299
HERE, ELSEWHERE = f"127.0.0.1:{PORT}", f"192.168.0.9:{PORT}"


async def page(scope: Scope, _receive: Receive, send: Send) -> None:
    """Be what is guarded: say hello to everybody who gets here."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})
    else:
        await send({"type": "websocket.accept"})


def guarded(token: str | None) -> Guard:
    guard = Guard(token, PORT, now=lambda: 0.0)
    guard.app = page
    return guard


def ask(
    token: str | Guard | None,
    *,
    path: str = "/",
    method: str = "GET",
    kind: str = "http",
    host: str = HERE,
    query: str = "",
    **headers: str,
) -> list[Message]:
    """Ask as a server would that got this from a browser; return what it is to answer."""
    sent: list[Message] = []
    head = [(b"host", host.encode())] + [(k.encode(), v.encode()) for k, v in headers.items()]
    scope: Scope = {
        "type": kind, "path": path, "headers": head, "query_string": query.encode(),
        "method": method, "scheme": "http", "http_version": "1.1",
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    guard = token if isinstance(token, Guard) else guarded(token)
    asyncio.run(guard(scope, receive, send))
    return sent


def is_let_in(sent: list[Message]) -> bool:
    return sent[0].get("status") == 200 or sent[0]["type"] == "websocket.accept"


def is_refused(sent: list[Message]) -> bool:
    return sent[0].get("status") == 403 or sent[0].get("code") == 4403


KINDS = pytest.mark.parametrize("kind", ["http", "websocket"])


@KINDS
def test_this_computer_sees_the_page_without_a_token(kind: str) -> None:
    assert is_let_in(ask(None, kind=kind))
    assert is_let_in(ask(None, kind=kind, host="localhost:8299", origin="http://localhost:8299"))


@KINDS
@pytest.mark.parametrize(
    "host",
    ["evil.example:8299", "127.evil.example:8299", "127.0.0.1.evil.example",
     "localhost.evil.example", ELSEWHERE, "", "["],
)  # fmt: skip
def test_another_name_for_this_computer_is_refused(kind: str, host: str) -> None:
    """A page of somebody else's whose name was made to lead to loopback (DNS rebinding)."""
    assert is_refused(ask(None, kind=kind, host=host))


@KINDS
@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://[", "http://127.0.0.1"]
)
def test_a_page_of_another_origin_is_refused(kind: str, token: str | None, origin: str) -> None:
    said = ask(token, kind=kind, query=f"token={TOKEN}", origin=origin)
    assert is_refused(said)
    assert f"{origin} may not use it" in str(said)


@KINDS
@pytest.mark.parametrize("query", ["", "token=", "token=wrong", "token=ä", f"tok={TOKEN}"])
def test_without_the_token_nothing_is_shown(kind: str, query: str) -> None:
    said = ask(TOKEN, kind=kind, host=ELSEWHERE, query=query)
    assert is_refused(said)
    assert "?token=" in str(said)
    assert TOKEN not in str(said)


def test_the_token_comes_along_once_and_then_in_a_cookie() -> None:
    guard = guarded(TOKEN)
    first = ask(guard, host=ELSEWHERE, path="/operator", query=f"token={TOKEN}")
    assert is_let_in(first)
    head = dict(first[0]["headers"])
    assert head[b"referrer-policy"] == b"no-referrer"
    assert head[b"cache-control"] == b"no-store"
    body = first[1]["body"].decode()
    assert 'content="0;url=/operator"' in body  # and from there on without it
    assert TOKEN not in body + str(head)
    cookie = dict(first[0]["headers"])[b"set-cookie"].decode()
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    given = cookie.partition(";")[0]
    for kind in ("http", "websocket"):
        assert is_let_in(ask(guard, kind=kind, host=ELSEWHERE, cookie=given))
        assert is_refused(ask(guarded(TOKEN), kind=kind, host=ELSEWHERE, cookie=given))
        # What other programs on this host left in the browser does not matter.
        for others in ('odd={"a": 1, "b"}; ', "emgrig_token_8300=another; ", "=; x y; "):
            assert is_let_in(ask(guard, kind=kind, host=ELSEWHERE, cookie=others + given))


def test_the_token_is_good_in_the_address_of_a_page_alone() -> None:
    """A websocket's address is nobody's to read, and needs none: the cookie is there by then."""
    assert is_refused(ask(TOKEN, kind="websocket", query=f"token={TOKEN}"))
    assert is_refused(ask(TOKEN, method="POST", query=f"token={TOKEN}"))
    assert is_refused(ask(TOKEN, cookie=f"{NAME}={TOKEN}"))


def test_a_browser_is_started_with_a_code_that_is_good_once() -> None:
    guard = guarded(TOKEN)
    code = guard.code_for_once()
    assert is_let_in(ask(guard, query=f"once={code}"))
    assert is_refused(ask(guard, query=f"once={code}"))
    times = [0.0, 61.0]
    late = Guard(TOKEN, PORT, now=lambda: times.pop(0))
    assert is_refused(ask(late, query=f"once={late.code_for_once()}"))


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", '/"><script>', "/a b", ""])
def test_the_door_leads_to_pages_of_ours_alone(path: str) -> None:
    body = ask(TOKEN, path=path, query=f"token={TOKEN}")[1]["body"].decode()
    to = body.partition("url=")[2].partition('"')[0]
    assert to.startswith("/")
    assert not to.startswith(("//", "/\\"))
    assert "<script" not in body


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_cannot_put_a_part_of_this_one_into_itself(site: str) -> None:
    fetch = {"sec-fetch-site": site}
    assert is_refused(ask(None, path="/clip/k1", **fetch, **{"sec-fetch-mode": "no-cors"}))
    frame = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    assert is_refused(ask(None, **fetch, **frame))
    link = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert is_let_in(ask(None, **fetch, **link))
    assert is_refused(ask(None, method="POST", **fetch, **link))


NAME = COOKIE.format(port=PORT)


@pytest.mark.parametrize("cookie", ["", "x", f"{NAME}=wrong", NAME, ";;;=", "\x7f=\x7f"])
def test_a_damaged_cookie_is_no_token(cookie: str) -> None:
    assert is_refused(ask(TOKEN, cookie=cookie))


def test_tokens_differ_and_are_long() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 21  # 128 bits


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("::1", True),
     ("0.0.0.0", False), ("::", False), ("", False), ("127.evil.example", False)],
)  # fmt: skip
def test_which_addresses_ask_for_a_token(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


def test_the_address_has_the_token_unless_it_is_this_computers() -> None:
    server = Server("127.0.0.1", 0, title="t")
    try:
        assert "token" not in server.url
        port = int(server.url.rstrip("/").rpartition(":")[2])
        with pytest.raises(TransportError, match=f"on 127.0.0.1:{port}: .*in use.*--port 0"):
            Server("127.0.0.1", port, title="t")
    finally:
        server.close()
    open_to_all = Server("0.0.0.0", 0, title="t")
    try:
        assert "?token=" in open_to_all.url
        token = open_to_all.url.partition("token=")[2]
        for_browser = open_to_all.page_for_once("")
        assert "?once=" in for_browser  # a list of processes shows it: it is no token
        assert token not in for_browser
    finally:
        open_to_all.close()
