"""Intervals on channels, as candidates are: read, corrected step by step, saved into new files."""

import csv
import io
import itertools
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from emgrig.analysis.clocks.robust_line import ClockMap
from emgrig.analysis.paper.annotations import MICRO_LIMIT_MS
from emgrig.analysis.report.elan import SAME_CLOCK, Mark, read_elan, write_elan
from emgrig.errors import RecordingError
from emgrig.files import attempt, make_folder
from emgrig.names import plain_line, table_cell
from emgrig.reading.safety import contents, decoded

MICRO, MACRO = "micro", "macro"
_MOST_EVENTS, _MOST_TEXT = 50_000, 200
_HEAD = ("onset", "duration", "trial_type", "channel")
_UNKNOWN = "n/a"


@dataclass(frozen=True)
class Event:
    """An interval.

    Attributes
    ----------
    begin_s, end_s : float
        s from the first sample of its recording.
    channel : str
        Name of a signal; empty if it is of none.
    label : str
    edited : str
        "", "moved", "labelled" or "added".
    more : mapping
        Other columns of the file that it was read from.
    file : int
        Which recording it is of.
    id : int
        Its own among all events that are looked at; given by `Events`.
    """

    begin_s: float
    end_s: float
    channel: str
    label: str
    edited: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    file: int = 0
    id: int = 0


def by_length(begin_s: float, end_s: float) -> str:
    """Return "micro" for what lasts at most 500 ms, else "macro", as `emgrig analyse` does."""
    return MICRO if round(1000 * (end_s - begin_s)) <= MICRO_LIMIT_MS else MACRO


class Events:
    """The events of recordings that last `lengths_s`, and every change of them.

    What changes them raises ValueError for a number of no event, or times that make none.
    """

    def __init__(self, lengths_s: Sequence[float], events: Iterable[Event] = ()) -> None:
        self._lengths_s = lengths_s
        self._numbers, self._states = itertools.count(1), itertools.count(1)
        self._now: dict[int, Event] = {}
        for one in events:
            number = next(self._numbers)
            self._now[number] = replace(one, id=number)
        self._had = {one.file for one in self._now.values()}
        self._state = self._saved = 0
        self._before: list[tuple[int, Event | None, int]] = []  # number, what it was, state

    def of(self, file: int) -> list[Event]:
        """Return the events of a recording by time."""
        mine = [one for one in list(self._now.values()) if one.file == file]
        return sorted(mine, key=lambda one: (one.begin_s, one.id))

    def find(self, number: int) -> Event | None:
        """Return an event, or None."""
        return self._now.get(number)

    def get(self, number: int) -> Event:
        """Return an event; ValueError if it is not there."""
        if number not in self._now:
            raise ValueError("this event is not there any more")
        return self._now[number]

    def files(self) -> list[int]:
        """Return the recordings that have events, or had some when they were opened."""
        return sorted({one.file for one in list(self._now.values())} | self._had)

    @property
    def is_saved(self) -> bool:
        """Whether they are as they were saved last, or as they were read."""
        return self._state == self._saved

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._before)

    @property
    def state(self) -> int:
        """A number of how they are now, for `note_saved`."""
        return self._state

    def note_saved(self, state: int) -> None:
        """Be told which state was saved."""
        self._saved = state

    def add(self, file: int, begin_s: float, end_s: float, channel: str, label: str = "") -> Event:
        """Add an event; without a label its length gives one."""
        begin_s, end_s = self._checked(file, begin_s, end_s)
        said = plain_line(label, _MOST_TEXT) or by_length(begin_s, end_s)
        number = next(self._numbers)
        one = Event(begin_s, end_s, channel, said, "added", file=file, id=number)
        self._change(number, one)
        return one

    def move(self, number: int, begin_s: float, end_s: float) -> None:
        """Give an event other times; "micro" and "macro" follow its length.

        What was measured of the old interval, in other columns, is true no longer and goes.
        """
        old = self.get(number)
        begin_s, end_s = self._checked(old.file, begin_s, end_s)
        if (begin_s, end_s) == (old.begin_s, old.end_s):
            return
        label = by_length(begin_s, end_s) if old.label in (MICRO, MACRO) else old.label
        edited = "added" if old.edited == "added" else "moved"
        more = dict.fromkeys(old.more, _UNKNOWN)
        moved = replace(old, begin_s=begin_s, end_s=end_s, label=label, edited=edited, more=more)
        self._change(number, moved)

    def label(self, number: int, text: str) -> None:
        """Give an event another label; an empty one is refused."""
        old, said = self.get(number), plain_line(text, _MOST_TEXT)
        if not said:
            raise ValueError("an event needs a label")
        if said != old.label:
            edited = old.edited or "labelled"
            self._change(number, replace(old, label=said, edited=edited))

    def delete(self, number: int) -> None:
        """Take an event out."""
        self.get(number)
        self._change(number, None)

    def undo(self) -> None:
        """Take the last change back; nothing if there is none."""
        if self._before:
            number, old, self._state = self._before.pop()
            self._put(number, old)

    def _change(self, number: int, new: Event | None) -> None:
        if len(self._now) >= _MOST_EVENTS and number not in self._now:
            raise ValueError(f"there are {_MOST_EVENTS} events already")
        self._before.append((number, self._now.get(number), self._state))
        self._state = next(self._states)
        self._put(number, new)

    def _put(self, number: int, one: Event | None) -> None:
        if one is None:
            self._now.pop(number, None)
        else:
            self._now[number] = one

    def _checked(self, file: int, begin_s: float, end_s: float) -> tuple[float, float]:
        length_s = self._lengths_s[file]
        if not (math.isfinite(begin_s) and math.isfinite(end_s) and begin_s <= end_s):
            raise ValueError(f"an event from {begin_s:g} to {end_s:g} s")
        if begin_s > length_s or end_s < 0:
            raise ValueError(f"an event from {begin_s:g} s, outside of {length_s:g} s")
        # What is drawn beyond an end stops there.
        return round(max(begin_s, 0.0), 6), round(min(end_s, length_s), 6)


