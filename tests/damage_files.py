"""Read files of every kind but recordings (tests/reading/damage.py has those), damaged at random.

    python tests/damage_files.py --n 3000 [--seed 0] [--only capture]

`--n` is for each reader. What may come out is what the file says or a refusal of one line: no other
error, no more than 500 MB on top of what the libraries take, no more than 5 s. A capture is
converted, and its account must be exact: what was received is in the files, and what is missing is
said.
"""

import argparse
import contextlib
import datetime as dt
import io
import json
import math
import os
import random
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)] * (__name__ == "__main__")

from json_damage import damaged  # noqa: E402 - as a script it has to be found first
from reading.damage import answer, asked_of, in_words, mutated, report  # noqa: E402

NOW = dt.datetime.now(dt.UTC)  # the certificate is made now
Read = Callable[[Path], None]
Damage = Callable[[bytes, random.Random], bytes]
_NUMBERS = (
    "-1", "0", "1e999", "nan", "inf", "-inf", "9" * 30, "9" * 400, "1e308", "1e-320", "1,5", "true",
    '""', "[]", "x", "2026-13-45", "\x1b[31m", "../..", "é" * 50, "\x00",
)  # fmt: skip


def _in_text(good: bytes, rng: random.Random) -> bytes:
    """Put other numbers and words into a text, take lines out, double them; or damage its bytes."""
    if rng.random() < 0.3:
        return mutated(good, rng)
    text = good.decode("utf-8", "replace")
    for _ in range(rng.randint(1, 3)):
        found = list(re.finditer(r"-?\d+(\.\d+)?|[A-Za-z_]{2,}", text))
        lines = text.split("\n")
        which = rng.randrange(len(lines))
        way = rng.randrange(5)
        if way < 3 and found:
            one = rng.choice(found)
            text = text[: one.start()] + rng.choice(_NUMBERS) + text[one.end() :]
        elif way == 3:
            text = "\n".join([*lines[:which], *lines[which + 1 :]])
        else:
            text = "\n".join([*lines[:which], rng.choice(lines), *lines[which:]])
    return text.encode("utf-8", "surrogatepass")


def _in_json(good: bytes, rng: random.Random) -> bytes:
    """Damage JSON in one of the ways of `json_damage`: bytes, or values that are others."""
    return list(damaged(good.decode(), 2, rng.randrange(1 << 30)))[rng.randrange(2)]


