"""The board link: requests and replies by id, and everything else in order to one listener.

A paced transport (TCP, serial) gets one reader thread. An unpaced one (simulator in this process,
replay) gets none: whoever waits pumps it, so that the same calls give the same bytes every time.
"""

import logging
import random
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, TypeVar

from emgrig.driver.seams import Transport
from emgrig.errors import (
    EmgrigError,
    RequestRefused,
    TransportEnd,
    TransportError,
    TransportTimeout,
    WireError,
)
from emgrig.protocol.decoder import Decoder, DecoderCounts, Item, ReplyPacket, RequestPacket
from emgrig.protocol.framing import VERSION, PacketEncoder, PacketType
from emgrig.protocol.packets import ErrorCode, NoArguments, Request, RequestHeader
from emgrig.protocol.schema import Message

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)

READ_BYTES = 1 << 18
REQUEST_TIMEOUT_S = 1.0
ATTEMPTS = 3
#: While bytes keep coming, an answer may be behind them: it is waited for so long in all.
PATIENCE_S = 12.0
#: So much at once is a burst (a board in real time sends packet by packet): what else comes in
#: this gap, s, is read with it.
BURST_BYTES = 1 << 11
BURST_GAP_S = 0.002
_POLL_S = 0.25
_FIRST_BYTES = 24

_HINTS = {
    ErrorCode.BUSY: "; another program streams from it: close that, or wait till it is gone",
    ErrorCode.IN_RDATAC: "; the chip must leave RDATAC first: stop the stream",
    ErrorCode.NO_SUCH_CHIP: "; HELLO says how many chips there are",
    ErrorCode.CHIP_SILENT: "; run `emgrig bringup` to find out why",
    ErrorCode.NOT_SUPPORTED: "; identity.capabilities says what this board can do",
    ErrorCode.UNKNOWN_REQUEST: "; its firmware is older than this program",
}


class Direction(StrEnum):
    """Which way bytes went, seen from here."""

    RECEIVED = "received"
    SENT = "sent"


