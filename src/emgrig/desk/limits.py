"""How much a browser may ask for: open pages, messages, sizes. More is refused, and said.

Only who may see the page gets here; this keeps a page that went wrong from holding the desk up.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TOO_LARGE, _TOO_MUCH, _TOO_MANY = 1009, 1008, 1013  # of websockets (RFC 6455 and its registry)


@dataclass(frozen=True)
class Limits:
    """What one desk takes; messages are those of one page within `window_s`."""

    pages: int = 64
    message_bytes: int = 256 << 10
    body_bytes: int = 1 << 20
    messages: int = 2000
    window_s: float = 10.0


class Limited:
    """Pass on what keeps the limits; `now` is a clock, s."""

    def __init__(
        self, app: ASGIApp, limits: Limits | None = None, *, now: Callable[[], float] = monotonic
    ) -> None:
        self._app = app
        self._limits = limits or Limits()
        self._now = now
        self._n_open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or websocket."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a body before anybody works on it; one that is too large is not read on."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # whoever asked is gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._limits.body_bytes:
                words = f"a request of more than {self._limits.body_bytes} bytes\n"
                await PlainTextResponse(words, status_code=413)(scope, receive, send)
                return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def read() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, read, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._n_open >= self._limits.pages:
            await receive()
            reason = f"{self._n_open} pages are open already"
            await send({"type": "websocket.close", "code": _TOO_MANY, "reason": reason})
            return
        one = _Websocket(receive, send, self._limits, self._now)
        self._n_open += 1
        try:
            await self._app(scope, one.receive, one.send)
        finally:
            self._n_open -= 1


class _Websocket:
    """One open page."""

    def __init__(
        self, receive: Receive, send: Send, limits: Limits, now: Callable[[], float]
    ) -> None:
        self._receive, self._send, self._limits, self._now = receive, send, limits, now
        self._came_s: deque[float] = deque(maxlen=limits.messages)
        self._is_closed = False

    async def receive(self) -> Message:
        """Return the next message; one too many, or too large, ends the connection."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        text, data = message.get("text") or "", message.get("bytes") or b""
        if max(len(text), len(data)) > self._limits.message_bytes:
            return await self._close(_TOO_LARGE, "the message is too large")
        now_s = self._now()
        is_full = len(self._came_s) == self._limits.messages
        if is_full and now_s - self._came_s[0] < self._limits.window_s:
            return await self._close(_TOO_MUCH, "too many messages")
        self._came_s.append(now_s)
        return message

    async def _close(self, code: int, reason: str) -> Message:
        if not self._is_closed:
            await self.send({"type": "websocket.close", "code": code, "reason": reason})
        return {"type": "websocket.disconnect", "code": code, "reason": reason}

    async def send(self, message: Message) -> None:
        """Send a message, unless the connection was ended."""
        if not self._is_closed:
            self._is_closed = message["type"] == "websocket.close"
            await self._send(message)
