"""The signals of a BDF+ file as its header names them."""

from collections.abc import Sequence

from emgrig.driver.chip.registers import Mux
from emgrig.driver.samples.block import Epoch
from emgrig.recording.bdf.header import Channel, ascii_text
from emgrig.recording.notes import Notes

#: The -3 dB point of the chip's sinc³ filter over the data rate (SBAS499C, 9.3.2.1).
BAND_PER_RATE = 0.262
LABEL_CHARACTERS = 16


def header_channels(
    epoch: Epoch, channel_indices: Sequence[int], notes: Notes
) -> tuple[Channel, ...]:
    """Return the signals of a file as its header names them; labels are unique."""
    is_simulated = notes.identity is not None and notes.identity.is_simulated
    mux = [value for file in epoch.files for value in file.mux]
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
