"""The board link: requests and replies by id, and everything else in order to one listener.

Whoever waits reads, of a paced transport (TCP, serial) with the help of a thread where nobody waits
(`Reading`). An unpaced one (simulator in this process, replay) has none: it is pumped by who waits
alone, so that the same calls give the same bytes every time.
"""

import logging
import random
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from emgrig.driver.native.budget import Deadline, EventBudget
from emgrig.driver.native.failures import no_answer, raise_refusal
from emgrig.driver.native.interrupts import INTERRUPTS
from emgrig.driver.native.reading import Reading
from emgrig.driver.seams import Transport
from emgrig.errors import (
    TransportEnd,
    TransportError,
    TransportTimeout,
    WireError,
)
from emgrig.protocol.decoder import Decoder, DecoderCounts, Item, ReplyPacket, RequestPacket
from emgrig.protocol.framing import PacketEncoder, PacketType
from emgrig.protocol.packets import NoArguments, Request, RequestHeader
from emgrig.protocol.schema import Message
from emgrig.protocol.unmade import Received, UnmadePacket, made

log = logging.getLogger(__name__)
waiting = logging.getLogger("emgrig.waiting")

M = TypeVar("M", bound=Message)

READ_BYTES = 1 << 20  #: At once, of a burst.
_PUMP_BYTES = 1 << 18
REQUEST_TIMEOUT_S = 1.0
ATTEMPTS = 3
#: While bytes keep coming, an answer may be behind them: it is waited for so long in all.
PATIENCE_S = 12.0
#: So much at once is a burst, and what else comes in this gap, s, is read with it as long as that
#: is as much again: 8 MB/s, which no board sends at its own pace, so that none has to wait for it.
BURST_BYTES = 1 << 14
BURST_GAP_S = 0.002
_FIRST_BYTES = 24
_REPLY_TO = struct.Struct("<HB")  # what a reply begins with: the id and the request it answers
_ASKED = 16  #: Answers to so many of the last requests are let in.


class Direction(StrEnum):
    """Which way bytes went, seen from here."""

    RECEIVED = "received"
    SENT = "sent"


#: Called with every piece of bytes as it came or went, and the host's Unix time, s.
Tap = Callable[[Direction, bytes, float], None]
#: Called with everything that was decoded, in order, and the host's Unix time of its bytes, s;
#: also with a `RequestPacket` for each request that is sent.
Listener = Callable[[Item, float], None]


class Foreseer(Protocol):
    """Somebody who knows what comes next, and need not have it decoded. Called with the lock."""

    def take(self, data: Received, unix_s: float, /) -> bool:
        """Take all of what one read gave, if it is as foreseen; else False, and nothing is done."""

    def settle(self) -> None:
        """Have decoded what was taken, as something else comes, or somebody asks for counts."""


class _Read(Protocol):
    def __call__(self, max_bytes: int, /, *, timeout_s: float) -> Received:
        """Read once, as `Transport.read` does."""


class Answer(NamedTuple):
    """A reply, and when it was asked for and came: Unix time, s; `attempts` ≥ 1."""

    packet: ReplyPacket
    sent_s: float
    received_s: float
    attempts: int


