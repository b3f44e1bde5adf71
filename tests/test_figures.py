"""The file of benchmark figures: goals, what is kept, and what is called worse."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from benchmarks import _figures, _page
from benchmarks._figures import Figure, Run, compare, last_values, missed

MACHINE = {"processor": "a", "cores": 2, "busy_loops": 0}


def run_of(value: float, unit: str = "s", **goal: float) -> Run:
    """Return a run of one figure."""
    return Run({"decode": [Figure("time", value, unit, **goal)]}, dict(MACHINE))


@pytest.mark.parametrize(
    ("value", "goal", "met"),
    [
        (2.0, {"at_most": 2.0}, True),
        (2.1, {"at_most": 2.0}, False),
        (2.0, {"at_least": 2.0}, True),
        (1.9, {"at_least": 2.0}, False),
        (1.0, {}, None),
    ],
)
def test_a_goal(value: float, goal: dict[str, float], met: bool | None) -> None:
    one = Figure("time", value, "s", **goal)
    assert one.met is met
    assert ("MISSED" in one.line()) is (met is False)
    assert bool(missed([one])) is (met is False)


def test_what_a_process_kept_is_read_by_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_figures, "_KEPT", [])
    _figures.figure("time", 1.5, "s", at_most=2)
    _figures.write_kept(tmp_path / "kept")
    assert _figures.read_kept(tmp_path / "kept") == [Figure("time", 1.5, "s", 2)]
    (tmp_path / "none").touch()
    assert _figures.read_kept(tmp_path / "none") == []


def test_the_newest_value_of_such_a_machine_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    assert last_values(path, MACHINE) == {}
    runs = [run_of(5.0), run_of(1.0)]
    other = run_of(0.1)
    other.machine["processor"] = "b"
    path.write_text("".join(run.as_line() + "\n" for run in [*runs, other]))
    assert last_values(path, MACHINE) == {("decode", "time"): 1.0}
    assert last_values(path, {**MACHINE, "busy_loops": 2}) == {}


@pytest.mark.parametrize(
    ("value", "goal", "worse"),
    [
        (1.09, {}, False),
        (1.2, {}, True),
        (0.5, {}, False),
        (1.2, {"at_most": 9.0}, True),
        (1.2, {"at_least": 0.0}, False),
        (0.8, {"at_least": 0.0}, True),
    ],
)
def test_what_is_worse(value: float, goal: dict[str, float], worse: bool) -> None:
    lines = compare(run_of(value, **goal), {("decode", "time"): 1.0})
    assert bool(lines) is worse


@pytest.mark.parametrize(("value", "worse"), [(0.8, True), (1.2, False)])
def test_times_real_time_are_worse_where_they_fell(value: float, worse: bool) -> None:
    assert bool(compare(run_of(value, "x"), {("decode", "time"): 1.0})) is worse


def test_the_machine_is_told() -> None:
    machine = _figures.machine_now(0.5, 0.0, 10.0)
    assert {"processor", "cores", "commit", "versions", "date"} <= set(machine)
    assert json.loads(Run({}, machine).as_line())["figures"] == {}


def test_the_page_shows_what_was_missed_and_the_busy_run_beside_it() -> None:
    quiet = {**MACHINE, "figures": {"decode": [asdict(Figure("time", 3.0, "s", at_most=2))]}}
    busy = {
        **MACHINE,
        "busy_loops": 2,
        "figures": {"decode": [asdict(Figure("time", 1.5, "s", at_most=2))]},
    }
    lines = _page.table([quiet, busy], ["decode", "never_run"]).splitlines()
    assert lines[2:] == ["| `decode` | time | ≤ 2 | **3 s** | 1.5 s |"]
