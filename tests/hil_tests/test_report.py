import hashlib
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import emgrig
from emgrig.hil_tests.bringup import run_bringup
from emgrig.hil_tests.judging.incident import IncidentKind
from emgrig.hil_tests.record import Record
from emgrig.hil_tests.run import BringupRun
from emgrig.hil_tests.suite.test_02_registers import N_RANDOM
from emgrig.hil_tests.suite.test_04_frames import DURATION_S, RATES_HZ
from file_schemas import schema
from page_check import check_page
from properties import runs

pytestmark = pytest.mark.slow

FULL_S = DURATION_S[True]


class Run:
    """A run of the suite, with its report."""

    def __init__(self, run: BringupRun, folder: Path) -> None:
        self.run = run
        self.folder = folder
        self.record: dict[str, Any] = json.loads((folder / "record.json").read_text())

    def check(self, number: str) -> dict[str, Any]:
        return next(c for c in self.record["checks"] if c["number"] == number)


@pytest.fixture(scope="module")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A healthy board, all questions, once for all tests: it takes some seconds.

    By day the checks of losses and of registers, and the soak, take a part of what they take.
    """
    folder = tmp_path_factory.mktemp("bringup") / "report"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DURATION_S, True, FULL_S / runs(10, nightly=1))
        patch.setitem(N_RANDOM, True, runs(100, nightly=N_RANDOM[True]))
        run = run_bringup("sim:seed=11", level="full", report=folder, soak_s=runs(6, nightly=60))
        return Run(run, folder)


@pytest.fixture(scope="module")
def sick_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A board whose first channel is noisy, at level quick."""
    folder = tmp_path_factory.mktemp("sick") / "report"
    return Run(run_bringup("sim:fault=channel-noisy&channels=4", report=folder), folder)


def test_a_full_run_of_a_healthy_board_asks_everything_and_passes(full_run: Run) -> None:
    checks = full_run.record["checks"]
    declared = [
        number
        for path in (Path(emgrig.__file__).parent / "hil_tests" / "suite").glob("test_*.py")
        for number in re.findall(r'@check\(\s*"(\w+)"', path.read_text("utf-8"))
    ]
    assert sorted(c["number"] for c in checks) == sorted(declared)
    assert {c["outcome"] for c in checks} == {"pass"}
    assert full_run.record["verdict"]["exit_code"] == 0


@pytest.mark.parametrize("which", ["full_run", "sick_run"])
def test_the_record_keeps_its_schema(which: str, request: pytest.FixtureRequest) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(Record))
    validator = jsonschema.Draft202012Validator(schema(Record))
    validator.validate(request.getfixturevalue(which).record)


def test_the_schema_knows_every_kind_of_incident() -> None:
    kinds = schema(Record)["$defs"]["IncidentKind"]["enum"]  # type: ignore[index]
    assert kinds == [str(kind) for kind in IncidentKind]


def test_the_schema_refuses_a_record_without_a_verdict(full_run: Run) -> None:
    record = {k: v for k, v in full_run.record.items() if k != "verdict"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, schema(Record))


def test_every_check_has_a_measured_value_that_could_have_failed(full_run: Run) -> None:
    for check in full_run.record["checks"]:
        limits = [m["limit"] for m in check["measurements"]]
        assert any(
            limit["low"] is not None or limit["high"] is not None or limit["allowed"]
            for limit in limits
        ), check["number"]


@pytest.mark.nightly
def test_checks_say_how_many_samples_they_used_and_lost(full_run: Run) -> None:
    for check in full_run.record["checks"]:
        assert check["samples"]["used"] > 0, check["number"]
        assert check["samples"]["lost"] == 0, check["number"]
    assert full_run.check("B7")["samples"]["used"] >= 10_000
    assert FULL_S >= 60
    assert RATES_HZ == (250, 500, 1000, 2000)
    asked_s = FULL_S / runs(10, nightly=1)
    assert full_run.check("B8")["samples"]["used"] >= asked_s * sum(RATES_HZ)


