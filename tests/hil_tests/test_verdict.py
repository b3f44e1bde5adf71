"""The last lines of a run and its exit code, from results that no board was needed for."""

from types import SimpleNamespace

import pytest

from emgrig.hil_tests.diagnosis.diagnose import Diagnosis
from emgrig.hil_tests.judging.check import CheckInfo, CheckResult, Layer, Level
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.hil_tests.judging.measurement import Outcome
from emgrig.hil_tests.measuring.restore import Restored
from emgrig.hil_tests.run import BringupRun, RunOptions
from emgrig.hil_tests.verdict import counted, exit_code, headline, last_line, verdict_lines

NOBODY = SimpleNamespace(is_identified=False, is_open=False)


def a_run(*results: tuple[str, Layer, Outcome, str], proved: bool = True) -> BringupRun:
    """A run that has ended, with these results."""
    options = RunOptions("sim:", Level.FULL, load_limits(), soak_s=1.0)
    run = BringupRun(options, NOBODY)  # type: ignore[arg-type]
    run.results = [
        CheckResult(CheckInfo(number, layer, "a question"), outcome, said)
        for number, layer, outcome, said in results
    ]
    note = "" if proved else "CONFIG1 reads 94h, it was 96h"
    run.restored = Restored(("3E",), ("3E",), False, False, proved, note)
    return run


GOOD = ("B0", Layer.LINK, Outcome.PASS, "")
NEAR = ("B9", Layer.NOISE, Outcome.MARGINAL, "noise on channel 2 is 1.4 uV; limit 1.3 uV")
BAD = ("B9", Layer.NOISE, Outcome.FAIL, "noise on channel 2 is 9 uV; limit 2 uV")
OPTIONAL = ("B20", Layer.LEAD_OFF, Outcome.SKIPPED, "needs --instrument")


@pytest.mark.parametrize(
    ("results", "code", "word"),
    [
        ([GOOD], 0, "PASS"),
        ([GOOD, OPTIONAL], 0, "PASS"),
        ([GOOD, NEAR], 0, "PASS (marginal)"),
        ([GOOD, NEAR, BAD], 1, "FAIL"),
        ([GOOD, ("B9", Layer.NOISE, Outcome.ERROR, "KeyError")], 1, "FAIL"),
        ([("B0", Layer.LINK, Outcome.FAIL, "nobody answers")], 3, "FAIL"),
        ([("B0", Layer.LINK, Outcome.ERROR, "KeyError"), BAD], 3, "FAIL"),
        ([BAD, ("B9", Layer.BIAS, Outcome.BLOCKED, "")], 1, "FAIL"),
        ([OPTIONAL], 1, "FAIL"),
        ([], 1, "INCOMPLETE"),
    ],
)
def test_the_exit_code_says_if_the_board_is_good(
    results: list[tuple[str, Layer, Outcome, str]], code: int, word: str
) -> None:
    run = a_run(*results)
    assert exit_code(run) == code
    assert last_line(run).startswith(f"bring-up: {word} - SIMULATED no board at sim:, full, ")


def test_the_outcomes_are_counted_in_the_order_of_their_weight() -> None:
    blocked = ("B12", Layer.BIAS, Outcome.BLOCKED, "")
    run = a_run(OPTIONAL, blocked, GOOD, BAD, GOOD, blocked, NEAR, GOOD)
    assert counted(run) == "3 pass, 1 marginal, 1 fail, 2 blocked, 1 skipped"
    assert last_line(run) == f"bring-up: FAIL - SIMULATED no board at sim:, full, {counted(run)}"


def test_the_headline_says_what_is_wrong_or_near_it() -> None:
    assert headline(a_run(GOOD)) == "The board is good"
    other = ("B3", Layer.CLOCK, Outcome.MARGINAL, "the rate is 0.6 % off")
    assert headline(a_run(GOOD, NEAR, other)) == (
        "Good, but near a limit: B9 noise on channel 2 is 1.4 uV; limit 1.3 uV; "
        "B3 the rate is 0.6 % off"
    )
    assert headline(a_run(OPTIONAL)) == (
        "Nothing is known of the board: no check has measured anything"
    )


def test_a_board_that_was_not_left_as_it_was_is_not_good() -> None:
    run = a_run(GOOD, NEAR, proved=False)
    assert exit_code(run) == 1
    assert headline(run) == (
        "The board was not left as it was found: CONFIG1 reads 94h, it was 96h"
    )
    assert verdict_lines(run) == [last_line(run)]


def test_the_cause_comes_before_everything() -> None:
    run = a_run(GOOD, BAD, proved=False)
    run.diagnosis = Diagnosis("noisy", "A noisy supply", "Look at AVDD")
    assert headline(run) == run.diagnosis.line
    assert "A noisy supply" in headline(run)
    lines = [f"diagnosis: {run.diagnosis.line}", last_line(run)]
    assert verdict_lines(run) == lines
