"""Leave a board as it was found, and prove it by reading."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emgrig.errors import EmgrigError

if TYPE_CHECKING:
    from emgrig.hil_tests.measuring.rig import Rig


@dataclass(frozen=True)
class Restored:
    """Whether the board was left as it was found.

    Registers of each chip are as read, hex; empty if they could not be read. `proved`: registers
    and stream state were read and are what they were; `note` says what stands in the way, if
    anything does.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    streamed_before: bool
    streams_after: bool
    proved: bool
    note: str = ""


def restore(rig: "Rig") -> Restored:
    """Put registers and stream state back, prove it by reading, and close the link."""
    if not rig.is_open:
        rig.close()
        return Restored(
            (), (), False, False, proved=False, note="nothing was written: no board answered"
        )
    before = tuple(raw.hex() for raw in rig.before)
    try:
        return _restore(rig, before)
    except (EmgrigError, ValueError) as error:
        return Restored(before, (), rig.streamed_before, False, proved=False, note=str(error))
    finally:
        rig.close()


def _restore(rig: "Rig", before: tuple[str, ...]) -> Restored:
    from emgrig.driver.chip.register_file import RegisterFile

    if rig.link.failure is not None:
        rig.reopen()
    rig.stop()
    no_bytes: tuple[bytes, ...] = ()
    if not rig.has_registers:
        after, same = no_bytes, True
    elif rig.is_identified:
        pairs = zip(rig.before, rig.chip.parts, strict=True)
        held = rig.chip.restore(tuple(RegisterFile(raw, parts) for raw, parts in pairs))
        after, same = tuple(file.raw for file in held.after), held.is_proved
    else:
        after = rig.read_raw() if rig.before else no_bytes
        same = after == rig.before
    if rig.streamed_before:
        rig.start()
    streams = bool(rig.stats().streaming)
    note = "" if same else "the registers are not what they were"
    if not rig.has_registers:
        note = "its registers cannot be reached; nothing was written to them"
    elif not rig.is_identified:
        note = "the chips were never identified; nothing was written to them"
    return Restored(
        before,
        tuple(raw.hex() for raw in after),
        rig.streamed_before,
        streams,
        proved=same and (bool(before) or not rig.has_registers) and streams == rig.streamed_before,
        note=note,
    )