def test_the_record_says_board_registers_software_and_temperature(full_run: Run) -> None:
    record = full_run.record
    assert record["board"]["serial_number"] == "SIM-0011"
    assert record["board"]["simulated"] is True
    assert record["registers"]["before"] == record["registers"]["after"]
    assert record["registers"]["before"][0].startswith("3e96c060")
    assert record["registers"]["proved"] is True
    assert record["stream"] == {"before": False, "after": False}
    assert record["software"]["emgrig"]
    assert 20 < record["temperature_c"] < 40


def test_noise_is_the_data_sheets(full_run: Run) -> None:
    made = {m["name"]: m for m in full_run.check("B9")["measurements"]}
    # SBAS499C tables 1 to 4, µV rms, copied here by hand
    typical = {
        (24, 1000): 0.28,
        (12, 1000): 0.32,
        (1, 1000): 2.17,
        (24, 250): 0.14,
        (24, 2000): 0.4,
    }
    for (gain, rate_hz), expected in typical.items():
        measurement = made[f"noise_gain_{gain}_at_{rate_hz}"]
        values = [reading["value"] for reading in measurement["readings"]]
        assert np.mean(values) == pytest.approx(expected, rel=0.06)
        assert measurement["limit"]["low"] < 0.55 * expected
        assert measurement["limit"]["high"] > 1.95 * expected


def test_the_test_signal_is_1_875_mv_each_way(full_run: Run) -> None:
    made = {m["name"]: m for m in full_run.check("B11")["measurements"]}
    for name, expected_mv in (("1x", 3.75), ("2x", 7.5)):
        errors_pct = [r["value"] for r in made[f"test_amplitude_error_{name}"]["readings"]]
        assert errors_pct == pytest.approx([0.0] * 8, abs=1.0)
        assert made[f"test_amplitude_error_{name}"]["reference"].startswith(f"{expected_mv:.3f} mV")


def test_raw_data_are_found_by_their_hash(full_run: Run) -> None:
    named = [a for c in full_run.record["checks"] for a in c["attachments"]]
    named += full_run.record["pictures"]
    assert len([a for a in named if a["media_type"] == "image/svg+xml"]) == 4
    assert {a["name"] for a in named} >= {"noise_gain_24.npz", "test_signal_1x.npz"}
    for attachment in named:
        path = full_run.folder / "data" / f"{attachment['sha256'][:16]}-{attachment['name']}"
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == attachment["sha256"]
        assert len(data) == attachment["bytes"]


def test_the_page_stands_alone_and_leads_with_the_cause(sick_run: Run) -> None:
    page = (sick_run.folder / "index.html").read_text()
    check_page(page, simulated=True)
    cause = "Channel 1 alone is noisy"
    assert page.index("<h1>") < page.index(cause) < page.index(">Layers</h2>")
    assert page.count("<svg") >= 2


def test_junit_has_the_verdicts_and_the_values(sick_run: Run) -> None:
    suite = ET.parse(sick_run.folder / "junit.xml").getroot()[0]
    properties = {p.get("name"): p.get("value") for p in suite.find("properties") or ()}
    assert properties["board"] == "SIM-0000"
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert cases["test_noise"].find("failure") is not None
    assert cases["test_test_signal"].find("skipped") is not None
    values = {p.get("name"): p.get("value") for p in cases["test_noise"].iter("property")}
    assert values["noise_gain_24_at_1000.unit"] == "uV"
    assert values["noise_gain_24_at_1000.outcome"] == "fail"
    assert float(values["noise_gain_24_at_1000[1]"] or "") > 0.6


def test_the_report_shows_that_limits_were_changed(tmp_path: Path) -> None:
    mine = tmp_path / "strict.toml"
    mine.write_text("[chip_id]\nallowed = ['77h']\n")
    folder = tmp_path / "report"
    run = run_bringup("sim:", limits=mine, report=folder)
    run = Run(run, folder)
    assert run.record["limits"]["file"] == str(mine)
    assert list(run.record["limits"]["overrides"]) == ["chip_id"]
    assert run.check("B2")["outcome"] == "fail"
    assert "changed by the user" in (folder / "index.html").read_text()