def read_events(path: Path, file: int = 0, *, clock: ClockMap = SAME_CLOCK) -> list[Event]:
    """Read a BIDS events table, or an ELAN file of which each tier is a channel.

    `file` is which recording they are of; `clock` maps the times of an ELAN file.

    Raises
    ------
    RecordingError
        If it is neither, or damaged.
    """
    if path.suffix.lower() == ".eaf":
        tiers = read_elan(path, clock=clock)
        found = [Event(a, b, name, text) for name, marks in tiers.items() for a, b, text in marks]
    else:
        return events_of_text(decoded(path, contents(path)), path, file)
    return _placed(found, path, file)


def events_of_text(text: str, path: Path, file: int = 0) -> list[Event]:
    """Return the events of a table; `path` is named where it is damaged."""
    try:
        return _placed(list(_table_rows(text, path)), path, file)
    except csv.Error as error:
        raise RecordingError(f"{path} is damaged: {error}") from error


def _placed(found: list[Event], path: Path, file: int) -> list[Event]:
    if len(found) > _MOST_EVENTS:
        raise RecordingError(f"{path} has {len(found)} events; at most {_MOST_EVENTS} are shown")
    return [
        replace(
            one,
            file=file,
            label=plain_line(one.label, _MOST_TEXT),
            channel=plain_line(one.channel, _MOST_TEXT),
        )
        for one in found
    ]


def _table_rows(text: str, path: Path) -> Iterable[Event]:
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    there = reader.fieldnames or []
    if "onset" not in there or "duration" not in there:
        raise RecordingError(
            f"{path} is no events table: columns onset and duration, between tabs, were expected"
        )
    for nth, row in enumerate(reader, 2):
        cells = {k: _bare(v or "") for k, v in row.items() if isinstance(k, str) and k}
        onset_s, lasts_s = (_seconds(cells[key]) for key in ("onset", "duration"))
        if onset_s is None:
            raise RecordingError(f"{path}, line {nth}: an onset of {cells['onset']!r:.40}")
        named = next((cells[k] for k in ("trial_type", "value") if _is_said(cells.get(k))), "event")
        channel = cells.get("channel", "")
        more = {k: v for k, v in cells.items() if k not in (*_HEAD, "edited")}
        end_s = onset_s + max(lasts_s or 0.0, 0.0)
        yield Event(onset_s, end_s, channel if _is_said(channel) else "", named, "", more)


