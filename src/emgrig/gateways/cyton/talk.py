"""A talk with a board that answers in text: what to say, and what to wait for, one after another.

A talk is a generator. It yields what it waits for, and is sent the text that came, or None if none
came in time. Whoever has the board's bytes hands them on, and asks now and then what is due.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from emgrig.driver.seams import Clock
from emgrig.protocol.schema import Message

END: Final = b"$$$"  #: Behind every answer.
ANSWER_S: Final = 1.0
LOUD_S: Final = 1.0
QUIET_S: Final = 0.2  #: Without a byte for so long, a board is quiet.
_MOST_TEXT: Final = 1 << 14


@dataclass(frozen=True)
class Ask:
    """Say something, and wait for text that ends with $$$."""

    say: bytes
    timeout_s: float = ANSWER_S


@dataclass(frozen=True)
class Quieten:
    """Say something, and wait until nothing has come for QUIET_S."""

    say: bytes
    timeout_s: float = LOUD_S


Talk = Generator[Ask | Quieten, bytes | None, Message | None]


@dataclass(frozen=True)
class Done:
    """How a talk ended."""

    message: Message | None


class Conversation:
    """The talk that is on.

    Parameters
    ----------
    clock : Clock
        The time in which answers are waited for.
    say : callable
        Sends bytes to the board.
    """

    def __init__(self, clock: Clock, say: Callable[[bytes], None]) -> None:
        self.text = bytearray()  #: What came since something was said, the last 16 KiB.
        self._clock, self._say = clock, say
        self._talk: Talk | None = None
        self._wants: Ask | Quieten | None = None
        self._due_s = self._heard_s = 0.0

    @property
    def is_on(self) -> bool:
        """True while a talk waits for something."""
        return self._talk is not None

    @property
    def expects_text(self) -> bool:
        """True while an answer is waited for."""
        return isinstance(self._wants, Ask)

    def forget(self) -> None:
        """End it; what came is forgotten."""
        self._talk = self._wants = None
        self.text.clear()

    def hear(self, data: bytes, *, is_text: bool) -> None:
        """Take bytes that came; what is no text only says that the board is not quiet."""
        self._heard_s = self._clock.now_s()
        if is_text:
            self.text += data
            del self.text[:-_MOST_TEXT]

    def begin(self, talk: Talk) -> Done | None:
        """Begin a talk; return how it ended if it waits for nothing. Raises what it raises."""
        self._talk = talk
        return self._step(None)

    def go_on(self) -> Done | None:
        """Go on if what was waited for has come, or has not in time; raises what the talk raises.

        Returns how the talk ended, or None while it is on.
        """
        while self._talk is not None and self._wants is not None:
            now_s, wants = self._clock.now_s(), self._wants
            if isinstance(wants, Ask):
                end = self.text.find(END)
                has_come = end >= 0
                text = bytes(self.text[: end + len(END)])
            else:
                has_come, text = now_s - self._heard_s >= QUIET_S, b""
            if not has_come and now_s < self._due_s:
                return None
            if (done := self._step(text if has_come else None)) is not None:
                return done
        return None

    def _step(self, text: bytes | None) -> Done | None:
        assert self._talk is not None
        try:
            wants = self._talk.send(text)
        except StopIteration as end:
            self._talk = self._wants = None
            return Done(end.value)
        except BaseException:
            self._talk = self._wants = None
            raise
        self._wants = wants
        self._heard_s = self._clock.now_s()
        self._due_s = self._heard_s + wants.timeout_s
        self.text.clear()
        self._say(wants.say)
        return None
