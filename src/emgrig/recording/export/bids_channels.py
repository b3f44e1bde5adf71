"""Channels and electrodes of a BIDS data set: what registers and the contact check say of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from emgrig.driver.chip.registers import Config3, Misc1
from emgrig.electrodes.face_positions import FRAME, Point, Site, site_of
from emgrig.electrodes.lights import Light
from emgrig.recording.export.bids_table import NOT_KNOWN, number, table
from emgrig.recording.export.source import Channel, Part
from emgrig.recording.facts import ElectrodeChanged
from emgrig.recording.sidecar import Json

BIAS, SRB1 = "bias", "SRB1"
NOT_CHECKED = "the electrodes were not checked before the recording"
PLACEMENT = (
    "The sites are those of the placement guidelines of Fridlund and Cacioppo (1986) for the "
    "muscle that the channel is named after, on the left half of the face; channels.tsv has them "
    "in words. They are where electrodes are meant to be: nothing was measured on the participant."
)
_CHANNEL_HEAD = (
    *("name", "type", "units", "description", "signal_electrode", "reference", "group"),
    *("target_muscle", "placement_scheme", "placement_description", "interelectrode_distance"),
    *("sampling_frequency", "low_cutoff", "high_cutoff", "gain", "status", "status_description"),
)


class Told(NamedTuple):
    """What only the person who placed the electrodes knows.

    Attributes
    ----------
    distance_mm : float or None
        Between the two of a pair, centre to centre, mm.
    electrode_type, material : str
        As in "cup" and "Ag/AgCl"; "n/a" if not told.
    """

    distance_mm: float | None = None
    electrode_type: str = NOT_KNOWN
    material: str = NOT_KNOWN


NOT_TOLD = Told()


def placed(part: Part) -> dict[int, Site]:
    """Return the sites of the channels that have electrodes and are named after a muscle."""
    sites = {channel.number: site_of(channel.name) for channel in part.channels if is_emg(channel)}
    return {number: site for number, site in sites.items() if site is not None}


def is_emg(channel: Channel) -> bool:
    """Tell whether a channel measured its electrodes."""
    return channel.is_of_electrodes


def reference_of(part: Part, channel: Channel) -> str:
    """Name the electrode at the negative input: SRB1 where the chip connects it to all of them."""
    registers = part.registers
    if not registers:
        return NOT_KNOWN
    chip = registers[(channel.number - 1) // registers[0].n_channels]
    return SRB1 if chip.get(Misc1).srb1_closed else f"c{channel.number}n"


def channels_table(part: Part, told: Told) -> str:
    """Return channels.tsv."""
    return table(_CHANNEL_HEAD, (_channel_row(part, channel, told) for channel in part.channels))


def _channel_row(part: Part, channel: Channel, told: Told) -> dict[str, str]:
    row = {
        "name": channel.label,
        "type": "EMG" if is_emg(channel) else "MISC",
        "units": "uV",
        "description": f"channel {channel.number}, {channel.mux}: {channel.name}",
        "sampling_frequency": number(part.rate_hz),
        "high_cutoff": number(part.section("band")["high_hz"], 3),
        "gain": number(channel.gain),
    }
    if not is_emg(channel):
        return row
    status, why = _status(part, channel)
    row |= {
        "signal_electrode": f"c{channel.number}p",
        "reference": reference_of(part, channel),
        "group": f"c{channel.number}",
        "interelectrode_distance": number(told.distance_mm),
        "status": status,
        "status_description": why,
    }
    if site := placed(part).get(channel.number):
        words = (
            f"meant, on the left: positive: {site.positive_placed}; "
            f"negative: {site.negative_placed}"
        )
        row |= {
            "target_muscle": site.muscle,
            "placement_scheme": "other",
            "placement_description": words,
        }
    return row


def channels_json(part: Part) -> Json:
    """Return channels.json, which defines the columns that BIDS does not."""
    is_stated = any(channel.is_stated for channel in part.channels)
    how = "as stated, not read back" if is_stated else "read back from its register"
    return {
        "gain": {
            "Description": f"Gain of the amplifier, {how}; values are referred to the input.",
            "Units": "V/V",
        },
        "status": {
            "Description": "bad: red in the check of the electrodes before the recording, or an "
            "electrode was off for more than half of it; n/a: not checked.",
        },
    }


def electrode_rows(part: Part, told: Told) -> list[dict[str, str]]:
    """Return the rows of electrodes.tsv."""
    sites = placed(part)
    rows: dict[str, dict[str, str]] = {}
    for channel in filter(is_emg, part.channels):
        site, group = sites.get(channel.number), f"c{channel.number}"
        reference = reference_of(part, channel)
        rows[f"{group}p"] = _place(site and site.positive, group)
        if reference == NOT_KNOWN:
            continue
        is_pair = reference != SRB1
        rows[reference] = _place(site and site.negative, group) if is_pair else _place(None)
    if has_bias(part):
        rows[BIAS] = _place(None)
    checked = {str(entry.get("electrode")): entry for entry in _entries(part, "electrodes")}
    kind = {"type": told.electrode_type, "material": told.material}
    return [
        {"name": name, **place, **kind, "impedance": _kilo_ohm(checked.get(name))}
        for name, place in rows.items()
    ]


def has_bias(part: Part) -> bool:
    """Tell whether the bias amplifier was on."""
    return any(chip.get(Config3).bias_amplifier for chip in part.registers)


def _place(point: Point | None, group: str = NOT_KNOWN) -> dict[str, str]:
    x, y = point or (None, None)
    return {"x": number(x), "y": number(y), "group": group}


def _kilo_ohm(entry: Mapping[str, object] | None) -> str:
    ohm = entry.get("impedance_ohm") if entry else None
    return number(ohm / 1000, 2) if isinstance(ohm, int | float) else NOT_KNOWN


def electrodes_json() -> Json:
    """Return electrodes.json."""
    return {
        "x": {"Description": f"{FRAME}. Of the guideline, not measured.", "Units": "percent"},
        "y": {"Description": "See x.", "Units": "percent"},
        "impedance": {
            "Description": "Magnitude of the impedance of the electrode, by the lead-off current "
            "of the board, at its frequency (31.25 Hz unless the check in sourcedata says 7.8125), "
            "without the series resistor, in the check before the first recording of the session "
            "that had one. The checks before all recordings, and their conditions, are in "
            "sourcedata.",
            "Units": "kOhm",
        },
    }


def coordinates_json() -> Json:
    """Return coordsystem.json."""
    return {
        "EMGCoordinateSystem": "Other",
        "EMGCoordinateUnits": "percent",
        "EMGCoordinateSystemDescription": f"{FRAME}. {PLACEMENT} Coordinates are n/a where a "
        "channel is not named after a muscle of the guidelines that is known here.",
    }


def _entries(part: Part, name: str) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", part.contact.get(name) or ())


def _status(part: Part, channel: Channel) -> tuple[str, str]:
    """Return good, bad or n/a, and why."""
    found = [
        entry
        for entry in (*_entries(part, "channels"), *_entries(part, "electrodes"))
        if entry.get("channel") == channel.number
    ]
    lights = {str(entry.get("light")) for entry in found}
    words = [
        str(entry.get("advice") or f"{entry.get('electrode', 'channel')} {entry['light']}")
        for entry in found
        if entry.get("light") in (Light.RED, Light.YELLOW)
    ]
    off_s = _off_s(part).get(channel.number, 0.0)
    if off_s:
        words.append(f"an electrode was off for {number(off_s, 2)} s")
    if Light.RED in lights or off_s > part.duration_s / 2:
        status = "bad"
    else:
        status = "good" if lights & {Light.GREEN, Light.YELLOW} else NOT_KNOWN
        words += [] if found else [NOT_CHECKED]
    return status, "; ".join(dict.fromkeys(words))


def _off_s(part: Part) -> dict[int, float]:
    """Return how long an electrode of a channel was off by lead-off detection, s, by channel."""
    off_s: dict[int, float] = defaultdict(float)
    for number_, begin_s, end_s in _off_spans(part):
        off_s[number_] += end_s - begin_s
    return off_s


def _off_spans(part: Part) -> Iterator[tuple[int, float, float]]:
    since: dict[tuple[int, str], float] = {}
    for one in part.annotations:
        if isinstance(one.fact, ElectrodeChanged):
            key, at_s = (one.fact.channel, one.fact.side), one.sample / part.rate_hz
            if one.fact.is_off:
                since.setdefault(key, at_s)
            elif key in since:
                yield key[0], since.pop(key), at_s
    yield from ((key[0], begin_s, part.duration_s) for key, begin_s in since.items())
