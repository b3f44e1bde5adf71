"""A board's side of requests: what is done once, what again, and what a refusal says."""

import pytest

from emgrig.errors import WireError
from emgrig.protocol.answering import REMEMBERED_REPLIES, Refusal, Replies
from emgrig.protocol.decoder import RequestPacket
from emgrig.protocol.packets import (
    ErrorCode,
    ErrorReply,
    ReplyHeader,
    ReplyStatus,
    SettingsEpoch,
)
from emgrig.protocol.schema import Message

_HEAD_BYTES = ReplyHeader.SCHEMA.sizeof()


class _Board:
    """Counts what it is asked to do, and refuses while it is told to."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.done: list[bytes] = []
        self.problem = problem

    def do(self, arguments: bytes) -> Message:
        self.done.append(arguments)
        if self.problem is not None:
            raise self.problem
        return SettingsEpoch(len(self.done))


def test_a_request_that_comes_again_is_not_done_again() -> None:
    board, replies = _Board(), Replies()
    asked = RequestPacket(7, 3, b"abc")
    first = replies.answer(asked, board.do)
    assert replies.answer(RequestPacket(7, 3, b"abc"), board.do) == first
    assert board.done == [b"abc"]
    assert ReplyHeader.decode(first[:_HEAD_BYTES]) == ReplyHeader(7, 3, ReplyStatus.OK)
    assert SettingsEpoch.decode(first[_HEAD_BYTES:]) == SettingsEpoch(1)


@pytest.mark.parametrize(
    "other", [RequestPacket(8, 3, b"abc"), RequestPacket(7, 4, b"abc"), RequestPacket(7, 3, b"")]
)
def test_another_id_number_or_argument_is_another_request(other: RequestPacket) -> None:
    board, replies = _Board(), Replies()
    replies.answer(RequestPacket(7, 3, b"abc"), board.do)
    replies.answer(other, board.do)
    assert len(board.done) == 2


def test_so_many_replies_are_remembered_and_none_after_the_board_started_anew() -> None:
    board, replies = _Board(), Replies()
    every = [RequestPacket(n, 1, b"") for n in range(REMEMBERED_REPLIES + 1)]
    for asked in every:
        replies.answer(asked, board.do)
    assert [replies.known(asked) is None for asked in every] == [True] + [False] * (len(every) - 1)
    replies.clear()
    assert all(replies.known(asked) is None for asked in every)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Refusal("not now", ErrorCode.BUSY), ErrorCode.BUSY),
        (Refusal("not now"), ErrorCode.NOT_SUPPORTED),
        (WireError("not now"), ErrorCode.BAD_ARGUMENT),
    ],
)
def test_a_refusal_is_told_with_its_reason_and_may_not_last(
    problem: Exception, code: ErrorCode
) -> None:
    board, replies = _Board(problem), Replies()
    asked = RequestPacket(7, 3, b"")
    refused = replies.answer(asked, board.do)
    assert ReplyHeader.decode(refused[:_HEAD_BYTES]).status == ReplyStatus.ERROR
    assert ErrorReply.decode(refused[_HEAD_BYTES:]) == ErrorReply(code, "not now")
    board.problem = None
    again = replies.answer(asked, board.do)
    assert ReplyHeader.decode(again[:_HEAD_BYTES]).status == ReplyStatus.OK
