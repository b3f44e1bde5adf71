"""Annotations as BIDS events: markers taken apart, and texts that would break a table."""

from pathlib import Path

import edfio
import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgrig.driver.interruption import Happened, Interruption
from emgrig.protocol.account import Cause
from emgrig.recording.export.bids_events import events, taken_apart
from emgrig.recording.export.bids_table import cell, merged, number, table
from emgrig.recording.export.source import Part
from emgrig.recording.facts import (
    Annotation,
    BadFrames,
    BoardStarted,
    ChipLost,
    Counter,
    ElectrodeChanged,
    Fact,
    FieldChange,
    Gap,
    Marker,
    OtherEvent,
    Overflow,
    Padding,
    Recovered,
    SettingsChanged,
    Trigger,
)
from exported import record_face, write_recording
from properties import examples

OWN = ("onset", "duration", "trial_type", "sample", "annotation")


def rows_of(text: str) -> list[dict[str, str]]:
    """Read a table as its specification says: lines, tabs, and no quoting."""
    head, *lines = text.removesuffix("\n").split("\n")
    names = head.split("\t")
    assert len(set(names)) == len(names)
    cells = [line.split("\t") for line in lines]
    assert {len(row) for row in cells} <= {len(names)}
    return [dict(zip(names, row, strict=True)) for row in cells]


@pytest.mark.parametrize(
    ("text", "trial_type", "values"),
    [
        ("clip begin trial=3 clip=joy1", "clip begin", {"trial": "3", "clip": "joy1"}),
        ("key L", "key L", {}),
        ("rating value=6", "rating", {"value": "6"}),
        ("mvc begin channel=1 repetition=2", "mvc begin", {"channel": "EMG a", "repetition": "2"}),
        ("mvc end channel=9", "mvc end", {"channel": "9"}),
        ("clip clip=my film.mp4 trial=1", "clip", {"clip": "my film.mp4", "trial": "1"}),
        ("trial=3", "marker", {"trial": "3"}),
        ("note text=a=b", "note", {"text": "a=b"}),
        ("note a=1 a=2", "note", {"a": "1 2"}),
        ("note onset=5 response_time=x HED=y", "note", {
            "marker_onset": "5", "marker_response_time": "x", "marker_HED": "y"}),
        ("empty key=", "empty", {"key": ""}),
        ("electrode off: 3P zygomaticus", "electrode off: 3P zygomaticus", {}),
    ],
)  # fmt: skip
def test_a_marker_is_taken_apart(text: str, trial_type: str, values: dict) -> None:
    assert taken_apart(Marker(text), {1: "EMG a"}) == (trial_type, values)


@pytest.mark.parametrize(
    ("fact", "trial_type", "values"),
    [
        (Gap(16, Cause.LINK, False, True), "BAD_gap", {}),
        (Padding(), "BAD_padding", {}),
        (BadFrames(3), "BAD_frame", {}),
        (SettingsChanged((FieldChange(1, "CH3SET", "GAIN3", "12", "24"),)), "settings", {}),
        (ElectrodeChanged(True, 3, "p", "zygomaticus"), "electrode off", {
            "channel": "3", "electrode": "c3p"}),
        (ElectrodeChanged(False, 1, "n", "a"), "electrode on", {
            "channel": "EMG a", "electrode": "c1n"}),
        (Recovered(Interruption(Happened.LINK_LOST, link_said="x=3"), 1.5), "going on", {}),
        (BoardStarted(4), "board started", {}),
        (Overflow(7), "board overflow", {}),
        (Trigger(1, True), "trigger 1 high", {}),
        (Trigger(2, False), "trigger 2 low", {}),
        (Counter(12), "counter", {"value": "12"}),
        (ChipLost(2, 1, 0x96, 0), "chip 2 lost its registers", {}),
        (OtherEvent(99), "event 99", {}),
    ],
)  # fmt: skip
def test_a_fact_of_the_recording_has_its_type_and_columns(
    fact: Fact, trial_type: str, values: dict
) -> None:
    assert taken_apart(fact, {1: "EMG a"}) == (trial_type, values)


WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)


