"""Whatever a file of a data set holds, it is read, or refused in words; nothing else happens."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emgrig.errors import RecordingError
from emgrig.study.cache import cache_path, kept
from emgrig.study.coding import read_coding
from emgrig.study.course import read_course
from emgrig.study.dataset import Unit, find_units, read_facts
from emgrig.study.settings import Names

CELLS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "n/a", "", "1", "-3.5", "1e400", "nan", "inf", "clip begin", "clip end", "clip shown",
            "rating", "key L", "mvc begin", "mvc end", "mvc accept", "mvc level", "BAD_x", "yes",
            "AU4+AU7", "c5", "²", "expression", "1_0", "٣",
        ]
    ),
)  # fmt: skip
COLUMNS = (
    *("onset", "duration", "trial_type", "channel", "repetition", "attempt", "accepted", "mvc_uv"),
    *("trial", "clip", "emotion", "value", "action_units", "side"),
)
ROWS = st.lists(st.lists(CELLS, max_size=len(COLUMNS)), max_size=6)
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def table(rows: list[list[str]]) -> bytes:
    lines = ["\t".join(row) for row in [list(COLUMNS), *rows]]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


@QUICK
@given(raw=st.one_of(st.binary(max_size=80), ROWS.map(table)))
def test_any_table_is_a_course_and_a_coding_or_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x_events.tsv"
    path.write_bytes(raw)
    try:
        course = read_course(path, Names())
    except RecordingError:
        pass
    else:
        assert all(t.end_s < float("inf") for t in course.trials)
        assert all(c.begin_s < c.end_s for c in course.contractions)
    try:
        coding = read_coding(path)
    except RecordingError:
        pass
    else:
        onsets = [one.onset_s for one in coding.rows]
        assert onsets == sorted(onsets)


@QUICK
@given(raw=st.binary(max_size=60))
def test_any_description_is_a_table_or_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(raw)
    with suppress(RecordingError):
        assert isinstance(read_facts(path), dict)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["key", "recording", "events", "participant", "why"]), inner, max_size=4
        ),
    ),
    max_leaves=8,
)


@QUICK
@given(content=JSON)
def test_any_kept_file_is_a_result_or_none(tmp_path: Path, content: object) -> None:
    unit = Unit(tmp_path, tmp_path / "sub-1/emg/sub-1_emg.bdf", "sub-1", "sub-1")
    path = cache_path(unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    assert kept(unit, "none of these") is None


def test_recordings_of_sessions_and_runs_are_found_and_their_files_by_inheritance(
    tmp_path: Path,
) -> None:
    (tmp_path / "dataset_description.json").write_text("{}", "utf-8")
    in_session = "sub-1/ses-a/emg/sub-1_ses-a_task-x_run"
    for name in (f"{in_session}-1", f"{in_session}-2", "sub-2/emg/sub-2_task-x"):
        path = tmp_path / f"{name}_emg.edf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "task-x_emg.json").write_text("{}", "utf-8")
    (tmp_path / "task-y_emg.json").write_text("{}", "utf-8")
    own = tmp_path / "sub-1/ses-a/emg/sub-1_ses-a_task-x_run-2_channels.tsv"
    session = tmp_path / "sub-1/ses-a/emg/sub-1_ses-a_electrodes.tsv"
    for path in (own, session):
        path.write_text("name\n", "utf-8")
    first, second, third = find_units(tmp_path)
    assert [u.stem for u in (first, third)] == ["sub-1_ses-a_task-x_run-1", "sub-2_task-x"]
    assert first.beside("emg.json") == third.beside("emg.json") == tmp_path / "task-x_emg.json"
    assert (first.beside("channels.tsv"), second.beside("channels.tsv")) == (None, own)
    assert first.beside("electrodes.tsv") == second.beside("electrodes.tsv") == session
    assert third.beside("electrodes.tsv") is None
    with pytest.raises(RecordingError, match="no BIDS data set"):
        find_units(tmp_path / "sub-1")