class Link:
    """A transport, understood.

    Parameters
    ----------
    transport : Transport
        Open; the link closes it.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        #: Who gets samples, events and replies, in order. It is called with the link's lock held,
        #: by the reader thread if there is one, and must not ask anything of the link.
        self.listener: Listener | None = None
        self.tap: Tap | None = None  #: Who gets the raw bytes.
        self.foreseer: Foreseer | None = None  #: Who may take samples without the decoder.
        self.n_repeats = 0  #: How often a request was sent again before it was answered.
        #: Longest time that an answer took, s; STOP's not, which comes behind the last frame.
        self.slowest_s = 0.0
        self._lock = threading.RLock()
        self._requesting = threading.RLock()
        self._encode = PacketEncoder()
        # How long an answer may take, s; a gateway that has to ask its board says more.
        self._patience_s = float(getattr(transport, "answer_s", REQUEST_TIMEOUT_S))
        # What another connection left in a serial line must not look like an answer to this.
        self._next_id = random.randrange(1 << 16) if transport.is_paced else 1
        self._waiting_for: tuple[int, int] | None = None
        self._asked: deque[tuple[int, int]] = deque(maxlen=_ASKED)
        self._events = EventBudget()
        self._deadline = Deadline(transport.clock)
        self._reply: ReplyPacket | None = None
        self._reply_s = 0.0
        self._unix_offset_s = transport.clock.unix_s() - transport.clock.now_s()
        self._failure: Exception | None = None
        self._reading: Reading[Received] | None = None
        self._now_s = transport.clock.now_s
        # A gateway need not make the packets that nobody wants to see.
        self._read: _Read = getattr(transport, "receive", transport.read)
        self.received_s = 0.0  #: When the last bytes came, Unix time, s; first when it was opened.
        self._begin()
        if transport.is_paced:
            self._reading = Reading(
                self._receive,
                self._take_over,
                self._lock,
                transport.clock,
                f"emgrig reader {transport.address}",
                int(getattr(transport, "gather_bytes", 0)),
            )

    @property
    def counts(self) -> DecoderCounts:
        """What the decoder has seen and thrown away since the link was last opened."""
        return self.decoder.counts

    @property
    def decoder(self) -> Decoder:
        """The decoder of what comes since the link was last opened."""
        with self._lock:
            self._settle()
            return self._decoder

    def _settle(self) -> None:
        if self.foreseer is not None:
            self.foreseer.settle()

    @property
    def lock(self) -> threading.RLock:
        """What is held while the listener is called."""
        return self._lock

    @property
    def failure(self) -> Exception | None:
        """What ended the link; None while it is well."""
        return self._failure

    def unix_s(self) -> float:
        """Unix time, s, by a clock that never jumps (a step of the host's own is not followed)."""
        return self._now_s() + self._unix_offset_s

    # Requests.

    def request(
        self,
        request: Request,
        arguments: Message | None,
        reply: type[M],
        *,
        timeout_s: float = 0.0,
        attempts: int = ATTEMPTS,
    ) -> M:
        """Ask, and wait for the answer; ask again, with the same id, if none comes.

        Parameters
        ----------
        request : Request
            What to ask.
        arguments : Message or None
            Its arguments.
        reply : type of Message
            What the answer is.
        timeout_s : float
            How long to wait for each attempt, s; 0: as long as an answer of this link may take.
        attempts : int, ≥ 1
            How often to ask.

        Raises
        ------
        ValueError
            If an argument does not fit its field; nothing was sent.
        RequestRefused
            If the board answers ERROR.
        TransportTimeout
            If no answer comes.
        WireError
            If what comes is not this protocol.
        TransportError
            If the link is lost.
        """
        answer = self.ask(request, arguments, timeout_s=timeout_s, attempts=attempts)
        return self.read_answer(answer, reply)

    def read_answer(self, answer: Answer, reply: type[M]) -> M:
        """Decode an answer; WireError, with the request and the board, if it makes no sense."""
        try:
            return reply.decode(answer.packet.data)
        except WireError as error:
            packet = answer.packet
            raise WireError(
                f"{self.transport.address}: the answer to {Request(packet.request).name} has "
                f"{len(packet.data)} bytes ({packet.data[:16].hex(' ').upper()}) and makes no "
                f"sense: {error}"
            ) from error

    def ask(
        self,
        request: Request,
        arguments: Message | None = None,
        *,
        timeout_s: float = 0.0,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Be `request`, but return the raw answer with its times."""
        timeout_s = timeout_s or self._patience_s
        INTERRUPTS.renew()
        body = (arguments or NoArguments()).encode()
        with self._requesting:
            request_id, self._next_id = self._next_id, (self._next_id + 1) & 0xFFFF
            payload = RequestHeader(request_id, request).encode() + body
            with self._lock:
                self._asked.append((request_id, request))
                self._reply, self._waiting_for = None, (request_id, request)
                self._settle()
                self._tell(RequestPacket(request_id, request, body), self.unix_s())
            try:
                answer = self._attempt(request, payload, timeout_s, attempts)
            finally:
                self._waiting_for = None
            self.n_repeats += answer.attempts - 1
            if request is not Request.STOP:
                self.slowest_s = max(self.slowest_s, answer.received_s - answer.sent_s)
            return answer

    def _attempt(self, request: Request, payload: bytes, timeout_s: float, attempts: int) -> Answer:
        began_s, attempt = self.transport.clock.now_s(), 0
        while attempt < attempts or self._is_busy(began_s, timeout_s):
            timeout_s = min(timeout_s, self._deadline.left_s)
            if timeout_s <= 0:
                break
            if attempt < attempts:
                attempt += 1
                sent_s = self.unix_s()
                self._send(payload, sent_s)
            if not self.wait(lambda: self._reply is not None, timeout_s):
                log.info("%s: no answer in %g s (attempt %d)", request.name, timeout_s, attempt)
                if request is Request.HELLO and attempt == 1 and self.transport.is_paced:
                    waiting.info("%s: no answer yet, it is asked again", self.transport.address)
                self._give_up_half_packets(timeout_s / 2)
            if self._reply is not None:
                log.debug("%s: %s", request.name, self._reply.data.hex())
                raise_refusal(request, self._reply)
                return Answer(self._reply, sent_s, self._reply_s, attempt)
        waited_s = self.transport.clock.now_s() - began_s
        tried = f"{request.name} was asked {attempt} times in {waited_s:.2g} s"
        raise no_answer(self.transport.address, tried, self.counts, self._first_bytes)

    def _is_busy(self, began_s: float, timeout_s: float) -> bool:
        """Tell a slow link, on which packets still come, from one that is dead."""
        waited_s = self.transport.clock.now_s() - began_s
        return (
            bool(self.counts.packets)
            and self.unix_s() - self.received_s < timeout_s
            and waited_s < PATIENCE_S
        )

    def _give_up_half_packets(self, silence_s: float) -> None:
        """After a silence, do not wait for the rest of a packet whose length was damaged."""
        with self._lock:
            if self.unix_s() - self.received_s >= silence_s:
                for item in self.decoder.flush():
                    self._tell(item, self.received_s)

    def _send(self, payload: bytes, unix_s: float) -> None:
        self._raise_failure()
        packet = self._encode(PacketType.REQUEST, payload)
        with self._lock:
            if self.tap is not None:
                self.tap(Direction.SENT, packet, unix_s)
        try:
            self.transport.write(packet)
        except TransportError as error:  # whoever recovers has to open it anew
            with self._lock:
                self._fail(error)
            raise

    def within(self, duration_s: float) -> AbstractContextManager[None]:
        """Have all requests inside end in so long together, s; the outermost limit holds."""
        return self._deadline.within(duration_s)

    # Waiting.

    def wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `done()`, at most `timeout_s`; return what it says then.

        Raises
        ------
        TransportError
            If the link is lost, and `done()` is not true yet.
        """
        if self._reading is None:
            return self._pump_until(done, timeout_s)
        if self._reading.wait(done, timeout_s):
            return True
        self._raise_failure()
        return False

    @property
    def gather_bytes(self) -> int:
        """How much may lie unread with the system without holding up the board; 0: nothing."""
        return 0 if self._reading is None else int(getattr(self.transport, "gather_bytes", 0))

    @property
    def packs_here(self) -> bool:
        """True if a gateway makes the packets here of what comes by itself, however long."""
        return self._reading is not None and bool(getattr(self.transport, "packs_here", False))

    def read_now(self) -> None:
        """Take over what is there, without waiting; of a paced transport alone."""
        if self._reading is not None:
            self._reading.read_now()

    def in_group(self) -> AbstractContextManager[None]:
        """Have somebody call `read_now` whenever bytes are there: no thread has to look for it."""
        return nullcontext() if self._reading is None else self._reading.in_group()

    def read_every(self, pace_s: float) -> AbstractContextManager[None]:
        """Have somebody call `read_now` so often, s; the thread reads if he does not."""
        return nullcontext() if self._reading is None else self._reading.read_every(pace_s)

    def set_pace(self, pace_s: float, bytes_per_s: float) -> None:
        """Say how often who has said `read_every` reads from here on, s, and how much comes."""
        if self._reading is not None:
            self._reading.set_pace(pace_s, bytes_per_s)

    def _pump_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        deadline_s = self.transport.clock.now_s() + timeout_s
        with self._lock:
            while not done():
                self._raise_failure()
                left_s = deadline_s - self.transport.clock.now_s()
                if left_s <= 0:
                    return False
                try:
                    received = self.transport.read(_PUMP_BYTES, timeout_s=left_s)
                except TransportTimeout:
                    return done()
                except TransportEnd:  # it still answers
                    raise
                except TransportError as error:
                    self._fail(error)
                    raise
                self._take(received)
            return True

    def _receive(self, timeout_s: float) -> Received | None:
        """Read a paced transport once, for so long at most; None if nothing came."""
        try:
            received = self._read(READ_BYTES, timeout_s=timeout_s)
            if isinstance(received, bytes) and len(received) >= BURST_BYTES and timeout_s:
                received = self._read_burst(received)
        except TransportTimeout:
            return None
        except Exception as error:  # raised again where somebody waits
            with self._lock:
                self._fail(error)
            return None
        return received

    def _take_over(self, received: Received) -> int:
        """Take what came, and return how much it was; the lock is held."""
        try:
            self._take(received)
        except Exception as error:  # raised again where somebody waits
            self._fail(error)
            return 0
        return received.form.n_bytes if isinstance(received, UnmadePacket) else len(received)

    def _read_burst(self, first: bytes) -> bytes:
        """Gather more of what came that much at once: decoding has a price a piece."""
        pieces, n_bytes = [first], len(first)
        while len(pieces[-1]) >= BURST_BYTES and n_bytes < READ_BYTES:
            self.transport.clock.sleep(BURST_GAP_S)  # one large read is cheaper than many small
            try:
                pieces.append(self.transport.read(READ_BYTES - n_bytes, timeout_s=0.0))
            except TransportError:  # the burst is over, or the link: the next read says which
                break
            n_bytes += len(pieces[-1])
        return b"".join(pieces)

    def _take(self, received: Received) -> None:
        """Decode what came and hand it on; the lock is held."""
        unix_s = self.received_s = self._now_s() + self._unix_offset_s
        if self.tap is not None:
            received = made(received)
            self.tap(Direction.RECEIVED, received, unix_s)
        if self.foreseer is not None and self.foreseer.take(received, unix_s):
            return
        data = made(received)
        if len(self._first_bytes) < _FIRST_BYTES:
            self._first_bytes += data[: _FIRST_BYTES - len(self._first_bytes)]
        self._settle()
        self._events.pass_time(unix_s)
        for item in self._decoder.feed(data):
            self._tell(item, unix_s)

    def _admits(self, packet_type: int, payload: bytes) -> bool:
        """Tell whether a packet is worth decoding: a board that floods must not hold anybody."""
        if packet_type == PacketType.EVENT:
            return self._events.take(payload[:1])
        if packet_type == PacketType.REPLY and len(payload) > _REPLY_TO.size:
            return _REPLY_TO.unpack_from(payload) in self._asked
        return True

    def _tell(self, item: Item, unix_s: float) -> None:
        if isinstance(item, ReplyPacket) and (item.id, item.request) == self._waiting_for:
            self._reply, self._reply_s, self._waiting_for = item, unix_s, None
        if self.listener is not None:
            self.listener(item, unix_s)

    def _fail(self, error: Exception) -> None:
        """Say that the link is lost, if nobody has said it before; the lock is held."""
        self._failure = self._failure or error
        if self._reading is not None:
            self._reading.is_over = True
            self._reading.notify()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    # Opening and closing.

    def _begin(self) -> None:
        self._decoder = Decoder()
        self._decoder.admits = self._admits
        self._first_bytes = b""
        self.received_s = self.unix_s()
        self._failure = None
        if self._reading is not None:
            self._reading.is_over = False

    def reopen(self) -> None:
        """Open the transport anew after it was lost; what was in flight is gone.

        Raises
        ------
        TransportError
            If the other side is not there.
        """
        if self._reading is not None:
            self._reading.pause()
        try:
            with self._lock:
                for item in self.decoder.flush():
                    self._tell(item, self.unix_s())
            self._open_again()
        finally:
            if self._reading is not None:
                self._reading.go_on()

    def _open_again(self) -> None:
        try:
            self.transport.reopen()
        except TransportError as error:
            with self._lock:
                self._failure = None
                self._fail(error)
            raise
        self._begin()

    def close(self) -> None:
        """Close the transport, and end the thread; a second call does nothing."""
        with self._lock:
            self._fail(TransportError(f"{self.transport.address} is closed"))
        self.transport.close()
        if self._reading is not None:
            self._reading.close()
