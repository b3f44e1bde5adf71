"""Open files that were damaged at random: only recordings and refusals of one line may come out.

    python tests/reading/damage.py --n 20000 [--seed 0] [--only edf]

A small good file of every reader is mutated and opened in a process of its own, which may take
500 MB more than it has at its start. What came out is counted; what was wrong is printed with the
reader, the number of the mutation and the error, and never with the damaged file.
"""

import argparse
import gzip
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1])] * (__name__ == "__main__")

from reading import made  # noqa: E402 - as a script it has to be found first

MOST_BYTES = 500_000_000
MOST_S = 5.0
_WORDS = (b"-1", b"0", b"1e999", b"nan", b"inf", b"99999999999999999999", b"1e-300", b"\xff" * 8)


def mutated(good: bytes, rng: random.Random) -> bytes:
    """Damage a file in one to four places; the first 2000 bytes are as likely as all others."""
    out = bytearray(good)
    for _ in range(rng.randint(1, 4)):
        end = min(len(out), 2000) if rng.random() < 0.5 else len(out)
        at = rng.randrange(max(end, 1))
        rng.choice(_WAYS)(out, at, rng)
        if not out:
            break
    return bytes(out)


def _flip(out: bytearray, at: int, rng: random.Random) -> None:
    out[at] ^= 1 << rng.randrange(8)


def _cut(out: bytearray, at: int, rng: random.Random) -> None:
    del out[at:]


def _drop(out: bytearray, at: int, rng: random.Random) -> None:
    del out[at : at + rng.randint(1, 300)]


def _insert(out: bytearray, at: int, rng: random.Random) -> None:
    out[at:at] = rng.randbytes(rng.randint(1, 40))


def _double(out: bytearray, at: int, rng: random.Random) -> None:
    out[at:at] = out[at : at + rng.randint(1, 2000)]


def _swap(out: bytearray, at: int, rng: random.Random) -> None:
    n = rng.randint(1, 200)
    other = rng.randrange(len(out))
    one, two = bytes(out[at : at + n]), bytes(out[other : other + n])
    out[at : at + len(two)] = two
    out[other : other + len(one)] = one


def _zero(out: bytearray, at: int, rng: random.Random) -> None:
    n = rng.randint(1, 60)
    out[at : at + n] = bytes(min(n, len(out) - at))


def _fill(out: bytearray, at: int, rng: random.Random) -> None:
    n = rng.choice([1, 2, 4, 8])
    out[at : at + n] = b"\xff" * min(n, len(out) - at)


def _digit(out: bytearray, at: int, rng: random.Random) -> None:
    """Change the next digit."""
    for i in range(at, min(at + 400, len(out))):
        if 48 <= out[i] <= 57:
            out[i] = rng.choice(b"0123456789-.e")
            return


def _number(out: bytearray, at: int, rng: random.Random) -> None:
    """Put another number in place of the next one; the file keeps its length in half of all."""
    for i in range(at, min(at + 400, len(out))):
        if 48 <= out[i] <= 57:
            end = i
            while end < len(out) and out[end] in b"0123456789.":
                end += 1
            word = rng.choice(_WORDS)
            out[i:end] = word.ljust(end - i)[: end - i] if rng.random() < 0.5 else word
            return


_WAYS: tuple[Callable[[bytearray, int, random.Random], None], ...] = (
    _flip, _flip, _cut, _drop, _insert, _double, _swap, _zero, _fill, _digit, _digit, _number,
)  # fmt: skip


