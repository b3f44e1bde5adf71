"""Annotations become the events of a BIDS data set.

A marker is a text ``NAME KEY=VALUE KEY=VALUE``, as in "clip begin trial=3 clip=joy1": what stands
before the first key is the `trial_type`, and each key becomes a column. What the recording itself
annotated has a `trial_type` and columns by its facts.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from emgrig.electrodes.check import electrode_id
from emgrig.recording.export.bids_table import NOT_KNOWN, cell, number, table
from emgrig.recording.export.source import Part
from emgrig.recording.facts import (
    LABELS,
    ChipLost,
    Counter,
    ElectrodeChanged,
    Fact,
    Kind,
    Marker,
    OtherEvent,
    Trigger,
)
from emgrig.recording.sidecar import Json

_KEY = re.compile(r"(?<!\S)([A-Za-z]\w*)=", re.ASCII)
_FIRST = ("onset", "duration", "trial_type", "sample")
_LAST = "annotation"
#: Columns that are ours; that BIDS gives a meaning which no marker has agreed to; and those for
#: which MNE 1.11 and later refuse the whole data set, since they are names of its own.
_TAKEN = frozenset(
    {*_FIRST, _LAST, "response_time", "stim_file", "hed"}
    | {"description", "ch_names", "hed_string", "orig_time", "extras"}
)
_NAMELESS = "marker"

#: What the kinds are called in events.tsv, if not as they are.
_TYPES = MappingProxyType({**LABELS, Kind.RECOVERY: "going on", Kind.OVERFLOW: "board overflow"})
#: What they mean.
_MEANINGS = MappingProxyType(
    {
        Kind.GAP: "samples are missing; the file holds the sample before them",
        Kind.BAD_FRAMES: "frames out of step: the samples mean nothing",
        Kind.PADDING: "the last data record is filled up with the last sample",
        Kind.SETTINGS: "registers changed",
        Kind.ELECTRODE: "lead-off detection: an electrode came off, or is on again",
        Kind.RECOVERY: "the link was lost, or the board started anew",
        Kind.BOARD_STARTED: "the board started",
        Kind.OVERFLOW: "the board threw frames away",
        Kind.CHIP_LOST: "a chip lost its settings",
        Kind.TRIGGER: "edge at a trigger input",
        Kind.COUNTER: "a counter of the board, its count in value",
        Kind.OTHER_EVENT: "an event of the board that this version does not know",
    }
)

_DESCRIPTIONS = {
    "sample": "Index of the sample at onset in the emg file, 0 is the first.",
    _LAST: "The annotation as it stands in the emg file.",
    "channel": "Name of the channel that the event is of, as in channels.tsv.",
    "electrode": "Name of the electrode that the event is of, as in electrodes.tsv.",
}


def taken_apart(
    fact: Fact, channel_names: Mapping[int, str] | None = None
) -> tuple[str, dict[str, str]]:
    """Return the `trial_type` of an event, and its further columns.

    Parameters
    ----------
    fact : Fact
    channel_names : mapping of int to str, optional
        Name in channels.tsv by number: BIDS wants names in the column "channel".
    """
    names = channel_names or {}
    match fact:
        case Marker():
            trial_type, values = _marker(fact.marker)
            channel = values.get("channel", "")
            if channel.isdecimal():
                values["channel"] = names.get(int(channel), channel)
            return trial_type, values
        case ElectrodeChanged():
            name = names.get(fact.channel, str(fact.channel))
            values = {"channel": name, "electrode": electrode_id(fact.channel, fact.side)}
            return f"electrode {'off' if fact.is_off else 'on'}", values
        case Trigger():
            return f"trigger {fact.line} {'high' if fact.is_high else 'low'}", {}
        case ChipLost():
            return f"chip {fact.chip} lost its registers", {}
        case Counter():
            return "counter", {"value": str(fact.count)}
        case OtherEvent():
            return f"event {fact.event}", {}
    return _TYPES.get(fact.kind, fact.kind.replace("_", " ")), {}


def _marker(text: str) -> tuple[str, dict[str, str]]:
    """Take a marker apart: what stands before its first key, and its values by column."""
    plain = cell(text)
    keys = list(_KEY.finditer(plain))
    if not keys:
        return plain, {}
    ends = [key.start() for key in keys[1:]] + [len(plain)]
    values: dict[str, str] = {}
    for key, end in zip(keys, ends, strict=True):
        name = f"marker_{key[1]}" if key[1].lower() in _TAKEN else key[1]
        value = plain[key.end() : end].strip()
        values[name] = f"{values[name]} {value}" if name in values else value
    return plain[: keys[0].start()].strip() or _NAMELESS, values


def events(part: Part) -> tuple[str, Json]:
    """Return events.tsv and events.json of a file."""
    names = {channel.number: channel.label for channel in part.channels}
    parsed = [taken_apart(one.fact, names) for one in part.annotations]
    keys = list(dict.fromkeys(key for _, values in parsed for key in values))
    rows = [
        {
            **values,
            "onset": number(one.sample / part.rate_hz),
            "duration": number(one.n_samples / part.rate_hz),
            "sample": str(one.sample),
            "trial_type": trial_type,
            _LAST: one.text,
        }
        for one, (trial_type, values) in zip(part.annotations, parsed, strict=True)
    ]
    own = {
        trial_type: _MEANINGS[one.fact.kind]
        for one, (trial_type, _) in zip(part.annotations, parsed, strict=True)
        if one.fact.kind is not Kind.MARKER
    }
    described = _describe(own, keys)
    if any(isinstance(one.fact, Marker) for one in part.annotations):
        software = str(part.section("software")["recorded_by"] or NOT_KNOWN)
        name, _, version = software.partition(" ")
        described["StimulusPresentation"] = {
            "SoftwareName": name,
            "SoftwareVersion": version or NOT_KNOWN,
        }
    return table((*_FIRST, *keys, _LAST), rows), described


def _describe(own: Mapping[str, str], keys: Sequence[str]) -> Json:
    kinds = "; ".join(f"{name}: {meaning}" for name, meaning in own.items())
    described: Json = {
        "trial_type": {
            "LongName": "Kind of event",
            "Description": "A marker of the experiment, the text before its first KEY=VALUE"
            + (f"; or one of the recording: {kinds}." if kinds else "."),
        }
    }
    for key in ("sample", *keys, _LAST):
        said = f"The value of {key.removeprefix('marker_')} in the marker."
        described[key] = {"Description": _DESCRIPTIONS.get(key, said)}
    return described
