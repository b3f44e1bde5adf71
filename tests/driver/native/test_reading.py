"""Who reads: whoever waits, or the link's thread; and Ctrl-C never loses what was read."""

import queue
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from emgrig.driver.native.interrupts import Interrupts
from emgrig.driver.native.link import Link
from emgrig.driver.native.reading import _LOOK_S, POLL_S, Reading
from emgrig.driver.seams import RealClock
from emgrig.driver.transports.tcp import TcpTransport
from emgrig.protocol.packets import Hello, HelloArguments, Request, StartArguments, Started
from fake_server import TcpServer


class Source:
    """Bytes that a reading can take over: `give` lets one read end."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.readers: list[threading.Thread] = []
        self.came = 0
        self.given = threading.Semaphore(0)
        self.is_read = threading.Semaphore(0)
        self.reading = Reading(self.read, self.take, self.lock, RealClock(), "source")

    def read(self, timeout_s: float) -> int | None:
        self.readers.append(threading.current_thread())
        self.is_read.release()
        return 1 if self.given.acquire(timeout=timeout_s) else None

    def take(self, n: int) -> int:
        self.came += n
        return n


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    made.reading.close()


def test_who_waits_reads(source: Source) -> None:
    with source.reading.in_group():  # the thread does not look
        source.given.release(3)
        assert source.reading.wait(lambda: source.came == 3, 300.0)
    assert set(source.readers) == {threading.current_thread()}


def test_where_nobody_waits_the_thread_reads(source: Source) -> None:
    assert source.is_read.acquire(timeout=300.0)
    assert source.readers[0] is source.reading._thread


def test_one_reads_and_the_others_are_told(source: Source) -> None:
    with source.reading.in_group():
        done: list[bool] = []

        def wait() -> None:
            done.append(source.reading.wait(lambda: source.came == 2, 300.0))

        threads = [threading.Thread(target=wait) for _ in range(5)]
        for thread in threads:
            thread.start()
        assert source.is_read.acquire(timeout=300.0)
        source.given.release(2)
        for thread in threads:
            thread.join(300.0)
        assert done == [True] * 5


def test_when_the_leader_goes_another_takes_over(source: Source) -> None:
    with source.reading.in_group():
        thread = threading.Thread(target=source.reading.wait, args=(lambda: source.came, 300.0))
        thread.start()
        assert source.is_read.acquire(timeout=300.0)  # it leads
        source.given.release(4)
        assert source.reading.wait(lambda: source.came == 4, 300.0)
        thread.join(300.0)
    assert {thread, threading.current_thread()} >= set(source.readers)


def test_in_a_pause_nobody_reads_and_who_waits_goes_on_behind_it(source: Source) -> None:
    with source.reading.in_group():
        source.reading.pause()
        source.given.release()
        assert not source.reading.wait(lambda: source.came == 1, 0.001)
        source.reading.read_now()
        assert source.readers == []
        source.reading.go_on()
        assert source.reading.wait(lambda: source.came == 1, 300.0)


def test_a_read_ends_in_time_for_who_closes_or_interrupts(source: Source) -> None:
    with source.reading.in_group():
        asked: list[float] = []
        source.reading._receive = lambda timeout_s: asked.append(timeout_s)  # type: ignore[func-returns-value]
        assert source.reading.wait(lambda: len(asked) > 3, 1000.0 * POLL_S)
        assert asked == [POLL_S] * 4


def test_a_link_whose_thread_reads_gives_the_lead_to_who_waits() -> None:
    with TcpServer() as server:
        link = Link(TcpTransport(server.address))
        reading = link._reading
        assert reading is not None
        link.request(Request.HELLO, HelloArguments(1, "test"), Hello)
        link.request(Request.START, StartArguments(4, 1), Started)
        by_thread, by_us = threading.Event(), threading.Event()

        def listen(item: object, unix_s: float) -> None:
            is_thread = threading.current_thread() is reading._thread
            (by_thread if is_thread else by_us).set()

        link.listener = listen
        assert by_thread.wait(300.0)  # nobody waits on the link: the thread reads
        assert link.wait(by_us.is_set, 300.0)
        link.close()
        assert not reading._thread.is_alive()


def test_a_thread_that_reads_stops_for_who_reads_now_and_then(source: Source) -> None:
    assert source.is_read.acquire(timeout=300.0)  # nobody did: the thread does
    with source.reading.read_every(1000.0):  # and looks no more
        source.reading.read_now()
        source.given.release()
        condition = source.reading._condition
        with condition:
            assert condition.wait_for(lambda: not source.reading._is_led, 300.0)
        source.given.release()
        source.reading.read_now()
        assert source.readers == [source.reading._thread, threading.current_thread()]


# Ctrl-C.


class Looked:
    """A lock that is waited for, and tells for how long at most."""

    def __init__(self) -> None:
        self._lock, self.timeouts_s = threading.Lock(), queue.Queue[float]()
        self._lock.acquire()

    def acquire(self, timeout: float) -> bool:
        self.timeouts_s.put(timeout)
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()


def test_the_thread_looks_sooner_from_the_moment_that_much_is_said_to_come(source: Source) -> None:
    looked, before = Looked(), source.reading._look
    source.reading._look = looked  # type: ignore[assignment]
    before.release()
    looked.timeouts_s.get(timeout=20)
    source.reading.read_now()  # somebody is there: the thread need not read itself
    source.reading.set_pace(0.0, 16_000 * 27)
    while looked.timeouts_s.get(timeout=20) > 2 * 2048 / (16_000 * 27):
        pass  # an instant, at which it was on its way to the lock


class Stopped(RealClock):
    """A clock that is set."""

    time_s = 0.0

    def now_s(self) -> float:
        return self.time_s


def test_nobody_reads_for_no_longer_than_is_room_for() -> None:
    """The look that comes right behind a read does not begin to count anew."""
    looked, clock, lock = Looked(), Stopped(), threading.RLock()
    reading = Reading(lambda timeout_s: 1, lambda n: n, lock, clock, "stopped")
    before, reading._look = reading._look, looked  # type: ignore[assignment]
    reading.read_now()
    clock.time_s = 0.3
    before.release()
    assert looked.timeouts_s.get(timeout=300) == pytest.approx(_LOOK_S - 0.3)
    reading.close()


def test_of_a_link_that_is_lost_the_thread_looks_as_seldom_as_it_may() -> None:
    """It looked each 5 ms, a core's hundredth for a board that was unplugged."""
    looked, clock, lock, is_read = Looked(), Stopped(), threading.RLock(), threading.Semaphore(0)
    reading = Reading(lambda _: is_read.release(), lambda n: 0, lock, clock, "lost")
    before, reading._look = reading._look, looked  # type: ignore[assignment]
    reading.is_over, reading._look_s = True, 0.005  # as of a fast board
    clock.time_s = 10.0
    before.release()
    assert looked.timeouts_s.get(timeout=300) == pytest.approx(_LOOK_S)
    assert not is_read.acquire(blocking=False)
    reading.is_over = False
    reading.go_on()
    assert is_read.acquire(timeout=300)
    reading.close()


