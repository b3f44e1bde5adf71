"""A synthetic session as the files of an EMG-BIDS data set, with markers as `emgrig session` sets.

Below `sourcedata/truth` lies what was made: one table of the expressions, one of the recordings.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.analysis.paper.printed import MUSCLES
from emgrig.analysis.paper.synthetic import RATE_HZ
from emgrig.analysis.signal.filters import segments
from emgrig.experiment.course.steps import marker
from emgrig.files import json_text, make_folder, whole_file, write_file
from emgrig.reading.formats.edf import SIMULATED_WORD
from emgrig.recording.bdf.channels import LABEL_CHARACTERS, shortened
from emgrig.recording.bdf.header import Channel, FileHead
from emgrig.recording.bdf.writer import BdfWriter
from emgrig.recording.export.bids_dataset import BIDS_VERSION
from emgrig.recording.export.bids_events import taken_apart
from emgrig.recording.export.bids_table import NOT_KNOWN, number, table
from emgrig.recording.facts import Marker, PlacedText
from emgrig.study.synthetic.design import TrueSession
from emgrig.study.synthetic.samples import Made
from emgrig.version import __version__

TASK = "faces"
_SCALE_UV = 4.5e6 / 24 / 2**23  # a reference of 4.5 V at gain 24
_START = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
_BLOCK = 60_000
_SHOWN_S = 0.04
_EVENT_HEAD = ("onset", "duration", "trial_type", "sample")
_EVENT_KEYS = (
    *("participant", "seed", "run", "channel", "repetition", "attempt", "peak_uv", "accepted"),
    *("problem", "mvc_uv", "rule", "n", "trial", "clip", "emotion", "value"),
)


def names() -> list[str]:
    """Return the names of the seven channels, as the board's profile has them."""
    room = LABEL_CHARACTERS - len("EMG ")
    return [f"EMG {shortened(MUSCLES[c], room)}" for c in range(1, 8)]


def stem(session: TrueSession) -> str:
    """Return what the names of a session's files begin with."""
    return f"sub-{session.label}_task-{TASK}"


def write_session(root: Path, session: TrueSession, made: Made) -> None:
    """Write the files of one participant."""
    folder = make_folder(root / f"sub-{session.label}" / "emg")
    name = folder / stem(session)
    marks = [*_gaps(made), *_markers(session, made)]
    _write_bdf(Path(f"{name}_emg.bdf"), session, made, marks)
    write_file(Path(f"{name}_emg.json"), json_text(_emg_json(made)))
    write_file(Path(f"{name}_channels.tsv"), _channels(session))
    write_file(Path(f"{name}_events.tsv"), _events(marks))
    write_file(Path(f"{name}_events.json"), json_text(_events_json()))
    write_file(folder / f"sub-{session.label}_electrodes.tsv", _electrodes(session))
    write_file(folder / f"sub-{session.label}_coordsystem.json", json_text(_COORDINATES))


def _write_bdf(path: Path, session: TrueSession, made: Made, marks: Sequence[PlacedText]) -> None:
    channels = tuple(Channel(one, _SCALE_UV, f"simulated, {one}") for one in names())
    start = (_START + dt.timedelta(days=session.number)).timestamp()
    head = FileHead(channels, RATE_HZ, start, "emgrig_synthetic", (SIMULATED_WORD,))
    codes = np.rint(_held(made) / np.float32(_SCALE_UV)).astype(np.int32)
    first = BdfWriter(head)
    _feed(first, codes, marks)
    plan = first.finish()
    with whole_file(path) as unfinished, unfinished.open("xb") as file:
        second = BdfWriter(head, file, plan)
        _feed(second, codes, marks)
        second.finish()


def _feed(writer: BdfWriter, codes: Any, marks: Iterable[PlacedText]) -> None:
    for mark in marks:
        writer.annotate(mark)
    for begin in range(0, len(codes), _BLOCK):
        writer.write(codes[begin : begin + _BLOCK])


def _held(made: Made) -> Any:
    """Return the samples as a file has them: those lost are the last one before."""
    out = made.samples_uv.copy()
    for begin, end in segments(made.is_lost):
        out[begin:end] = out[begin - 1] if begin else 0.0
    return out


def _gaps(made: Made) -> list[PlacedText]:
    return [
        PlacedText(begin, end - begin, f"BAD_gap {end - begin} samples lost")
        for begin, end in segments(made.is_lost)
    ]


def _markers(session: TrueSession, made: Made) -> list[PlacedText]:
    """Return the markers of a session, as `emgrig session` places them."""
    marks: list[tuple[float, str]] = [
        (0.5, marker("session begin", participant=f"P{session.label}", seed=0, run=1))
    ]
    for one in session.contractions:
        which = {"channel": one.channel, "repetition": one.repetition, "attempt": 1}
        marks.append((one.begin_s, marker("mvc begin", **which)))
        said = {"accepted": "yes" if one.is_accepted else "no"}
        said |= {} if one.is_accepted else {"problem": "too-weak"}
        marks.append((one.end_s, marker("mvc end", **which, **said)))
        if not one.is_accepted:
            marks.append((one.end_s + 0.1, marker("mvc skip", **which)))
    for channel, level in enumerate(made.mvc_uv.tolist(), 1):
        if np.isfinite(level):
            last = max(c.end_s for c in session.contractions if c.channel == channel)
            said_level = marker("mvc level", channel=channel, mvc_uv=level, rule="maximum", n=3)
            marks.append((last + 0.2, said_level))
    marks += [(session.baseline_s[0], "baseline begin"), (session.baseline_s[1], "baseline end")]
    for t in session.trials:
        what = marker("clip begin", trial=t.trial, clip=t.clip, emotion=t.emotion)
        marks += [(t.begin_s, what), (t.begin_s + _SHOWN_S, marker("clip shown", trial=t.trial))]
        marks += [(key, marker("key L", trial=t.trial)) for key in t.key_s]
        marks.append((t.end_s, marker("clip end", trial=t.trial)))
        rated = marker("rating", trial=t.trial, value=t.rating)
        marks.append((t.end_s + 2.0, rated))
    marks.append((session.length_s - 1.0, "session end"))
    return [PlacedText(round(at * RATE_HZ), 0, text) for at, text in marks]


