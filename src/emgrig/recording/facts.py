"""What the annotations of a recording say, as facts with types.

A sentence is made of each (`words_of`). The sentence stands in the BDF+ file, for people and for
other programs; the sidecar holds the fact beside it, and that alone is what this package reads.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from emgrig.driver.chip.transaction import Mended, mended_words
from emgrig.driver.interruption import Interruption
from emgrig.names import plain_line
from emgrig.protocol import packets
from emgrig.protocol.account import Cause
from emgrig.protocol.decoder import EventPacket
from emgrig.sentences import sentence

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_MOST_CHANGES = 6
#: Of a sentence in the BDF+ file: there every data record has room for the longest.
MOST_CHARACTERS = 250
_ONSET_DECIMALS = 7
_MOST_SAMPLES = 1 << 48  #: No file has so many, and an array could not count many more.


class Kind(StrEnum):
    """What an annotation is about."""

    GAP = "gap"
    PADDING = "padding"
    BAD_FRAMES = "bad_frames"
    SETTINGS = "settings"
    ELECTRODE = "electrode"
    RECOVERY = "recovery"
    MARKER = "marker"
    BOARD_STARTED = "board_started"
    CHIP_LOST = "chip_lost"
    OVERFLOW = "overflow"
    TRIGGER = "trigger"
    COUNTER = "counter"
    OTHER_EVENT = "other_event"


#: What a text begins with whose samples were not measured. MNE leaves out what begins with BAD, and
#: so do we where only the BDF+ file is there; no wording changes it.
BAD = "BAD_"
LABELS = {Kind.GAP: "BAD_gap", Kind.PADDING: "BAD_padding", Kind.BAD_FRAMES: "BAD_frame"}


@dataclass(frozen=True)
class Gap:
    """Samples are missing."""

    n_lost: int  #: Conversions; data periods if `is_estimate`.
    cause: Cause
    is_estimate: bool  #: Counted by time, not by the board.
    is_filled: bool  #: The file holds the sample before; not at the ends of a file.
    kind: Literal[Kind.GAP] = Kind.GAP


@dataclass(frozen=True)
class Padding:
    """The last data record is filled up with the last sample."""

    kind: Literal[Kind.PADDING] = Kind.PADDING


@dataclass(frozen=True)
class BadFrames:
    """`n_frames` samples whose status word does not begin with 1100b: their codes mean nothing."""

    n_frames: int
    kind: Literal[Kind.BAD_FRAMES] = Kind.BAD_FRAMES


@dataclass(frozen=True)
class FieldChange:
    """A field of a register, before and after, as `emgrig registers` says it; `chip` from 1."""

    chip: int
    register: str
    field: str
    old: str
    new: str


@dataclass(frozen=True)
class SettingsChanged:
    """Registers changed in the same file; `n_chips` on the board."""

    changes: tuple[FieldChange, ...]
    n_chips: int = 1
    kind: Literal[Kind.SETTINGS] = Kind.SETTINGS


@dataclass(frozen=True)
class ElectrodeChanged:
    """Lead-off detection: an electrode came off or on."""

    is_off: bool
    channel: int  #: Of the board, from 1.
    side: Literal["p", "n"]
    name: str  #: What the channel measures.
    kind: Literal[Kind.ELECTRODE] = Kind.ELECTRODE


@dataclass(frozen=True)
class Recovered:
    """The stream goes on after `reason`; `down_s` is None if it was not away."""

    reason: Interruption
    down_s: float | None = None
    restored: tuple[Mended, ...] = ()
    kind: Literal[Kind.RECOVERY] = Kind.RECOVERY


@dataclass(frozen=True)
class Marker:
    """What a person or another program marked; `source` names its stream, empty if made here."""

    marker: str
    source: str = ""
    kind: Literal[Kind.MARKER] = Kind.MARKER


@dataclass(frozen=True)
class BoardStarted:
    """BOOT; `reset_cause` is a `packets.ResetCause` if this version knows it."""

    reset_cause: int
    kind: Literal[Kind.BOARD_STARTED] = Kind.BOARD_STARTED


@dataclass(frozen=True)
class ChipLost:
    """A chip (from 1) lost its registers: the watched one does not hold what it should."""

    chip: int
    address: int
    expected: int
    found: int
    kind: Literal[Kind.CHIP_LOST] = Kind.CHIP_LOST


@dataclass(frozen=True)
class Overflow:
    """The board threw `n_frames` away because the link was too slow."""

    n_frames: int
    kind: Literal[Kind.OVERFLOW] = Kind.OVERFLOW


@dataclass(frozen=True)
class Trigger:
    """An edge at a trigger input (from 1)."""

    line: int
    is_high: bool
    kind: Literal[Kind.TRIGGER] = Kind.TRIGGER


@dataclass(frozen=True)
class Counter:
    """The board's counter shows `count` from now on."""

    count: int
    kind: Literal[Kind.COUNTER] = Kind.COUNTER


@dataclass(frozen=True)
class OtherEvent:
    """An event of a type that this version does not know."""

    event: int
    kind: Literal[Kind.OTHER_EVENT] = Kind.OTHER_EVENT


Fact: TypeAlias = (
    Gap | Padding | BadFrames | SettingsChanged | ElectrodeChanged | Recovered | Marker
    | BoardStarted | ChipLost | Overflow | Trigger | Counter | OtherEvent
)  # fmt: skip