#: Called with every piece of bytes as it came or went, and the host's Unix time, s.
Tap = Callable[[Direction, bytes, float], None]
#: Called with everything that was decoded, in order, and the host's Unix time of its bytes, s;
#: also with a `RequestPacket` for each request that is sent.
Listener = Callable[[Item, float], None]


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
        self.n_repeats = 0  #: How often a request was sent again before it was answered.
        #: Longest time that an answer took, s; STOP's not, which comes behind the last frame.
        self.slowest_s = 0.0
        self._condition = threading.Condition()
        self._requesting = threading.RLock()
        self._encode = PacketEncoder()
        # What another connection left in a serial line must not look like an answer to this.
        self._next_id = random.randrange(1 << 16) if transport.is_paced else 1
        self._waiting_for: tuple[int, int] | None = None
        self._reply: ReplyPacket | None = None
        self._reply_s = 0.0
        self._unix_offset_s = transport.clock.unix_s() - transport.clock.now_s()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._begin()

    @property
    def counts(self) -> DecoderCounts:
        """What the decoder has seen and thrown away since the link was last opened."""
        return self._decoder.counts

    @property
    def lock(self) -> threading.Condition:
        """What is held while the listener is called."""
        return self._condition

    @property
    def failure(self) -> Exception | None:
        """What ended the link; None while it is well."""
        return self._failure

    def unix_s(self) -> float:
        """Unix time, s, by a clock that never jumps (a step of the host's own is not followed)."""
        return self.transport.clock.now_s() + self._unix_offset_s

    # Requests.

    def request(
        self,
        request: Request,
        arguments: Message | None,
        reply: type[M],
        *,
        timeout_s: float = REQUEST_TIMEOUT_S,
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
            How long to wait for each attempt, s.
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
        return reply.decode(answer.packet.data)

    def ask(
        self,
        request: Request,
        arguments: Message | None = None,
        *,
        timeout_s: float = REQUEST_TIMEOUT_S,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Be `request`, but return the raw answer with its times."""
        body = (arguments or NoArguments()).encode()
        with self._requesting:
            request_id, self._next_id = self._next_id, (self._next_id + 1) & 0xFFFF
            payload = RequestHeader(request_id, request).encode() + body
            with self._condition:
                self._reply, self._waiting_for = None, (request_id, request)
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
            if attempt < attempts:
                attempt += 1
                sent_s = self.unix_s()
                self._send(payload, sent_s)
            if not self.wait(lambda: self._reply is not None, timeout_s):
                log.warning("%s: no answer in %g s (attempt %d)", request.name, timeout_s, attempt)
                self._give_up_half_packets(timeout_s / 2)
            if self._reply is not None:
                log.debug("%s: %s", request.name, self._reply.data.hex())
                _raise_refusal(request, self._reply)
                return Answer(self._reply, sent_s, self._reply_s, attempt)
        raise self._no_answer(request, self.transport.clock.now_s() - began_s, attempts)

    def _is_busy(self, began_s: float, timeout_s: float) -> bool:
        """Tell a slow link, on which packets still come, from one that is dead."""
        waited_s = self.transport.clock.now_s() - began_s
        return (
            bool(self.counts.packets)
            and self.unix_s() - self._received_s < timeout_s
            and waited_s < PATIENCE_S
        )

    def _give_up_half_packets(self, silence_s: float) -> None:
        """After a silence, do not wait for the rest of a packet whose length was damaged."""
        with self._condition:
            if self.unix_s() - self._received_s >= silence_s:
                for item in self._decoder.flush():
                    self._tell(item, self._received_s)

    def _send(self, payload: bytes, unix_s: float) -> None:
        self._raise_failure()
        packet = self._encode(PacketType.REQUEST, payload)
        with self._condition:
            if self.tap is not None:
                self.tap(Direction.SENT, packet, unix_s)
        self.transport.write(packet)

    def _no_answer(self, request: Request, waited_s: float, attempts: int) -> EmgrigError:
        """Tell silence, a foreign protocol and a board that does not answer apart."""
        where, counts = self.transport.address, self.counts
        tried = f"{attempts} times in {waited_s:.2g} s"
        if counts.packets:
            return TransportTimeout(
                f"{where}: {request.name} was asked {tried} and not answered, though "
                f"{counts.packets} good packets came; {counts.skipped_bytes} bytes were damaged"
            )
        if not self._first_bytes:
            return TransportTimeout(
                f"{where}: {request.name} was asked {tried} and nothing came back at all; "
                "is it the right port, and does the board have power?"
            )
        seen = self._first_bytes.hex(" ").upper()
        if counts.bad_version and counts.last_version != VERSION and not counts.bad_crc:
            return WireError(
                f"{where}: it may speak version {counts.last_version} of the board link, this "
                f"program version {VERSION}; first bytes seen: {seen}"
            )
        return WireError(
            f"{where}: what comes is not the board link (a packet begins A5 5A 01); first bytes "
            f"seen: {seen}; another device, another firmware, or the wrong baud rate?"
        )

    # Waiting.

    def wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `done()`, at most `timeout_s`; return what it says then.

        Raises
        ------
        TransportError
            If the link is lost, and `done()` is not true yet.
        """
        if not self.transport.is_paced:
            return self._pump_until(done, timeout_s)
        with self._condition:
            self._condition.wait_for(lambda: done() or self._failure is not None, timeout_s)
            if done():
                return True
            self._raise_failure()
            return False

    def _pump_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        deadline_s = self.transport.clock.now_s() + timeout_s
        with self._condition:
            while not done():
                self._raise_failure()
                left_s = deadline_s - self.transport.clock.now_s()
                if left_s <= 0:
                    return False
                try:
                    received = self.transport.read(READ_BYTES, timeout_s=left_s)
                except TransportTimeout:
                    return done()
                except TransportEnd:  # it still answers
                    raise
                except TransportError as error:
                    self._failure = error
                    raise
                self._take(received)
            return True

    def _read_on(self) -> None:
        """Be the reader thread of a paced transport."""
        while not self._closing.is_set():
            try:
                received = self._read_burst()
                with self._condition:
                    self._take(received)
            except TransportTimeout:
                continue
            except Exception as error:  # raised again where somebody waits
                with self._condition:
                    self._failure = error
                    self._condition.notify_all()
                return

    def _read_burst(self) -> bytes:
        """Read; if that much comes at once, gather more of it: decoding has a price a piece."""
        pieces = [self.transport.read(READ_BYTES, timeout_s=_POLL_S)]
        n_bytes = len(pieces[0])
        while BURST_BYTES <= n_bytes < READ_BYTES:
            self.transport.clock.sleep(BURST_GAP_S)  # one large read is cheaper than many small
            try:
                pieces.append(self.transport.read(READ_BYTES - n_bytes, timeout_s=0.0))
            except TransportError:  # the burst is over, or the link: the next read says which
                break
            n_bytes += len(pieces[-1])
        return b"".join(pieces)

    def _take(self, received: bytes) -> None:
        """Decode what came and hand it on; the lock is held."""
        unix_s = self._received_s = self.unix_s()
        if len(self._first_bytes) < _FIRST_BYTES:
            self._first_bytes += received[: _FIRST_BYTES - len(self._first_bytes)]
        if self.tap is not None:
            self.tap(Direction.RECEIVED, received, unix_s)
        for item in self._decoder.feed(received):
            self._tell(item, unix_s)
        self._condition.notify_all()

    def _tell(self, item: Item, unix_s: float) -> None:
        if isinstance(item, ReplyPacket) and (item.id, item.request) == self._waiting_for:
            self._reply, self._reply_s, self._waiting_for = item, unix_s, None
        if self.listener is not None:
            self.listener(item, unix_s)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    # Opening and closing.

    def _begin(self) -> None:
        self._decoder = Decoder()
        self._first_bytes = b""
        self._received_s = self.unix_s()
        self._failure = None
        self._closing = threading.Event()
        if self.transport.is_paced:
            name = f"emgrig reader {self.transport.address}"
            self._thread = threading.Thread(target=self._read_on, name=name, daemon=True)
            self._thread.start()

    def reopen(self) -> None:
        """Open the transport anew after it was lost; what was in flight is gone.

        Raises
        ------
        TransportError
            If the other side is not there.
        """
        self._join()
        with self._condition:
            for item in self._decoder.flush():
                self._tell(item, self.unix_s())
        try:
            self.transport.reopen()
        except TransportError as error:
            self._failure = error
            raise
        self._begin()

    def close(self) -> None:
        """Close the transport, and end the reader thread; a second call does nothing."""
        with self._condition:
            if self._failure is None:
                self._failure = TransportError(f"{self.transport.address} is closed")
            self._condition.notify_all()
        self._closing.set()
        self.transport.close()
        self._join()

    def _join(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _raise_refusal(request: Request, reply: ReplyPacket) -> None:
    if reply.error is None:
        return
    code = reply.error.code
    hint = _HINTS.get(ErrorCode(code), "") if code in ErrorCode.__members__.values() else ""
    raise RequestRefused(request.name, code, reply.error.text, hint)
