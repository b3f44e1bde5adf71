"""All recordings of a study: kept by content, on processes or a cluster, and always the same."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from emgrig.errors import RecordingError
from emgrig.study import running
from emgrig.study.cache import cache_path, kept, key_of
from emgrig.study.dataset import Unit, find_units
from emgrig.study.recording import Result
from emgrig.study.rows import NAN, EventRow, RecordingRow
from emgrig.study.running import all_kept, run_study
from emgrig.study.settings import Limits, Statistics, StudySettings
from tiny_study import tiny, write_tiny

USUAL = StudySettings()


def data_set(root: Path, *labels: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "dataset_description.json").write_text("{}", "utf-8")
    for label in labels:
        folder = root / f"sub-{label}" / "emg"
        folder.mkdir(parents=True)
        (folder / f"sub-{label}_task-x_emg.bdf").write_bytes(label.encode())
    return root


def fake_work(unit: Unit, settings: StudySettings) -> Result:
    """Say what the file holds, as a recording would."""
    text = unit.path.read_text("utf-8")
    if text == "bad":
        return Result(RecordingRow(unit.participant, unit.stem, "failed", "bad"))
    rows = (EventRow(unit.participant, unit.stem, "coding", 1.0, NAN, len(text), "micro"),)
    return Result(RecordingRow(unit.participant, unit.stem, "done", text, lost_percent=NAN), rows)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which recordings were worked on."""
    names: list[str] = []

    def noted(unit: Unit, settings: StudySettings) -> Result:
        names.append(unit.stem)
        return fake_work(unit, settings)

    monkeypatch.setattr(running, "work", noted)
    return names


def test_what_is_done_is_not_done_again_and_one_that_failed_is(
    tmp_path: Path, asked: list[str]
) -> None:
    root = data_set(tmp_path, "01", "bad", "03")
    first = run_study(root, USUAL)
    assert (first.n_made, first.n_kept) == (3, 0)
    assert [r.recording.status for r in first.results] == ["done", "done", "failed"]
    second = run_study(root, USUAL)
    assert asked[3:] == ["sub-bad_task-x"]
    assert (second.n_made, second.n_kept) == (1, 2)
    assert repr(second.results) == repr(first.results)  # NaN is not equal to itself
    results, stale = all_kept(root, USUAL)
    assert repr(results) == repr(first.results)
    assert stale == []
    (root / "sub-01" / "emg" / "sub-01_task-x_emg.bdf").write_bytes(b"other")
    assert all_kept(root, USUAL)[1] == ["sub-01_task-x"]


def test_a_changed_file_setting_or_version_is_another_key_and_statistics_are_not(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = data_set(tmp_path, "01", "02")
    run_study(root, USUAL)
    unit = find_units(root)[0]
    same = replace(USUAL, title="Other", statistics=Statistics(seed=9), left_out={"sub-02": "x"})
    assert key_of(unit, same) == key_of(unit, USUAL)
    unit.path.write_bytes(b"10")
    run_study(root, USUAL)
    assert asked[2:] == ["sub-01_task-x"]
    (unit.path.parent / "sub-01_task-x_events.tsv").write_text("onset\tduration\n", "utf-8")
    run_study(root, USUAL)
    assert asked[3:] == ["sub-01_task-x"]
    run_study(root, replace(USUAL, limits=Limits(slack_s=0.2)))
    assert len(asked) == 6
    monkeypatch.setattr("emgrig.study.cache.__version__", "99")
    run_study(root, USUAL)
    assert len(asked) == 8


def test_a_run_that_was_stopped_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = data_set(tmp_path, "01", "02", "03")

    def until_two(unit: Unit, settings: StudySettings) -> Result:
        if unit.stem == "sub-02_task-x":
            raise KeyboardInterrupt
        return fake_work(unit, settings)

    monkeypatch.setattr(running, "work", until_two)
    with pytest.raises(KeyboardInterrupt):
        run_study(root, USUAL)
    monkeypatch.setattr(running, "work", fake_work)
    again = run_study(root, USUAL)
    assert (again.n_made, again.n_kept) == (2, 1)


def test_only_those_that_are_named_are_run_and_a_name_that_is_none_is_refused(
    tmp_path: Path, asked: list[str]
) -> None:
    root = data_set(tmp_path, "01", "02", "03")
    run_study(root, USUAL, only=["sub-02", "sub-03_task-x"])
    assert asked == ["sub-02_task-x", "sub-03_task-x"]
    with pytest.raises(RecordingError, match="no recording or participant sub-9"):
        run_study(root, USUAL, only=["sub-9"])


def test_a_kept_result_that_is_damaged_is_made_again(tmp_path: Path, asked: list[str]) -> None:
    root = data_set(tmp_path, "01")
    run_study(root, USUAL)
    (unit,) = find_units(root)
    for damage in ("", "[]", '{"key": 1}', '{"key": "", "recording": {}, "events": 3}', "\udcff"):
        cache_path(unit).write_bytes(damage.encode("utf-8", "surrogateescape"))
        assert kept(unit, None) is None
        run_study(root, USUAL)
    assert len(asked) == 6


def test_a_folder_that_is_no_data_set_or_has_no_emg_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"dataset_description.json: it is no BIDS data set"):
        run_study(tmp_path, USUAL)
    with pytest.raises(RecordingError, match="has no EMG recording"):
        run_study(data_set(tmp_path), USUAL)


@pytest.mark.slow
def test_an_address_that_is_none_and_no_jobs_are_refused(tmp_path: Path) -> None:
    root = data_set(tmp_path, "01", "02")
    with pytest.raises(ValueError, match=r"--scheduler here: tcp://HOST:PORT was expected"):
        run_study(root, USUAL, scheduler="here")
    with pytest.raises(ValueError, match="--jobs 0: 1 or more"):
        run_study(root, USUAL, n_jobs=0)


@pytest.mark.long
@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    write_tiny(tmp_path, [tiny(1), tiny(2, lost_percent=0.5)])
    alone = run_study(tmp_path, USUAL)
    for unit in find_units(tmp_path):
        cache_path(unit).unlink()
    both = run_study(tmp_path, USUAL, n_jobs=2)
    assert repr(both.results) == repr(alone.results)


@pytest.mark.long
@pytest.mark.slow
def test_a_cluster_of_which_a_worker_is_killed_in_the_middle_gives_the_same(
    tmp_path: Path,
) -> None:
    distributed = pytest.importorskip("distributed")

    class DiesOnce(distributed.WorkerPlugin):  # type: ignore[name-defined, misc]
        """Kill the worker that has just begun the first recording."""

        def __init__(self, mark: str) -> None:
            self.mark = mark

        def setup(self, worker: object) -> None:
            """Needed by distributed."""

        def transition(self, key: object, start: str, finish: str, **_: object) -> None:
            if finish == "executing" and "work" in str(key):
                try:
                    os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    return
                os._exit(9)

    root = tmp_path / "study"
    write_tiny(root, [tiny(n) for n in (1, 2, 3)])
    alone = run_study(root, USUAL)
    for unit in find_units(root):
        cache_path(unit).unlink()
    mark = tmp_path / "died"
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        protocol="tcp://",
        host="127.0.0.1",
    ) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            client.register_plugin(DiesOnce(str(mark)))
        there = run_study(root, USUAL, scheduler=cluster.scheduler_address)
    assert mark.exists()  # one was killed
    assert there.n_made == 3
    assert repr(there.results) == repr(alone.results)
