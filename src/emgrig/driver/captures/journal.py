"""What a connection notes down, so that its raw bytes can be understood later without the board.

Every entry is a dict that JSON can hold, with its `kind` and `unix_s`. `identity` and `epoch`
entries are read back by `read_identity` and `read_epoch`; what the others say is for people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from annotated_types import Interval

from emgrig.driver.can import Stated
from emgrig.driver.chip.register_file import RegisterFile
from emgrig.driver.native.board_identity import BoardIdentity
from emgrig.driver.samples.block import Epoch, make_epoch, stated_epoch
from emgrig.errors import RecordingError
from emgrig.filemodel import NoteModel, plain, read

T = TypeVar("T", bound=NoteModel)
Entry = dict[str, object]
Journal = Callable[[Entry], None]


@dataclass(frozen=True)
class EpochNote(NoteModel):
    """The settings from an epoch on; the scale follows from the register bytes."""

    number: int
    registers: tuple[str, ...]  #: Bytes of each chip, hexadecimal.
    channels_per_chip: int
    #: Nominal, Hz and V; 0 only where the scale is stated.
    f_clk_hz: Annotated[float, Interval(ge=0, le=1e9)]
    vref_v: Annotated[float, Interval(ge=0, le=1e3)]
    gains: tuple[float, ...] = ()  #: Of each channel, V/V; for people.
    rate_hz: float = 0.0  #: For people.
    channel_names: tuple[str, ...] = ()
    stated: Stated | None = None  #: Where no register was read; `registers` are none then.
    n_chips: int = 1
    #: Samples a second, Hz, where the board sends others than its chips convert; else 0.
    sent_hz: Annotated[float, Interval(ge=0, le=1e6)] = 0.0


def read_note(kind: type[T], entry: Mapping[str, object]) -> T:
    """Read an entry, also one that came through JSON; RecordingError if it is not of its kind."""
    try:
        return read(kind, entry, f"{entry.get('kind')} note of the capture")
    except ValueError as error:
        raise RecordingError(str(error)) from error


def identity_entry(identity: BoardIdentity, address: str) -> Entry:
    """Note which board it is."""
    return {"kind": "identity", "address": address, **plain(identity)}


def read_identity(entry: Mapping[str, object]) -> BoardIdentity:
    """Read an `identity` entry; RecordingError if it is none."""
    return read_note(BoardIdentity, entry)


def epoch_entry(epoch: Epoch, identity: BoardIdentity, names: Sequence[str]) -> Entry:
    """Note the settings from an epoch on."""
    note = EpochNote(
        epoch.number,
        tuple(raw.hex() for raw in epoch.registers),
        identity.layout.channels_per_chip,
        identity.f_clk_hz,
        identity.vref_v,
        tuple(epoch.gain.tolist()),
        epoch.rate_hz,
        tuple(names),
        epoch.stated,
        epoch.n_chips,
        identity.can.rate_hz,
    )
    return {"kind": "epoch", **plain(note)}


def read_epoch(entry: Mapping[str, object]) -> Epoch:
    """Read an `epoch` entry; the scale is worked out anew from its register bytes.

    Raises
    ------
    RecordingError
        If it is none.
    DeviceError
        If its registers have no meaning.
    """
    note = read_note(EpochNote, entry)
    if note.stated is not None and not note.registers:
        return stated_epoch(note.number, note.stated, note.n_chips)
    if not (note.f_clk_hz > 0 and note.vref_v > 0):
        raise RecordingError(
            f"epoch note of the capture: f_clk_hz is {note.f_clk_hz:g}, vref_v {note.vref_v:g}; "
            "numbers above 0 were expected"
        )
    try:
        files = [RegisterFile(bytes.fromhex(raw), note.channels_per_chip) for raw in note.registers]
        return make_epoch(
            note.number,
            files,
            f_clk_hz=note.f_clk_hz,
            vref_v=note.vref_v,
            sent_hz=note.sent_hz,
        )
    except (TypeError, ValueError) as error:
        raise RecordingError(f"epoch note of the capture: {error}") from error