class Pressed(Exception):
    """What a handler raises."""


@pytest.fixture
def handlers() -> Iterator[list[int]]:
    """Handlers of two signals: each notes its number, and Ctrl-C's raises."""
    noted: list[int] = []

    def stop(number: int, _: object) -> None:
        noted.append(number)
        raise Pressed(number)

    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, lambda number, _: noted.append(number))
    yield noted
    for number, handler in before:
        signal.signal(number, handler)


@pytest.fixture
def interrupts(handlers: list[int]) -> Iterator[Interrupts]:
    """What stands in for them."""
    made = Interrupts()
    made.begin(made)
    yield made
    made.end(made)


def press(number: int = signal.SIGINT) -> None:
    signal.raise_signal(number)


def test_a_handler_waits_while_bytes_are_taken_over(
    handlers: list[int], interrupts: Interrupts
) -> None:
    steps: list[str] = []

    def take_over() -> None:
        with interrupts.held():
            with interrupts.held():
                press()
                steps.append("in")
            steps.append("out")

    with pytest.raises(Pressed):
        take_over()
    assert steps == ["in", "out"]
    with pytest.raises(Pressed):  # it waits no longer than that
        press()
    assert handlers == [signal.SIGINT] * 2


def test_a_handler_that_returns_is_run_once_and_the_work_goes_on(
    handlers: list[int], interrupts: Interrupts
) -> None:
    with interrupts.held():
        press(signal.SIGTERM)
        press(signal.SIGTERM)  # as without us: one that has not run yet is not run twice
        assert handlers == []
    assert handlers == [signal.SIGTERM]