def fact_of(event: EventPacket) -> Fact | None:
    """Return what the board said; None for LEAD_OFF, which the status words say better."""
    body = event.body
    match body:
        case packets.BootEvent():
            return BoardStarted(body.cause)
        case packets.TriggerEvent():
            return Trigger(body.line, bool(body.level))
        case packets.OverflowEvent():
            return Overflow(body.frames)
        case packets.ChipLostEvent():
            return ChipLost(body.chip + 1, body.address, body.expected, body.found)
        case packets.CounterEvent():
            return Counter(body.count)
        case packets.LeadOffEvent():
            return None
    return OtherEvent(event.event)


def printable(text: str) -> str:
    """Return a text in which what cannot be printed is blank, as a BDF+ file can hold it."""
    return "".join(char if char.isprintable() else " " for char in text)


def text_of(fact: Fact) -> str:
    """Return what stands in the BDF+ file and goes out over LSL: the label, if any, and words."""
    if isinstance(fact, Marker):
        return fact.marker
    label = LABELS.get(fact.kind)
    return f"{label} {words_of(fact)}" if label else words_of(fact)


@sentence
def words_of(fact: Fact) -> str:
    """Say a fact for a person to read."""
    match fact:
        case Gap():
            what = "data periods" if fact.is_estimate else "conversions"
            by_time = " (counted by time)" if fact.is_estimate else ""
            return f"{fact.n_lost} {what}: {fact.cause.words}{by_time}"
        case Padding():
            return "fills the last record"
        case BadFrames():
            return f"{fact.n_frames} frames out of step: the status word does not begin 1100b"
        case SettingsChanged():
            return f"settings: {_changes_words(fact)}"
        case ElectrodeChanged():
            state, pin = "off" if fact.is_off else "on", f"{fact.channel}{fact.side.upper()}"
            return f"electrode {state}: {pin} {fact.name}"
        case Recovered():
            after = "" if fact.down_s is None else f" after {fact.down_s:.2f} s"
            return f"going on{after}: {fact.reason.words}; {mended_words(fact.restored)}"
        case Marker():
            return fact.marker
    return _event_words(fact)


def _changes_words(fact: SettingsChanged) -> str:
    said = [
        f"{f'chip {one.chip} ' if fact.n_chips > 1 else ''}"
        f"{one.register} {one.field} {one.old} to {one.new}"
        for one in fact.changes
    ]
    more = len(said) - _MOST_CHANGES
    return ", ".join(said[:_MOST_CHANGES]) + (f", and {more} more" if more > 0 else "")


def _event_words(
    fact: BoardStarted | ChipLost | Overflow | Trigger | Counter | OtherEvent,
) -> str:
    match fact:
        case BoardStarted(cause):
            known = cause in packets.ResetCause.__members__.values()
            name = packets.ResetCause(cause).name if known else f"cause {cause}"
            return f"board started: {name.lower().replace('_', ' ')}"
        case ChipLost(chip, address, expected, found):
            holds = f"{address:02X}h reads {found:02X}h, expected {expected:02X}h"
            return f"chip {chip} lost its registers: {holds}"
        case Overflow(n_frames):
            return f"board overflow: {n_frames} frames thrown away"
        case Trigger(line, is_high):
            return f"trigger {line} {'high' if is_high else 'low'}"
        case Counter(count):
            return f"counter {count}"
        case OtherEvent(event):
            return f"event {event}"


@dataclass(frozen=True)
class PlacedText:
    """A sentence at its place in a file."""

    sample: int  #: Index in the file, from 0.
    n_samples: int  #: How long it lasts; 0 for a point in time.
    text: str  #: The sentence as it stands in the BDF+ file.


@dataclass(frozen=True)
class Annotation(PlacedText):
    """A fact at its place: the one type of a mark, from the timeline to the exports."""

    fact: Fact

    @classmethod
    def of(cls, sample: int, fact: Fact, n_samples: int = 0) -> "Annotation":
        """PlacedText a fact, and make its sentence; a long one is cut, the fact has all of it."""
        text = printable(text_of(fact))
        if len(text) > MOST_CHARACTERS:
            text = f"{text[: MOST_CHARACTERS - 2]} …"
        return cls(sample, n_samples, text, fact)

    @property
    def is_bad(self) -> bool:
        """True if its samples were not measured."""
        return self.fact.kind in LABELS and self.n_samples > 0

    def to_json(self, rate_hz: float) -> dict[str, object]:
        """Return the entry of a sidecar; s by the nominal rate of the file."""
        return {
            "kind": self.fact.kind,
            "sample": self.sample,
            "n_samples": self.n_samples,
            "onset_s": round(self.sample / rate_hz, _ONSET_DECIMALS),
            "duration_s": round(self.n_samples / rate_hz, _ONSET_DECIMALS),
            **asdict(self.fact),
            "text": self.text,
        }


def read_annotations(entries: object) -> tuple[Annotation, ...]:
    """Read the entries of a sidecar; ValueError of one line if one makes no sense."""
    from pydantic import ValidationError

    places, facts = _adapters()
    try:
        read = zip(places.validate_python(entries), facts.validate_python(entries), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"annotations.{where}: {plain_line(first['msg'], 200)}") from error
    annotations = tuple(
        Annotation(place.sample, place.n_samples, place.text, fact) for place, fact in read
    )
    for number, one in enumerate(annotations):
        if not (0 <= one.sample < _MOST_SAMPLES and 0 <= one.n_samples < _MOST_SAMPLES):
            raise ValueError(f"annotations.{number}: at sample {one.sample}, {one.n_samples} long")
    return annotations


@cache
def _adapters() -> "tuple[TypeAdapter[list[PlacedText]], TypeAdapter[list[Fact]]]":
    """Make what checks and reads entries; pydantic takes a while to import."""
    from pydantic import Field, TypeAdapter

    facts = Annotated[Fact, Field(discriminator="kind")]
    return TypeAdapter(list[PlacedText]), TypeAdapter(list[facts])
