"""How much a browser may ask for."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from emgrig.desk.limits import Limited, Limits

pytestmark = pytest.mark.slow  # to import the web server takes longer than all tests here

FEW = Limits(pages=2, message_bytes=10, body_bytes=10, messages=3, window_s=1.0)


class Page:
    """What is behind the limits: it takes all that comes."""

    def __init__(self) -> None:
        self.came: list[Message] = []
        self.is_open = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] not in ("websocket.disconnect", "http.request"):
            self.came.append(message)
        self.came.append(message)
        await send({"type": "websocket.send", "text": "after the end"})


def talk(
    messages: list[Message], times_s: list[float], kind: str = "websocket"
) -> tuple[Page, list[Message]]:
    """Send messages, one at each time; return what the page got, and what came back."""
    page, sent, left = Page(), [], list(messages)

    async def receive() -> Message:
        return left.pop(0) if left else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Message) -> None:
        sent.append(message)

    clock = iter([*times_s, *[1e9] * len(messages)])
    limited = Limited(page, FEW, now=lambda: next(clock))
    asyncio.run(limited({"type": kind, "method": "POST", "headers": []}, receive, send))
    return page, sent


def text(content: str) -> Message:
    return {"type": "websocket.receive", "text": content}


def test_a_message_that_is_too_large_ends_the_page_and_goes_nowhere() -> None:
    for large in (text("x" * 11), {"type": "websocket.receive", "bytes": b"x" * (10 << 20)}):
        page, sent = talk([text("small"), large], [0.0])
        assert [m.get("text") for m in page.came] == ["small", None]
        assert [m["code"] for m in sent] == [1009]  # and nothing after it


def test_too_many_messages_end_the_page_and_a_slow_stream_does_not() -> None:
    many = [text(str(n)) for n in range(9)]
    page, sent = talk(many, [0.0, 0.1, 0.2, 0.3])
    assert len(page.came) == 4
    assert sent[0]["code"] == 1008
    page, sent = talk(many, [0.4 * n for n in range(9)])
    assert len(page.came) == 10
    assert sent[0]["type"] == "websocket.send"


def test_a_body_that_is_too_large_is_not_read_on() -> None:
    part: Message = {"type": "http.request", "body": b"x" * 6, "more_body": True}
    page, sent = talk([part] * 1000, [], "http")
    assert page.came == []
    assert sent[0]["status"] == 413
    page, _ = talk([part, {"type": "http.request", "body": b"yy"}], [], "http")
    assert page.came[0]["body"] == b"xxxxxxyy"


def test_one_page_too_many_is_refused_and_the_others_stay() -> None:
    async def run() -> list[int]:
        closed, hold = [], asyncio.Event()

        async def page(scope: Scope, receive: Receive, send: Send) -> None:
            await hold.wait()

        limited = Limited(page, FEW)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            closed.append(message["code"])

        scope: Scope = {"type": "websocket"}
        open_pages = [asyncio.ensure_future(limited(scope, receive, send)) for _ in range(2)]
        await asyncio.sleep(0)
        for _ in range(50):
            await limited(scope, receive, send)
        hold.set()
        await asyncio.gather(*open_pages)
        await limited(scope, receive, send)  # there is room again
        return closed

    assert asyncio.run(run()) == [1013] * 50


def test_a_tab_for_each_of_fifty_has_room() -> None:
    assert Limits().pages > 51
