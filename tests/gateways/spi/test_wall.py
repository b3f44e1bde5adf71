"""Bench time that is the wall's, on a wall that stands still and leaps: numbers stay right.

A program on a busy machine is held up between any two calls. What a converter did meanwhile is
known by the kernel's count and time of each edge alone, so a frame is of the conversion whose edge
came last before the transfer began, however late both are looked at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

import emgrig
from check_gateway import joined, numbers
from emgrig.attach.bench import Bench
from emgrig.attach.options import PROCESSORS, BenchOptions, ChipOptions
from emgrig.attach.shims.host import Host
from emgrig.attach.shims.in_front import in_front
from emgrig.attach.shims.wiring import PRESETS
from emgrig.gateways.spi.hardware import Hardware
from emgrig.protocol.account import Totals
from gateways.spi.machine import POWERED_S, SLOW, Truth
from gateways.spi.test_bus import ADDRESS, CODE_V, measure, rows_of
from properties import runs

RATE_HZ = 1000
HELD_UP = 0.02  #: Of the calls are held up,
LONGEST_S = 0.004  #: for up to so long.
CALL_S = 2e-5


CASES: list[tuple[str, tuple[float, ...]]] = [("pieeg", (0.0,)), ("pieeg-16", (0.0, 5000.0))]
FASTEST_HZ = RATE_HZ * (1 + 5000e-6)


class Wall:
    """A wall clock that goes on by each look at it, and now and then leaps."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._now_s = 100.0
        self.is_busy = False
        self.n_leaps = 0
        #: A leap runs over so many edges at the most, and cuts the transfer before or behind them.
        self.most_lost = 0

    def now_s(self) -> float:
        self._now_s += CALL_S
        if self.is_busy and self._rng.random() < HELD_UP:
            self.n_leaps += 1
            leap_s = self._rng.uniform(0.0, LONGEST_S)
            self.most_lost += int(leap_s * FASTEST_HZ) + 2
            self._now_s += leap_s
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        self._now_s += duration_s


@contextmanager
def busy_machine(
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    preset: str,
    ppm: tuple[float, ...],
    *,
    follows_time: bool,
) -> Iterator[tuple[Wall, list[Truth]]]:
    """Put a machine in front whose time is the wall's, and the wall ours; no thread is made."""
    wall = Wall(seed)
    clock = SimpleNamespace(
        perf_counter=wall.now_s,
        sleep=wall.sleep,
        monotonic=wall.now_s,
        monotonic_ns=lambda: round(wall.now_s() * 1e9),
        time=wall.now_s,
    )
    own = ["attach.bench", "attach.shims.host"]
    for name in own if follows_time else [*own, "gateways.spi.hardware", "driver.seams"]:
        monkeypatch.setattr(f"emgrig.{name}.time", clock)
    monkeypatch.setattr(Hardware, "is_virtual", property(lambda _: True, lambda *_: None), False)
    chips = tuple(ChipOptions(oscillator_ppm=one) for one in ppm)
    processor = PROCESSORS["linux"]
    bench = Bench(
        BenchOptions(
            chips=chips, source=SLOW, seed=seed, is_wired=True, processor=processor, speed=1.0
        )
    )
    truths = [Truth(chip.front_end) for chip in bench._chips]
    bench.advance(POWERED_S)
    host = Host(bench, PRESETS[preset], speed=1.0, call_s=processor.call_s)
    with in_front(host, follows_time=follows_time):
        yield wall, truths


def rates(ppm: tuple[float, ...]) -> list[float]:
    return [RATE_HZ * (1 + one * 1e-6) for one in ppm]


def check(
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    preset: str,
    ppm: tuple[float, ...],
    *,
    follows_time: bool = True,
    forgets: bool = False,
) -> Totals:
    """Have a run on a busy machine, and hold all that came against what the chips made.

    `forgets`: of the edges of a leap the kernel keeps the first alone. The last, which the next
    transfer would be of, is not told, and costs one conversion more.
    """
    busy = busy_machine(seed, monkeypatch, preset, ppm, follows_time=follows_time)
    with busy as (wall, truths), emgrig.connect(ADDRESS[preset]) as board:
        measure(board, RATE_HZ)
        wall.is_busy = True
        with board.stream(duration_s=0.5) as stream:
            blocks = list(stream)
        wall.is_busy = False
        totals, n_board = stream.totals, board.stats().conversions
        codes = np.rint(joined(blocks) / CODE_V).astype(np.int64)
        made = [rows_of(codes[:, 8 * n : 8 * n + 8], one.codes()) for n, one in enumerate(truths)]
    assert wall.n_leaps > 20
    assert totals.received + totals.lost == n_board
    most_lost = wall.most_lost + forgets * wall.n_leaps
    assert totals.lost <= most_lost, "more than the machine's being held up can have cost"
    if len(truths) == 1:
        np.testing.assert_array_equal(made[0], numbers(blocks))
    else:  # a number is of both; which rows go together, the order of their edges says
        assert all((np.diff(rows) > 0).all() for rows in made)
        apart_s = np.diff([rows / one for rows, one in zip(made, rates(ppm), strict=True)], axis=0)
        assert np.ptp(apart_s) < 2 / RATE_HZ  # either may be the earlier one by a period
    return totals


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "ppm"), CASES)
@pytest.mark.parametrize("follows_time", [True, False])
def test_a_program_that_is_held_up_numbers_no_sample_wrongly(
    follows_time: bool, preset: str, ppm: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its clock is the bench's, or the machine's own; edges are stamped by the same."""
    totals = check(0, monkeypatch, preset, ppm, follows_time=follows_time)
    assert totals.lost > 10  # to be held up did cost something


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(runs(2, nightly=100)))
def test_a_hundred_busy_machines_that_lose_edges_too(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On every second one the kernel keeps 2 edges: it counts those that find no room."""
    forgets = bool(seed % 2)
    if forgets:
        monkeypatch.setattr("emgrig.gateways.spi.hardware.EVENT_BUFFER", 2)
    preset, ppm = CASES[seed // 2 % 2]
    check(seed, monkeypatch, preset, ppm, forgets=forgets)
