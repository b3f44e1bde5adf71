"""What is said once: the command line, the environment, two files, in this order."""

import json
import re
from pathlib import Path

import pytest

from emgrig.driver.board import Board
from emgrig.tools.common import defaults
from emgrig.tools.common.defaults import EXAMPLE, read_defaults
from shell import Run


@pytest.fixture
def run(shell: Run) -> Run:
    return shell


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "emgrig.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_nearer_place_wins_and_is_named(here: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(here / "mine")}
    far = write(here / "mine/emgrig", 'address = "sim:"\nmains_hz = 60\n')
    near = write(here, 'address = "sim:channels=4"\n')
    found = read_defaults(here, environ)
    assert {key: one.where for key, one in found.items()} == {
        "address": str(near),
        "mains_hz": str(far),
    }
    assert found["mains_hz"].value == 60
    found = read_defaults(here, environ | {"EMGRIG_BOARD": "sim:channels=6"})
    assert (found["address"].value, found["address"].where) == ("sim:channels=6", "EMGRIG_BOARD")


def test_files_are_looked_for_beside_the_file_that_names_them(here: Path) -> None:
    write(here / "lab", 'profile = "mine.toml"\nlimits = "l.toml"\ncalibration = "none"\n')
    found = read_defaults(here / "lab", {})
    assert found["profile"].value == str(here / "lab/mine.toml")
    assert found["limits"].value == str(here / "lab/l.toml")
    assert found["calibration"].value == "none"


def test_the_example_is_a_file_of_settings(here: Path) -> None:
    write(here, EXAMPLE)
    assert set(read_defaults(here, {})) == {"address", "profile", "mains_hz", "reports"}


def test_a_board_that_the_line_does_not_name_is_named(here: Path, run: Run) -> None:
    write(here, 'address = "sim:channels=4"\n')
    said = run("info --json")
    assert json.loads(said.out)["address"] == "sim:channels=4"
    assert "board: sim:channels=4, from the settings" in said.err
    said = run("info sim:channels=6 --json")
    assert json.loads(said.out)["address"] == "sim:channels=6"
    assert said.err == ""


def test_the_environment_names_the_board(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMGRIG_BOARD", "sim:channels=4")
    said = run("registers read CONFIG1")  # the first word is the board where more follow
    assert said.code == 2
    assert "board: sim:channels=4, from EMGRIG_BOARD" in run("info").err


@pytest.mark.slow
def test_a_profile_that_is_set_is_what_is_recorded_with(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, 'address = "sim:"\nprofile = "no-such-profile"\n')
    said = run("record -o x.bdf --duration 1")
    assert said.code == 2
    assert "no-such-profile" in said.err
    applied: list[object] = []
    monkeypatch.setattr(Board, "apply", lambda _, profile: applied.append(profile))
    run("record -o x.bdf --duration 0.1 --profile facial-emg")
    assert len(applied) == 1


def test_each_run_has_a_folder_of_its_own(here: Path) -> None:
    from emgrig.tools.cli import LATER

    write(here, 'reports = "r"\nlimits = "l.toml"\nmains_hz = 60\n')
    found = read_defaults(here, {})
    bringup = defaults.default_map(LATER["bringup"].load("bringup"), "bringup", found)
    assert re.fullmatch(r"bringup-\d{8}-\d{6}", Path(bringup["report"]).name)
    assert bringup["limits"].endswith("l.toml")
    calibrate = defaults.default_map(LATER["calibrate"].load("calibrate"), "calibrate", found)
    assert calibrate["noise"]["mains"] == 60
    assert "limits" not in calibrate["leadoff"], "there it is another thing"
    assert defaults.default_map(LATER["control"].load("control"), "control", found) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('adress = "sim:"', "adress"),
        ("mains_hz = 55", "mains_hz is 55"),
        ("mains_hz", "emgrig.toml"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(
    here: Path, run: Run, text: str, words: str
) -> None:
    path = write(here, text)
    said = run("info sim:")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert str(path) in said.err
    assert said.code != 0
    assert run("doctor").out.count("not well: file: the settings") == 1


def test_config_says_where_each_came_from(here: Path, run: Run) -> None:
    path = write(here, "mains_hz = 60\n")
    said = json.loads(run("config --json").out)
    assert said["mains_hz"] == {"value": 60, "from": str(path)}
    assert said["address"] is None
    assert run("config --example").out == EXAMPLE
