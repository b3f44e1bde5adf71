"""Serves a bench on a socket."""

import contextlib
import logging
import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from emgrig.attach.bench import Bench
from emgrig.attach.remote.address import Address
from emgrig.attach.remote.calls import BY_CODE
from emgrig.attach.remote.wire import HEAD, LENGTH, MOST_BYTES, Status
from emgrig.errors import EmgrigError, TransportError

log = logging.getLogger(__name__)

_HELLO: Final = 0x00
_CHUNK: Final = 1 << 16
_AWAKE_S: Final = 300e-6
_BUSY_S: Final = 200e-6  #: A look that makes way takes longer only if others want the processor.
_MESSAGES_ASLEEP: Final = 1000
_AT_ONCE: Final = getattr(socket, "MSG_DONTWAIT", 0)
_STAYS_AWAKE: Final = _AT_ONCE != 0 and (os.cpu_count() or 1) > 1
#: Lets another program have the processor: the client may need this one.
_make_way: Final[Callable[[], None]] = getattr(os, "sched_yield", lambda: None)
_DONE: Final = struct.Struct("<I" + HEAD.format.removeprefix("<"))
"""Length and head of an answer at once."""


class BenchServer:
    """Answers those who connect, each in a thread of its own, one message at a time.

    A client that goes away, or sends what is no request, ends nothing: others go on, and a new one
    finds the bench as it was left.

    Parameters
    ----------
    bench : Bench
        Which. Whoever else uses it meanwhile holds `lock`.
    address : Address
        Where to listen.

    Raises
    ------
    TransportError
        If nobody can listen there.
    """

    def __init__(self, bench: Bench, address: Address) -> None:
        self.bench = bench
        self.lock = threading.Lock()
        self.failure: Exception | None = None  #: What the bench itself did wrong, first of all.
        bench.n_clients = bench.n_clients or 0
        self._links: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        listener = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            if not address.path and os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address.of_socket)
            listener.listen()
        except OSError as error:
            listener.close()
            raise TransportError(f"cannot listen on {address}: {error.strerror}") from error
        self._listener = listener
        self._path = address.path
        if not address.path:
            address = Address(host=address.host, port=int(listener.getsockname()[1]))
        self.address = str(address)  #: Where it listens, the port filled in.
        self._acceptor = threading.Thread(target=self._accept, name="bench listener", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Hang up on everybody and stop listening."""
        _shut(self._listener)  # wakes accept where close does not
        self._listener.close()
        self._acceptor.join()  # nobody comes in any more
        for link in tuple(self._links):
            _shut(link)
        for thread in self._threads:
            thread.join()
        if self._path:
            Path(self._path).unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:  # closed
                return
            if link.family != getattr(socket, "AF_UNIX", None):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links.add(link)
            thread = threading.Thread(
                target=self._talk, args=(link,), name="bench server", daemon=True
            )
            self._threads = [*(old for old in self._threads if old.is_alive()), thread]
            thread.start()

    def _talk(self, link: socket.socket) -> None:
        talk, waiting = Talk(self), _Waiting(link)
        try:
            while piece := waiting.next():
                answers, goes_on = talk.answer(piece)
                if answers:
                    link.sendall(answers)
                if not goes_on:
                    return
        except OSError as error:
            log.info("a client is gone: %s", error)
        finally:
            self._links.discard(link)
            link.close()


class Talk:
    """What one client and the bench say to each other, as bytes.

    Parameters
    ----------
    server : BenchServer
        Whose bench it is, and whose lock.
    """

    def __init__(self, server: BenchServer) -> None:
        self._server = server
        self._buffer = b""
        self._has_greeted = False

    def answer(self, piece: bytes) -> tuple[bytes, bool]:
        """Take bytes as they came; return the answers, and False if the client is to be left."""
        buffer = self._buffer + piece if self._buffer else piece
        if len(buffer) > 4 and LENGTH.unpack_from(buffer)[0] == len(buffer) - 4 <= MOST_BYTES:
            self._buffer = b""  # one whole message, as nearly always
            return self._answer(buffer, 4, len(buffer)), True
        answers: list[bytes] = []
        begin, n_bytes, goes_on = 0, len(buffer), True
        while n_bytes - begin >= 4:
            (length,) = LENGTH.unpack_from(buffer, begin)
            if length > MOST_BYTES:
                text = f"a message of {length} bytes, expected at most {MOST_BYTES}; hanging up"
                answers.append(self._said(Status.NOT_UNDERSTOOD, text))
                begin, goes_on = n_bytes, False
                break
            end = begin + 4 + length
            if end > n_bytes:
                break
            answers.append(self._answer(buffer, begin + 4, end))
            begin = end
        self._buffer = buffer[begin:]
        return b"".join(answers), goes_on

    def _answer(self, buffer: bytes, begin: int, end: int) -> bytes:
        if begin == end:
            return self._said(Status.NOT_UNDERSTOOD, "an empty message, expected a code")
        code = buffer[begin]
        known = BY_CODE.get(code)
        if known is None:
            return self._said(Status.NOT_UNDERSTOOD, f"no verb has the code {code:02X}h")
        if not self._has_greeted and code != _HELLO:
            return self._said(Status.NOT_UNDERSTOOD, "expected hello (00h) first")
        numbers, rest, call = known
        tail = begin + 1 + numbers.size
        if end < tail or (not rest and end > tail):
            text = f"{call.__name__} of {end - begin} bytes, expected {tail - begin}"
            return self._said(Status.NOT_UNDERSTOOD, text + " or more" * bool(rest))
        fields = numbers.unpack_from(buffer, begin + 1)
        if rest == "bytes":
            fields = (*fields, buffer[tail:end])
        elif rest:
            try:
                fields = (*fields, buffer[tail:end].decode())
            except UnicodeDecodeError:
                return self._said(Status.NOT_UNDERSTOOD, f"{call.__name__}: the text is no UTF-8")
        server = self._server
        bench = server.bench
        try:
            with server.lock:
                body = call(bench, *fields)
                falls = bench.n_drdy_falls & 0xFFFFFFFF
                head = _DONE.pack(HEAD.size + len(body), 0, bench.now_s, falls)
        except ValueError as error:
            return self._said(Status.REFUSED, str(error))
        except EmgrigError as error:
            return self._said(Status.FAILED, str(error))
        except Exception as error:  # the client must hear of it, and so must who serves
            log.exception("the bench failed in %s%r", call.__name__, fields)
            server.failure = server.failure or error
            return self._said(Status.FAILED, f"the bench failed: {type(error).__name__}: {error}")
        if not self._has_greeted:
            bench.n_clients = (bench.n_clients or 0) + 1
            self._has_greeted = True
        return b"".join((head, body))

    def _said(self, status: Status, text: str) -> bytes:
        bench = self._server.bench
        with self._server.lock:
            head = HEAD.pack(status, bench.now_s, bench.n_drdy_falls & 0xFFFFFFFF)
        said = text.encode(errors="replace")[: MOST_BYTES - len(head)]
        return LENGTH.pack(len(head) + len(said)) + head + said


@contextmanager
def serve(
    bench: Bench, address: str | None = None, *, beyond_this_machine: bool = False
) -> Iterator[BenchServer]:
    """Serve a bench until the context ends.

    Parameters
    ----------
    bench : Bench
        Which.
    address : str or None
        ``unix:/path`` or ``tcp://HOST:PORT`` (port 0: any that is free); None takes a unix socket
        in a folder of its own, or TCP on loopback where there are none.
    beyond_this_machine : bool
        True lets other machines in: whoever connects may have files read as a source.

    Yields
    ------
    BenchServer
        With its `address`.

    Raises
    ------
    ValueError
        If the address is none, or not of this machine without being asked for.
    TransportError
        If nobody can listen there.
    Exception
        What the bench itself raised while it served, at the end.
    """
    with tempfile.TemporaryDirectory(prefix="emgrig-") as folder:
        if address is None:
            has_unix = hasattr(socket, "AF_UNIX")
            address = f"unix:{folder}/bench" if has_unix else "tcp://127.0.0.1:0"
        parsed = Address.parse(address)
        if not (beyond_this_machine or parsed.is_of_this_machine):
            raise ValueError(
                f"{address} lets other machines in, expected 127.0.0.1; say so if that is meant"
            )
        server = BenchServer(bench, parsed)
        try:
            yield server
        finally:
            server.close()
        if server.failure is not None:
            raise server.failure


class _Waiting:
    """Waits for what a client says next, awake for a moment: to be woken costs more than a message.

    Firmware that polls sends the next message some microseconds after the answer. But where others
    want the processor, to make way for them takes their whole turn, and who sleeps is let in first:
    then it sleeps, for so many messages before it tries again.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._asleep = 0

    def next(self) -> bytes:
        """Return what came; nothing if the client is gone."""
        if not _STAYS_AWAKE:
            return self._link.recv(_CHUNK)
        if self._asleep:
            self._asleep -= 1
            return self._link.recv(_CHUNK)
        end_s = time.perf_counter() + _AWAKE_S
        while (now_s := time.perf_counter()) < end_s:
            try:
                return self._link.recv(_CHUNK, _AT_ONCE)
            except BlockingIOError:
                _make_way()
                if time.perf_counter() - now_s > _BUSY_S:
                    self._asleep = _MESSAGES_ASLEEP
                    break
        return self._link.recv(_CHUNK)


def _shut(link: socket.socket) -> None:
    """Wake whoever waits on a socket."""
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
