"""The thread that waits for DRDY; bench time passes by what it does, not by the wall."""

import sys

import numpy as np
import pytest

import emgrig
from check_gateway import joined, numbers
from check_transport import check_transport
from emgrig.attach.bench import Bench
from emgrig.attach.options import BenchOptions
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.in_front import in_front
from emgrig.attach.shims.wiring import PRESETS
from emgrig.errors import TransportError
from emgrig.gateways.spi.hardware import Hardware
from emgrig.gateways.spi.transport import SpiTransport
from gateways.spi.machine import machine
from gateways.spi.test_bus import ADDRESS, CODE_V, measure, rows_of

pytestmark = pytest.mark.slow


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the transport make a thread although the bench's time is virtual."""
    monkeypatch.setattr(Hardware, "is_virtual", property(lambda _: False, lambda *_: None), False)


@pytest.mark.usefixtures("paced")
def test_what_comes_through_the_thread_is_what_the_chip_made() -> None:
    with machine() as here, emgrig.connect(ADDRESS["pieeg"]) as board:
        assert board.is_paced
        measure(board, 1000)
        with board.stream(duration_s=0.2) as stream:
            blocks = list(stream)
        totals, n_board = stream.totals, board.stats().conversions
        codes = np.rint(joined(blocks) / CODE_V).astype(np.int64)
        rows = rows_of(codes, here.truths[0].codes())
    np.testing.assert_array_equal(rows, numbers(blocks))
    assert totals.received + totals.lost == n_board


def test_it_is_a_transport() -> None:
    before_s = sys.getswitchinterval()
    bench = Bench(BenchOptions(speed=1.0))  # the contract waits for times of the wall
    with in_front(Host(bench, PRESETS["pieeg"], speed=1.0), follows_time=False):
        check_transport(lambda: SpiTransport(ADDRESS["pieeg"]))
    assert sys.getswitchinterval() == before_s


@pytest.mark.usefixtures("paced")
def test_what_ends_the_thread_is_told_and_reopening_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TransportError("/dev/spidev0.0: a transfer failed: EIO")

    with machine(), emgrig.connect(ADDRESS["pieeg"]) as board:
        with monkeypatch.context() as broken:
            broken.setattr(Hardware, "transfer", fail)
            for _ in range(2):
                with pytest.raises(TransportError, match=r"spi:pieeg.*a transfer failed: EIO"):
                    board.chip.read_registers()
        board.reconnect()
        assert board.chip.read_registers()[0].raw[0] == 0x3E
