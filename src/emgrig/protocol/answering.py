"""A board's side of requests: each is done once, and answered with its result or with ERROR."""

from collections import deque
from collections.abc import Callable
from typing import Final

from emgrig.errors import WireError
from emgrig.protocol.decoder import RequestPacket
from emgrig.protocol.packets import ErrorCode, ErrorReply, ReplyHeader, ReplyStatus
from emgrig.protocol.schema import Message

REMEMBERED_REPLIES: Final = 8
"""A request whose reply was lost comes again; so many others may have come between."""


class Refusal(Exception):
    """A request that is answered with ERROR; one line: what happened and what to do."""

    def __init__(self, text: str, code: ErrorCode = ErrorCode.NOT_SUPPORTED) -> None:
        super().__init__(text)
        self.code = code


def outcome(do: Callable[[bytes], Message], arguments: bytes) -> tuple[ReplyStatus, bytes]:
    """Do what is asked; return how it ended, and what the reply says of it."""
    try:
        return ReplyStatus.OK, do(arguments).encode()
    except Refusal as refusal:
        error = ErrorReply(refusal.code, str(refusal))
    except WireError as problem:
        error = ErrorReply(ErrorCode.BAD_ARGUMENT, str(problem))
    return ReplyStatus.ERROR, error.encode()


def whole_reply(asked: RequestPacket, status: ReplyStatus, body: bytes) -> bytes:
    """Return the payload of the packet that answers a request."""
    return ReplyHeader(asked.id, asked.request, status).encode() + body


class Replies:
    """The last requests of one client with their replies: none of them is done twice."""

    def __init__(self) -> None:
        self._kept: deque[tuple[RequestPacket, bytes]] = deque(maxlen=REMEMBERED_REPLIES)

    def known(self, asked: RequestPacket) -> bytes | None:
        """Return the reply to a request that was answered before, else None."""
        return next((reply for known, reply in self._kept if known == asked), None)

    def keep(self, asked: RequestPacket, reply: bytes) -> None:
        """Remember a reply."""
        self._kept.append((asked, reply))

    def made(self, asked: RequestPacket, status: ReplyStatus, body: bytes) -> bytes:
        """Return the reply; it is remembered unless it is a refusal, which may not last."""
        reply = whole_reply(asked, status, body)
        if status is ReplyStatus.OK:
            self.keep(asked, reply)
        return reply

    def answer(self, asked: RequestPacket, do: Callable[[bytes], Message]) -> bytes:
        """Return the reply: the known one, or that to what is done now."""
        reply = self.known(asked)
        return self.made(asked, *outcome(do, asked.arguments)) if reply is None else reply

    def clear(self) -> None:
        """Forget them: the board has started anew."""
        self._kept.clear()