def _events(marks: Sequence[PlacedText]) -> str:
    names_by_number = dict(enumerate(names(), 1))
    rows = []
    for one in sorted(marks, key=lambda m: m.sample):
        kind, values = taken_apart(Marker(one.text), names_by_number)
        if one.text.startswith("BAD_gap"):
            kind, values = "BAD_gap", {}
        rows.append(
            {
                **values,
                "onset": number(one.sample / RATE_HZ),
                "duration": number(one.n_samples / RATE_HZ),
                "trial_type": kind,
                "sample": str(one.sample),
            }
        )
    return table((*_EVENT_HEAD, *_EVENT_KEYS), rows)


def _events_json() -> dict[str, Any]:
    said = "The value of {} in the marker of the session; n/a in other rows."
    described: dict[str, Any] = {
        key: {"Description": said.format(key)} for key in (*_EVENT_KEYS, "sample")
    }
    described["trial_type"] = {
        "LongName": "Kind of event",
        "Description": "A marker of the session, or BAD_gap: samples are missing.",
    }
    return described


def _emg_json(made: Made) -> dict[str, Any]:
    return {
        "TaskName": TASK,
        "TaskDescription": "SIMULATED: seven maximum contractions, then 24 clips",
        "Manufacturer": "none: simulated",
        "ManufacturersModelName": f"emgrig {__version__}, synthetic study",
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "Simulated: seven muscles of the left half of the face.",
        "EMGReference": "ChannelSpecific",
        "EMGGround": NOT_KNOWN,
        "EMGChannelCount": 7,
        "SamplingFrequency": RATE_HZ,
        "PowerLineFrequency": 50,
        "RecordingType": "continuous",
        "RecordingDuration": len(made.samples_uv) / RATE_HZ,
        "SoftwareFilters": NOT_KNOWN,
        "HardwareFilters": NOT_KNOWN,
        "IsSimulated": True,
    }


def _channels(session: TrueSession) -> str:
    head = (
        *("name", "type", "units", "description", "signal_electrode", "reference", "group"),
        *("target_muscle", "sampling_frequency", "status", "status_description"),
    )
    rows = [
        {
            "name": name,
            "type": "EMG",
            "units": "uV",
            "description": f"channel {c}",
            "signal_electrode": f"c{c}p",
            "reference": f"c{c}n",
            "group": f"c{c}",
            "target_muscle": MUSCLES[c],
            "sampling_frequency": number(RATE_HZ),
            "status": "bad" if c == session.dead_channel else "good",
            "status_description": f"c{c}n red: not wired" if c == session.dead_channel else "",
        }
        for c, name in enumerate(names(), 1)
    ]
    return table(head, rows)


def _electrodes(session: TrueSession) -> str:
    rng = np.random.default_rng((session.number, 3))
    rows = []
    for c in range(1, 8):
        for side in "pn":
            off = c == session.dead_channel and side == "n"
            impedance = 4000.0 if off else float(rng.lognormal(np.log(6), 0.4))
            rows.append(
                {
                    "name": f"c{c}{side}",
                    "x": NOT_KNOWN,
                    "y": NOT_KNOWN,
                    "group": f"c{c}",
                    "impedance": number(impedance, 2),
                }
            )
    return table(("name", "x", "y", "group", "impedance"), rows)


_COORDINATES = {
    "EMGCoordinateSystem": "Other",
    "EMGCoordinateUnits": "percent",
    "EMGCoordinateSystemDescription": "Simulated electrodes have no places.",
}


@dataclass(frozen=True)
class About:
    """What the whole data set says of itself."""

    n_participants: int
    seed: int
    clip_s: float
    lost_percent: float

    def description(self) -> dict[str, Any]:
        """Return dataset_description.json."""
        return {
            "Name": f"SIMULATED study of {self.n_participants} participants",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [
                {
                    "Name": "emgrig synthetic --bids",
                    "Version": __version__,
                    "Description": f"seed {self.seed}, clips of {self.clip_s:g} s (0: table 2's), "
                    f"about {self.lost_percent:g} % of the samples lost",
                }
            ],
        }


README = """\
SIMULATED by emgrig synthetic --bids: no person is in these data.

Each participant has one recording: maximum contractions (part A), a baseline, 24 clips with a key
and a rating (part B), with the markers of emgrig session. sourcedata/truth has what was made;
derivatives/coder-A and coder-B are codings of the expressions as two people might make them.
"""
