"""A link that is refused: told without the suite, in the words, values and codes of the suite."""

import errno
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from emgrig.errors import TransportError, TransportTimeout, WireError
from emgrig.hil_tests.bringup import BringupInterrupted, run_bringup
from emgrig.hil_tests.judging.check import CheckInfo, Layer, Need, suite_functions
from emgrig.hil_tests.judging.declared import declared_checks, read_checks
from emgrig.hil_tests.measuring import rig
from emgrig.hil_tests.record import make_record
from emgrig.hil_tests.run import BringupRun
from emgrig.hil_tests.suite_run import run_suite
from emgrig.hil_tests.verdict import exit_code, verdict_lines

ADDRESS = "tcp://192.0.2.1:4299"


def busy() -> TransportError:
    error = TransportError(f"{ADDRESS}: another program has it")
    error.__cause__ = OSError(errno.EBUSY, "busy")
    return error


REFUSALS: dict[str, Callable[[], BaseException]] = {
    "refused": lambda: TransportError(f"{ADDRESS}: connection refused"),
    "nobody": lambda: TransportTimeout(f"{ADDRESS}: no answer in 10 s"),
    "busy": busy,
    "something else": lambda: WireError("a login"),
    "interrupted": KeyboardInterrupt,
}
OPTIONS: dict[str, dict[str, object]] = {
    "as usual": {},
    "full": {"level": "full", "inputs": "open", "soak_s": 7.0, "instruments": ("a meter",)},
    "some checks": {"only": ("B0", "B9", "B11")},
    "keep going": {"keep_going": True},
}


class Told:
    """A run, and what its observer was told."""

    def __init__(self, patch: pytest.MonkeyPatch, refusal: str, given: dict[str, object]) -> None:
        def refuse(_address: str, **_: object) -> NoReturn:
            raise REFUSALS[refusal]()

        self.observed: list[tuple[str, str, bool, int]] = []
        for opener in (sys.modules["emgrig.connect"], rig):  # that name is the function's, too
            patch.setattr(opener, "open_transport", refuse)
        try:
            self.run: BringupRun = run_bringup(
                ADDRESS,
                observer=lambda result, is_done, n: self.observed.append(
                    (result.info.number, str(result.outcome), is_done, n)
                ),
                **given,  # type: ignore[arg-type]
            )
        except BringupInterrupted as interrupted:
            self.run = interrupted.run

    @property
    def record(self) -> dict[str, object]:
        """All that goes into files and JSON, but for times."""
        record = make_record(self.run)
        del record["began"], record["duration_s"]
        for check in record["checks"]:  # type: ignore[attr-defined]
            assert check.pop("duration_s") >= 0
        return record


@pytest.mark.parametrize("given", OPTIONS)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_it_says_what_the_suite_says(
    refusal: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("emgrig.hil_tests.suite_run.run_suite", _never)
        short = Told(patch, refusal, OPTIONS[given])
    with monkeypatch.context() as patch:
        patch.setattr("emgrig.hil_tests.bringup._can_be_told_first", lambda _: False)
        whole = Told(patch, refusal, OPTIONS[given])
    assert short.record == whole.record
    assert short.observed == whole.observed
    assert verdict_lines(short.run) == verdict_lines(whole.run)
    assert exit_code(short.run) == exit_code(whole.run)
    assert short.run.asked_for == whole.run.asked_for
    assert short.run.n_checks == whole.run.n_checks
    assert exit_code(short.run) == (130 if refusal == "interrupted" else 3)


def _never(*_: object) -> NoReturn:
    raise AssertionError("the suite was begun")


def test_who_picks_other_checks_or_wants_a_report_gets_the_suite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for given in ({"only": ("B9",)}, {"report": tmp_path}):  # of a link that is refused
        begun: list[str] = []

        def note(options: object, observer: object, began: datetime) -> BringupRun:
            begun.append("suite")  # noqa: B023
            return run_suite(options, observer, began)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr("emgrig.hil_tests.suite_run.run_suite", note)
            told = Told(patch, "refused", given)
        assert begun == ["suite"]
        assert exit_code(told.run) in (1, 3)


@pytest.mark.parametrize("scheme", ["serial", "cyton", "hackeeg"])
def test_a_missing_port_is_told_at_once(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emgrig.hil_tests.suite_run.run_suite", _never)
    run = run_bringup(f"{scheme}:///dev/ttyNosuch")
    assert exit_code(run) == 3
    assert "/dev/ttyNosuch" in run.results[0].message


def test_a_port_that_is_there_is_opened_by_who_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a serial board sends while the suite is imported would be lost, and found by B0."""

    def opened(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the port was opened")

    def begun(*_: object) -> NoReturn:
        raise LookupError("the suite was begun")

    monkeypatch.setattr(sys.modules["emgrig.connect"], "open_transport", opened)
    monkeypatch.setattr("emgrig.hil_tests.suite_run.run_suite", begun)
    with pytest.raises(LookupError):
        run_bringup("serial:///dev/null")


def test_the_wait_for_the_link_is_in_the_time_of_its_check(monkeypatch: pytest.MonkeyPatch) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    now = iter([began, began.replace(second=7)])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return next(now, began.replace(second=8))

    monkeypatch.setattr("emgrig.hil_tests.bringup.datetime", Clock)
    monkeypatch.setattr("emgrig.hil_tests.refusal.datetime", Clock)
    told = Told(monkeypatch, "nobody", {})
    assert told.run.results[0].duration_s >= 7
    assert told.run.began == began


def test_it_waits_neither_for_the_suite_nor_for_numpy() -> None:
    code = (
        "import sys; from emgrig.hil_tests.bringup import run_bringup; "
        "run = run_bringup('tcp://127.0.0.1:1'); "
        "print(len(run.results), {'numpy', 'scipy', 'pydantic', 'pytest'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "25 set()\n"


def test_the_checks_are_known_without_the_suite() -> None:
    assert declared_checks() == tuple(info for info, _ in suite_functions())


def test_what_a_check_is_declared_to_be_is_read_from_the_text() -> None:
    text = """
_ALL = (Need.REGISTERS, Need.RESET)
@other
@check("X7", Layer.BIAS, "a question", needs=(*_ALL, Need.LINES), judges_delivery=True)
def test_one(): ...
def no_check(): ...
@check("X2", Layer.LINK, "another", needs=())
def test_two(): ...
"""
    needs = (Need.REGISTERS, Need.RESET, Need.LINES)
    assert read_checks(text, "own.py") == [
        CheckInfo("X7", Layer.BIAS, "a question", needs, judges_delivery=True),
        CheckInfo("X2", Layer.LINK, "another", ()),
    ]


def test_a_check_that_is_declared_by_a_program_is_refused() -> None:
    with pytest.raises(ValueError, match=r"own\.py: 'a' \* 2 in a check is not plain"):
        read_checks("@check('X1', Layer.LINK, 'a' * 2)\ndef test_one(): ...\n", "own.py")