def good_files(folder: Path) -> dict[str, Path]:
    """Write a small good file of every reader."""
    one = made.take(700, 250, at=300, channels=8)
    two = made.take(700, 250, at=300)
    codes = [np.round(10 * column).astype(int) for column in two.values.T]
    tals = [made.tal(i, [("1.5", "0.5", b"BAD_x")], 90) for i in range(7)]
    files = {
        "edf": made.edf(folder / "a.edf", codes, 100, record_s=0.4),
        "edf-plus-d": made.edf(
            folder / "d.edf", codes, 100, record_s=1, tals=[tals], reserved="EDF+D"
        ),
        "bdf-plus": made.edf(folder / "a.bdf", codes, 100, tals=[tals], reserved="BDF+C"),
        "own": made.edf(folder / "own.bdf", codes, 100),
        "table": made.timed_table(folder / "a.csv", two),
        "table-index": made.table(
            folder / "i.csv", ["n", "a", "b"], [two.number % 256, *two.values.T],
            above="# sampling rate: 250 Hz\n", separator=";", decimal=",",
        ),
        "openbci-2": made.openbci(folder / "v2.txt", one, one.number % 256, 2),
        "openbci-4": made.openbci(folder / "v4.txt", one, one.number % 256, 4),
        "openbci-6": made.openbci(folder / "v6.txt", one, one.number % 256, 6),
        "brainflow": made.brainflow(folder / "bf.csv", one, one.number % 256),
        "sd-card": made.sd_card(folder / "sd.txt", one.number % 256, one.values * 100),
        "opensignals": made.opensignals(folder / "os.txt", two),
        "acqknowledge": made.acqknowledge(folder / "acq.txt", two),
        "uci": made.uci(folder / "uci.txt", two),
        "brainvision": made.brainvision(
            folder / "bv.vhdr", two.values * 10, 4000,
            markers=[made.segment(0, 0), "Stimulus,S 1,20,1,0", made.segment(300, 2.0)],
        ),
        "xdf": made.xdf(
            folder / "a.xdf",
            made.xdf_stream(1, 5 + two.time_s, two.values, rate_hz=250, channels=[("a", "uV")] * 2),
            made.xdf_stream(2, np.array([6.0]), ["hello"], kind="Markers"),
        ),
    }  # fmt: skip
    zipped = folder / "z.csv.gz"
    zipped.write_bytes(gzip.compress(files["table"].read_bytes(), mtime=0))
    (folder / "own.json").write_text(json.dumps(_sidecar()))
    return {**files, "gzip": zipped, **_of_libraries(folder, two)}


def _sidecar() -> dict[str, object]:
    rate = {"nominal_hz": 100.0, "measured_by_host_clock_hz": 100.01,
            "measured_by_board_clock_hz": None}  # fmt: skip
    labels = [{"label": "EMG 1"}, {"label": "EMG 2"}]
    return {"format": "emgrig recording 1", "rate": rate, "samples": {"padding": 20},
            "channels": labels, "is_simulated": False}  # fmt: skip


