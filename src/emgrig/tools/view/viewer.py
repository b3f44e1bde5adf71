"""What all open pages of a viewer share: recordings, their events, and what is done to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emgrig.analysis.clocks.robust_line import ClockMap
from emgrig.analysis.report.elan import SAME_CLOCK
from emgrig.files import stem_of
from emgrig.names import one_line
from emgrig.reading import Recording
from emgrig.view.events import Events, Saved, save_events
from emgrig.view.screen import Screen

Json = dict[str, object]


@dataclass
class Viewer:
    """A viewer.

    Attributes
    ----------
    screens : list of Screen
    shifts_s : list of float
        Where each recording begins on the common time, s.
    events : Events
        Of all recordings.
    folder : Path
        For what is saved.
    has_elan : bool
        Whether ELAN files can be written.
    """

    screens: list[Screen]
    shifts_s: list[float]
    events: Events
    folder: Path
    has_elan: bool = True
    video: Path | None = None
    clock: ClockMap = SAME_CLOCK
    told: list[Callable[[], None]] = field(default_factory=list)  #: Are told of every change.

    def edit(self, said: object) -> int | None:
        """Do what a page asks for; return the event that is chosen then, None if as before.

        Raises ValueError if it makes no sense, or cannot be done.
        """
        if not isinstance(said, dict):
            raise ValueError("no change was understood")  # noqa: TRY004 - it is data of a browser
        what, number = said.get("what"), _whole(said.get("id", 0))
        if what == "choose":
            return number if self.events.find(number) is not None else 0
        chosen = self._change(str(what), number, said)
        self.tell()
        return chosen

    def _change(self, what: str, number: int, said: Json) -> int | None:
        events = self.events
        if what == "undo":
            events.undo()
        elif what == "add":
            file, channel = _whole(said.get("file")), _whole(said.get("channel"))
            name = self.signal(file, channel)
            begin_s, end_s = _number(said.get("begin")), _number(said.get("end"))
            return events.add(file, begin_s, end_s, name).id
        elif what == "move":
            events.move(number, _number(said.get("begin")), _number(said.get("end")))
        elif what == "label":
            events.label(number, str(said.get("label")))
        elif what == "delete":
            events.delete(number)
            return 0
        else:
            raise ValueError(f"{what!r:.40} is no change of an event")
        return None

    def signal(self, file: int, channel: int) -> str:
        """Return the name of a channel; ValueError if there is none."""
        if not 0 <= file < len(self.screens):
            raise ValueError(f"recording {file + 1}; there are {len(self.screens)}")
        labels = self.screens[file].recording.labels
        if not 0 <= channel < len(labels):
            raise ValueError(f"channel {channel + 1}; there are {len(labels)}")
        return labels[channel]

    def shown_events(self) -> list[Json]:
        """Describe all events for the page's script."""
        return [
            {
                "id": one.id,
                "file": file,
                "channel": _place(screen.recording.labels, one.channel),
                "begin": one.begin_s,
                "end": one.end_s,
                "label": one_line(one.label),
            }
            for file, screen in enumerate(self.screens)
            for one in self.events.of(file)
        ]

    def save(self) -> list[Saved]:
        """Save the events of each recording that has some, or had; return what was written.

        Raises RecordingError if the file system refuses.
        """
        state, written = self.events.state, []
        for file in self.events.files():
            recording = self.screens[file].recording
            saved = save_events(
                self.folder,
                stem_of(recording.path),
                self.events.of(file),
                recording.labels,
                elan=self.has_elan,
                video=self.video,
                clock=self.clock,
            )
            written.append(saved)
        self.events.note_saved(state)
        return written

    def tell(self) -> None:
        """Have all pages show how things are."""
        for tell in tuple(self.told):
            tell()


@dataclass(frozen=True)
class Stretch:
    """Some time of a channel of a recording that was chosen, s from its first sample."""

    file: int
    recording: Recording
    channel: int
    begin_s: float
    end_s: float


def stretch_of(viewer: Viewer, said: object) -> Stretch:
    """Return the stretch that a page says; ValueError if there is none like it."""
    if not isinstance(said, dict):
        raise ValueError("no stretch was understood")  # noqa: TRY004 - it is data of a browser
    file, channel = _whole(said.get("file")), _whole(said.get("channel"))
    viewer.signal(file, channel)
    screen = viewer.screens[file]
    ends = sorted(_number(said.get(key)) for key in ("begin", "end"))
    length_s = screen.n_samples / screen.recording.rate_hz
    begin_s, end_s = max(ends[0], 0.0), min(ends[1], length_s)
    if not begin_s < end_s:
        raise ValueError("the stretch lies outside of the recording")
    return Stretch(file, screen.recording, channel, begin_s, end_s)


def _place(labels: Sequence[str], channel: str) -> int:
    """Return the index of a channel; -1, which is all of them, for a name that is none."""
    return labels.index(channel) if channel in labels else -1


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    raise ValueError(f"{value!r:.40} is no number of an event")


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"{value!r:.40} is no time")