def test_each_handler_that_waited_is_run_though_one_of_them_raises(
    handlers: list[int], interrupts: Interrupts
) -> None:
    def take_over() -> None:
        with interrupts.held():
            press(signal.SIGINT)
            press(signal.SIGTERM)

    with pytest.raises(Pressed):
        take_over()
    assert handlers == [signal.SIGINT, signal.SIGTERM]


def test_an_error_of_the_work_is_kept_beside_that_of_the_handler(interrupts: Interrupts) -> None:
    def take_over() -> None:
        with interrupts.held():
            press()
            raise OSError("the link")

    with pytest.raises(Pressed) as raised:
        take_over()
    assert isinstance(raised.value.__context__, OSError)
    assert interrupts.depth == 0


def test_other_threads_hold_nothing_up_and_put_nothing_back(
    handlers: list[int], interrupts: Interrupts
) -> None:
    stand_in, is_held, is_over = (
        signal.getsignal(signal.SIGINT),
        threading.Event(),
        threading.Event(),
    )

    def work() -> None:
        with interrupts.held():
            is_held.set()
            is_over.wait(300.0)
        interrupts.begin(work)
        interrupts.renew()
        interrupts.end(work)

    thread = threading.Thread(target=work)
    thread.start()
    assert is_held.wait(300.0)
    with pytest.raises(Pressed):
        press()
    is_over.set()
    thread.join(300.0)
    assert signal.getsignal(signal.SIGINT) is stand_in


def test_handlers_are_put_back_behind_the_last_user(handlers: list[int]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    interrupts = Interrupts()
    for user in ("one", "one", "other"):
        interrupts.begin(user)
    interrupts.end("one")
    assert signal.getsignal(signal.SIGINT) is not before[0]
    interrupts.end("other")
    interrupts.end("other")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_is_ignored_or_left_to_the_system_stays_so(handlers: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interrupts = Interrupts()
    interrupts.begin("user")
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with interrupts.held():
        press()
    assert not interrupts.came


def test_a_handler_that_was_set_meanwhile_waits_too_and_stays(
    handlers: list[int], interrupts: Interrupts
) -> None:
    said: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: said.append(number))
    interrupts.renew()
    with interrupts.held():
        press()
        assert said == []
    assert said == [signal.SIGINT]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.end(interrupts)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_may_call_the_one_before_it_and_put_it_back(
    handlers: list[int], interrupts: Interrupts
) -> None:
    before = signal.getsignal(signal.SIGINT)
    said: list[int] = []

    def mine(number: int, frame: FrameType | None) -> None:
        said.append(number)
        assert callable(before)
        before(number, frame)

    signal.signal(signal.SIGINT, mine)
    interrupts.renew()
    with pytest.raises(Pressed):
        press()
    signal.signal(signal.SIGINT, before)
    with pytest.raises(Pressed):
        press()
    assert (said, handlers) == ([signal.SIGINT], [signal.SIGINT] * 2)


def test_ctrl_c_in_the_middle_of_a_packet_loses_nothing(handlers: list[int]) -> None:
    with TcpServer() as server:
        link = Link(TcpTransport(server.address))
        taken: list[object] = []

        def listen(item: object, unix_s: float) -> None:
            if len(taken) == 3:
                press()
            taken.append(item)

        link.request(Request.HELLO, HelloArguments(1, "test"), Hello)
        with link.in_group():
            link.listener = listen

            def stream() -> None:
                link.request(Request.START, StartArguments(4, 1), Started)
                link.wait(lambda: False, 300.0)

            with pytest.raises(Pressed):
                stream()
        n_packets = link.counts.packets - 1  # HELLO's answer came before
        n_taken = sum(getattr(item, "n_packets", 1) for item in taken)
        assert n_taken == n_packets + 1  # and the request START
        link.close()
