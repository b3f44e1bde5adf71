"""A run that did not ask all that belongs to it is never called good, in no form."""

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emgrig.errors import RecordingError
from emgrig.hil_tests import run as run_module
from emgrig.hil_tests import suite_run
from emgrig.hil_tests.bringup import BringupInterrupted, run_bringup
from emgrig.hil_tests.judging.check import CheckResult
from emgrig.hil_tests.judging.declared import package_checks
from emgrig.hil_tests.run import BringupRun
from emgrig.hil_tests.verdict import exit_code, headline, last_line, verdict_lines

pytestmark = pytest.mark.slow

N_CHECKS = len(package_checks())
FAST = "test_link or test_identity"
"""Two checks that are made in no time, of healthy boards."""


@dataclass
class Told:
    """All forms in which a run was told."""

    run: BringupRun
    record: dict[str, Any]
    page: str
    junit: ET.Element


def told(folder: Path, *options: str, own: str = "", interrupt: bool = False) -> Told:
    """Run the suite with options of pytest, and a file of one's own."""

    def observe(result: CheckResult, is_done: bool, n_checks: int) -> None:
        if interrupt and result.info.number == "B2" and not is_done:
            raise KeyboardInterrupt

    arguments = suite_run._arguments
    with pytest.MonkeyPatch.context() as patch:
        if own:
            (folder / "own_check.py").write_text(own, "utf-8")
        more = [*options, *([str(folder / "own_check.py")] if own else [])]
        patch.setattr(suite_run, "_arguments", lambda given: [*arguments(given), *more])
        try:
            run = run_bringup("sim:channels=4", report=folder / "r", observer=observe)
        except BringupInterrupted as interrupted:
            run = interrupted.run
    record = json.loads((folder / "r/record.json").read_text("utf-8"))
    page = (folder / "r/index.html").read_text("utf-8")
    return Told(run, record, page, ET.parse(folder / "r/junit.xml").getroot())


def is_green(one: Told) -> list[str]:
    """Name the forms in which a run is called good."""
    suite = one.junit if one.junit.tag == "testsuite" else one.junit[0]
    bad = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    words = [headline(one.run), last_line(one.run), *verdict_lines(one.run)]
    forms = {
        "exit code": exit_code(one.run) == 0,
        "record": one.record["verdict"]["exit_code"] == 0,
        "outcome": one.record["verdict"]["outcome"] in ("pass", "marginal"),
        "terminal": any("PASS" in line or "is good" in line for line in words),
        "page": "is good" in one.page or '<header class="banner pass">' in one.page,
        "junit": bad == 0,
    }
    return [name for name, is_good in forms.items() if is_good]


OWN = """
from emgrig.hil_tests.judging.check import Layer, check
import pytest

{before}
@check("X1", Layer.LINK, "mine")
def test_mine(measure{more}):
    {body}
"""


def own(body: str, *, more: str = "", before: str = "") -> str:
    """Return a file with a check."""
    return OWN.format(before=before, more=more, body=body)


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return told(tmp_path_factory.mktemp("filtered"), "-k", FAST)


@pytest.mark.long
def test_a_run_cut_short_by_a_filter_is_incomplete(filtered: Told) -> None:
    assert is_green(filtered) == []
    assert exit_code(filtered.run) == 1
    words = f"incomplete: 2 of {N_CHECKS} asked"
    assert last_line(filtered.run) == (
        f"bring-up: INCOMPLETE - SIMULATED SIM-0000 at sim:channels=4, quick, 2 pass, {words}"
    )
    assert words in headline(filtered.run)
    assert words in filtered.page
    assert filtered.record["verdict"]["outcome"] == "incomplete"
    assert filtered.record["verdict"]["asked"] == 2
    assert filtered.record["verdict"]["belong"] == N_CHECKS
    (failure,) = filtered.junit.iter("failure")
    assert words in str(failure.text)


def test_a_simulated_run_says_so_in_every_form(filtered: Told) -> None:
    assert "SIMULATED" in last_line(filtered.run)
    assert "SIMULATED" in filtered.page
    assert filtered.record["verdict"]["simulated"] is True
    properties = {p.attrib["name"]: p.attrib["value"] for p in filtered.junit.iter("property")}
    assert "SIMULATED" in properties["verdict"]
    assert properties["simulated"] == "yes"


def test_a_run_that_a_person_ended_has_no_verdict(tmp_path: Path) -> None:
    one = told(tmp_path, interrupt=True)
    assert is_green(one) == []
    assert exit_code(one.run) == one.record["verdict"]["exit_code"] == 130
    assert f"incomplete: 1 of {N_CHECKS} asked, interrupted" in last_line(one.run)
    assert one.run.restored is not None
    assert one.run.restored.proved


@pytest.mark.parametrize("step", ["diagnose", "restore"])
def test_who_does_not_wait_for_its_end_is_told_what_is_known(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C again: the cause is looked for, or the board given back, for 30 s and more."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, step, interrupt)
    one = told(tmp_path, interrupt=True)
    assert is_green(one) == []
    assert exit_code(one.run) == one.record["verdict"]["exit_code"] == 130
    assert one.record["checks"][0]["number"] == "B0"
    registers = one.record["registers"]
    assert registers["before"]
    assert registers["proved"] is (step == "diagnose")
    assert ("putting it back was interrupted" in one.page) is (step == "restore")


TORN = "@pytest.fixture\ndef torn():\n    yield\n    1 / 0\n"
ONLY_LATE = "rig.stalls_s.append(0.0); measure('a', 1, informs=True)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (own("measure('mine', 1.0, 'V')"), "held against no limit"),
        (own("measure('mine', 1.0, limit='noize', high=2)"), "noize"),
        (own("1 / 0"), "ZeroDivisionError"),
        (own("pytest.skip('today')"), "incomplete"),
        (own("pass", more=", nosuch"), "test_mine (setup) failed"),
        (own("measure('a', 1, high=2)", more=", torn", before=TORN), "(teardown) failed"),
        ("def test_plain():\n    assert False\n", "test_plain (call) failed"),
        ("import nosuch\n", "cannot be collected"),
        (own(ONLY_LATE, more=", rig"), "measured nothing against a limit"),
    ],
)
def test_an_own_check_that_goes_wrong_is_never_green(text: str, words: str, tmp_path: Path) -> None:
    one = told(tmp_path, "-k", "test_link or mine or plain or own_check", own=text)
    assert is_green(one) == []
    said = [headline(one.run), last_line(one.run), *(r.message for r in one.run.results)]
    assert any(words in text for text in said), said


def test_looking_for_the_cause_can_go_wrong_and_the_board_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a rule")

    monkeypatch.setattr("emgrig.hil_tests.run.diagnose", broken)
    one = told(tmp_path, "-k", FAST)
    assert is_green(one) == []
    assert one.run.outcome == "error"
    assert "looking for the cause: KeyError" in headline(one.run)
    assert one.run.restored is not None
    assert one.run.restored.proved


def test_an_earlier_report_stays_unless_it_is_said_that_it_goes(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("what somebody made")
    with pytest.raises(RecordingError, match=r"index\.html exists; .*--overwrite"):
        run_bringup("tcp://127.0.0.1:1", report=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    old = tmp_path / "data" / "0123456789abcdef-noise.npz"
    old.parent.mkdir()
    old.touch()
    (old.parent / "notes.txt").touch()
    run_bringup("tcp://127.0.0.1:1", report=tmp_path, overwrite=True)
    found = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"index.html", "record.json", "junit.xml", "notes.txt"}
