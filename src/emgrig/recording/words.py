"""What annotations say, and the texts of the header."""

from collections.abc import Sequence

from emgrig.driver.chip.registers import Mux
from emgrig.driver.samples.block import Epoch
from emgrig.protocol import packets
from emgrig.protocol.account import Cause
from emgrig.protocol.decoder import EventPacket
from emgrig.recording.bdf import Channel, ascii_text
from emgrig.recording.leadoff import LeadOffChange
from emgrig.recording.notes import Notes

#: The -3 dB point of the chip's sinc³ filter over the data rate (SBAS499C, 9.3.2.1).
BAND_PER_RATE = 0.262
LABEL_CHARACTERS = 16
_MOST_DIFFERENCES = 6


def describe_gap(n_samples: int, cause: Cause, *, is_estimate: bool) -> str:
    """Say what is missing; mne leaves out what is annotated with a text that begins with BAD."""
    what = "data periods" if is_estimate else "conversions"
    by_time = " (counted by time)" if is_estimate else ""
    return f"BAD_gap {n_samples} {what}: {cause}{by_time}"


def describe_change(old: Epoch, new: Epoch, notes: Notes) -> str:
    """Say what differs between two settings; empty if nothing does."""
    said = []
    for chip, (before, after) in enumerate(
        zip(notes.files(old), notes.files(new), strict=True), start=1
    ):
        which = f"chip {chip} " if len(new.registers) > 1 else ""
        said += [
            f"{which}{change.register} {change.field} {change.old} to {change.new}"
            for change in before.differences(after)
        ]
    more = f", and {len(said) - _MOST_DIFFERENCES} more" if len(said) > _MOST_DIFFERENCES else ""
    return f"settings: {', '.join(said[:_MOST_DIFFERENCES])}{more}" if said else ""


def describe_event(event: EventPacket) -> str:
    """Say what the board said; empty for LEAD_OFF, which the status words say better."""
    body = event.body
    match body:
        case packets.BootEvent():
            known = body.cause in packets.ResetCause.__members__.values()
            cause = packets.ResetCause(body.cause).name if known else f"cause {body.cause}"
            return f"board started: {cause.lower().replace('_', ' ')}"
        case packets.TriggerEvent():
            return f"trigger {body.line} {'high' if body.level else 'low'}"
        case packets.OverflowEvent():
            return f"board overflow: {body.frames} frames thrown away"
        case packets.ChipLostEvent():
            return (
                f"chip {body.chip + 1} lost its registers: {body.address:02X}h reads "
                f"{body.found:02X}h, expected {body.expected:02X}h"
            )
        case packets.CounterEvent():
            return f"counter {body.count}"
        case packets.LeadOffEvent():
            return ""
    return f"event {event.event}"


def describe_lead_off(change: LeadOffChange, notes: Notes, channels_per_chip: int) -> str:
    """Say which electrode came off or on."""
    index = change.chip_index * channels_per_chip + change.channel - 1
    state = "off" if change.is_off else "on"
    return f"electrode {state}: {index + 1}{change.side} {notes.name(index)}"


def header_channels(
    epoch: Epoch, channel_indices: Sequence[int], notes: Notes
) -> tuple[Channel, ...]:
    """Return the signals of a file as its header names them; labels are unique."""
    is_simulated = notes.identity is not None and notes.identity.is_simulated
    mux = [value for file in notes.files(epoch) for value in file.mux]
    channels: list[Channel] = []
    for index in channel_indices:
        name = notes.name(index)
        label = ascii_text(f"EMG {name}" if mux[index] is Mux.NORMAL else name, LABEL_CHARACTERS)
        if label in [channel.label for channel in channels]:
            label = f"{label[: LABEL_CHARACTERS - 3]} {index + 1}"
        what = (
            f"{'simulated ' if is_simulated else ''}channel {index + 1}, {mux[index].word}: {name}"
        )
        scale_uv, offset_uv = notes.scale_uv(epoch, index)
        channels.append(
            Channel(
                label=label,
                scale_uv=scale_uv,
                offset_uv=offset_uv,
                transducer=ascii_text(what, 80),
                prefilter=f"HP:DC LP:{BAND_PER_RATE * epoch.rate_hz:g}Hz (-3 dB, sinc3)",
            )
        )
    return tuple(channels)
