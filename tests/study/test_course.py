"""The course of a session from events.tsv, ours and anybody's."""

from pathlib import Path

import pytest

from emgrig.errors import RecordingError
from emgrig.study.course import Contraction, read_course
from emgrig.study.settings import Names

HEAD = (
    "onset\tduration\ttrial_type\tchannel\trepetition\tattempt\taccepted\tmvc_uv\ttrial\tclip"
    "\temotion\tvalue"
)
KEYS = HEAD.split("\t")


def course_of(folder: Path, *rows: dict[str, object], names: Names | None = None):
    lines = ["\t".join(str(row.get(key, "n/a")) for key in KEYS) for row in rows]
    path = folder / "events.tsv"
    path.write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    return read_course(path, names or Names())


def event(onset: float, kind: str, **more: object) -> dict[str, object]:
    return {"onset": onset, "duration": 0, "trial_type": kind, **more}


def mvc(onset: float, kind: str, attempt: int = 1, **more: object) -> dict[str, object]:
    return event(onset, kind, channel="EMG zyg", repetition=1, attempt=attempt, **more)


def test_contractions_count_that_were_accepted_by_rule_or_by_the_operator(tmp_path: Path) -> None:
    found = course_of(
        tmp_path,
        mvc(5, "mvc begin"), mvc(8, "mvc end", accepted="no"),
        mvc(12, "mvc begin", 2), mvc(15, "mvc end", 2, accepted="no"), mvc(17, "mvc accept", 2),
        mvc(20, "mvc begin", 3), mvc(23, "mvc end", 3, accepted="yes"),
        mvc(24, "mvc begin", 4), mvc(24, "mvc level", 4, mvc_uv=310.5),
    )  # fmt: skip
    assert found.contractions == (Contraction("EMG zyg", 12, 15), Contraction("EMG zyg", 20, 23))
    assert found.levels_uv == {"EMG zyg": 310.5}
    assert found.part_a_s == (5, 24)


def test_a_trial_has_its_own_keys_and_rating_and_begins_when_it_is_shown(tmp_path: Path) -> None:
    found = course_of(
        tmp_path,
        event(100, "key L", trial=9),  # while no clip plays it means nothing
        event(101, "clip begin", trial=1, clip="joy1", emotion="happiness"),
        event(101.2, "clip shown", trial=1),
        event(120, "key L", trial=1), event(130, "clip end", trial=1),
        event(132, "rating", trial=1, value=7),
        event(140, "clip begin", trial=2, clip="fear1", emotion="fear"),
        event(150, "clip broken off", trial=2),
        event(160, "clip begin", trial=3, clip="fear2", emotion="fear"),  # never ended
    )  # fmt: skip
    (trial,) = found.trials
    assert (trial.begin_s, trial.end_s, trial.keys_s, trial.rating) == (101.2, 130, (120,), 7)
    assert (trial.clip, trial.emotion) == ("joy1", "happiness")
    assert found.trial_at(101.1) is None
    assert found.trial_at(129) is trial


def test_a_trial_that_was_begun_again_counts_once_with_its_last_attempt(tmp_path: Path) -> None:
    found = course_of(
        tmp_path,
        event(10, "clip begin", trial=1, clip="a"), event(12, "key L", trial=1),
        event(15, "clip broken off", trial=1),
        event(50, "clip begin", trial=1, clip="a"), event(80, "clip end", trial=1),
        event(82, "rating", trial=1, value="n/a"),
    )  # fmt: skip
    (trial,) = found.trials
    assert (trial.begin_s, trial.end_s, trial.keys_s, trial.rating) == (50, 80, (), None)


def test_events_of_others_are_read_by_the_names_in_the_settings(tmp_path: Path) -> None:
    names = Names(trial_begin="stimulus", trial_column="nr", emotion_column="cond", key="button")
    path = tmp_path / "events.tsv"
    path.write_text(
        "onset\tduration\ttrial_type\tnr\tcond\n"
        "12\t6\tstimulus\t4\tAnger\n13\t0\tbutton\t4\tn/a\n2\t1.5\tBAD_movement\tn/a\tn/a\n",
        "utf-8",
    )
    found = read_course(path, names)
    (trial,) = found.trials
    assert (trial.trial, trial.begin_s, trial.end_s, trial.emotion) == ("4", 12, 18, "Anger")
    assert trial.keys_s == (13,)
    assert found.bad_s == ((2, 3.5),)
    assert found.part_a_s is None


def test_a_time_that_is_none_is_refused_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"events.tsv, row 3: onset is n/a; seconds"):
        course_of(tmp_path, event(1, "clip begin"), {"trial_type": "clip end"})


def test_without_events_there_is_no_part_a_and_no_trial_and_that_is_said() -> None:
    found = read_course(None, Names())
    assert found.trials == ()
    assert found.remarks == ("there is no events.tsv: no part A, no trials",)
