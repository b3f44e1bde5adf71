"""Runs of the bring-up suite that several tests look at, each made once.

An address may also be ``fake:`` and a name of `FAKES`: boards that cannot be talked to, or not for
long, on virtual time.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.run import BringupRun
from emgrig.hil_tests.suite import test_03_clock, test_04_frames
from emgrig.hil_tests.verdict import exit_code
from emgrig.protocol.packets import ErrorCode, Request
from fake_board import RESET, FakeTransport


class Mute(FakeTransport):
    """Answers the first `answers` requests, and then nothing."""

    def __init__(self, answers: int = 0) -> None:
        super().__init__()
        self.answers = answers

    def write(self, data: bytes, /) -> None:
        self.answers -= 1
        if self.answers >= 0:
            super().write(data)


class Foreign(FakeTransport):
    """Something that is not the board link answers."""

    def write(self, data: bytes, /) -> None:
        self.board.out += b"login: "


def _busy() -> FakeTransport:
    transport = FakeTransport()
    transport.board.refuse[Request.HELLO] = (ErrorCode.BUSY, "later")
    return transport


def _newer() -> FakeTransport:
    transport = FakeTransport()
    transport.board.protocol_version = 2
    return transport


def _deaf_chip() -> FakeTransport:
    transport = FakeTransport()
    transport.board.stuck = dict(enumerate(RESET))
    return transport


FAKES: dict[str, Callable[[], FakeTransport]] = {
    "fake:silent": Mute,
    "fake:hangs": lambda: Mute(20),
    "fake:hangs-later": lambda: Mute(60),
    "fake:foreign": Foreign,
    "fake:newer": _newer,
    "fake:busy": _busy,
    "fake:deaf-chip": _deaf_chip,
}


@contextmanager
def short_of_losses() -> Iterator[None]:
    """Let the checks of rate and of losses look at a fifth of what they look at, by day.

    Two thirds of all packets of a run are theirs. They are asked in full of healthy boards, and of
    boards whose fault they are to find.
    """
    from properties import runs  # with it comes hypothesis, which `other_words.py` has no use for

    share = runs(5, nightly=1)
    with pytest.MonkeyPatch.context() as patch:
        for lengths_s in (test_03_clock.DURATION_S, test_04_frames.DURATION_S):
            patch.setitem(lengths_s, False, lengths_s[False] / share)
        yield


@functools.cache
def run_of(address: str, *, is_found_late: bool = False) -> BringupRun:
    """Return a quick run at an address, without a report.

    `is_found_late` says that what is wrong there has nothing to do with rate and losses.
    """
    if is_found_late:
        with short_of_losses():
            return run_bringup(address)
    if address not in FAKES:
        return run_bringup(address)
    with pytest.MonkeyPatch.context() as patch:
        opener = "emgrig.hil_tests.measuring.rig.open_transport"
        patch.setattr(opener, lambda address: FAKES[address]())
        return run_bringup(address)


def said_of(run: BringupRun) -> dict[str, object]:
    """Return what must not depend on words: outcomes, kinds of incidents, diagnosis, exit code."""
    found = run.diagnosis
    return {
        "outcomes": {r.info.number: r.outcome.name for r in run.results},
        "incidents": [i.kind.name for r in run.results for i in r.incidents],
        "diagnosis": found and [found.key, list(found.channels)],
        "proved": run.restored is not None and run.restored.proved,
        "exit code": exit_code(run),
    }


def words_of(run: BringupRun) -> list[str]:
    """Return the sentences of a run that people read."""
    found = run.diagnosis
    told = [*found.because, *found.others, found.cause, found.next] if found else []
    told += [incident.words for r in run.results for incident in r.incidents]
    told += [run.restored.note] if run.restored else []
    return [*told, *(text for r in run.results for text in (r.message, r.info.title))]


def first_failed(run: BringupRun) -> str:
    """Return the number of the first check that failed; empty if none did."""
    bad = (Outcome.FAIL, Outcome.ERROR)
    return next((r.info.number for r in run.results if r.outcome in bad), "")
