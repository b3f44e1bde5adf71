"""What coders write: tables, ELAN files over the film, and how far two of them agree."""

from pathlib import Path

import numpy as np
import pytest

from emgrig.errors import RecordingError
from emgrig.study.agreement import coder_agreement
from emgrig.study.clock import read_clock
from emgrig.study.coding import Coded, read_coding
from emgrig.study.dataset import coders_of, find_units, read_tsv
from emgrig.study.recording import work
from emgrig.study.settings import Events, StudySettings
from emgrig.study.synthetic.codings import codings, tube
from emgrig.study.synthetic.design import deal, session
from emgrig.study.synthetic.samples import Made
from tiny_study import coding_path, tiny, write_tiny

TABLE = "onset\tduration\ttrial_type\tchannel\taction_units\temotion\tside\n"
ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT><TIME_ORDER>{slots}</TIME_ORDER>{tiers}</ANNOTATION_DOCUMENT>"""


def elan(path: Path, tiers: dict[str, list[tuple[int, int, str]]]) -> Path:
    """Write an ELAN file by hand, times in ms."""
    slots, texts, n = [], [], 0
    for name, marks in tiers.items():
        rows = []
        for begin, end, text in marks:
            for at in (begin, end):
                n += 1
                slots.append(f'<TIME_SLOT TIME_SLOT_ID="ts{n}" TIME_VALUE="{at}"/>')
            rows.append(
                f'<ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="ts{n - 1}" '
                f'TIME_SLOT_REF2="ts{n}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>'
                "</ALIGNABLE_ANNOTATION></ANNOTATION>"
            )
        texts.append(f'<TIER TIER_ID="{name}">{"".join(rows)}</TIER>')
    path.write_text(ELAN.format(slots="".join(slots), tiers="".join(texts)), "utf-8")
    return path


def test_a_table_gives_units_in_any_usual_writing(tmp_path: Path) -> None:
    path = tmp_path / "a_events.tsv"
    path.write_text(
        TABLE + "2\t0.3\texpression\tc5\tAU12\tHappiness\tleft\n"
        "1\t0.3\tmicro\tn/a\t4+7\tn/a\tn/a\n3\t0.3\tmicro\tn/a\tau 6, AU12\tn/a\tboth\n"
        "5\t2\tMVC\tn/a\tn/a\tn/a\tn/a\n6\t0.2\tBlinking\tn/a\tn/a\tn/a\tn/a\n",
        "utf-8",
    )
    found = read_coding(path)
    assert [one.units for one in found.rows] == [(4, 7), (12,), (6, 12)]
    assert found.rows[1] == Coded(2.0, 2.3, "c5", (12,), "happiness", "left")
    assert found.left_out == {"mvc": 1, "blink": 1}


def test_an_elan_file_gives_tiers_as_channels_and_words_as_units_and_emotions(
    tmp_path: Path,
) -> None:
    marks = {"EMG zyg": [(1000, 1400, "ME 5.1x rest AU12 happiness left")], "blinks": [(0, 9, "x")]}
    found = read_coding(elan(tmp_path / "a.eaf", marks), to_emg_s=lambda t: t + 2)
    assert found.rows == (Coded(3.0, 3.4, "EMG zyg", (12,), "happiness", "left"),)
    assert found.left_out == {"blink": 1}


def test_two_coders_agree_in_what_both_saw_and_what_one_alone_saw_lowers_it() -> None:
    first = [
        Coded(1, 2, units=(4, 7), emotion="fear", side="left"),
        Coded(5, 6, units=(12,), emotion="happiness", side="both"),
        Coded(9, 10, units=(4,)),
    ]
    second = [
        Coded(1.1, 2.1, units=(4,), emotion="anger", side="left"),
        Coded(5, 6, units=(12, 6), emotion="happiness", side="left"),
        Coded(20, 21, units=(9,)),
    ]
    assert coder_agreement(first, second) == {
        "n_first": 3, "n_second": 3, "n_both": 2, "units_both": 2, "units_coded": 8,
        "units_union": 6, "emotion_both": 1, "emotion": 2, "side_both": 1, "side": 2,
    }  # fmt: skip
    assert coder_agreement([], second)["n_both"] == 0


def test_synthetic_coders_agree_as_section_6_1_prints() -> None:
    """Counted by hand over 35 participants, with the spread that so many draws have."""
    shared = coded = emotion = n = 0
    for number, hand in enumerate(deal(35, 0), 1):
        true = session(number, hand, seed=0, clip_s=30, lost_percent=0)
        for a, b in zip(*codings(true, 0), strict=True):
            shared += len(set(a.units) & set(b.units))
            coded += len(a.units) + len(b.units)
            emotion += a.emotion == b.emotion
            n += 1
    assert 2 * shared / coded == pytest.approx(0.83, abs=0.04)
    assert emotion / n == pytest.approx(0.99, abs=0.01)


def film(root: Path, ppm: float, begin_s: float) -> None:
    one = tiny(1, clock_ppm=ppm, video_begin_s=begin_s)
    (unit,) = find_units(root)
    n = 80_000
    nothing = np.zeros(n, bool)
    made = Made(np.zeros((n, 7), np.float32), nothing, np.full(7, np.nan), ())
    folder = root / "sourcedata" / unit.folder
    folder.mkdir(parents=True, exist_ok=True)
    shown, readings = tube(one, made, 0)
    (folder / f"{unit.stem}_tube.tsv").write_text(shown, "utf-8")
    (folder / f"{unit.stem}_readings.csv").write_text(readings, "utf-8")


@pytest.mark.slow
def test_an_elan_file_in_the_film_s_time_is_mapped_by_the_tube(tmp_path: Path) -> None:
    write_tiny(tmp_path, [tiny(1)])
    film(tmp_path, 0.0, -2.5)  # the film began 2.5 s before the recording
    (unit,) = find_units(tmp_path)
    clock = read_clock(unit, 1000.0, 30.0)
    assert clock.film == "tube"
    assert clock.film_begin_s == pytest.approx(-2.5, abs=0.05)
    assert clock.film_residual_ms < 33
    path = coding_path(tmp_path, tiny(1), "anna", ".eaf")
    elan(path, {"EMG corr. supe.": [(67_500, 67_900, "AU4 fear")]})
    found = work(unit, StudySettings(events=Events(coders=("anna",))))
    (row,) = found.events
    assert (row.left_out, row.muscle, row.units, row.trial) == ("", 2, "AU4", "2")
    assert row.onset_s == pytest.approx(65.0, abs=0.06)


def test_pairs_of_times_give_the_film_s_clock_where_there_is_no_tube(tmp_path: Path) -> None:
    (tmp_path / "dataset_description.json").write_text("{}", "utf-8")
    for place in ("sub-1/emg", "sourcedata/sub-1/emg"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "sub-1/emg/sub-1_task-x_emg.bdf").write_bytes(b"")
    (unit,) = find_units(tmp_path)
    assert read_clock(unit, 1000.0, 30.0).film == "none"
    at = np.arange(0, 100, 5.0)
    lines = "\n".join(f"{t},{t * 1.001 + 3}" for t in at)
    clock_file = tmp_path / "sourcedata/sub-1/emg/sub-1_task-x_clock.csv"
    clock_file.write_text(f"emg_s,video_s\n{lines}\n", "utf-8")
    clock = read_clock(unit, 1000.0, 30.0)
    assert (clock.film, clock.film_ppm) == ("pairs", pytest.approx(1000))
    assert clock.to_emg_s(53.05) == pytest.approx(50.0, abs=1e-6)
    clock_file.write_text("emg_s,video_s\n", "utf-8")
    assert read_clock(unit, 1000.0, 30.0).film.startswith("none: ")


def test_the_coders_of_a_data_set_are_the_folders_that_hold_events(tmp_path: Path) -> None:
    for name in ("bob", "anna", "emgrig-study"):
        coding_path(tmp_path, tiny(1), name, "_events.tsv").write_text(TABLE, "utf-8")
    coding_path(tmp_path, tiny(1), "other", "_notes.txt").write_text("", "utf-8")
    assert coders_of(tmp_path) == ["anna", "bob"]


def test_two_files_of_one_coder_for_a_recording_are_refused(tmp_path: Path) -> None:
    write_tiny(tmp_path, [tiny(1)])
    for ending in ("_events.tsv", ".eaf"):
        coding_path(tmp_path, tiny(1), "anna", ending).write_text(TABLE, "utf-8")
    (unit,) = find_units(tmp_path)
    found = work(unit, StudySettings(events=Events(coders=("anna",))))
    assert found.recording.status == "failed"
    assert "more than one coding" in found.recording.why


@pytest.mark.parametrize("raw", [b"", b"a\ta\n1\t2\n", b"\xff\xfe\x00", b"onset\n\x00\xff\n"])
def test_a_table_that_is_none_is_refused_in_words(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "events.tsv"
    path.write_bytes(raw)
    with pytest.raises(RecordingError, match="is no table of BIDS"):
        read_tsv(path)
