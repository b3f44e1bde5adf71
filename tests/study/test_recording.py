"""One recording, from its files to its rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emgrig.study.dataset import find_units
from emgrig.study.recording import Result, work
from emgrig.study.rows import EventRow
from emgrig.study.settings import Events, Limits, StudySettings
from tiny_study import BLINKS_S, EXPRESSIONS, coding_path, tiny, write_tiny

CODED = StudySettings(events=Events(coders=("anna",)))
HEAD = "onset\tduration\ttrial_type\tchannel\taction_units\temotion\tside\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    write_tiny(root, [tiny(1)])
    return root


@pytest.fixture(scope="module")
def found(root: Path) -> Result:
    (unit,) = find_units(root)
    return work(unit, StudySettings())


def kept(result: Result) -> list[EventRow]:
    return [row for row in result.events if not row.left_out]


@pytest.mark.slow
def test_candidates_are_the_expressions_that_were_made_with_their_channel_and_kind(
    found: Result,
) -> None:
    rows = kept(found)
    assert [(row.muscle, row.kind) for row in rows] == [(e.channel, e.kind) for e in EXPRESSIONS]
    for row, made in zip(rows, EXPRESSIONS, strict=True):
        assert row.onset_s == pytest.approx(made.onset_s, abs=0.06)
        assert row.offset_s == pytest.approx(made.offset_s, abs=0.1)


@pytest.mark.slow
def test_intensities_are_those_that_scipy_takes_from_the_muscle_alone(found: Result) -> None:
    from emgrig.study.synthetic.samples import make

    true = make(tiny(1), seed=3).measures
    for row, made in zip(kept(found), true, strict=True):
        assert row.mvc_percent == pytest.approx(made.mvc_percent, rel=0.08)
        assert row.iemg_ms == pytest.approx(made.iemg_ms, rel=0.15)


@pytest.mark.slow
def test_an_iemg_over_the_range_of_its_clip_is_larger_than_over_that_of_the_recording(
    found: Result, root: Path
) -> None:
    (unit,) = find_units(root)
    by_clip = kept(work(unit, StudySettings(iemg_range="clip")))
    for one, other in zip(by_clip, kept(found), strict=True):
        assert one.iemg_ms > 2 * other.iemg_ms  # the highest of the clip is far from the maximum
        assert one.iemg_ms < one.duration_ms  # the envelope is at most 1


@pytest.mark.slow
def test_part_a_and_blinks_are_left_out_and_said(found: Result) -> None:
    reasons = {row.left_out for row in found.events if row.left_out}
    assert {"part A", "blink"} <= reasons
    blinks = [row for row in found.events if row.left_out == "blink"]
    assert found.recording.n_blinks == len(blinks) == len(BLINKS_S)
    for row, (begin, end) in zip(blinks, BLINKS_S, strict=True):
        assert begin - 0.05 < row.onset_s < row.offset_s < end + 0.05
    assert all(row.onset_s < 38.5 for row in found.events if row.left_out == "part A")


@pytest.mark.slow
def test_each_event_has_its_trial_clip_emotion_rating_and_key(found: Result) -> None:
    rows = kept(found)
    joined = [(row.trial, row.clip, row.emotion, row.emotion_from, row.rating) for row in rows]
    happy, afraid = ("1", "joy1", "happiness", "clip", 6), ("2", "fear1", "fear", "clip", 2)
    assert joined == [happy, happy, afraid, afraid]
    assert [row.is_aware for row in rows] == [True, False, False, False]
    assert rows[0].key_after_s == pytest.approx(47.6 - rows[0].onset_s, abs=1e-3)
    # The clip counts from when it was shown, 40 ms after its begin.
    assert rows[0].since_clip_s == pytest.approx(rows[0].onset_s - 42.04, abs=1e-3)


@pytest.mark.slow
def test_the_recording_row_says_quality_contact_and_every_mvc(found: Result, root: Path) -> None:
    from emgrig.study.synthetic.samples import make

    row = found.recording
    assert (row.status, row.is_simulated, row.n_lost, row.n_trials) == ("done", True, 0, 2)
    true = make(tiny(1), seed=3).mvc_uv
    assert row.mvc_uv is not None
    np.testing.assert_allclose(list(row.mvc_uv.values()), true, rtol=0.05)
    assert 1 < row.impedance_kohm_median < 20
    assert row.mvc_missing == row.rejected == row.contact_bad == ""


def coded(root: Path, lines: Sequence[str], settings: StudySettings = CODED) -> Result:
    coding_path(root, tiny(1), "anna", "_events.tsv").write_text(HEAD + "\n".join(lines), "utf-8")
    (unit,) = find_units(root)
    return work(unit, settings)


@pytest.mark.slow
def test_a_coded_expression_takes_channel_units_and_emotion_of_the_coder_and_edges_of_the_emg(
    root: Path,
) -> None:
    lines = [
        "46.05\t1.1\texpression\tEMG zygom. major\tAU6+AU12\tother\tboth",
        "51.1\t0.2\texpression\t5\tAU12\tn/a\tleft",  # by number; emotion is the clip's
        "65.0\t0.4\texpression\tn/a\tAU4\tfear\tboth",  # the channel of the highest peak
    ]
    rows = coded(root, lines).events
    assert [row.muscle for row in rows] == [5, 5, 2]
    assert [(row.emotion, row.emotion_from) for row in rows] == [
        ("other", "coding"), ("happiness", "clip"), ("fear", "coding")]  # fmt: skip
    assert [row.units for row in rows] == ["AU6+AU12", "AU12", "AU4"]
    assert all(row.edges == "emg" and not row.left_out for row in rows)
    assert rows[1].onset_s == pytest.approx(51.0, abs=0.05)


@pytest.mark.slow
def test_coded_edges_stay_as_they_are_if_the_settings_say_so(root: Path) -> None:
    settings = StudySettings(events=Events(coders=("anna",), edges="coded"))
    (row,) = coded(root, ["51.1\t0.2\texpression\t5\tAU12\tn/a\tleft"], settings).events
    assert (row.onset_s, row.offset_s, row.duration_ms, row.edges) == (51.1, 51.3, 200, "coded")


@pytest.mark.slow
def test_a_coded_expression_without_emg_is_left_out_and_a_coded_blink_is_no_expression(
    root: Path,
) -> None:
    lines = [
        "48.9\t0.4\texpression\t4\tAU9\tn/a\tright",
        "48.9\t0.4\texpression\tn/a\tAU9\tn/a\tright",
        "44\t0.2\tblink\t3\tAU45\tn/a\tboth",
        "79.9\t0.4\texpression\t4\tAU9\tn/a\tboth",
    ]
    found = coded(root, lines)
    reasons = ["no EMG", "no EMG", "outside of the recording"]
    assert [row.left_out for row in found.events] == reasons
    assert found.recording.coding == "1 coded as blink are no expressions"


@pytest.mark.slow
def test_gaps_dead_and_failed_channels_leave_their_events_out_with_the_reason(
    tmp_path: Path,
) -> None:
    session = tiny(1, dead_channel=5, failed_channel=2)
    failing = tuple(
        one if one.channel != 2 else type(one)(2, 1, one.begin_s, one.end_s, 1.0, is_accepted=False)
        for one in session.contractions
    )
    session = tiny(1, dead_channel=5, failed_channel=2, contractions=failing)
    write_tiny(tmp_path, [session])
    lines = ["51\t0.35\texpression\t5\tAU12\tn/a\tleft", "65\t0.4\texpression\t2\tAU4\tn/a\tboth"]
    found = coded(tmp_path, lines)
    assert [row.left_out for row in found.events] == ["channel not analysed", "no MVC"]
    assert "no repetition was accepted" in found.recording.mvc_missing
    assert "EMG zygom. major" in found.recording.contact_bad


@pytest.mark.slow
def test_an_event_with_samples_missing_inside_is_left_out(tmp_path: Path) -> None:
    (made,) = write_tiny(tmp_path, [tiny(1)])
    from dataclasses import replace

    from emgrig.study.synthetic.files import write_session

    lost = made.is_lost.copy()
    lost[65_150:65_214] = True
    write_session(tmp_path, tiny(1), replace(made, is_lost=lost))
    found = coded(tmp_path, ["65\t0.4\texpression\t2\tAU4\tn/a\tboth"])
    assert [row.left_out for row in found.events] == ["samples missing"]
    assert (found.recording.n_lost, found.recording.n_gaps) == (64, 1)
    assert found.recording.longest_gap_ms == 64
    limits = Limits(lost_percent=0.05)
    whole = coded(tmp_path, ["51\t0.35\texpression\t5\tAU12\tn/a\tleft"],
                  StudySettings(events=Events(coders=("anna",)), limits=limits))  # fmt: skip
    assert (whole.recording.status, whole.recording.n_in) == ("left out", 0)
    assert whole.events[0].left_out == "recording left out"


def test_a_recording_that_is_damaged_becomes_a_row_that_says_so(tmp_path: Path) -> None:
    write_tiny(tmp_path, [tiny(1, length_s=2.0, contractions=(), expressions=(), trials=(),
                               blinks_s=(), baseline_s=(0.5, 1.0))])  # fmt: skip
    (unit,) = find_units(tmp_path)
    unit.path.write_bytes(unit.path.read_bytes()[:300])
    found = work(unit, StudySettings())
    assert found.recording.status == "failed"
    assert "cut short" in found.recording.why
    assert str(tmp_path) not in found.recording.why


def test_who_is_left_out_by_the_settings_is_not_even_read(tmp_path: Path) -> None:
    (tmp_path / "dataset_description.json").write_text("{}", "utf-8")
    folder = tmp_path / "sub-07" / "emg"
    folder.mkdir(parents=True)
    (folder / "sub-07_task-x_emg.bdf").write_bytes(b"")
    (unit,) = find_units(tmp_path)
    found = work(unit, StudySettings(left_out={"sub-07": "withdrew consent"}))
    assert (found.recording.status, found.recording.why) == ("left out", "withdrew consent")
