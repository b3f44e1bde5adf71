"""A whole session, scripted, and what `emgrig analyse` finds of the expressions that were there.

Seven movements three times, 24 clips with the lengths of the packaged example plan, on virtual
time. Truth is the simulated face's own; files are made and read as a user would. Scored by muscle
in part B: intersection over union of 0.5 or more. A blink is no expression, but c3 shows it; so the
figures are printed with and without detections on c3 that touch a true blink.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np

from emgrig.analysis.spotting.scoring import EventScores, score_events
from emgrig.desk.stream.hub import Hub
from emgrig.driver.board import Board
from emgrig.experiment.files.plan import load_plan
from emgrig.experiment.files.record import SessionRecord
from emgrig.experiment.folder import SessionFolder
from emgrig.experiment.participant import Script, ScriptedParticipant
from emgrig.experiment.runner import check_board, run_script, session_on
from emgrig.simulator.clock import VIRTUAL_EPOCH_UNIX_S
from emgrig.simulator.sources.performer import Performer
from emgrig.simulator.transport import SimTransport

SEED = 3

Span = tuple[float, float]


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan_path = folder / "plan.toml"
        example = resources.files("emgrig.experiment").joinpath("example.toml")
        plan_path.write_text(example.read_text("utf-8"), encoding="utf-8")
        began_s = time.monotonic()
        transport, files, record = _play(plan_path, folder / "out")
        taken_s = time.monotonic() - began_s
        bdf_path = files.bdf_path(1)
        events = _analysed(bdf_path, files.record_path, folder)
        length_s = transport.clock.now_s()
        print(f"a session of {length_s / 60:.0f} minutes in {taken_s:.0f} s, files made")
        print(f"MVC of {len(record.mvc)} channels, {len(record.trials)} clips rated")
        for with_blinks in (False, True):
            s = _score(transport, bdf_path, record, events, with_blinks=with_blinks)
            what = "all detections" if with_blinks else "without those on true blinks"
            print(
                f"  {what}: recall {s.recall:.3f} of {s.n_true}, precision {s.precision:.3f} of "
                f"{s.n_detected}, onset error {1e3 * s.onset_mae_s:.0f} ms"
            )


def _play(plan_path: Path, output: Path) -> tuple[SimTransport, SessionFolder, SessionRecord]:
    plan = load_plan(plan_path)
    transport = SimTransport(f"seed={SEED}")
    participant = ScriptedParticipant(Script(), plan, transport)
    files = SessionFolder(output, plan.participant.code, is_rehearsal=True)
    board = Board(transport)
    board.apply(plan.recording.profile)
    with Hub(board, mains_hz=plan.recording.mains_hz, profile=plan.recording.profile) as hub:
        hub.start()
        record = check_board(hub, plan, files.open_record(plan), is_rehearsal=True)
        with session_on(hub, plan, files, record) as running:
            run_script(running, hub, participant)
    return transport, files, running.driver.record


def _analysed(bdf_path: Path, record_path: Path, folder: Path) -> list[dict[str, str]]:
    command = [sys.executable, "-m", "emgrig", "analyse", str(bdf_path), "-o", str(folder)]
    command += ["--face", "--mvc", str(record_path)]
    subprocess.run(command, check=True, capture_output=True)
    text = (folder / f"{bdf_path.stem}_events.tsv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def _score(
    transport: SimTransport,
    bdf_path: Path,
    record: SessionRecord,
    events: list[dict[str, str]],
    *,
    with_blinks: bool,
) -> EventScores:
    """Hold events against the face's truth, mapped through the board's true clock and rate."""
    board = transport.board
    assert isinstance(board.truth, Performer)
    start_us = json.loads(bdf_path.with_suffix(".json").read_text("utf-8"))["start"][
        "board_time_us"
    ]
    first_s, per_s = board.true_s(start_us), 1000 * 2048 / board.bank.f_clk_hz
    begin_s = record.trials[0].begin_unix_s - VIRTUAL_EPOCH_UNIX_S
    end_s = (record.trials[-1].end_unix_s or 0.0) - VIRTUAL_EPOCH_UNIX_S
    true = [
        e for e in board.truth.truth(begin_s, end_s) if begin_s <= e.onset_s <= e.offset_s < end_s
    ]
    labels = list(dict.fromkeys(_labels(bdf_path)))
    scored = []
    for channel, label in enumerate(labels, start=1):
        found: list[Span] = []
        for row in events:
            onset, length = float(row["onset"]), float(row["duration"])
            span = first_s + onset * per_s, first_s + (onset + length) * per_s
            if row["channel"] == label and begin_s <= span[0] and span[1] < end_s:
                found.append(span)
        mine = [(e.onset_s, e.offset_s) for e in true if e.channel == channel and e.kind != "blink"]
        blinks = [
            (e.onset_s, e.offset_s) for e in true if e.channel == channel and e.kind == "blink"
        ]
        if not with_blinks:
            found = [f for f in found if not any(f[0] < b[1] and f[1] > b[0] for b in blinks)]
        pair = np.array(found).reshape(-1, 2) - begin_s, np.array(mine).reshape(-1, 2) - begin_s
        scored.append((*pair, end_s - begin_s))
    return score_events(scored)


def _labels(bdf_path: Path) -> list[str]:
    import edfio

    return [signal.label for signal in edfio.read_bdf(bdf_path).signals]


if __name__ == "__main__":
    main()