@pytest.mark.slow
@given(name=WORDS, values=st.dictionaries(WORDS, WORDS, max_size=4))
def test_a_marker_comes_back_as_it_was_made(name: str, values: dict) -> None:
    text = " ".join([f"begin {name}", *(f"{key}={value}" for key, value in values.items())])
    taken = (*OWN, "response_time", "stim_file", "hed")
    trial_type, found = taken_apart(Marker(text))
    assert trial_type == f"begin {name}"
    for key, value in values.items():
        assert found[f"marker_{key}" if key.lower() in taken else key] == value


@pytest.mark.slow
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=30), max_size=5))
def test_no_text_breaks_a_table(texts: list[str]) -> None:
    parsed = [taken_apart(Marker(text)) for text in texts]
    heads = list(dict.fromkeys(key for _, values in parsed for key in values))
    made = table(
        ["trial_type", *heads, "annotation"],
        (
            {**values, "trial_type": trial_type, "annotation": text}
            for (trial_type, values), text in zip(parsed, texts, strict=True)
        ),
    )
    assert len(rows_of(made)) == len(texts)
    assert made.splitlines() == made.removesuffix("\n").split("\n")  # no other line ends
    assert '"' not in made
    made.encode("utf-8")


@pytest.mark.slow
@examples(30)
@given(
    notes=st.lists(
        st.tuples(st.integers(0, 499), st.integers(0, 50), st.text(min_size=1, max_size=40)),
        max_size=8,
    )
)
def test_events_are_the_annotations_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, notes: list
) -> None:
    path = tmp_path_factory.mktemp("events") / "a.bdf"
    annotations = [Annotation.of(at, Marker(text), n) for at, n, text in sorted(notes)]
    write_recording(path, np.zeros((500, 1), np.int32), annotations=annotations)
    written = edfio.read_bdf(path).annotations  # a second reader
    rows = rows_of(events(Part(path))[0])
    assert len(rows) == len(written)
    for row, note in zip(rows, written, strict=True):
        assert float(row["onset"]) == pytest.approx(note.onset, abs=1e-6)
        assert float(row["duration"]) == pytest.approx(note.duration or 0, abs=1e-6)
        assert int(row["sample"]) == round(note.onset * 1000)
        assert row["annotation"] == cell(note.text)


@pytest.mark.slow
def test_times_are_those_that_mne_reads(tmp_path: Path) -> None:
    record_face(tmp_path / "a.bdf")
    text, described = events(Part(tmp_path / "a.bdf"))
    rows = rows_of(text)
    read = mne.io.read_raw_bdf(tmp_path / "a.bdf", verbose="error").annotations
    assert len(rows) == len(read) > 5
    np.testing.assert_allclose([float(row["onset"]) for row in rows], read.onset, atol=1e-6)
    np.testing.assert_allclose([float(row["duration"]) for row in rows], read.duration, atol=1e-6)
    clip = next(row for row in rows if row["trial_type"] == "clip begin")
    assert (clip["trial"], clip["clip"], clip["emotion"]) == ("3", "joy1", "happiness")
    gap = next(row for row in rows if row["trial_type"] == "BAD_gap")
    assert gap["trial"] == "n/a"
    assert gap["duration"] == "0.016"
    assert "BAD_gap" in described["trial_type"]["Description"]
    assert set(described) == set(rows[0]) - {"onset", "duration"} | {"StimulusPresentation"}


def test_a_table_of_others_keeps_its_columns_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\tage\tlikes\r\nsub-01\t31\ttea\nsub-02\tn/a\tn/a\n")
    text = merged(path, [{"participant_id": "sub-03", "age": "n/a", "simulated": "no"}])
    assert [row["participant_id"] for row in rows_of(text)] == ["sub-01", "sub-02", "sub-03"]
    assert rows_of(text)[0] == {"participant_id": "sub-01", "age": "31", "likes": "tea"}
    text = merged(path, [{"participant_id": "sub-01", "age": "99"}])
    assert rows_of(text)[0]["age"] == "31"
    text = merged(path, [{"participant_id": "sub-02", "age": "40"}])
    assert rows_of(text)[1]["age"] == "40"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.5"), (262.0, "262"), (0, "0"), (None, "n/a"), (float("nan"), "n/a"), (True, "n/a"),
     (1e-9, "0"), (100.0, "100"), ("x", "n/a"), (-0.25, "-0.25"), (float("inf"), "n/a")],
)  # fmt: skip
def test_numbers_are_short(value: object, text: str) -> None:
    assert number(value) == text
