"""A bench behind a control port: electrodes, faults and sources while somebody's firmware runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from emgrig.attach.bench import Bench
from emgrig.attach.remote.server import BenchServer
from emgrig.simulator.control.port import ControlPort
from emgrig.simulator.control.words import split_electrode


class BenchControl:
    """What a control port can do to a bench (implements `Controlled`).

    Parameters
    ----------
    bench : Bench
        The bench.
    lock : Lock
        Held by whoever uses it.
    """

    def __init__(self, bench: Bench, lock: threading.Lock) -> None:
        self._bench = bench
        self._lock = lock
        self._source = bench.options.source
        self._faults = [*bench.options.faults]
        self._contacts: dict[str, float | None] = {}
        self._is_paused = False

    def status(self) -> dict[str, object]:
        """See `Controlled`."""
        with self._held():
            now_s = self._bench.now_s
        return {
            "time_s": round(now_s, 6),
            "channels": self._bench.n_chips * self._bench.options.chips[0].channels,
            "source": self._source,
            "faults": list(self._faults),
            "lifted": [name for name, kohm in self._contacts.items() if kohm is None],
            "contacts_kohm": {n: kohm for n, kohm in self._contacts.items() if kohm is not None},
            "speed": self._bench.options.speed or "virtual",
            "is_paused": self._is_paused,
        }

    def contact(self, electrode: str, kohm: float | None) -> None:
        """See `Controlled`."""
        channel, side = split_electrode(electrode)
        with self._held():
            self._bench.set_contact(channel, side, kohm)
        name = f"{channel}{side.upper()}"
        self._contacts.pop(name, None)
        self._contacts[name] = kohm

    def fault(self, text: str) -> None:
        """See `Controlled`."""
        with self._held():
            self._bench.put_fault(text)
        self._faults.append(text)

    def source(self, text: str) -> None:
        """See `Controlled`."""
        with self._held():
            self._bench.set_source(text)
        self._source = text

    def speed(self, speed: float) -> None:
        """Refuse: see `Controlled`."""
        raise ValueError(f"speed {speed:g}: how time passes on a bench is said at its start")

    def pause(self, *, is_paused: bool) -> None:
        """Hold up the firmware's next call, or let it go on; not where time is the wall's."""
        if self._bench.options.speed is not None:
            raise ValueError("time on this bench is the wall's and cannot be held up")
        if is_paused == self._is_paused:
            return
        if is_paused:
            self._lock.acquire()
        self._is_paused = is_paused
        if not is_paused:
            self._lock.release()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Have the bench to ourselves."""
        if self._is_paused:  # we have it already
            yield
            return
        with self._lock:
            yield


@contextmanager
def serve_control(
    server: BenchServer, host: str = "127.0.0.1", port: int = 0
) -> Iterator[ControlPort]:
    """Serve a control port for a bench that is served, until the context ends.

    Raises
    ------
    ValueError
        If the host is not this computer's loopback.
    TransportError
        If the port cannot be had.
    """
    control = BenchControl(server.bench, server.lock)
    try:
        with ControlPort(control, host, port) as made:
            yield made
    finally:
        if server.bench.options.speed is None:
            control.pause(is_paused=False)
