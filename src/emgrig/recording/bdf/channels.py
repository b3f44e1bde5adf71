"""The signals of a BDF+ file as its header names them."""

from collections.abc import Sequence

from emgrig.driver.chip.registers import Mux
from emgrig.driver.samples.block import Epoch
from emgrig.recording.bdf.header import Channel, ascii_text
from emgrig.recording.notes import Notes

#: The -3 dB point of the chip's sinc³ filter over the data rate (SBAS499C, 9.3.2.1).
BAND_PER_RATE = 0.262
LABEL_CHARACTERS = 16


def shortened(name: str, most: int) -> str:
    """Shorten a name so that it still says what it is: orbicularis oculi, in 12, is orbic. oculi.

    Words in the middle go first; then all but the last are cut, then all.
    """
    words = name.split()
    if len(name) <= most or not words:
        return name[:most]
    ends = [words[0], words[-1]] if len(words) > 1 else words
    for whole in (1, 0):
        for n in range(most, 2, -1):
            cut = len(ends) - whole
            text = " ".join(
                [w if len(w) <= n + 1 else f"{w[:n]}." for w in ends[:cut]] + ends[cut:]
            )
            if len(text) <= most:
                return text
    return name[:most].rstrip()


def header_channels(
    epoch: Epoch, channel_indices: Sequence[int], notes: Notes
) -> tuple[Channel, ...]:
    """Return the signals of a file as its header names them; labels are unique."""
    is_simulated = notes.identity is not None and notes.identity.is_simulated
    mux = epoch.mux
    channels: list[Channel] = []
    for index in channel_indices:
        name = notes.name(index)
        kind = "EMG " if mux[index] in (Mux.NORMAL, None) else ""
        label = ascii_text(kind + shortened(name, LABEL_CHARACTERS - len(kind)), LABEL_CHARACTERS)
        if label in [channel.label for channel in channels]:
            label = f"{label[: LABEL_CHARACTERS - 3]} {index + 1}"
        measured = mux[index]
        how = "scale stated" if measured is None else measured.word
        what = f"{'simulated ' if is_simulated else ''}channel {index + 1}, {how}: {name}"
        scale_uv, offset_uv = notes.scale_uv(epoch, index)
        channels.append(
            Channel(
                label=label,
                scale_uv=scale_uv,
                offset_uv=offset_uv,
                transducer=ascii_text(what, 80),
                prefilter=f"HP:DC LP:{BAND_PER_RATE * epoch.rate_hz:g}Hz (-3 dB, sinc3)"
                if notes.is_of_ads1299
                else "",
            )
        )
    return tuple(channels)
