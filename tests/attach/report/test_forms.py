"""Text, JSON, JUnit, page and waves say the same, and each says that it is simulated."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from attach.report.firmwares import LOUD, MCU, PLANTED, RIGHT, Firmware, Planted, facts_of_planted
from emgrig.attach.bench import Bench
from emgrig.attach.facts import BenchFacts
from emgrig.attach.options import BenchOptions, ChipOptions
from emgrig.attach.report.causes import ABOUT
from emgrig.attach.report.junit import OWN_END, junit
from emgrig.attach.report.make import make_report
from emgrig.attach.report.model import Report
from emgrig.attach.report.page import page
from emgrig.attach.report.text import lines
from emgrig.attach.report.vcd import vcd
from emgrig.attach.report.write import FILES, write_report
from emgrig.errors import RecordingError
from emgrig.filemodel import plain
from emgrig.files import check_report
from file_schemas import schema


def facts_of(firmware: Firmware, options: BenchOptions) -> BenchFacts:
    bench = Bench(options)
    firmware.run(bench)
    return bench.facts()


def seen(name: str) -> tuple[BenchFacts, Report]:
    facts = facts_of_planted(name)
    return facts, make_report(facts, firmware="<b>sketch</b>\x1b[31m", remark="ended by itself")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CS rises at once", "mode 2", "two CS low", "2^24"])
def test_json_fits_its_schema(name: str) -> None:
    _, report = seen(name)
    content = json.loads(json.dumps(plain(report), allow_nan=False))
    jsonschema.validate(content, schema(Report))
    assert content["verdict"]["simulated"] is True
    assert content["findings"][0]["cause"] == report.findings[0].cause
    del content["verdict"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(Report))


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_the_text_is_one_screen_with_the_cause_first_and_the_verdict_last(planted: Planted) -> None:
    _, report = seen(planted.name)
    said = lines(report)
    assert report.findings[0].text in said[0]
    assert said[-1].startswith(f"attach: {report.verdict.outcome.upper()} - SIMULATED, ")
    assert report.verdict.rests_on in said[-1]
    assert f"  fix: {report.findings[0].fix}" in said[:3]
    assert len(said) <= 32


def test_junit_has_a_test_for_each_cause_and_fails_those_that_were_found() -> None:
    _, report = seen("CS rises at once")
    root = ET.fromstring(junit(report))
    (suite,) = root
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [*(cause.value for cause in ABOUT), OWN_END]
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert failed == ["tSCCS"]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(ABOUT) + 1), "1")
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["simulated"] == "true"


def test_junit_fails_if_the_firmware_itself_did() -> None:
    facts = facts_of_planted("no wait after power-up")
    report = make_report(facts, remark="ended with exit code 7", has_failed=True)
    assert (report.verdict.outcome, report.verdict.exit_code) == ("failed", 1)
    (suite,) = ET.fromstring(junit(report))
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "ended with exit code 7"


def test_junit_lets_harmless_ones_pass_and_says_them() -> None:
    _, report = seen("no wait after power-up")
    (suite,) = ET.fromstring(junit(report))
    case = next(one for one in suite.findall("testcase") if one.get("name") == "tPOR")
    assert suite.get("failures") == "0"
    assert "too early after power-on" in case.findtext("system-out", "")


def test_the_page_shows_what_was_found_and_takes_no_markup_from_outside() -> None:
    _, report = seen("CS rises at once")
    made = page(report)
    assert ">SIMULATED<" in made
    assert "<b>sketch</b>" not in made
    assert report.findings[0].fix in made
    for consequence in report.findings[0].consequences:
        assert consequence.text in made


class Wave:
    """A reader of value change dumps, small, by IEEE 1364-2005, section 18."""

    def __init__(self, text: str) -> None:
        self.values: dict[str, list[tuple[int, str]]] = {}
        names: dict[str, str] = {}
        scopes: list[str] = []
        head, _, body = text.partition("$enddefinitions $end")
        words = iter(head.split())
        for word in words:
            if word == "$scope":
                next(words)
                scopes.append(next(words))
            elif word == "$upscope":
                scopes.pop()
            elif word == "$var":
                _, _, code, name = (next(words) for _ in range(4))
                names[code] = ".".join((*scopes, name))
        now = 0
        for line in body.split("\n"):
            if line.startswith("#"):
                assert int(line[1:]) >= now
                now = int(line[1:])
            elif line.startswith("b"):
                value, code = line[1:].split()
                self.values.setdefault(names[code], []).append((now, value))
            elif line and line[0] in "01z":
                self.values.setdefault(names[line[1:]], []).append((now, line[0]))
        self.end_ps = now

    def times(self, name: str, value: str) -> list[int]:
        return [at for at, found in self.values[name] if found == value and at]


def test_the_waves_hold_every_byte_and_every_fall_of_drdy() -> None:
    facts = facts_of(RIGHT, BenchOptions(source=LOUD, processor=MCU))
    text = vcd(facts)
    assert "SIMULATED" in text.splitlines()[0]
    wave = Wave(text)
    sent = bytes(int(v, 2) for _, v in wave.values["bus.MOSI"] if v != "z")
    got = bytes(int(v, 2) for _, v in wave.values["bus.MISO"] if v != "z")
    assert sent == b"".join(one.mosi for one in facts.transfers)
    assert got == b"".join(one.miso for one in facts.transfers)
    assert wave.times("chip1.CS", "0") == [one.begin_ps for one in facts.transfers]
    assert wave.times("chip1.CS", "1") == [one.end_ps for one in facts.transfers]
    falls = wave.times("chip1.DRDY", "0")
    assert len(falls) == facts.chips[0].n_produced == 40
    reads = [one.begin_ps for one in facts.transfers if one.n_bytes == 27]
    assert all(fall < read < fall + 1e6 for fall, read in zip(falls, reads, strict=True))
    assert wave.times("chip1.DRDY", "1") == reads
    assert wave.end_ps == round(facts.duration_s * 1e12)


def test_an_unread_drdy_rises_4_tclk_before_it_falls_again() -> None:
    """SBAS499C p. 34-38, tUPDATE."""
    facts, _ = seen("DRDY never read")
    wave = Wave(vcd(facts))
    falls, rises = wave.times("chip1.DRDY", "0"), wave.times("chip1.DRDY", "1")
    gaps_ns = [(fall - rise) / 1e3 for rise, fall in zip(rises, falls[1:], strict=False)]
    assert gaps_ns == pytest.approx([4 / 2.048e-3] * len(gaps_ns), abs=1)


def test_pins_and_a_second_chip_are_in_the_waves() -> None:
    options = BenchOptions(chips=(ChipOptions(), ChipOptions()), source=LOUD, processor=MCU)
    facts = facts_of(Firmware(starts_by=("pin",), resets_by="pin"), options)
    wave = Wave(vcd(facts))
    for chip in ("chip1", "chip2"):
        assert len(wave.times(f"{chip}.RESET", "0")) == 1
        assert len(wave.times(f"{chip}.START", "1")) == 1


@pytest.mark.slow
def test_of_a_long_run_only_falls_near_the_known_transfers_are_in_the_waves() -> None:
    facts = facts_of(
        Firmware(n_frames=2500, rate_code=3), BenchOptions(source="silence", processor=MCU)
    )
    falls = Wave(vcd(facts)).times("chip1.DRDY", "0")
    assert 1900 <= len(falls) <= 2000
    assert facts.chips[0].n_produced == 2500


def test_somebody_elses_reader_opens_the_waves() -> None:
    reader = pytest.importorskip("vcd.reader", reason="pyvcd of the extra [dev] is not installed")
    facts, _ = seen("CS rises at once")
    import io

    tokens = list(reader.tokenize(io.BytesIO(vcd(facts).encode())))
    vectors = [token.data for token in tokens if token.kind is reader.TokenKind.CHANGE_VECTOR]
    n_bytes = sum(len(one.mosi) for one in facts.transfers)
    assert sum(isinstance(one.value, int) for one in vectors) == 2 * n_bytes
    names = {token.data.reference for token in tokens if token.kind is reader.TokenKind.VAR}
    assert {"SCLK_active", "MOSI", "MISO", "CS", "DRDY", "START", "RESET"} <= names


def test_files_are_written_and_not_over_others(tmp_path: Path) -> None:
    facts, report = seen("late read")
    folder = tmp_path / "report"
    check_report(folder, FILES, overwrite=False)
    write_report(report, facts, folder)
    assert sorted(one.name for one in folder.iterdir()) == sorted(FILES)
    for name in FILES:
        assert "simulated" in (folder / name).read_text("utf-8").lower()
    with pytest.raises(RecordingError, match="exists"):
        check_report(folder, FILES, overwrite=False)
    check_report(folder, FILES, overwrite=True)
