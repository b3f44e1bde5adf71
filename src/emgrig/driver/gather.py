"""Many boards in one process: one thread reads for all of them, and none holds up another."""

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple, Self

from emgrig.driver.native.interrupts import INTERRUPTS
from emgrig.driver.samples.block import Block
from emgrig.driver.stream import Stream
from emgrig.errors import EmgrigError, TransportError

_LOOK_S = 0.1  #: So often every stream is looked at, whether anything came or not.
_MOST_WORKERS = 1024  #: Threads for what takes its time; they are made when they are needed.
_MOST_WAITING = 64  #: Blocks that wait of a stream which has a thread of its own.


class Arrival(NamedTuple):
    """What came of one of the streams."""

    stream: Stream
    block: Block | None  #: None: the stream has ended, and nothing more comes of it.
    error: EmgrigError | None = None  #: Why it ended, unless it was stopped or ran its time.


class _Member:
    """One of the streams, and how it stands."""

    def __init__(self, stream: Stream, now_s: float) -> None:
        self.stream = stream
        self.news_s = now_s  # when a block came last
        self.fd: int | None = None  # what is waited for
        self.is_away = True  # somebody else sees to it
        self.rest = ExitStack()  # while open, the link's own thread rests
        self.room: threading.Semaphore | None = None  # of one with a thread of its own


class Gather(Iterator[Arrival]):
    """Blocks of many streams as they come, in the thread that iterates.

    What takes its time (a lost link, asking a board for its clock, stopping it) other threads do
    meanwhile, for each board alone: the others go on. A link that cannot be waited for together
    with others (a gateway's, the simulator's) has a thread of its own. Use it as a context manager,
    or iterate to the end.

    Parameters
    ----------
    streams : iterable of Stream
        More can be added later. Iteration ends when none is left.

    Examples
    --------
    ::

        with Gather(board.stream(60.0) for board in boards) as gathered:
            for stream, block, error in gathered:
                ...
    """

    def __init__(self, streams: Iterable[Stream] = ()) -> None:
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._workers = ThreadPoolExecutor(_MOST_WORKERS, "emgrig gather")
        self._members: dict[Stream, _Member] = {}
        self._arrived: deque[tuple[_Member, Arrival]] = deque()
        #: Members that come back, and with what: an Arrival that ends them, or None.
        self._back: deque[tuple[_Member, Arrival | None]] = deque()
        self._faults: deque[BaseException] = deque()
        self._is_roused = self._is_closed = False
        self._look_s = 0.0
        for stream in streams:
            self.add(stream)

    def add(self, stream: Stream) -> None:
        """Take one more stream, from any thread. Nobody else may iterate over it."""
        member = _Member(stream, time.monotonic())
        self._members[stream] = member
        transport = stream.link.transport
        if transport.is_paced and hasattr(transport, "fileno"):
            member.rest.enter_context(stream.link.in_group())
            self._back.append((member, None))
            self._rouse()
        else:
            member.room = threading.Semaphore(_MOST_WAITING)
            threading.Thread(target=self._follow, args=(member,), daemon=True).start()

    def __next__(self) -> Arrival:
        """Wait for what comes next, of whichever stream; an `EmgrigError` of one is handed on."""
        while not self._arrived:
            if self._faults:
                raise self._faults.popleft()
            if self._is_closed or not self._members:
                self.close()
                raise StopIteration
            ready = self._selector.select(max(self._look_s - time.monotonic(), 0.0))
            with INTERRUPTS.held():
                self._serve(ready)
        member, arrival = self._arrived.popleft()
        if member.room is not None:
            member.room.release()
        return arrival

    def _serve(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, _ in ready:
            if key.data is None:
                self._woken.recv(64)
                self._is_roused = False
            else:
                key.data.stream.link.read_now()
                self._pass_on(key.data)
        while self._back:
            self._take_back(*self._back.popleft())
        now_s = time.monotonic()
        if now_s >= self._look_s:
            self._look_s = now_s + _LOOK_S
            for member in list(self._members.values()):
                if not member.is_away:
                    self._pass_on(member)

    def _pass_on(self, member: _Member) -> None:
        """Take what is there of a stream; have somebody see to what else is due."""
        stream, n_before = member.stream, len(self._arrived)
        while (block := stream.next_now()) is not None:
            self._arrived.append((member, Arrival(stream, block)))
        now_s = time.monotonic()
        if len(self._arrived) > n_before:
            member.news_s = now_s
        is_silent = now_s - member.news_s >= stream.silence_s
        if is_silent or stream.is_due:
            self._stop_waiting_for(member)
            member.is_away, member.news_s = True, now_s
            self._workers.submit(self._see_to, member, is_silent)

    def _take_back(self, member: _Member, end: Arrival | None) -> None:
        if end is None:
            member.is_away = False
            try:
                member.fd = member.stream.link.transport.fileno()  # type: ignore[attr-defined]
                self._selector.register(member.fd, selectors.EVENT_READ, member)
            except (TransportError, ValueError, KeyError):  # lost, and that is seen to
                member.fd = None
            self._pass_on(member)
            return
        while (block := member.stream.next_now()) is not None:
            self._arrived.append((member, Arrival(member.stream, block)))
        self._arrived.append((member, end))
        self._let_go(member)

    def _let_go(self, member: _Member) -> None:
        self._members.pop(member.stream, None)
        self._stop_waiting_for(member)
        member.rest.close()

    def _stop_waiting_for(self, member: _Member) -> None:
        if member.fd is not None:
            self._selector.unregister(member.fd)
            member.fd = None

    # In other threads.

    def _see_to(self, member: _Member, is_silent: bool) -> None:
        """Do what is due of a stream, however long it takes."""
        stream, end = member.stream, None
        try:
            stream.go_on(lambda: stream.link.wait(lambda: False, 0.0) or not is_silent)
        except StopIteration:
            end = Arrival(stream, None)
        except EmgrigError as error:
            end = Arrival(stream, None, error)
        except BaseException as fault:
            self._faults.append(fault)
        self._back.append((member, end))
        self._rouse()

    def _follow(self, member: _Member) -> None:
        """Iterate over a stream that cannot be waited for together with others."""
        stream, error = member.stream, None
        room = member.room or threading.Semaphore()
        try:
            for block in stream:
                while not (room.acquire(timeout=_LOOK_S) or self._is_closed):
                    continue
                if self._is_closed:
                    stream.give_back(block)
                    return
                self._arrived.append((member, Arrival(stream, block)))
                self._rouse()
        except EmgrigError as wrong:
            error = wrong
        except BaseException as fault:
            self._faults.append(fault)
        self._back.append((member, Arrival(stream, None, error)))
        self._rouse()

    def _rouse(self) -> None:
        if not self._is_roused:
            self._is_roused = True
            try:
                self._wake.send(b"x")
            except OSError:  # it is closed, or woken already
                return

    def close(self) -> None:
        """Leave the streams to themselves: none is stopped by it, and their links are read on."""
        if self._is_closed:
            return
        self._is_closed = True
        while self._arrived:  # what nobody took is left in its stream
            _, arrival = self._arrived.pop()
            if arrival.block is not None:
                arrival.stream.give_back(arrival.block)
        self._workers.shutdown(cancel_futures=True)
        for member in list(self._members.values()):
            self._let_go(member)
        self._selector.close()
        self._woken.close()
        self._wake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
