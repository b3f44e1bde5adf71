"""The command: which seeds, which detectors, what is printed and written."""

import argparse
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from benchmarks.spotting import detectors, faces, peers, real, speed, table
from benchmarks.spotting.detectors import Entry, Settings
from benchmarks.spotting.result import Result
from benchmarks.spotting.scores import tally

#: The slice on which peers are tuned: 3 recordings with expressions, 3 without, of seed 1.
_TUNING_SEED, _TUNING_EVERY = 1, 4


def score(
    entry: Entry, variant: str, settings: Settings, recordings: Sequence[faces.Recording]
) -> Result:
    """Run a detector with some settings on some recordings; what it raises is its result."""
    begin = time.process_time()
    tallies, failure = [], ""
    try:
        detect = entry.build(settings)
        for one in recordings:
            answer = detect(one.samples_uv.copy(), faces.RATE_HZ, faces.REST_S)
            tallies.append(tally(one, answer))
    except Exception as error:  # somebody else's program: anything may come
        tallies, failure = [], f"{type(error).__name__}: {error}"
    seconds = time.process_time() - begin
    return Result(entry.name, entry.version, variant, settings, seconds, tallies, failure)


def variants(entry: Entry) -> list[tuple[str, Settings]]:
    """List the settings that go into the table: its authors', and the tuned ones."""
    out: list[tuple[str, Settings]] = []
    if entry.defaults is not None:
        out.append(("defaults", entry.defaults))
    tuned = peers.TUNED.get(entry.name, {})
    return [*out, ("tuned", tuned)] if tuned else out


def tune(entries: Sequence[Entry], known: Sequence[faces.Template]) -> None:
    """Print what each combination of each grid scores on the tuning slice, and the best of it."""
    recordings = faces.make(_TUNING_SEED, every=_TUNING_EVERY, known=known)
    for entry in entries:
        results = [score(entry, "tried", c, recordings) for c in entry.choices() if c]
        good = [r for r in results if r.tallies]
        for r in sorted(good, key=lambda r: r.row.f1):
            print(f"  {r.row.f1:.4f} {r.row.false_per_min:7.2f}  {entry.name} {dict(r.settings)}")
        if good:
            best = max(good, key=lambda r: r.row.f1)
            print(f"best: {entry.name!r}: {dict(best.settings)!r}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks spotting", description=__doc__)
    parser.add_argument("--held-out", action="store_true", help="score the held-out seeds")
    parser.add_argument("--every", type=int, default=2, help="take every so manieth recording")
    parser.add_argument("--tune", action="store_true", help="try every grid on the tuning slice")
    parser.add_argument("--only", default="", help="only those with this word, and --detector")
    parser.add_argument(
        "--detector", action="append", default=[], help="MODULE:FUNCTION or FILE.py:FUNCTION"
    )
    parser.add_argument("--annotations", type=Path, default=faces.ANNOTATIONS)
    parser.add_argument("--write", action="store_true", help="write the table into the docs")
    args = parser.parse_args()
    if args.every < 1:
        parser.error(f"--every is {args.every}; a number from 1 was expected")
    if args.write and (not args.held_out or args.only):
        parser.error("--write is for all detectors on the held-out seeds: --held-out --write")
    try:
        args.entered = [detectors.entered(word) for word in args.detector]
    except ValueError as error:
        parser.error(str(error))
    return args


def main() -> None:
    """Score, print, and write where it was asked for."""
    args = _arguments()
    warnings.simplefilter("ignore")  # of other programs, thousands
    known, source = faces.templates(args.annotations)
    found = [*detectors.HOUSE, *peers.available()]
    # One that was entered by hand is always in.
    entries = [*(e for e in found if args.only.lower() in e.name.lower()), *args.entered]
    print(f"durations and channels: {source}", flush=True)
    if args.tune:
        tune(entries, known)
        return
    seeds = faces.HELD_OUT_SEEDS if args.held_out else faces.DEVELOPMENT_SEEDS
    recordings = [r for seed in seeds for r in faces.make(seed, every=args.every, known=known)]
    results = []
    for entry in entries:
        for variant, settings in variants(entry):
            results.append(score(entry, variant, settings, recordings))
            print(table.line(results[-1]), flush=True)
    checks = [_real(e) for e in entries if e.name in table.REAL] if real.FOLDER.is_dir() else []
    rows = [r for some in checks for r in some]
    text = table.whole(results, recordings, seeds, source, rows, speed.measured())
    print(text)
    if args.write:
        table.write(text)


def _real(entry: Entry) -> list[tuple[str, real.RealRow]]:
    """Check a detector on the real recordings, with the settings that stand in the table."""
    _, settings = variants(entry)[-1]
    return [
        (entry.name, real.check(entry.build({**settings, "mains_hz": one.mains_hz}), one))
        for one in real.read_all()
    ]
