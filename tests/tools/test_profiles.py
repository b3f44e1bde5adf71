"""`emgrig profiles`, and a profile put on a board from the command line."""

import json
from pathlib import Path

import pytest

import profile_tables
from emgrig.driver.chip.profile import load_profile
from places import ROOT
from shell import Run


def test_the_page_has_every_key() -> None:
    text = (ROOT / "docs" / "profiles.md").read_text("utf-8")
    assert profile_tables.fill(text) == text, "run tests/profile_tables.py docs/profiles.md"
    assert text.count("| `[lead_off]` |") == 7


def test_the_example_of_the_page_is_a_profile(tmp_path: Path, shell: Run) -> None:
    text = (ROOT / "docs" / "profiles.md").read_text("utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.partition("```toml\n")[2].partition("```")[0], "utf-8")
    said = json.loads(shell(f"profiles check {path} --json").out)
    assert said["channels"] == {"1": "flexor", "2": "extensor"}
    held = {row["register"]: row["hex"] for row in said["registers"]}
    # By the data sheet: 2 kSPS, internal reference, gain 12 and normal; off and shorted.
    assert (held["CONFIG1"], held["CONFIG3"]) == ("93h", "E0h")
    assert (held["CH2SET"], held["CH3SET"]) == ("50h", "81h")


def test_what_is_listed_can_be_shown_changed_and_loaded(tmp_path: Path, shell: Run) -> None:
    listed = [one["name"] for one in json.loads(shell("profiles list --json").out)]
    assert listed == ["facial-emg", "perifacial-emg"]
    assert "facial-emg: Facial EMG" in shell("profiles list").out
    shown = shell("profiles show facial-emg").out
    path = tmp_path / "mine.toml"
    path.write_text(shown.replace("gain = 12", "gain = 6"), "utf-8")
    mine, packaged = load_profile(path), load_profile("facial-emg")
    assert mine.channels[0].words == {**packaged.channels[0].words, "gain": 6}
    assert mine.sections == packaged.sections


def test_a_profile_goes_on_a_board_and_a_dry_run_leaves_it_alone(shell: Run) -> None:
    dry = shell("registers apply sim:chips=2 facial-emg --dry-run").out
    done = shell("registers apply sim:chips=2 facial-emg").out
    assert dry.splitlines()[:-1] == done.splitlines()[:-1]
    assert "chip 1 CH1SET GAIN1: 24 -> 12" in done
    assert "chip 2 CH8SET PD8: no -> yes" in done
    assert dry.splitlines()[-1] == "nothing was written (--dry-run) (SIMULATED)"
    assert "48 registers proved by read-back (SIMULATED)" in done


def test_a_dry_run_of_a_write_says_what_would_change(shell: Run) -> None:
    said = shell("registers write sim: CH1SET=60 --dry-run")
    assert said.code == 0
    assert "CH1SET MUX1: shorted -> normal" in said.out
    assert "nothing was written" in said.out


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("profiles check nope", 2, "there is no profile 'nope'"),
        ("profiles show no-such.toml", 5, "no-such.toml"),
        ("profiles check facial-emg --channels 5", 2, "4, 6 or 8"),
        ("profiles check facial-emg --channels 4", 2, "does not fit"),
        ("registers apply sim: nope", 2, "there is no profile 'nope'"),
    ],
)
def test_wrong_words_are_one_line(shell: Run, line: str, code: int, words: str) -> None:
    said = shell(line)
    assert (said.code, said.err.count("\n")) == (code, 1)
    assert words in said.err