def _bare(cell: str) -> str:
    """Return what a cell says, without the apostrophe of `emgrig.names.table_cell`."""
    said = cell.strip()
    return said[1:] if said[:1] == "'" and table_cell(said[1:]) == said else said


def _is_said(cell: str | None) -> bool:
    return bool(cell) and cell != _UNKNOWN


def _seconds(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def events_table(events: Iterable[Event]) -> str:
    """Return events as a BIDS table: onset and duration in s, and what became of each."""
    rows = list(events)
    others = list(dict.fromkeys(name for one in rows for name in one.more))
    lines = [(*_HEAD, *others, "edited")]
    for one in rows:
        lines.append((  # noqa: PERF401 - easier to read
            f"{one.begin_s:.6f}", f"{one.end_s - one.begin_s:.6f}", one.label or _UNKNOWN,
            one.channel or _UNKNOWN, *(one.more.get(name) or _UNKNOWN for name in others),
            one.edited or _UNKNOWN,
        ))  # fmt: skip
    return "".join(
        "\t".join(table_cell(plain_line(cell)) for cell in line) + "\n" for line in lines
    )


def tiers_of(events: Iterable[Event], channels: Sequence[str]) -> dict[str, list[Mark]]:
    """Return events as tiers of an ELAN file, one a channel; it knows whole ms, and none of 0."""
    tiers: dict[str, list[Mark]] = {name: [] for name in channels}
    for one in events:
        end_s = max(one.end_s, one.begin_s + 1.1e-3)
        tiers.setdefault(one.channel or "events", []).append((one.begin_s, end_s, one.label))
    return tiers


@dataclass(frozen=True)
class Saved:
    """What was written, and how many events begin before the film: ELAN has them not."""

    paths: tuple[Path, ...]
    n_before: int


def save_events(
    folder: Path,
    stem: str,
    events: Sequence[Event],
    channels: Sequence[str],
    *,
    elan: bool = True,
    video: Path | None = None,
    clock: ClockMap = SAME_CLOCK,
) -> Saved:
    """Save events as ``STEM_corrected_events.tsv`` and ``.eaf``, or STEM_corrected_run2 and so on.

    No file is replaced, not even one that appears meanwhile.

    Raises
    ------
    RecordingError
        If the file system refuses; nothing new is left then.
    MissingExtra
        If `elan` is wanted and pympi-ling is not installed.
    """
    content, n_before = {"_events.tsv": events_table(events).encode()}, 0
    if elan:
        with tempfile.TemporaryDirectory() as place:
            made = Path(place) / "events.eaf"
            n_before = write_elan(made, tiers_of(events, channels), video=video, clock=clock)
            content[".eaf"] = made.read_bytes()
    make_folder(folder)
    for number in itertools.count(1):
        name = f"{stem}_corrected" + (f"_run{number}" if number > 1 else "")
        written = _all_new(folder, name, content)
        if written:
            return Saved(tuple(written), n_before)
    raise AssertionError("numbers do not end")


def _all_new(folder: Path, name: str, content: Mapping[str, bytes]) -> list[Path]:
    """Write files that were not there, or none; an empty list says that one was."""
    paths = [folder / f"{name}{ending}" for ending in content]
    if any(os.path.lexists(one) for one in paths):
        return []
    made: list[Path] = []
    try:
        for path, data in zip(paths, content.values(), strict=True):
            with attempt("write", path), path.open("xb") as file:
                made.append(path)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
    except BaseException as error:
        for one in made:
            with suppress(OSError):
                one.unlink()
        if isinstance(error.__cause__, FileExistsError):
            return []
        raise
    return made
