"""The annotated expressions of CASMEMG (380_sort.xlsx), defects and all.

openpyxl is imported here alone, when a sheet is read.
"""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from emgrig.errors import RecordingError
from emgrig.extras import require
from emgrig.files import attempt, whole_file
from emgrig.names import one_line

_MOST_UNPACKED, _MOST_ROWS = 50_000_000, 200_000
MICRO_LIMIT_MS = 500
"""A micro-expression lasts at most this long, *by EMG* (the video gives 25 others)."""
COLUMNS = (
    "sub",
    "video",
    "video_onset",
    "video_apex",
    "video_offset",
    "channel",
    "emg_onset",
    "emg_apex",
    "emg_offset",
)


@dataclass(frozen=True)
class Expression:
    """One annotated expression; EMG times are whole milliseconds."""

    row: int  #: Row of the sheet, the header being 1.
    subject: int  #: As numbered in the sheet; channel is 1 to 7.
    video: int
    channel: int
    #: Video time, s, to 10 us as in the sheet; good to about one frame (33 ms).
    video_onset_s: float
    #: None where the sheet is empty or the value cannot be true; then `defects` says so.
    video_apex_s: float | None
    video_offset_s: float
    emg_onset_ms: int  #: EMG time.
    emg_apex_ms: int | None
    emg_offset_ms: int
    defects: tuple[str, ...] = ()  #: What is wrong with this row, one sentence each.

    @property
    def duration_ms(self) -> int:
        """Duration by EMG, ms."""
        return self.emg_offset_ms - self.emg_onset_ms

    @property
    def video_duration_s(self) -> float:
        """Duration by video, s, to 10 us."""
        return round(self.video_offset_s - self.video_onset_s, 5)

    @property
    def is_micro(self) -> bool:
        """Whether it is a micro-expression: at most 500 ms by EMG."""
        return self.duration_ms <= MICRO_LIMIT_MS


def read_annotations(path: str | Path) -> list[Expression]:
    """Read an annotation sheet (.xlsx, first sheet, the nine columns of `COLUMNS`).

    Rounds every time to whole milliseconds first: 0.5 s is stored as 0.49999999999999978 at times.

    Raises
    ------
    ValueError
        If a column is missing, or a row has an onset, offset, subject, video or channel that
        is missing, reversed or out of range. Apex defects do not raise; they are flagged.
    OSError
        If the file cannot be read.
    """
    return annotations_from_rows(_sheet(path))


