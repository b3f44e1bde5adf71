"""A few samples of a long recording: what the whole gives there, and nothing else is read."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.reading import Recording, open_recording
from emgrig.reading.formats import edffile
from emgrig.reading.runs import Runs
from reading import made

N_RECORDS, N_IN_RECORD = 12, 50
ONSETS_S = [0, 1, 2, 3.5, 4.5, 5.5, 6.5, 20, 21, 22, 23, 24.5]


def paused_edf(path: Path) -> Path:
    codes = np.random.default_rng(1).integers(-30_000, 30_000, (3, N_RECORDS * N_IN_RECORD))
    tals = [made.tal(one) for one in ONSETS_S]
    return made.edf(path, list(codes), N_IN_RECORD, tals=[tals], reserved="EDF+D")


def same_everywhere(found: Recording, ends: tuple[int, int], channels: list[int]) -> None:
    begin, stop = sorted(ends)
    whole = np.array([found.values(i) for i in range(len(found.signals))])
    assert found.n_samples == whole.shape[1]
    part = found.window(begin, stop, channels)
    np.testing.assert_array_equal(part, whole[channels, begin:stop])


@pytest.fixture(scope="module")
def edf(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return open_recording(paused_edf(tmp_path_factory.mktemp("edf") / "a.edf"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A BDF+ of ours: padding at its end, and a gap that its sidecar alone tells."""
    path = made.edf(
        tmp_path_factory.mktemp("bdf") / "a.bdf", [np.arange(1000)] * 2, 250, physical=(-9, 9)
    )
    content = {
        "format": "emgrig recording 1",
        "rate": {"nominal_hz": 250.0},
        "samples": {"padding": 40},
        "channels": [{"label": "EMG 1"}, {"label": "EMG 2"}],
        "is_simulated": False,
        "annotations": [{"kind": "gap", "text": "BAD_gap", "sample": 300, "n_samples": 70}],
    }
    path.with_suffix(".json").write_text(json.dumps(content))
    return open_recording(path)


@pytest.mark.slow
@given(st.tuples(*[st.integers(0, 1275)] * 2), st.sampled_from([[0], [2, 0], [0, 1, 2]]))
def test_a_window_of_edf_is_what_the_whole_has_there(
    edf: Recording, ends: tuple[int, int], channels: list[int]
) -> None:
    assert edf.n_samples == 1275
    same_everywhere(edf, ends, channels)


@pytest.mark.slow
@given(st.tuples(*[st.integers(0, 960)] * 2))
def test_a_window_of_ours_leaves_gaps_and_padding_out(
    ours: Recording, ends: tuple[int, int]
) -> None:
    assert ours.n_samples == 960
    assert np.isnan(ours.window(300, 370)).all()
    same_everywhere(ours, ends, [1, 0])


@pytest.mark.slow
@given(st.tuples(*[st.integers(0, 1275)] * 2))
def test_of_a_record_that_is_large_no_more_is_read_than_is_wanted(
    edf: Recording, ends: tuple[int, int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edffile, "_LARGE_RECORD", 0)
        patch.setattr(edffile.EdfFile, "_read_records", None)
        same_everywhere(edf, ends, [0, 2])


def test_channels_that_were_chosen_are_those_of_the_window(edf: Recording) -> None:
    two = edf.choose(["3", "1"])
    np.testing.assert_array_equal(two.window(10, 20), edf.window(10, 20, [2, 0]))
    np.testing.assert_array_equal(two.choose(["2"]).window(10, 20), edf.window(10, 20, [0]))


def test_a_format_that_is_read_whole_has_windows_too(tmp_path: Path) -> None:
    one = made.without(made.take(500, 250), 100, 120)
    found = open_recording(made.timed_table(tmp_path / "a.csv", one))
    assert found.part is None
    same_everywhere(found, (90, 130), [1, 0])


@pytest.mark.parametrize("ends", [(-1, 5), (5, 4), (0, 1276)])
def test_a_window_outside_of_the_recording_is_refused(
    edf: Recording, ends: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="of 1275"):
        edf.window(*ends)


def test_nothing_is_a_window_too(edf: Recording) -> None:
    assert edf.window(5, 5).shape == (3, 0)
    assert edf.window(5, 9, []).shape == (0, 4)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=8),
    st.integers(1, 7),
)
def test_records_are_placed_as_their_samples_one_by_one(
    steps: list[tuple[int, int]], n: int
) -> None:
    records = np.cumsum([step for step, _ in steps]) - 1
    positions = np.cumsum([n + pause for _, pause in steps])
    within = np.arange(n)
    expected = Runs.at(
        (positions[:, None] + within).ravel(), (records[:, None] * n + within).ravel()
    )
    found = Runs.of_records(positions, records, n)
    assert found.n_samples == expected.n_samples
    assert found.rows.tolist() == expected.rows.tolist()
