"""When a gateway reads next; the waits are asked for, and not waited."""

import threading

import pytest

from emgrig.errors import TransportTimeout
from emgrig.gateways.gathering import FAST_BYTES, LATE_S, LEAST_S, MOST_S, Gathering
from emgrig.simulator.clock import VirtualClock


class Link:
    """Gives pieces of these lengths, and then nothing."""

    address, is_paced = "link:", True

    def __init__(self, *lengths: int) -> None:
        self.clock = VirtualClock(0.0)
        self._lengths = list(lengths)

    def read(self, max_bytes: int, /, *, timeout_s: float) -> bytes:
        del max_bytes, timeout_s
        if not self._lengths:
            raise TransportTimeout("nothing")
        return bytes(self._lengths.pop(0))

    def write(self, data: bytes, /) -> None:
        del data

    def reopen(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked: list[float] = []
    monkeypatch.setattr(threading.Event, "wait", lambda _, s: asked.append(s))
    return asked


@pytest.mark.parametrize(
    ("lacking_s", "left_s", "expected"),
    [
        (0.060, 1.0, 0.060 + LATE_S),  # the rest of a packet
        (0.001, 1.0, LEAST_S),
        (2.0, 5.0, MOST_S),  # a link that is lost is to be seen
        (0.060, 0.0, 0.0),  # whoever reads has no more time
    ],
)
def test_what_fills_a_packet_is_waited_for(
    waits: list[float], lacking_s: float, left_s: float, expected: float
) -> None:
    Gathering().wait(lacking_s, left_s)
    assert waits == [pytest.approx(expected)]


def test_a_flood_is_read_in_large_pieces_and_not_waited_for(waits: list[float]) -> None:
    gathering = Gathering()
    assert len(gathering.read(Link(4096, 4096, 100), 0.02)) == 8292
    gathering.wait(0.06, 1.0)
    assert waits == []
    assert len(gathering.read(Link(FAST_BYTES, 100), 0.02)) == FAST_BYTES
    gathering.wait(0.06, 1.0)
    assert len(waits) == 1


def test_a_flood_that_ends_gives_what_came() -> None:
    assert len(Gathering().read(Link(4096), 0.02)) == 4096
    with pytest.raises(TransportTimeout):
        Gathering().read(Link(), 0.02)