def _sheet(path: str | Path) -> list[tuple[object, ...]]:
    """Read all rows of the first sheet; RecordingError if it is no workbook, or too large."""
    openpyxl = require("openpyxl", "analysis", "reading .xlsx")
    with attempt("read", Path(path)):
        raw = Path(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            size = sum(one.file_size for one in package.infolist())
        if size <= _MOST_UNPACKED:
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            return list(islice(book.worksheets[0].iter_rows(values_only=True), _MOST_ROWS))
    except Exception as error:  # openpyxl raises about anything for a damaged file
        said = one_line(str(error)) or type(error).__name__
        raise RecordingError(f"{path} is no .xlsx workbook, or is damaged: {said:.120}") from error
    raise RecordingError(
        f"{path} unpacks to {size / 1e6:.0f} MB; a sheet of annotations of at most "
        f"{_MOST_UNPACKED / 1e6:g} MB was expected"
    )


def annotations_from_rows(rows: Sequence[Sequence[object]]) -> list[Expression]:
    """Make expressions of a header and its rows; errors as `read_annotations`."""
    header = [str(name).strip() if name is not None else "" for name in rows[0]] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise ValueError(
            f"the sheet has no column {', '.join(missing)}; found {', '.join(header) or 'none'}"
        )
    order = [header.index(name) for name in COLUMNS]
    expressions = [
        _expression(number, [row[i] if i < len(row) else None for i in order])
        for number, row in enumerate(rows[1:], start=2)
        if any(value is not None for value in row)
    ]
    return _mark_overlaps(expressions)


def _expression(number: int, cells: list[object]) -> Expression:
    subject, video, channel = (_whole(number, COLUMNS[i], cells[i]) for i in (0, 1, 5))
    times = [_seconds(number, COLUMNS[i], cells[i]) for i in (2, 3, 4, 6, 7, 8)]
    onset, apex, offset, video_defects = _span(number, "video", *times[:3])
    emg_onset, emg_apex, emg_offset, defects = _span(
        number, "emg", *(None if t is None else round(t * 1000) for t in times[3:])
    )
    return Expression(
        number,
        subject,
        video,
        channel,
        onset,
        apex,
        offset,
        int(emg_onset),
        None if emg_apex is None else int(emg_apex),
        int(emg_offset),
        (*video_defects, *defects),
    )


def _span(
    number: int, clock: str, onset: float | None, apex: float | None, offset: float | None
) -> tuple[float, float | None, float, tuple[str, ...]]:
    """Check one clock's times; an apex that cannot be true becomes None and a defect."""
    if onset is None or offset is None:
        raise ValueError(f"row {number}: {clock} onset or offset is missing")
    if not 0 <= onset < offset:
        raise ValueError(f"row {number}: {clock} runs from {onset} to {offset}, which is reversed")
    if apex is None:
        return onset, None, offset, (f"{clock}_apex is empty",)
    if not onset <= apex <= offset:
        return onset, None, offset, (f"{clock}_apex {apex} lies outside {onset} to {offset}",)
    return onset, apex, offset, ()


def _whole(number: int, column: str, cell: object) -> int:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or cell % 1 or cell < 1:
        raise ValueError(f"row {number}: {column} is {cell!r}; a whole number from 1 was expected")
    return int(cell)


def _seconds(number: int, column: str, cell: object) -> float | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not abs(cell) < 1e6:
        raise ValueError(f"row {number}: {column} is {cell!r}; seconds were expected")
    return round(float(cell), 5)


def _mark_overlaps(expressions: list[Expression]) -> list[Expression]:
    """Flag each expression that begins before an earlier one of its recording has ended."""
    ends: dict[tuple[int, int], tuple[int, int]] = {}
    overlaps: dict[int, str] = {}
    for one in sorted(expressions, key=lambda e: (e.subject, e.video, e.emg_onset_ms)):
        key = one.subject, one.video
        end, row = ends.get(key, (-1, 0))
        if one.emg_onset_ms < end:
            overlaps[one.row] = f"overlaps row {row} of the same recording"
        ends[key] = max((end, row), (one.emg_offset_ms, one.row))
    return [
        replace(one, defects=(*one.defects, overlaps[one.row])) if one.row in overlaps else one
        for one in expressions
    ]


def recordings(expressions: Iterable[Expression]) -> dict[tuple[int, int], list[Expression]]:
    """Group expressions by recording (subject, video), each in order of EMG onset."""
    groups: dict[tuple[int, int], list[Expression]] = {}
    for one in sorted(expressions, key=lambda e: (e.subject, e.video, e.emg_onset_ms)):
        groups.setdefault((one.subject, one.video), []).append(one)
    return groups


def write_annotations(path: str | Path, expressions: Iterable[Expression]) -> None:
    """Write a sheet in the layout that `read_annotations` reads, times in seconds.

    Raises
    ------
    RecordingError
        If the file cannot be written.
    """
    openpyxl = require("openpyxl", "analysis", "writing .xlsx")

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    sheet.append(list(COLUMNS))
    for one in expressions:
        emg = (one.emg_onset_ms, one.emg_apex_ms, one.emg_offset_ms)
        sheet.append(
            [
                one.subject,
                one.video,
                *(one.video_onset_s, one.video_apex_s, one.video_offset_s),
                one.channel,
                *(None if t is None else t / 1000 for t in emg),
            ]
        )
    with whole_file(Path(path)) as unfinished:
        book.save(unfinished)
    book.close()


def read_results(path: str | Path) -> list[tuple[float, ...]]:
    """Read a results sheet of the published search: 6 parameters, then the 9 figures of table 7.

    Raises
    ------
    ValueError
        If it is no workbook, or a row does not hold 15 numbers.
    """
    results = []
    for number, row in enumerate(_sheet(path)[1:], start=2):
        values = [v for v in row[:15] if isinstance(v, int | float)]
        if len(values) != 15:
            raise ValueError(f"{path}, row {number}: 15 numbers were expected, found {len(values)}")
        results.append(tuple(float(v) for v in values))
    return results
