import zipfile
from pathlib import Path

import pytest

from emgrig.analysis.paper.annotations import (
    COLUMNS,
    Expression,
    annotations_from_rows,
    read_annotations,
    recordings,
    write_annotations,
)
from emgrig.errors import RecordingError

GOOD = (1, 1, 9.3, 9.4, 9.7, 2, 6.606, 6.762, 6.906)


def rows(*changes: dict[str, object]) -> list[list[object]]:
    return [list(COLUMNS), *([c.get(n, v) for n, v in zip(COLUMNS, GOOD, strict=True)]
                             for c in changes)]  # fmt: skip


def test_the_published_sheet_is_read_with_its_known_defects(expressions: list[Expression]) -> None:
    assert len(expressions) == 380
    assert len({e.subject for e in expressions}) == 34
    assert len(recordings(expressions)) == 239
    defects = [d for e in expressions for d in e.defects]
    assert sum(d == "video_apex is empty" for d in defects) == 5
    assert sum(d == "emg_apex is empty" for d in defects) == 1
    assert sum(d.startswith("emg_apex ") and "outside" in d for d in defects) == 2
    assert sum(d.startswith("overlaps") for d in defects) == 3
    assert len(defects) == 11


def test_a_micro_expression_lasts_at_most_500_ms_by_emg(expressions: list[Expression]) -> None:
    micro = [e for e in expressions if e.is_micro]
    assert len(micro) == 233
    assert sum(e.duration_ms == 500 for e in micro) == 5
    per_channel = [sum(e.channel == c for e in micro) for c in range(1, 8)]
    assert per_channel == [21, 77, 12, 3, 4, 66, 50]
    assert sum(e.video_duration_s <= 0.5 for e in expressions) == 210


def test_times_are_whole_milliseconds() -> None:
    (one,) = annotations_from_rows(rows({"emg_onset": 62.160000000000004, "emg_offset": 62.66,
                                         "emg_apex": 62.3}))  # fmt: skip
    assert (one.emg_onset_ms, one.duration_ms, one.is_micro) == (62160, 500, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"emg_offset": 6.5}, "row 2: emg runs from 6606 to 6500"),
        ({"emg_offset": None}, "row 2: emg onset or offset is missing"),
        ({"video_onset": -1.0}, "row 2: video"),
        ({"channel": 0}, "row 2: channel is 0"),
        ({"channel": 2.5}, "row 2: channel is 2.5"),
        ({"sub": "one"}, "row 2: sub is 'one'"),
        ({"emg_onset": "6,606"}, "row 2: emg_onset is '6,606'"),
        ({"emg_onset": float("nan")}, "row 2: emg_onset is nan"),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_its_number(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        annotations_from_rows(rows(change))


def test_an_apex_that_cannot_be_is_flagged_and_left_out() -> None:
    (one,) = annotations_from_rows(rows({"emg_apex": 113.88}))
    assert one.emg_apex_ms is None
    assert one.defects == ("emg_apex 113880 lies outside 6606 to 6906",)


def test_overlapping_rows_are_flagged() -> None:
    first, second = annotations_from_rows(
        rows({}, {"emg_onset": 6.8, "emg_apex": 6.85, "emg_offset": 7.0})
    )
    assert first.defects == ()
    assert second.defects == ("overlaps row 2 of the same recording",)


def test_a_sheet_without_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="no column emg_offset"):
        annotations_from_rows([list(COLUMNS[:-1])])
    with pytest.raises(ValueError, match="no column"):
        annotations_from_rows([])


def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("sub,video")
    with pytest.raises(RecordingError, match="is no"):
        read_annotations(path)


def test_what_is_written_is_read_again(tmp_path: Path, made_up: list[Expression]) -> None:
    path = tmp_path / "out.xlsx"
    write_annotations(path, made_up)
    again = read_annotations(path)
    assert again == made_up


@pytest.mark.slow
def test_a_sheet_that_unpacks_to_too_much_or_is_another_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "big.xlsx", "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", b" " * 60_000_000)
    with pytest.raises(RecordingError, match="unpacks to 60 MB"):
        read_annotations(tmp_path / "big.xlsx")
    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as package:
        package.writestr("a.txt", "x")
    with pytest.raises(RecordingError, match=r"no \.xlsx workbook"):
        read_annotations(tmp_path / "other.xlsx")
