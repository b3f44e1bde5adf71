"""Annotations become the events of a BIDS data set.

A marker is a text ``NAME KEY=VALUE KEY=VALUE``, as in "clip begin trial=3 clip=joy1": what stands
before the first key is the `trial_type`, and each key becomes a column.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from emgrig.recording.export.bids_table import cell, number, table
from emgrig.recording.export.source import Part
from emgrig.recording.sidecar import Json

_KEY = re.compile(r"(?<!\S)([A-Za-z]\w*)=", re.ASCII)
_FIRST = ("onset", "duration", "trial_type", "sample")
_LAST = "description"
#: Columns that are ours, or that BIDS gives a meaning which no marker has agreed to.
_TAKEN = frozenset({*_FIRST, _LAST, "response_time", "stim_file", "hed"})
_NAMELESS = "marker"

#: What the texts of this program begin with, and what they mean.
_OWN = MappingProxyType(
    {
        r"BAD_gap": "samples are missing; the file holds the sample before them",
        r"BAD_frame": "frames out of step: the samples mean nothing",
        r"BAD_padding": "the last data record is filled up with the last sample",
        r"BAD_\w+": "samples that are not to be used",
        r"settings(?=: )": "registers changed",
        r"electrode off(?=: )": "lead-off detection: an electrode came off",
        r"electrode on(?=: )": "lead-off detection: the electrode is on again",
        r"going on(?= after |: )": "the link was lost, or the board started anew",
        r"board started(?=: )": "the board started",
        r"board overflow(?=: )": "the board threw frames away",
        r"chip \d+ lost its registers(?=: )": "a chip lost its settings",
        r"trigger \d+ (?:high|low)(?=$)": "edge at a trigger input",
        r"counter(?= \d+$)": "a counter of the board, its count in value",
    }
)
_ELECTRODE = re.compile(r"electrode (?:off|on): (\d+)([PN])\b")
_COUNTER = re.compile(r"counter (\d+)")

_DESCRIPTIONS = {
    "sample": "Index of the sample at onset in the emg file, 0 is the first.",
    _LAST: "The annotation as it stands in the emg file.",
    "channel": "Name of the channel that the event is of, as in channels.tsv.",
    "electrode": "Name of the electrode that the event is of, as in electrodes.tsv.",
}


@dataclass(frozen=True)
class Event:
    """A text taken apart.

    Attributes
    ----------
    trial_type : str
    values : dict of str to str
        By column.
    meaning : str
        What the trial type means, if the text is one of this program; else empty.
    """

    trial_type: str
    values: dict[str, str] = field(default_factory=dict)
    meaning: str = ""


def parse(text: str, channel_names: Mapping[int, str] | None = None) -> Event:
    """Take an annotation apart.

    Parameters
    ----------
    text : str
    channel_names : mapping of int to str, optional
        Name in channels.tsv by number: BIDS wants names in the column "channel".
    """
    plain = cell(text)
    names = channel_names or {}
    for pattern, meaning in _OWN.items():
        if found := re.match(pattern, plain):
            return Event(found[0], _own_values(plain, names), meaning)
    keys = list(_KEY.finditer(plain))
    if not keys:
        return Event(plain)
    ends = [key.start() for key in keys[1:]] + [len(plain)]
    values: dict[str, str] = {}
    for key, end in zip(keys, ends, strict=True):
        name = f"marker_{key[1]}" if key[1].lower() in _TAKEN else key[1]
        value = plain[key.end() : end].strip()
        values[name] = f"{values[name]} {value}" if name in values else value
    channel = values.get("channel", "")
    if channel.isdecimal():
        values["channel"] = names.get(int(channel), channel)
    return Event(plain[: keys[0].start()].strip() or _NAMELESS, values)


def _own_values(text: str, names: Mapping[int, str]) -> dict[str, str]:
    if found := _ELECTRODE.match(text):
        number, side = int(found[1]), found[2].lower()
        return {"channel": names.get(number, found[1]), "electrode": f"c{number}{side}"}
    if found := _COUNTER.match(text):
        return {"value": found[1]}
    return {}


def events(part: Part) -> tuple[str, Json]:
    """Return events.tsv and events.json of a file."""
    names = {channel.number: channel.label for channel in part.channels}
    parsed = [parse(note.text, names) for note in part.notes]
    keys = list(dict.fromkeys(key for event in parsed for key in event.values))
    rows = [
        {
            **event.values,
            "onset": number(note.onset_s),
            "duration": number(note.duration_s),
            "sample": str(round(note.onset_s * part.rate_hz)),
            "trial_type": event.trial_type,
            _LAST: note.text,
        }
        for note, event in zip(part.notes, parsed, strict=True)
    ]
    return table((*_FIRST, *keys, _LAST), rows), _describe(parsed, keys)


def _describe(parsed: Sequence[Event], keys: Sequence[str]) -> Json:
    own = {event.trial_type: event.meaning for event in parsed if event.meaning}
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