def _in_zip(good: bytes, rng: random.Random) -> bytes:
    """Damage one of the files in a zip, in its text more often than in its bytes."""
    if rng.random() < 0.3:
        return mutated(good, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(out, "w", 8) as new:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            content = old.read(name)
            if name == chosen:
                if rng.random() < 0.1:
                    continue
                content = _in_text(content, rng)
            new.writestr(name, content)
    return out.getvalue()


def _in_notes(good: bytes, rng: random.Random) -> bytes:
    """Damage what the notes of a capture say, and leave its records whole."""
    from emgrig.driver.captures.capture import CaptureReader, RecordKind, _encode

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.capture")
        path.write_bytes(good)
        records = list(CaptureReader(path))
    notes = [i for i, record in enumerate(records) if record.kind is RecordKind.NOTE]
    chosen = set(rng.sample(notes, min(len(notes), rng.randint(1, 2))))
    first = good[: good.index(_encode(records[0].kind, records[0].time_us, records[0].payload))]
    return first + b"".join(
        _encode(
            record.kind,
            record.time_us,
            _in_json(record.payload, rng) if i in chosen else record.payload,
        )
        for i, record in enumerate(records)
    )


# Readers. What a caller would do with what was read is done too.


def _converted(path: Path) -> None:
    """Convert, and hold the account against itself and against the files."""
    from emgrig.recording.convert import convert
    from emgrig.recording.export.source import open_parts
    from emgrig.recording.facts import Kind

    made = convert(path, path.with_name("out.bdf"), overwrite=True)
    totals = made.totals
    assert totals.produced == totals.received + totals.lost, "the account is not whole"
    received = 0
    for part in open_parts(list(made.bdf_paths)):
        samples = part.section("samples")
        # What the file really holds beside what its annotations call filled and padding.
        not_measured = (Kind.GAP, Kind.PADDING)
        n_bad = sum(one.n_samples for one in part.annotations if one.fact.kind in not_measured)
        assert part.n_samples == samples["total"], "another length than it says"
        assert samples["received"] == part.n_samples - n_bad, "marks and numbers differ"
        received += int(samples["received"])
    assert received == totals.received - totals.unused, "received and not in the files"


def _replayed(path: Path) -> None:
    import emgrig

    with emgrig.connect(f"replay:{path}") as board, board.stream() as stream:
        for number, block in enumerate(stream):
            assert block.volts.shape == block.codes.shape
            if number > 300:
                break


def _sidecar(path: Path) -> None:
    from emgrig.recording.export.source import open_parts
    from emgrig.recording.export.tables import write_csv
    from emgrig.tools.sync.read import read_source

    (part,) = open_parts([path.with_suffix(".bdf")])
    assert part.registers
    write_csv(part, path.with_name("out.csv"))
    read_source(path.with_suffix(".bdf"))


def _bids(path: Path) -> None:
    from emgrig.recording.export.bids import BidsOptions, export_bids
    from emgrig.recording.export.source import open_parts

    parts = open_parts([path.with_suffix(".bdf")])
    export_bids(parts, path.with_name(f"bids{time.monotonic_ns()}"), BidsOptions("01", "faces"))


def _tube(path: Path) -> None:
    from emgrig.analysis.clocks.tube_table import on_screen
    from emgrig.tools.sync.read import read_source

    on_screen(read_source(path.with_name("good.bdf")).table)


def _session(path: Path) -> None:
    from emgrig.experiment.files.record import differences, read_record

    record = read_record(path)
    for channel in range(1, 9):
        record.best_uv(channel)
        record.with_mvc(channel, "maximum")
    differences(record.plan, {"a": 1})


def _certificate(path: Path) -> None:
    from emgrig.calibration.certificate.certificate_file import read_certificate, sidecar_entry

    found = read_certificate(path)
    json.dumps(sidecar_entry(found, is_applied=True), allow_nan=False)
    found.check("SIM-0004", NOW, is_simulated=True)
    found.gain_of(1, 24)


def _check(path: Path) -> None:
    from emgrig.electrodes.check_file import last_check

    found = last_check("SIM-0004", is_simulated=True, now=NOW, folder=path.parent)
    json.dumps(None if found is None else found.to_json(), allow_nan=False)


def _plan(path: Path) -> None:
    from emgrig.experiment.course.order import clip_order
    from emgrig.experiment.files.plan import check_clips, load_plan

    plan = load_plan(path)
    clip_order(plan.part_b.clips, plan.part_b.seed, plan.participant.number)
    plan.content()
    check_clips(plan)


def _script(path: Path) -> None:
    from emgrig.experiment.participant import load_script

    load_script(str(path))


def _profile(path: Path) -> None:
    from emgrig.driver.chip.profile import load_profile

    load_profile(path).settings((8,))


def _limits(path: Path) -> None:
    from emgrig.hil_tests.judging.limits import load_limits

    load_limits(path)


def _lights(path: Path) -> None:
    from emgrig.electrodes.lights import Limits
    from emgrig.filemodel import load

    load(path, Limits, "limits")


def _annotations(path: Path) -> None:
    from emgrig.analysis.paper.annotations import read_annotations, recordings

    recordings(read_annotations(path))


def _results(path: Path) -> None:
    from emgrig.analysis.paper.annotations import read_results

    read_results(path)


def _elan(path: Path) -> None:
    from emgrig.analysis.report.elan import read_elan

    for marks in read_elan(path).values():
        assert all(math.isfinite(mark[0]) and math.isfinite(mark[1]) for mark in marks)


def _events(path: Path) -> None:
    from emgrig.view.events import Events, read_events

    Events([60.0], read_events(path)).of(0)


def _readings(path: Path) -> None:
    from emgrig.tools.sync.read import read_readings

    read_readings(path)


def _frames(path: Path) -> None:
    from emgrig.tools.sync.read import read_frames, read_times

    for read in (read_frames, read_times):
        read(path)


def _amplifiers(path: Path) -> None:
    from emgrig.comparison.amplifiers import load_amplifiers

    load_amplifiers([path])


def _description(path: Path) -> None:
    from emgrig.tools.compare.read import open_source

    source = open_source(path.with_name("long.csv"), path)
    source.track(source.labels[0])


def _table(path: Path) -> None:
    from emgrig.recording.export.bids_table import merged

    merged(path, [{"participant_id": "sub-01", "age": "30"}])


READERS: dict[str, tuple[str, Damage, Read]] = {
    "capture": ("good.capture", mutated, _converted),
    "capture-notes": ("good.capture", _in_notes, _converted),
    "capture-replay": ("good.capture", mutated, _replayed),
    "notes-replay": ("good.capture", _in_notes, _replayed),
    "sidecar": ("good.json", _in_json, _sidecar),
    "sidecar-bids": ("good.json", _in_json, _bids),
    "tube": ("good_tube.tsv", _in_text, _tube),
    "session": ("session.json", _in_json, _session),
    "certificate": ("certificate.json", _in_json, _certificate),
    "contact-check": ("board-SIM-0004.json", _in_json, _check),
    "plan": ("plan.toml", _in_text, _plan),
    "script": ("script.toml", _in_text, _script),
    "profile": ("profile.toml", _in_text, _profile),
    "limits": ("limits.toml", _in_text, _limits),
    "lights": ("lights.toml", _in_text, _lights),
    "annotations": ("annotations.xlsx", _in_zip, _annotations),
    "results": ("results.xlsx", _in_zip, _results),
    "elan": ("marks.eaf", _in_text, _elan),
    "events": ("events.tsv", _in_text, _events),
    "readings": ("readings.csv", _in_text, _readings),
    "frames": ("frames.csv", _in_text, _frames),
    "amplifiers": ("amplifiers.csv", _in_text, _amplifiers),
    "description": ("good.toml", _in_text, _description),
    "participants": ("participants.tsv", _in_text, _table),
}
#: Read beside the one that is damaged.
_BESIDE = ("good.bdf", "good.json", "good_tube.tsv", "long.csv", "good.capture")


def good_files(folder: Path) -> None:
    """Write a small good file for each reader."""
    import emgrig
    from emgrig.tools import cli
    from exported import record_face
    from session_plans import plan_text, write_plan

    record_face(folder / "good.bdf", seconds=0.6)
    before = os.environ.get("XDG_DATA_HOME"), sys.argv
    os.environ["XDG_DATA_HOME"] = str(folder / "data")
    try:
        for line in (
            f"calibrate gain sim:seed=4 --gains 24 --save --calibration {folder}/certificate.json",
            "electrodes sim:seed=4 --channels 1 --seconds 0.5",
        ):
            sys.argv = ["emgrig", *line.split()]
            with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
                cli.main()
    finally:
        sys.argv = before[1]
        os.environ.pop("XDG_DATA_HOME")
        if before[0] is not None:
            os.environ["XDG_DATA_HOME"] = before[0]
    name = "board-SIM-0004.json"
    (folder / name).write_bytes((folder / "data/emgrig/contact" / name).read_bytes())
    sidecar = json.loads((folder / "good.json").read_text())
    sidecar["contact"] = json.loads((folder / name).read_text())
    (folder / "good.json").write_text(json.dumps(sidecar))
    at = Path(emgrig.__file__).parent
    for target, source in (
        ("profile.toml", "driver/chip/profiles/facial-emg.toml"),
        ("limits.toml", "hil_tests/judging/limits.toml"),
    ):
        (folder / target).write_bytes((at / source).read_bytes())
    (folder / "session.json").write_text(json.dumps(_SESSION))
    write_plan(folder, plan_text())
    (folder / "script.toml").write_text(_SCRIPT)
    (folder / "lights.toml").write_text("green_ohm = 10e3\nyellow_ohm = 30e3\nhysteresis = 0.1\n")
    (folder / "good.toml").write_text(
        'rate_hz = 1000\nunit = "uV"\nresponse = "flat"\ndelay_s = 0\n'
    )
    (folder / "long.csv").write_text("a\n" + "".join(f"{i * 37 % 101}\n" for i in range(2500)))
    (folder / "events.tsv").write_text("onset\tduration\ttrial_type\tchannel\n1\t0.3\tmicro\tc1\n")
    (folder / "readings.csv").write_text("".join(f"{i * 33}, {i * 2}\n" for i in range(60)))
    (folder / "frames.csv").write_text("".join(f"{i}, {i * 0.033:.3f}\n" for i in range(60)))
    (folder / "participants.tsv").write_text("participant_id\tage\nsub-01\tn/a\nsub-02\t25\n")
    (folder / "amplifiers.csv").write_text(_AMPLIFIERS)
    _sheets(folder)


def _sheets(folder: Path) -> None:
    from openpyxl import Workbook

    from emgrig.analysis.paper.annotations import Expression, write_annotations
    from emgrig.analysis.report.elan import write_elan

    write_annotations(folder / "annotations.xlsx", [
        Expression(i + 2, 1, 1, 1 + i % 7, 1.0 + i, 1.1 + i, 1.4 + i,
                   1000 + i * 1000, 1100 + i * 1000, 1400 + i * 1000)
        for i in range(20)
    ])  # fmt: skip
    book = Workbook()
    for i in range(12):
        book.active.append([i + 0.5 * k for k in range(15)])
    book.save(folder / "results.xlsx")
    write_elan(folder / "marks.eaf", {"smile": [(1.0, 2.0, "a"), (3.0, 3.5, "b")]})


_AMPLIFIERS = "id,name,maker,status,source\nx1,An amplifier,Somebody,C,a page\n"
_SCRIPT = """seed = 0
delay_s = 0.3
level_low = 0.9
level_high = 1.0
weak = ["c2.1", "c6.3"]
weak_level = 0.01
wrong = ["c4.2"]
decide = "accept"
clip_s = 60.0
"""
_SESSION = {
    "format": "emgrig session 1", "participant": "P01", "plan": {"part_a": {"x": [1, 2]}},
    "order": ["a", "b"], "is_simulated": True, "board": "SIM-0000",
    "runs": [{"number": 1, "file": "P01.bdf", "begin_unix_s": 1.0}],
    "contractions": [{"channel": 1, "repetition": 1, "attempt": 1, "begin_unix_s": 1.0,
                      "end_unix_s": 2.0, "peak_uv": 100.0, "rest_uv": 2.0, "is_accepted": True,
                      "problem": "", "decided_by": "rule"}],
    "skipped": [[1, 2]],
    "trials": [{"trial": 1, "clip": "a", "emotion": "joy", "begin_unix_s": 1.0, "end_unix_s": 2.0,
                "key_s": [0.5], "rating": 3, "attempt": 1, "is_skipped": False}],
    "mvc": [{"channel": 1, "uv": 100.0, "rule": "maximum", "n_repetitions": 1}],
    "is_complete": False,
}  # fmt: skip


def _lay(folder: Path, good: Path) -> None:
    """Put what is read beside a damaged file where it is looked for."""
    for beside in _BESIDE:
        (folder / beside).write_bytes((good / beside).read_bytes())
    if not (folder / "clips").exists():
        shutil.copytree(good / "clips", folder / "clips")


def trial(name: str, number: int, good: Path, folder: Path, seed: int) -> str:
    """Damage a file by its number, and read it."""
    file, damage, read = READERS[name]
    for old in folder.glob("*.*"):
        if old.is_file():
            old.unlink()
    _lay(folder, good)
    rng = random.Random(f"{seed} {name} {number}")
    (folder / file).write_bytes(damage((good / file).read_bytes(), rng))
    return in_words(lambda: _outcome(read, folder / file))


def _outcome(read: Read, path: Path) -> str:
    from emgrig.errors import EmgrigError

    try:
        read(path)
    except (EmgrigError, ValueError) as error:
        words = str(error)
        is_plain = "\n" not in words and len(words) <= 1500 and words
        return "refused" if is_plain else f"WRONG words {words[:150]!r}"
    return "read"


def run(n_each: int, seed: int, only: str = "") -> tuple[Counter[tuple[str, str]], list[str], int]:
    """Damage and read each kind of file so often; as `reading.damage.run`."""
    names = [name for name in READERS if name.startswith(tuple(only.split(",")))]
    jobs = [(name, k) for name in names for k in range(n_each)]
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder)
        good_files(good)

        def serve(pipe: Connection) -> None:
            for name in names:  # what is imported is not what a file costs
                with tempfile.TemporaryDirectory() as warm:
                    _warm(name, good, Path(warm))
            answer(pipe, lambda name, number, here: trial(name, number, good, here, seed))

        return asked_of(jobs, serve)


def _warm(name: str, good: Path, folder: Path) -> None:
    file, _, read = READERS[name]
    _lay(folder, good)
    (folder / file).write_bytes((good / file).read_bytes())
    said = in_words(lambda: _outcome(read, folder / file))
    assert said == "read", f"{name} undamaged: {said}"


def main() -> int:
    """Read them all; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=3000, help="of each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="how names begin, with commas between")
    args = parser.parse_args()
    begin = time.monotonic()
    counted, wrong, peak = run(args.n, args.seed, args.only)
    report(counted, peak, time.monotonic() - begin)
    print(f"{len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
