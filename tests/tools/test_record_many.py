"""Several boards side by side: one that fails does not stop the others."""

import json
from pathlib import Path
from typing import Any

import pytest

from emgrig.driver.board import Board
from emgrig.errors import TransportError
from emgrig.recording import recorder
from emgrig.recording.recorder import Recorder
from emgrig.tools.record_many import Names, is_many, read_boards
from shell import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def run(shell: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return shell


def test_boards_are_recorded_beside_one_that_is_not_there(run: Run) -> None:
    said = run("record sim:seed=1 tcp://127.0.0.1:1 sim:seed=2 -o both --duration 2 --json")
    assert said.code == 3, "as the one that failed"
    first, absent, second = json.loads(said.out)
    assert (first["n_samples"], second["n_samples"]) == (2000, 2000)
    for one in (first, second):
        assert one["n_produced"] == one["account"]["received"] + one["n_lost"]
        assert (one["n_lost"], one["n_gaps"]) == (0, 0)
    assert first["name"] == "SIM-0001"
    assert absent["error"].startswith("tcp://127.0.0.1:1")
    assert absent["exit_code"] == 3
    assert {path.name for path in Path("both").iterdir()} == {
        f"SIM-000{n}.{kind}" for n in (1, 2) for kind in ("bdf", "json", "capture")
    }
    for one in (first, second):
        sidecar = json.loads(Path(one["files"][2]).read_text("utf-8"))
        assert sidecar["is_simulated"] is True
    assert "SIM-0001: recording" in said.err
    assert "tcp://127.0.0.1:1: failed" in said.err


def test_a_file_names_the_boards(run: Run) -> None:
    Path("boards.toml").write_text(
        '[[board]]\naddress = "sim:seed=1"\nname = "left"\n'
        '[[board]]\naddress = "sim:seed=2&channels=4"\nname = "right"\nprofile = "keep"\n',
        "utf-8",
    )
    said = run("record boards.toml -o both --duration 1")
    assert said.code == 0
    assert "2 of 2 boards recorded, 2 of them SIMULATED" in said.out
    assert said.out.count("(simulated)") == 2
    assert "right: the chip's own reference is off" in said.err
    assert "left: the chip's" not in said.err, "its profile switches it on"
    assert {path.name for path in Path("both").glob("*.bdf")} == {"left.bdf", "right.bdf"}
    said = run("record boards.toml -o both --duration 1")
    assert said.code == 5, "what was recorded before stays"
    assert said.out.count("exists") == 2


def test_what_came_before_a_board_failed_becomes_files(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = recorder.fill

    def fill(one: Recorder, board: Board, *given: Any, **more: Any) -> None:
        whole(one, board, *given, **more)
        if board.address == "sim:seed=1":
            raise TransportError("it burns")

    monkeypatch.setattr(recorder, "fill", fill)
    said = run("record sim:seed=1 sim:seed=2 -o both --duration 1 --json")
    assert said.code == 3
    burnt, well = json.loads(said.out)
    assert (burnt["error"], well["error"]) == ("it burns", None)
    assert (burnt["n_samples"], well["n_samples"]) == (1000, 1000)
    assert (Path("both") / "SIM-0001.bdf").exists()


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("record sim: sim: -o both", 2, "two boards have the address 'sim:'"),
        ("record sim:seed=1 sim:seed=2 -o both.bdf", 2, "into a folder"),
        ("record none.toml -o both", 5, "none.toml"),
        ("record boards.toml -o both", 5, "board"),
        ("record nameless.toml -o both", 5, "board[1].address is missing"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(
    run: Run, line: str, code: int, words: str
) -> None:
    Path("boards.toml").write_text("[board]\n", "utf-8")
    Path("nameless.toml").write_text('[[board]]\nname = "x"\n', "utf-8")
    said = run(line)
    assert said.code == code
    assert words in said.err
    assert not Path("both").exists()


def test_two_boards_of_one_serial_number_have_two_files(tmp_path: Path) -> None:
    names = Names(tmp_path, overwrite=False)
    made = [names.path(name).name for name in ("SIM-0000", "SIM-0000", "sim-0000")]
    assert made == ["SIM-0000.bdf", "SIM-0000-2.bdf", "sim-0000-3.bdf"]
    for name in ("../x", "", "con", "a b"):
        assert names.path(name).parent == tmp_path
        assert names.path(name).stem.replace("-", "").isalnum()


def test_one_address_is_one_recording_and_a_boards_file_is_not() -> None:
    assert not is_many(["sim:"])
    assert is_many(["boards.toml"])
    assert is_many(["C:/lab/boards.toml"])
    assert not is_many(["frames:///dev/ttyUSB0?template=mine.toml"])
    assert [one.address for one in read_boards(["sim:", "sim:seed=2"])] == ["sim:", "sim:seed=2"]
