"""`emgrig bringup`, as a shell sees it: first line, last line, exit code."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bringup_runs import short_of_losses
from emgrig.tools.bringup_command import bringup

app = typer.Typer()
app.command()(bringup)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "first", "code"),
    [
        ("sim:fault=miso-high", "MISO floats high: CS does not reach the chip", 1),
        ("sim:fault=link-stall", "The link stalls", 1),
        ("tcp://127.0.0.1:1", "No board at this address", 3),
    ],
)
def test_a_failing_run_begins_with_the_cause_and_ends_with_the_verdict(
    address: str, first: str, code: int
) -> None:
    said = run(address)
    lines = said.stdout.strip().splitlines()
    assert lines[0].startswith(first)
    assert "Next:" in lines[0]
    assert lines[-1].startswith("bring-up: FAIL - ")
    assert address in lines[-1]
    assert said.exit_code == code


@pytest.mark.long
@pytest.mark.slow
def test_a_good_board_is_called_good() -> None:
    with short_of_losses():
        said = run("sim:seed=5&channels=4")
    lines = said.stdout.strip().splitlines()
    assert lines[0].startswith("The board is good") or lines[0].startswith("Good, but near")
    assert lines[-1].startswith("bring-up: PASS")
    assert said.exit_code == 0


@pytest.mark.slow
def test_json_is_the_record() -> None:
    said = run("sim:fault=miso-low", "--json")
    record = json.loads(said.stdout)
    assert record["format"] == "emgrig bring-up record"
    assert record["diagnosis"]["key"] == "miso-low"
    assert record["verdict"]["exit_code"] == said.exit_code == 1


@pytest.mark.slow
def test_a_report_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "report"
    run("sim:fault=bit-shift", "--report", str(folder))
    assert {path.name for path in folder.iterdir()} == {"index.html", "record.json", "junit.xml"}
    assert "SPI mode" in (folder / "index.html").read_text()


@pytest.mark.slow
def test_wrong_arguments_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    for arguments, words in (
        (["nonsense"], "is no address"),
        (["sim:", "--level", "medium"], "medium"),
        (["sim:", "--inputs", "closed"], "inputs"),
        (["sim:", "--only", "B0,B99"], "no check 'B99'; emgrig bringup --list"),
        (["sim:", "--limits", str(tmp_path / "none.toml")], "cannot be read"),
    ):
        said = run(*arguments)
        assert said.exit_code != 0
        assert words in str(said.exception)
        assert not said.stdout


@pytest.mark.slow
def test_checks_asked_alone_are_no_verdict() -> None:
    said = run("sim:channels=4", "--only", "b2,B0")
    assert said.stdout.strip().splitlines()[-1].endswith("2 pass, incomplete: 2 of 25 asked")
    assert said.exit_code == 1
    told = [line.split()[:2] for line in said.stderr.splitlines()]
    assert told == [["B0", "pass"], ["B2", "pass"]]


@pytest.mark.slow
def test_the_checks_are_listed_without_an_address() -> None:
    said = run("--list")
    numbers = {line.split()[0] for line in said.stdout.splitlines()[1:]}
    assert {f"B{n}" for n in range(25)} <= numbers
    assert said.exit_code == 0
