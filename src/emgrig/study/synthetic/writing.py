"""Writing a synthetic study, participant by participant, on as many processes as wanted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emgrig.errors import RecordingError
from emgrig.extras import require
from emgrig.files import json_text, make_folder, write_file
from emgrig.recording.export.bids_dataset import BIDS_VERSION
from emgrig.recording.export.bids_table import number, table
from emgrig.study.synthetic.codings import CODERS, agreed, coding_table, codings, tube
from emgrig.study.synthetic.design import TrueSession, deal, session
from emgrig.study.synthetic.files import README, About, stem, write_session
from emgrig.study.synthetic.samples import Made, make

TRUTH = "sourcedata/truth"
Told = Callable[[str, float], None]
_EXPRESSION_HEAD = (
    *("participant", "recording", "trial", "clip", "emotion", "kind", "onset_s", "offset_s"),
    *("channel", "drive_percent", "mvc_percent", "iemg_ms", "beside", "units", "side"),
    *("is_aware", "rating", "left_out"),
)
_RECORDING_HEAD = (
    *("participant", "recording", "length_s", "n_lost", "n_gaps", "dead_channel"),
    *("failed_channel", "clock_ppm", "video_begin_s", "n_blinks", "n_keys"),
    *(f"mvc_uv_{c}" for c in range(1, 8)),
    *("agree_n", "agree_units_both", "agree_units_coded", "agree_emotion", "agree_side"),
)


def write_study(root: Path, about: About, *, n_jobs: int = 1, told: Told = lambda *_: None) -> int:
    """Write a study; returns the number of expressions.

    Raises RecordingError if `root` is not an empty or new folder.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise RecordingError(f"{root} is not an empty folder; choose a new one")
    make_folder(root)
    hands = deal(about.n_participants, about.seed)
    tasks = [(root, about, number_, hand) for number_, hand in enumerate(hands, 1)]
    expressions: dict[int, list[dict[str, str]]] = {}
    recordings: dict[int, dict[str, str]] = {}
    for done, (which, rows, row) in enumerate(_each(tasks, n_jobs), 1):
        expressions[which], recordings[which] = rows, row
        told(f"participant {done} of {len(tasks)}", done / len(tasks))
    ordered = [row for which in sorted(expressions) for row in expressions[which]]
    _whole(root, about, ordered, [recordings[which] for which in sorted(recordings)])
    return len(ordered)


def _each(tasks: list[Any], n_jobs: int) -> Iterator[Any]:
    if n_jobs == 1:
        yield from (one(*task) for task in tasks)
        return
    joblib = require("joblib", "analysis", "more than one process")
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    yield from parallel(joblib.delayed(one)(*task) for task in tasks)


def one(
    root: Path, about: About, which: int, hand: list[tuple[str, str, bool]]
) -> tuple[int, list[dict[str, str]], dict[str, str]]:
    """Write one participant; returns the rows of truth."""
    true = session(
        which, hand, seed=about.seed, clip_s=about.clip_s, lost_percent=about.lost_percent
    )
    made = make(true, seed=about.seed)
    write_session(root, true, made)
    both = codings(true, about.seed)
    for coder, rows in zip(CODERS, both, strict=True):
        folder = make_folder(root / "derivatives" / coder / f"sub-{true.label}" / "emg")
        write_file(folder / f"{stem(true)}_events.tsv", coding_table(rows))
    source = make_folder(root / "sourcedata" / f"sub-{true.label}" / "emg")
    shown, readings = tube(true, made, about.seed)
    write_file(source / f"{stem(true)}_tube.tsv", shown)
    write_file(source / f"{stem(true)}_readings.csv", readings)
    row = _recording_row(true, made) | {f"agree_{key}": str(n) for key, n in agreed(*both).items()}
    return which, _expression_rows(true, made), row


def _expression_rows(true: TrueSession, made: Made) -> list[dict[str, str]]:
    trials = {t.trial: t for t in true.trials}
    return [
        {
            "participant": f"sub-{true.label}",
            "recording": stem(true),
            "trial": str(e.trial),
            "clip": trials[e.trial].clip,
            "emotion": e.emotion,
            "kind": e.kind,
            "onset_s": number(e.onset_s),
            "offset_s": number(e.offset_s),
            "channel": str(e.channel),
            "drive_percent": number(e.drive_percent),
            "mvc_percent": number(measure.mvc_percent),
            "iemg_ms": number(measure.iemg_ms),
            "beside": str(e.beside),
            "units": "+".join(f"AU{u}" for u in e.units),
            "side": e.side,
            "is_aware": str(e.is_aware).lower(),
            "rating": str(trials[e.trial].rating),
            "left_out": _why_left_out(e.channel, true),
        }
        for e, measure in zip(true.expressions, made.measures, strict=True)
    ]


def _why_left_out(channel: int, true: TrueSession) -> str:
    if not channel:
        return "no EMG"
    if channel == true.dead_channel:
        return "channel not analysed"
    return "no MVC" if channel == true.failed_channel else "n/a"


def _recording_row(true: TrueSession, made: Made) -> dict[str, str]:
    edges = np.diff(made.is_lost.astype(np.int8), prepend=0)
    return {
        "participant": f"sub-{true.label}",
        "recording": stem(true),
        "length_s": number(len(made.is_lost) / 1000),
        "n_lost": str(int(made.is_lost.sum())),
        "n_gaps": str(int((edges > 0).sum())),
        "dead_channel": str(true.dead_channel),
        "failed_channel": str(true.failed_channel),
        "clock_ppm": number(true.clock_ppm),
        "video_begin_s": number(true.video_begin_s),
        "n_blinks": str(len(true.blinks_s)),
        "n_keys": str(sum(len(t.key_s) for t in true.trials)),
        **{f"mvc_uv_{c}": number(level) for c, level in enumerate(made.mvc_uv.tolist(), 1)},
    }


def _whole(
    root: Path, about: About, expressions: list[dict[str, str]], recordings: list[dict[str, str]]
) -> None:
    write_file(root / "dataset_description.json", json_text(about.description()))
    write_file(root / "README", README)
    people = [{"participant_id": row["participant"], "simulated": "yes"} for row in recordings]
    write_file(root / "participants.tsv", table(("participant_id", "simulated"), people))
    said = {"simulated": {"Description": "Whether no person is in the recording"}}
    write_file(root / "participants.json", json_text(said))
    for coder in CODERS:
        described = {
            "Name": f"SIMULATED codings of {coder}",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": about.description()["GeneratedBy"],
        }
        write_file(root / "derivatives" / coder / "dataset_description.json", json_text(described))
    truth = make_folder(root / TRUTH)
    write_file(truth / "expressions.tsv", table(_EXPRESSION_HEAD, expressions))
    write_file(truth / "recordings.tsv", table(_RECORDING_HEAD, recordings))