def _of_libraries(folder: Path, one: made.Take) -> dict[str, Path]:
    from scipy.io import savemat

    files = {}
    about = {"data": one.values, "fs": 250.0, "units": "mV", "labels": np.array(["a", "b"], object)}
    for name, more in (("mat-4", {"format": "4"}), ("mat-5", {}), ("mat-5-packed", {})):
        files[name] = folder / f"{name}.mat"
        content = {"data": one.values, "fs": 250.0} if name == "mat-4" else about
        savemat(files[name], content, do_compression=name.endswith("packed"), **more)
    try:
        import h5py
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return files
    files["parquet"] = folder / "a.parquet"
    pq.write_table(
        pa.table({"time_s": one.time_s, "a": one.values[:, 0], "b": one.values[:, 1]}),
        files["parquet"],
    )
    files["mat-7.3"] = folder / "h.mat"
    with h5py.File(files["mat-7.3"], "w", userblock_size=512) as file:
        for name, value in (("data", one.values.T), ("fs", np.array([[250.0]]))):
            file.create_dataset(name, data=value).attrs["MATLAB_class"] = np.bytes_("double")
    raw = bytearray(files["mat-7.3"].read_bytes())
    raw[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    files["mat-7.3"].write_bytes(raw)
    return files


#: Files of one recording: which of them is damaged, in turn.
_BESIDE = {"brainvision": (".vhdr", ".vmrk", ".eeg"), "own": (".bdf", ".json")}


def outcome(path: Path, told_hz: float | None) -> str:
    """Open a file and read all of it; return what came out, in a word."""
    from emgrig.errors import MissingExtra, RecordingError
    from emgrig.reading import open_recording

    try:
        found = open_recording(path, rate_hz=told_hz)
        n_wrong = sum(
            bool(np.isinf(values).any()) or values.shape != (found.n_samples,)
            for values in map(found.values, range(min(len(found.signals), 40)))
        )
        if n_wrong or not 0 < found.rate_hz < 1e9:
            return f"WRONG {n_wrong} signals, {found.rate_hz} Hz"
    except (RecordingError, MissingExtra) as error:
        return "WRONG lines" if "\n" in str(error) or len(str(error)) > 1000 else "refused"
    except ValueError as error:
        if told_hz is None or "--rate" not in str(error):
            raise
        return "refused"
    return "read"


def trial(name: str, good: Path, number: int, seed: int, folder: Path) -> str:
    """Damage a file by its number, and open it."""
    rng = random.Random(f"{seed} {name} {number}")
    suffixes = _BESIDE.get(name, (good.suffix,))
    for suffix in suffixes:
        (folder / good.name).with_suffix(suffix).write_bytes(good.with_suffix(suffix).read_bytes())
    which = suffixes[number % len(suffixes)]
    target = (folder / good.name).with_suffix(which)
    target.write_bytes(mutated(good.with_suffix(which).read_bytes(), rng))
    told_hz = 250.0 if number % 3 == 2 else None
    return in_words(lambda: outcome(folder / good.name, told_hz))


def in_words(reads: Callable[[], str]) -> str:
    """Read something; return what came out in a word, or what is wrong with it."""
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            out = reads()
        except Exception as error:
            at = error.__traceback__
            while at is not None and at.tb_next is not None:
                at = at.tb_next
            where = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else ""
            out = f"WRONG {type(error).__name__} in {where}: {error}"[:200]
    took_s = time.process_time() - begin
    return out if took_s < MOST_S else f"WRONG {out} after {took_s:.1f} s"


def _serve(pipe: Connection, files: dict[str, Path], seed: int) -> None:
    """Open what is asked for; the limit holds for what comes on top of the libraries."""
    import matio  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import pyxdf  # noqa: F401
    import scipy.io  # noqa: F401

    import emgrig.reading  # noqa: F401 - before the limit

    answer(pipe, lambda name, number, folder: trial(name, files[name], number, seed, folder))


def answer(pipe: Connection, tries: Callable[[str, int, Path], str]) -> None:
    """Do what is asked for until nothing is, within `MOST_BYTES` on top of what is held now."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_BYTES, now + MOST_BYTES))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # what the tests before it took, too
    with tempfile.TemporaryDirectory() as folder:
        while (asked := pipe.recv()) is not None:
            pipe.send(tries(*asked, Path(folder)))
            pipe.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) * 1024)


def run(n: int, seed: int, only: str = "") -> tuple[Counter[tuple[str, str]], list[str], int]:
    """Open `n` damaged files; returns what came out, what was wrong, and the most bytes on top."""
    with tempfile.TemporaryDirectory() as folder:
        files = good_files(Path(folder))
        files = {name: path for name, path in files.items() if name.startswith(only)}
        jobs = [(name, k) for k in range(-(-n // len(files))) for name in files][:n]
        return asked_of(jobs, lambda pipe: _serve(pipe, files, seed))


def asked_of(
    jobs: list[tuple[str, int]], serve: Callable[[Connection], None]
) -> tuple[Counter[tuple[str, str]], list[str], int]:
    """Have each job done by a process of its own, another one where it ended or hangs."""
    counted: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    peak = 0
    context = multiprocessing.get_context("fork")
    worker: multiprocessing.process.BaseProcess | None = None
    for name, number in jobs:
        if worker is None:
            pipe, other = context.Pipe()
            worker = context.Process(target=serve, args=(other,), daemon=True)
            worker.start()
            other.close()
        pipe.send((name, number))
        try:
            said = pipe.recv() if pipe.poll(60) else "WRONG no answer in 60 s"
            peak = max(peak, pipe.recv()) if not said.endswith("60 s") else peak
        except EOFError:
            worker.join(5)
            said = f"WRONG the process ended, {worker.exitcode}"
        if said.startswith(("WRONG no answer", "WRONG the process")):
            worker.kill()
            worker = None
        counted[name, said.split()[0]] += 1
        if said.startswith("WRONG"):
            wrong.append(f"{name} {number}: {said}")
            print(wrong[-1], flush=True)
    if worker is not None:
        pipe.send(None)
        worker.join()
    return counted, wrong, peak


def report(counted: Counter[tuple[str, str]], peak: int, took_s: float) -> None:
    """Print what came out of each kind of file."""
    for name in sorted({name for name, _ in counted}):
        read, refused, bad = (counted[name, word] for word in ("read", "refused", "WRONG"))
        print(f"{name:14} {read:6} read {refused:6} refused {bad:4} wrong")
    total = sum(counted.values())
    print(f"{total} files in {took_s:.0f} s, at most {peak / 1e6:.0f} MB more than at the start")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    begin = time.monotonic()
    counted, wrong, peak = run(args.n, args.seed, args.only)
    report(counted, peak, time.monotonic() - begin)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
