"""What commands say where a new user stopped: one line, with what to do."""

import json
import re
from pathlib import Path

import pytest

from shell import Run

pytestmark = pytest.mark.slow
RESET_4 = "3C 96 C0 60 00 61 61 61 61 00 00 00 00 00 00 00 00 00 00 00 0F 00 00 00"


def test_a_capture_of_an_earlier_try_is_not_lost_and_says_how(run: Run) -> None:
    Path("a.capture").write_bytes(b"")
    said = run("record sim: -o a.bdf --duration 1")
    assert said.code == 5
    assert "a.capture exists, of an earlier try: emgrig convert" in said.err
    assert "--overwrite" in said.err
    assert [one.name for one in Path().iterdir()] == ["a.capture"]


def test_a_reference_that_is_off_is_told_by_info_and_in_the_sidecar(run: Run) -> None:
    """After power-on CONFIG3 is 60h: PD_REFBUF 0, the internal reference is off (9.6.1.4)."""
    assert "own is off" in json.loads(run("info sim:channels=4 --json").out)["reference"]
    for profile, is_off in (("keep", True), ("facial-emg", False)):
        run(f"record sim: -o {profile}.bdf --duration 0.5 --profile {profile}")
        remarks = json.loads(Path(f"{profile}.json").read_text("utf-8"))["remarks"]
        assert any("own reference was off" in one for one in remarks) == is_off


def test_a_dump_is_read_by_its_id_or_as_said(run: Run) -> None:
    assert json.loads(run(f"registers decode {RESET_4} --json").out)["channels"] == 4
    assert "8 channels, as --channels says" in run(f"registers decode {RESET_4} --channels 8").out
    assert run(f"registers decode {RESET_4} --channels 5").code == 2


def test_a_history_is_a_file_and_of_ours(run: Run) -> None:
    Path("folder").mkdir()
    Path("other.sqlite").write_bytes(b"nothing of SQLite " * 90)
    assert "is a folder; name the file" in run("history folder").err
    assert "is no history of emgrig" in run("history other.sqlite").err


def test_checks_are_listed_for_a_machine_in_any_order(run: Run) -> None:
    for line in ("bringup --list --json", "bringup --json --list"):
        listed = json.loads(run(line).out)
        assert {"check": "B9", "layer": "noise and offset"}.items() <= listed[8].items()


def test_a_name_is_no_code(run: Run) -> None:
    said = run("export x.bdf --bids ds --task faces --subject Anna")
    assert said.code == 2
    assert "codes only, no names" in said.err


def test_virtual_time_ends_with_how_fast_it_was(run: Run) -> None:
    said = run("record sim: -o a.bdf --duration 2")
    (line,) = [one for one in said.err.splitlines() if "of board time" in one]
    found = re.fullmatch(r"virtual time: 2 s of board time in (\S+) s: (\S+) × real", line)
    assert found
    assert float(found[1]) * float(found[2]) == pytest.approx(2, rel=0.2)  # two figures each
    assert "board time" not in said.out
    assert run("convert a.capture -o b.bdf").err.count("virtual") == 0


@pytest.fixture
def run(shell: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return shell
