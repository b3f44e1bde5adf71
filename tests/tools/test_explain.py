"""`emgrig explain`: all that has a name can be looked up, and says what the program knows."""

import json

import pytest

from emgrig.driver.chip.registers import PLACES
from emgrig.hil_tests.diagnosis.causes import RULES
from emgrig.hil_tests.judging.check import package_checks
from emgrig.hil_tests.judging.limits import load_limits
from emgrig.simulator.faults.catalogue import ALL_FAULTS
from emgrig.tools.explain.topics import find, topics
from shell import Run

NAMES = [
    *sorted(package_checks()),
    *load_limits().limits,
    *(rule.key for rule in RULES),
    *(fault.name for fault in ALL_FAULTS),
    *(place.name for place in PLACES),
]


def test_all_that_has_a_name_is_found() -> None:
    for name in NAMES:
        assert find(name), name


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("b9", ["check B9", "noise with shorted inputs", "channel-noisy"]),
        ("impedance", ["limit impedance", "at most 200 kohm", "[impedance]"]),
        ("link-loss", ["cause link-loss", "packets-lost", "next step"]),
        ("packets-lost", ["found by", "B8", "link-loss", "--fault packets-lost"]),
        # The data sheet, 9.6.1.6 and 9.6.1.5.
        ("gain3", ["register CHnSET", "05h", "61h", "110 24", "101 test"]),
        ("LOFF", ["04h", "00h", "10 6uA", "10 31.25"]),
        ("loff_statp", ["12h", "read only"]),
        ("exit-codes", ["130", "Ctrl-C", "another protocol"]),
    ],
)
def test_what_is_said(shell: Run, word: str, expected: list[str]) -> None:
    said = shell(f"explain {word}")
    assert said.code == 0
    assert not [one for one in expected if one not in said.out]


def test_a_word_that_means_two_things_gives_both(shell: Run) -> None:
    kinds = [one["kind"] for one in json.loads(shell("explain brown-out --json").out)]
    assert kinds == ["cause", "fault"]


def test_a_wrong_word_is_told_what_is_near(shell: Run) -> None:
    said = shell("explain packets-losst")
    assert said.code == 2
    assert "did you mean packets-lost" in said.err


def test_alone_it_lists_what_there_is(shell: Run) -> None:
    said = shell("explain").out
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "check", "limit", "cause", "fault", "register", "exit codes"
    ]  # fmt: skip
    assert len(json.loads(shell("explain --json").out)) == len(topics())
