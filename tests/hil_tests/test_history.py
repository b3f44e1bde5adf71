"""Runs of many boards in one file: nothing is lost, nothing of others is touched."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from emgrig.errors import RecordingError
from emgrig.hil_tests.history import Run, Value, add, check_history, read_runs, read_values
from emgrig.hil_tests.trends import boards, line, trends
from shell import Run as Shell


def reading(value: Any, channel: int | None = None, outcome: str = "pass") -> dict[str, Any]:
    return {"value": value, "channel": channel, "outcome": outcome, "note": ""}


def record(board: str = "B-1", outcome: str = "pass", **more: Any) -> dict[str, Any]:
    """Return what a history takes of a record."""
    noise = {
        "name": "noise",
        "unit": "uV",
        "limit": {"low": 0.1, "high": 0.5},
        "readings": [reading(0.2, 1), reading(0.3, 2), reading(True), reading("word")],
    }
    return {
        "began": "2026-11-29T10:00:00+00:00",
        "board": {"serial_number": board, "firmware": "2.0"} if board else None,
        "address": "serial:///dev/ttyUSB0",
        "level": "quick",
        "verdict": {"simulated": False, "outcome": outcome, "line": "bring-up: …"},
        "diagnosis": {"cause": "Channel 1 is noisy"} if outcome == "fail" else None,
        "checks": [{"number": "B9", "measurements": [noise]}],
    } | more


def test_a_run_comes_back_as_it_was_put_in(tmp_path: Path) -> None:
    path = tmp_path / "bench.sqlite"
    assert add(path, record(), "Eva") == 1
    assert add(path, record("B-2", "fail")) == 2
    assert read_runs(path) == [
        Run(1, "2026-11-29T10:00:00+00:00", "B-1", False, "serial:///dev/ttyUSB0", "2.0", "quick",
            "Eva", "pass", ""),
        Run(2, "2026-11-29T10:00:00+00:00", "B-2", False, "serial:///dev/ttyUSB0", "2.0", "quick",
            "", "fail", "Channel 1 is noisy"),
    ]  # fmt: skip
    assert read_values(path, "B-2") == [
        Value(2, "B9", "noise", "uV", 1, 0.2, "pass", 0.1, 0.5),
        Value(2, "B9", "noise", "uV", 2, 0.3, "pass", 0.1, 0.5),
    ]
    with sqlite3.connect(path) as base:
        (kept,) = base.execute("SELECT record FROM runs WHERE run = 1").fetchone()
    base.close()
    assert json.loads(kept) == record()


def test_many_benches_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bench.sqlite"
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: add(path, record(f"B-{n}")), range(40)))
    assert sorted(numbers) == list(range(1, 41))
    assert {run.board for run in read_runs(path)} == {f"B-{n}" for n in range(40)}


def test_a_file_of_others_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, foreign = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("no history at all, but long enough to be one " * 9, "utf-8")
    base = sqlite3.connect(foreign)
    base.execute("CREATE TABLE runs (a)")
    base.commit()
    base.close()
    for path in (text, foreign):
        before = path.read_bytes()
        for use in (check_history, lambda p: add(p, record()), read_runs):
            with pytest.raises(RecordingError):
                use(path)
        assert path.read_bytes() == before
    with pytest.raises(RecordingError, match="there is no history"):
        read_runs(tmp_path / "none.sqlite")
    with pytest.raises(RecordingError, match="does not exist"):
        check_history(tmp_path / "none" / "bench.sqlite")
    assert not (tmp_path / "none.sqlite").exists()


def runs_of(*outcomes: tuple[str, str], simulated: bool = False) -> list[Run]:
    return [
        Run(n, f"2026-11-{n:02d}T10:00:00+00:00", board, simulated, "a", "1", "quick", "", outcome,
            "")
        for n, (board, outcome) in enumerate(outcomes, 1)
    ]  # fmt: skip


def test_yields_are_of_the_first_and_the_last_run_of_each_board() -> None:
    real = runs_of(
        ("A", "fail"), ("B", "pass"), ("A", "marginal"), ("", "fail"), ("C", "incomplete")
    )
    assert line(real) == (
        "history: 4 runs of 3 boards, good at the first run 1 of 3, good at the last 2 of 3, "
        "1 run without an answer"
    )
    simulated = runs_of(("S", "pass"), simulated=True)
    assert "1 run of 1 SIMULATED board" in line(simulated)
    assert "1 simulated run not counted" in line(real + simulated)
    (a, *_) = boards(real)
    assert (a.n_runs, a.n_good, a.is_good, a.last.run) == (2, 1, True, 3)
    assert line([]) == "history: 0 runs of 0 SIMULATED boards"


def test_a_trend_is_the_share_of_the_way_to_the_limit_that_it_moves_to() -> None:
    runs = runs_of(("A", "pass"), ("A", "pass"), ("B", "pass"))
    values = [
        Value(1, "B9", "noise", "uV", 1, 0.25, "pass", 0.125, 0.5),
        Value(1, "B9", "noise", "uV", 2, 0.25, "pass", 0.125, 0.5),
        Value(2, "B9", "noise", "uV", 1, 0.3125, "pass", 0.125, 0.5),  # a quarter of the way up
        Value(2, "B9", "noise", "uV", 2, 0.1875, "pass", 0.125, 0.5),  # half of the way down
        Value(1, "B13", "temperature", "C", None, 30.0, "pass", None, None),
        Value(2, "B13", "temperature", "C", None, 35.0, "pass", None, None),
        Value(3, "B9", "noise", "uV", 1, 0.25, "pass", 0.125, 0.5),  # one run says nothing
    ]
    found = trends(runs, values)
    assert [(one.quantity, one.channel, one.share) for one in found] == [
        ("noise", 2, 0.5), ("noise", 1, 0.25), ("temperature", None, 0.0),
    ]  # fmt: skip
    other = [runs[0], deepcopy(runs[1])]
    object.__setattr__(other[1], "level", "full")
    assert trends(other, values) == [], "another level has other lengths"


@pytest.mark.slow
def test_a_board_that_fails_is_in_the_history(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "bench.sqlite"
    said = shell(f"bringup sim:fault=miso-high --history {path} --operator Eva")
    assert said.code == 1
    assert "run 1 of" in said.err
    said = shell(f"history {path} --csv {tmp_path}/v.csv --report {tmp_path}/page")
    assert said.out.startswith("history: 1 run of 1 SIMULATED board, good at the first run 0 of 1")
    assert "SIM-0000: MISO floats high" in said.out
    rows = (tmp_path / "v.csv").read_text("utf-8").splitlines()
    assert len(rows) > 5
    assert {row.split(",")[2] for row in rows[1:]} == {"SIM-0000"}
    page = (tmp_path / "page/index.html").read_text("utf-8")
    assert "MISO floats high" in page
    assert "SIMULATED" in page
    assert shell(f"history {path} --board nobody").code == 5
    assert shell(f"bringup sim: --history {tmp_path}/none/x").code == 5
